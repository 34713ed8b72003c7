"""Two pictures in the page, and a slider for each chunk from the one to the other."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from dlib.inference import device_of, evaluating
from dlib.models.method import Method
from dlib.models.page import PageDecoder
from dlib.viz.explorer import TOLERANCE, Decoding, Explorer, Slider, assemble


class _Steered(nn.Module):
    """A decoder of shares: one number for each chunk, 0 the first picture's."""

    def __init__(self, page: PageDecoder, chunks: int) -> None:
        super().__init__()
        self.layers, self._page = page.layers, page
        self.latent_dim, self.chunks = chunks, (1,) * chunks

    def decode(self, shares: Tensor) -> Tensor:
        return self._page.decode(shares)

    def page_decoder(self) -> PageDecoder:
        return self._page


@torch.no_grad()
def mixer(
    methods: Mapping[str, Method],
    first: Tensor,
    second: Tensor,
    *,
    labels: Sequence[str] = (),
    title: str = "Take a chunk from the second picture",
) -> Explorer:
    """A slider for each chunk of a code, from one picture's chunk to another's.

    The two pictures stand before what each method's decoder makes of the mixture.
    With all sliders at their left it is the first picture, at their right the second.

    Parameters
    ----------
    methods : mapping of str to Method
        By the name below their picture. All have as many chunks; a page decoder's
        first layer is linear.
    first, second : Tensor
        Pictures in [0, 1], shape (c, h, w).
    labels : sequence of str, optional
        What a chunk carries, said after its number; one for each chunk.
    title : str
        The line above.

    Returns
    -------
    Explorer
        As the last value of a cell, it is shown.

    Raises
    ------
    TypeError, ValueError
        As :func:`dlib.viz.explorer.explorer`; and if there is no method, they have
        not the same number of chunks, a decoder does not begin with a linear layer or
        makes other pictures in the page than by itself, the pictures differ in shape
        or are not floats in [0, 1], or the labels are not one for each chunk.
    """
    if first.shape != second.shape or first.ndim != 3:
        raise ValueError(
            "pictures must be two of one shape (c, h, w), got "
            f"{tuple(first.shape)} and {tuple(second.shape)}"
        )
    both = torch.stack([first, second])
    if not both.is_floating_point() or not bool(((both >= 0) & (both <= 1)).all()):
        raise ValueError("pictures must be floats in [0, 1]; divide bytes by 255")
    widths = {name: method.chunks for name, method in methods.items()}
    counts = {len(each) for each in widths.values()}
    if len(counts) != 1:
        given = ", ".join(f"{name}: {len(each)}" for name, each in widths.items())
        raise ValueError(
            "give at least one method, and all with the same number of chunks; got "
            f"{given or 'none'}"
        )
    n = counts.pop()
    if labels and len(labels) != n:
        raise ValueError(f"labels must be one for each of {n} chunks, got {labels!r}")
    steered = {"first picture": _still(first, n), "second picture": _still(second, n)}
    for name, method in methods.items():
        with evaluating(method):
            codes = method.encode(both.to(device_of(method))).cpu()
        steered[name] = _between(method, codes, widths[name])
        _compare(name, method, steered[name], codes, widths[name])
    moves = [(chunk, 1.0) for chunk in range(n)]
    decodings = [
        Decoding(name, method, [0.0] * n, moves)  # type: ignore[arg-type]
        for name, method in steered.items()
    ]
    words = [f"chunk {k}" + (f": {labels[k]}" if labels else "") for k in range(n)]
    return assemble(decodings, [Slider(word, 0.0, 0.0, 1.0) for word in words], title)


def _compare(
    name: str,
    method: Method,
    steered: _Steered,
    codes: Tensor,
    widths: Sequence[int],
) -> None:
    """Raise ValueError if the page would show something else than the method makes."""
    shares = torch.stack([torch.zeros(len(widths)), torch.ones(len(widths))])
    shares = torch.cat([shares, (torch.arange(len(widths))[None] % 2).float()])
    second = shares.repeat_interleave(torch.tensor(widths), dim=1).bool()
    mixed = torch.where(second, codes[1], codes[0])
    with evaluating(method):
        wanted = method.decode(mixed.to(device_of(method))).cpu().float()
    gap = float((steered.decode(shares) - wanted).abs().max())
    if not gap <= TOLERANCE:
        raise ValueError(
            f"{name}: in the page a pixel would be off by {gap:.3f}; page_decoder() "
            "must make the pictures that decode() makes in evaluation mode"
        )


@torch.no_grad()
def _still(picture: Tensor, chunks: int) -> _Steered:
    """A picture, whatever the shares."""
    layer = nn.Linear(chunks, picture.numel())
    layer.weight.zero_()
    layer.bias.copy_(picture.flatten())
    layers = nn.Sequential(layer, nn.Unflatten(1, tuple(picture.shape)))
    return _Steered(PageDecoder(layers.requires_grad_(False), "identity"), chunks)


@torch.no_grad()
def _between(method: Method, codes: Tensor, widths: Sequence[int]) -> _Steered:
    """The method's decoder, its first layer reading shares instead of codes."""
    layers, activation = copy.deepcopy(method.page_decoder())
    first = layers[0] if len(layers) else None
    if not isinstance(first, nn.Linear):
        raise TypeError(
            f"the mixer needs a decoder that begins with a linear layer, got {first}"
        )
    weight, bias = first.weight.cpu().float(), first.bias
    ways = torch.block_diag(*[w[None] for w in (codes[1] - codes[0]).split(widths)])
    layer = nn.Linear(len(widths), first.out_features)
    layer.weight.copy_(weight @ ways.T)
    start = weight @ codes[0]
    layer.bias.copy_(start if bias is None else start + bias.cpu().float())
    rest = list(layers.cpu().children())[1:]
    page = PageDecoder(nn.Sequential(layer, *rest).requires_grad_(False), activation)
    return _Steered(page, len(widths))
