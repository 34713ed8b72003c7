"""beta-TCVAE: which part of the KL term weighs beta."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib import losses, networks
from dlib.data import Batch, TwinDSprites
from dlib.models import VAE, BetaTCVAE
from dlib.models.vae import reparametrise
from dlib.training import fit


def build(**options: object) -> BetaTCVAE:
    method = BetaTCVAE(networks.conv(3, size=16), **options)
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def batch() -> Batch:
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    return Batch(images, population=5000)


def value(method: VAE) -> Tensor:
    (loss,) = method.losses(batch(), torch.Generator().manual_seed(2))
    return loss.value


@pytest.mark.parametrize("sampling", ["weighted", "stratified"])
def test_the_loss_is_eq_4(sampling: str) -> None:
    """Weights of 1, beta and 1 on the three parts, whose sum has a closed form."""
    method = build(beta=6.0, sampling=sampling)
    posterior = method.posterior(batch().images)
    codes = reparametrise(posterior, torch.Generator().manual_seed(2))
    tc = losses.total_correlation(codes, *posterior, 5000, sampling)
    plain = VAE(networks.conv(3, size=16))
    networks.initialise(plain, torch.Generator().manual_seed(0))
    torch.testing.assert_close(value(method), value(plain) + 5 * tc)


def test_beta_of_one_is_a_vae() -> None:
    plain = VAE(networks.conv(3, size=16))
    networks.initialise(plain, torch.Generator().manual_seed(0))
    assert torch.equal(value(build(beta=1.0)), value(plain))


def test_fit_tells_it_the_population() -> None:
    method, data = build(beta=4.0), TwinDSprites(16)
    history = fit(
        method, data, steps=50, batch_size=16, device="cpu", progress=False, seed=3
    )
    assert len(data) == 737_280
    assert history.terms["nll"][-1] is not None
    with pytest.raises(ValueError, match="at least the batch's 8; got 0"):
        next(method.losses(batch()._replace(population=0), torch.Generator()))


def test_it_has_less_total_correlation_than_a_vae() -> None:
    found = []
    for beta in (1.0, 20.0):
        history = fit(
            build(beta=beta),
            TwinDSprites(16),
            steps=400,
            learning_rate=3e-3,
            device="cpu",
            progress=False,
        )
        found.append(history.terms["tc"][-1])
    assert found[1] < found[0] - 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": -2.0}, "beta must not be negative, got -2"),
        ({"sampling": "full"}, "weighted.*stratified.*got 'full'"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)
