"""beta-VAE weighs the KL term, and does nothing else."""

from __future__ import annotations

import pytest
import torch

from dlib import networks
from dlib.data import Batch
from dlib.models import VAE, BetaVAE, Loss


def step(method: VAE) -> Loss:
    networks.initialise(method, torch.Generator().manual_seed(0))
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    (loss,) = method.losses(Batch(images), torch.Generator().manual_seed(2))
    loss.value.backward()
    return loss


def test_beta_of_one_is_the_vae() -> None:
    vae, beta_vae = (
        VAE(networks.conv(3, size=16)),
        BetaVAE(networks.conv(3, size=16), beta=1),
    )
    first, second = step(vae), step(beta_vae)
    assert torch.equal(first.value, second.value)
    assert first.logs == second.logs
    for p, q in zip(vae.parameters(), beta_vae.parameters(), strict=True):
        assert torch.equal(p.grad, q.grad)


@pytest.mark.parametrize("beta", [0.0, 4.0, 60.0])
def test_the_loss_is_eq_8(beta: float) -> None:
    loss = step(BetaVAE(networks.conv(3, size=16), beta=beta))
    wanted = loss.logs["nll"] + beta * loss.logs["kl"]
    torch.testing.assert_close(loss.value.detach(), wanted)
    assert loss.logs["kl"] > 0


def test_beta_changes_the_gradient() -> None:
    small = BetaVAE(networks.conv(3, size=16), beta=1)
    large = BetaVAE(networks.conv(3, size=16), beta=100)
    step(small), step(large)
    last = "encoder.11.weight"
    assert not torch.equal(
        small.get_parameter(last).grad, large.get_parameter(last).grad
    )


def test_a_negative_beta_is_refused() -> None:
    with pytest.raises(ValueError, match="beta must not be negative, got -1"):
        BetaVAE(networks.conv(3, size=16), beta=-1)
