"""The autoencoder reconstructs, from a point."""

from __future__ import annotations

import torch

from dlib import networks
from dlib.losses import bernoulli_nll
from dlib.models import Autoencoder


def test_the_loss_is_the_reconstruction_alone_and_has_no_noise() -> None:
    method = Autoencoder(networks.conv(3, size=16))
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    (loss,) = method.losses(images, torch.Generator().manual_seed(2))
    (again,) = method.losses(images, torch.Generator().manual_seed(3))
    logits = method.decoder(method.encode(images).mean)
    wanted = bernoulli_nll(logits, images).mean()
    assert torch.equal(loss.value, wanted) and torch.equal(again.value, wanted)
    assert set(loss.logs) == {"nll"}


def test_log_variances_are_not_trained() -> None:
    method = Autoencoder(networks.conv(3, size=16))
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    (loss,) = method.losses(images, torch.Generator())
    loss.value.backward()
    gradient = method.get_parameter("encoder.11.weight").grad
    assert gradient[:3].any() and not gradient[3:].any()
