"""Spectral normalisation, Miyato et al. (2018): layers that stretch nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional


class SpectralNorm(nn.Module):
    """A layer whose weight is divided by its largest singular value.

    The singular value is estimated by power iteration: Miyato et al. (2018),
    Algorithm 1. The weight W of a convolution is read as a matrix with a row for each
    output channel. A buffer u goes along with it, and the estimate is ``|W^T u|``,
    whose gradient takes u as given. torch's own moves u whenever it is called in
    training; here a call changes nothing, so that encoding twice is the same, and
    :func:`follow` moves u once a step.

    Parameters
    ----------
    layer : nn.Linear or nn.Conv2d
        Keeps its own weight; the bias is not normalised.
    """

    u: Tensor

    def __init__(self, layer: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        self.layer = layer
        # Any start will do that is not at right angles to what is looked for.
        self.register_buffer(
            "u", functional.normalize(torch.ones(len(layer.weight)), dim=0)
        )

    def forward(self, input: Tensor) -> Tensor:
        """What the layer would make of its input with a weight of norm one."""
        weight = self.layer.weight
        # Under autocast the product would be rounded to half precision.
        with torch.autocast(weight.device.type, enabled=False):
            norm = (self.u @ weight.flatten(1)).norm()
            normalised = weight / norm.clamp_min(1e-12)
        return functional_call(self.layer, {"weight": normalised}, (input,))

    @torch.no_grad()
    def iterate(self) -> None:
        """One power iteration."""
        weight = self.layer.weight.flatten(1)
        with torch.autocast(weight.device.type, enabled=False):
            v = functional.normalize(self.u @ weight, dim=0)
            self.u.copy_(functional.normalize(weight @ v, dim=0))


def spectral(network: nn.Sequential) -> nn.Sequential:
    """The same layers, each linear or convolutional one in a :class:`SpectralNorm`."""
    layers: list[nn.Module] = []
    for layer in network:
        if isinstance(layer, nn.Sequential):
            layer = spectral(layer)
        elif isinstance(layer, (nn.Linear, nn.Conv2d)):
            layer = SpectralNorm(layer)
        layers.append(layer)
    return nn.Sequential(*layers)


def follow(module: nn.Module) -> None:
    """Let every estimate in a module follow its weight: once a training step."""
    for part in module.modules():
        if isinstance(part, SpectralNorm):
            part.iterate()
