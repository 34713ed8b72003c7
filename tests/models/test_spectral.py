"""Spectral normalisation against the singular value decomposition."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dlib import networks
from dlib.models.spectral import SpectralNorm, follow, spectral


def settled(layer: nn.Module) -> SpectralNorm:
    norm = SpectralNorm(layer)
    networks.initialise(norm, torch.Generator().manual_seed(0))
    for _ in range(300):
        norm.iterate()
    return norm


@pytest.mark.parametrize(
    ("layer", "shape"),
    [(nn.Linear(7, 5), (3, 7)), (nn.Conv2d(3, 6, 4, stride=2), (2, 3, 8, 8))],
    ids=["linear", "convolution"],
)
def test_the_weight_s_largest_singular_value_becomes_one(
    layer: nn.Linear | nn.Conv2d, shape: tuple[int, ...]
) -> None:
    norm = settled(layer)
    matrix = layer.weight.detach().flatten(1)
    largest = torch.linalg.svdvals(matrix)[0]
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    wanted = layer(inputs)
    bias = layer.bias.view(-1, *[1] * (wanted.ndim - 2))
    torch.testing.assert_close(norm(inputs), (wanted - bias) / largest + bias)


def test_the_gradient_is_that_of_the_normalised_weight() -> None:
    """d/dW of <G, W / sigma(W)>, with torch's own derivative of the norm."""
    norm = settled(nn.Linear(4, 3, bias=False))
    inputs = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    ahead = torch.randn(6, 3, generator=torch.Generator().manual_seed(2))
    (norm(inputs) * ahead).sum().backward()
    weight = norm.layer.weight.detach().clone().requires_grad_()
    normalised = weight / torch.linalg.matrix_norm(weight, 2)
    ((inputs @ normalised.T) * ahead).sum().backward()
    torch.testing.assert_close(norm.layer.weight.grad, weight.grad)


def test_a_call_changes_nothing_and_follow_moves_every_estimate() -> None:
    network = spectral(networks.info_gan(3, 1, 16).encoder)
    networks.initialise(network, torch.Generator().manual_seed(0))
    norms = [m for m in network.modules() if isinstance(m, SpectralNorm)]
    assert len(norms) == 7  # four convolutions, one layer, two of the head's
    before = [norm.u.clone() for norm in norms]
    images = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    assert torch.equal(network(images), network(images))  # in training mode
    assert all(torch.equal(n.u, u) for n, u in zip(norms, before, strict=True))
    follow(network)
    assert not any(torch.equal(n.u, u) for n, u in zip(norms, before, strict=True))
    assert all(float(norm.u.norm()) == pytest.approx(1, abs=1e-5) for norm in norms)


def test_estimates_keep_their_precision_under_autocast(device: torch.device) -> None:
    norm = SpectralNorm(networks.FullPrecisionLinear(40, 30)).to(device)
    other = SpectralNorm(networks.FullPrecisionLinear(40, 30)).to(device)
    other.load_state_dict(norm.state_dict())
    inputs = torch.randn(5, 40, device=device)
    norm.iterate()
    with torch.autocast(device.type, dtype=torch.bfloat16):
        other.iterate()
        found = other(inputs)
    assert torch.equal(other.u, norm.u) and torch.equal(found, norm(inputs))
