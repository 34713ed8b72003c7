"""What the page's explorer and the exporter need of a decoder: plain layers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

Activation = Literal["sigmoid", "tanh", "identity"]

ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": lambda values: (values.tanh() + 1) / 2,
    "identity": lambda values: values.clamp(0, 1),
}


class PageDecoder(NamedTuple):
    """A decoder as a list of layers, and what makes their output a picture.

    ``layers`` map codes, (n, latent_dim), to values, (n, c, h, w). ``activation``
    maps the values to [0, 1]: ``"sigmoid"``; ``"tanh"``, which is
    ``(tanh(x) + 1) / 2``; or ``"identity"``, which clamps.
    """

    layers: nn.Sequential
    activation: Activation

    def decode(self, codes: Tensor) -> Tensor:
        """Pictures in [0, 1], (n, c, h, w), of codes, (n, latent_dim)."""
        return ACTIVATIONS[self.activation](self.layers(codes).float())


def page_decoder(decoder: nn.Module, activation: Activation) -> PageDecoder:
    """A method's decoder in evaluation mode, as few and plain layers as can be.

    Nested ``Sequential`` are flattened, dropout is left out, and each batch
    normalisation is folded into the layer before it, as its running statistics
    allow. The result is a copy: ``decoder`` stays as it is.

    Parameters
    ----------
    decoder : nn.Module
        Maps codes, (n, latent_dim), to values, (n, c, h, w).
    activation : {"sigmoid", "tanh", "identity"}
        What makes the values a picture in [0, 1], as in :class:`PageDecoder`. A
        last ``Sigmoid`` or ``Tanh`` of the decoder counts as this activation, and
        is not applied twice; where pictures leave a last ``Sigmoid`` as they are,
        ``"identity"`` and ``"sigmoid"`` say the same.

    Returns
    -------
    PageDecoder
        Its layers are in evaluation mode, on the decoder's device, and ask for no
        gradient.

    Raises
    ------
    ValueError
        If the activation is unknown, or a batch normalisation has no running
        statistics or no layer before it to be folded into.

    Notes
    -----
    A batch normalisation with weight g and bias b, running mean m and variance v
    turns ``Wx + a`` into ``sWx + s(a - m) + b`` with ``s = g / sqrt(v + eps)``:
    Ioffe & Szegedy (2015), section 3.1.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(
            f"activation must be one of {', '.join(ACTIVATIONS)}, got {activation!r}"
        )
    layers: list[nn.Module] = []
    for layer in _flat(decoder):
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
            _fold(layer, layers)
        elif not isinstance(layer, (_DropoutNd, nn.Identity)):
            layers.append(copy.deepcopy(layer))
    match layers, activation:
        case [*_, nn.Sigmoid()], "sigmoid" | "identity":
            layers, activation = layers[:-1], "sigmoid"
        case [*_, nn.Tanh()], "tanh":
            layers = layers[:-1]
    plain = nn.Sequential(*layers).eval().requires_grad_(False)
    return PageDecoder(plain, activation)


def _flat(module: nn.Module) -> Iterator[nn.Module]:
    # A Sequential with a forward of its own does something else than its layers.
    own = type(module).forward is not nn.Sequential.forward
    if isinstance(module, nn.Sequential) and not own:
        for child in module:
            yield from _flat(child)
    else:
        yield module


@torch.no_grad()
def _fold(norm: nn.BatchNorm1d | nn.BatchNorm2d, layers: list[nn.Module]) -> None:
    """Change the last layer as the batch normalisation would change its output."""
    mean, variance = norm.running_mean, norm.running_var
    if mean is None or variance is None:
        raise ValueError(
            f"{norm} keeps no running statistics, so that a picture depends on those "
            "decoded beside it: make it with track_running_stats=True"
        )
    scale = (variance + norm.eps).rsqrt()
    scale = scale if norm.weight is None else scale * norm.weight
    shift = -mean * scale if norm.bias is None else norm.bias - mean * scale
    pixels = 1
    match layers:
        case [*_, nn.Linear() as layer, nn.Unflatten()]:
            # Each channel of the maps is as many outputs as a map has pixels.
            pixels = layer.out_features // norm.num_features
            outputs = layer.out_features
        case [*_, nn.Linear() as layer]:
            outputs = layer.out_features
        case [*_, nn.Conv2d() | nn.ConvTranspose2d() as layer] if layer.groups == 1:
            outputs = layer.out_channels
        case _:
            before = f"after {layers[-1]}" if layers else "at the start"
            raise ValueError(
                f"{norm} {before} can't be folded into the layer before it: put it "
                "right after a Linear (and its Unflatten, if there is one), a Conv2d "
                "or a ConvTranspose2d without groups"
            )
    scale, shift = scale.repeat_interleave(pixels), shift.repeat_interleave(pixels)
    if len(scale) != outputs:
        raise ValueError(f"{norm} does not fit the {outputs} outputs of {layer}")
    axis = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
    shape = [1] * layer.weight.ndim
    shape[axis] = outputs
    bias = 0 if layer.bias is None else layer.bias
    layer.bias = nn.Parameter(bias * scale + shift)
    layer.weight = nn.Parameter(layer.weight * scale.view(shape))
