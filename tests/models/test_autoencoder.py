"""The autoencoder reconstructs, from a point."""

from __future__ import annotations

import pytest
import torch

from dlib import networks
from dlib.data import Batch
from dlib.losses import bernoulli_nll
from dlib.models import VAE, Autoencoder


def test_the_loss_is_the_reconstruction_alone_and_has_no_noise() -> None:
    method = Autoencoder(networks.conv(3, size=16, heads=1))
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    (loss,) = method.losses(Batch(images), torch.Generator().manual_seed(2))
    (again,) = method.losses(Batch(images), torch.Generator().manual_seed(3))
    logits = method.decoder(method.encode(images))
    wanted = bernoulli_nll(logits, images).mean()
    assert torch.equal(loss.value, wanted) and torch.equal(again.value, wanted)
    assert set(loss.logs) == {"nll"}


def test_every_weight_is_trained() -> None:
    method = Autoencoder(networks.conv(3, size=16, heads=1))
    networks.initialise(method, torch.Generator().manual_seed(0))
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    (loss,) = method.losses(Batch(images), torch.Generator())
    loss.value.backward()
    assert all(p.grad is not None and p.grad.any() for p in method.parameters())
    assert method.encode(images).shape == (8, 3)


def test_it_has_no_posterior() -> None:
    with pytest.raises(TypeError, match="its codes are encode"):
        Autoencoder(networks.conv(3, size=16, heads=1)).posterior(torch.zeros(1))


def test_an_encoder_with_other_heads_is_refused() -> None:
    with pytest.raises(ValueError, match=r"heads=1\), got one with 2"):
        Autoencoder(networks.conv(3, size=16))
    with pytest.raises(ValueError, match=r"heads=2\), got one with 1"):
        VAE(networks.conv(3, size=16, heads=1))
