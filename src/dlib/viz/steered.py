"""A decoder whose sliders are directions of its codes, for the page."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from dlib.inference import device_of, evaluating
from dlib.models.method import Method
from dlib.models.page import PageDecoder
from dlib.viz.explorer import TOLERANCE


class Steered(nn.Module):
    """A method's decoder that reads sliders' values instead of codes.

    Attributes
    ----------
    latent_dim : int
        How many sliders.
    chunks : tuple of int
        All 1: each slider is by itself.
    """

    def __init__(self, page: PageDecoder, sliders: int) -> None:
        super().__init__()
        self.layers, self._page = page.layers, page
        self.latent_dim, self.chunks = sliders, (1,) * sliders

    def decode(self, values: Tensor) -> Tensor:
        return self._page.decode(values)

    def page_decoder(self) -> PageDecoder:
        return self._page


@torch.no_grad()
def steer(name: str, method: Method, start: Tensor, ways: Tensor) -> Steered:
    """The method's decoder, ``start + values @ ways`` folded into its first layer.

    Parameters
    ----------
    name : str
        Of the method, in messages.
    method : Method
        Its page decoder begins with a linear layer.
    start : Tensor
        A code, (d,).
    ways : Tensor
        A direction for each slider, (sliders, d).

    Raises
    ------
    TypeError
        If the page decoder does not begin with a linear layer.
    ValueError
        If it makes other pictures than ``decode``.
    """
    layers, activation = copy.deepcopy(method.page_decoder())
    first = layers[0] if len(layers) else None
    if not isinstance(first, nn.Linear):
        raise TypeError(
            f"{name}: sliders along directions need a decoder that begins with a "
            f"linear layer, got {first}"
        )
    weight, bias = first.weight.cpu().float(), first.bias
    start, ways = start.cpu().float(), ways.cpu().float()
    layer = nn.Linear(len(ways), first.out_features)
    layer.weight.copy_(weight @ ways.T)
    moved = weight @ start
    layer.bias.copy_(moved if bias is None else moved + bias.cpu().float())
    rest = list(layers.cpu().children())[1:]
    page = PageDecoder(nn.Sequential(layer, *rest).requires_grad_(False), activation)
    steered = Steered(page, len(ways))
    _compare(name, method, steered, start, ways)
    return steered


@torch.no_grad()
def still(picture: Tensor, sliders: int) -> Steered:
    """A picture, (c, h, w), whatever the sliders say."""
    layer = nn.Linear(sliders, picture.numel())
    layer.weight.zero_()
    layer.bias.copy_(picture.flatten())
    layers = nn.Sequential(layer, nn.Unflatten(1, tuple(picture.shape)))
    return Steered(PageDecoder(layers.requires_grad_(False), "identity"), sliders)


def _compare(
    name: str, method: Method, steered: Steered, start: Tensor, ways: Tensor
) -> None:
    """Raise ValueError if the page would show something else than the method makes."""
    one, count = torch.ones(1, len(ways)), len(ways)
    values = torch.cat([0 * one, one, (torch.arange(count)[None] % 2).float()])
    with evaluating(method):
        codes = (start + values @ ways).to(device_of(method))
        wanted = method.decode(codes).cpu().float()
    gap = float((steered.decode(values) - wanted).abs().max())
    if not gap <= TOLERANCE:
        raise ValueError(
            f"{name}: in the page a pixel would be off by {gap:.3f}; page_decoder() "
            "must make the pictures that decode() makes in evaluation mode"
        )
