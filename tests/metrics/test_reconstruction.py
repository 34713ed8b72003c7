"""Reconstruction error per pixel."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from dlib import metrics


class Rounding(nn.Module):
    """Keeps the top half of the picture as its code; decodes the rest as grey."""

    latent_dim = 8

    def encode(self, images: Tensor) -> Tensor:
        assert not torch.is_grad_enabled()
        return images[:, :, :2].flatten(1)

    def decode(self, codes: Tensor) -> Tensor:
        top = codes.view(-1, 1, 2, 4)
        return torch.cat([top, torch.full_like(top, 0.5)], dim=2)


def test_the_mean_over_pixels_of_both_errors() -> None:
    images = torch.randint(0, 2, (7, 1, 4, 4)).to(torch.uint8) * 255
    score = metrics.reconstruction(Rounding(), images, batch_size=3)
    # Half of the pixels are right, half are 0.5 away from a 0 or a 1.
    assert score.value == pytest.approx(0.5 * 0.25)
    assert score["bernoulli"] == pytest.approx(0.5 * math.log(2), abs=1e-6)
    coin = metrics.reconstruction(Rounding(), images / 255.0, kind="bernoulli")
    assert coin.value == pytest.approx(score["bernoulli"])


def test_the_methods_mode_is_left_as_it_was() -> None:
    method = Rounding().train()
    metrics.reconstruction(method, torch.zeros(2, 1, 4, 4))
    assert method.training


def test_wrong_use_is_explained() -> None:
    with pytest.raises(ValueError, match="kind must be squared or bernoulli"):
        metrics.reconstruction(Rounding(), torch.zeros(2, 1, 4, 4), kind="l1")
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]; divide by 255"):
        metrics.reconstruction(Rounding(), torch.full((2, 1, 4, 4), 200.0))
    with pytest.raises(ValueError, match="no picture has been counted"):
        metrics.reconstruction(Rounding(), torch.zeros(0, 1, 4, 4))
    with pytest.raises(ValueError, match=r"shape \(2, 1, 6, 4\), got \(2, 1, 4, 4\)"):
        metrics.reconstruction(Rounding(), torch.zeros(2, 1, 6, 4))
