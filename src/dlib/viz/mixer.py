"""Two pictures in the page, and a slider for each chunk from the one to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from dlib.inference import device_of, evaluating
from dlib.models.method import Method
from dlib.viz.explorer import Decoding, Explorer, Slider, assemble
from dlib.viz.steered import Steered, steer, still


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
    steered = {"first picture": still(first, n), "second picture": still(second, n)}
    for name, method in methods.items():
        with evaluating(method):
            codes = method.encode(both.to(device_of(method))).cpu()
        steered[name] = _between(name, method, codes, widths[name])
    moves = [(chunk, 1.0) for chunk in range(n)]
    decodings = [
        Decoding(name, method, [0.0] * n, moves)  # type: ignore[arg-type]
        for name, method in steered.items()
    ]
    words = [f"chunk {k}" + (f": {labels[k]}" if labels else "") for k in range(n)]
    return assemble(decodings, [Slider(word, 0.0, 0.0, 1.0) for word in words], title)


def _between(
    name: str, method: Method, codes: Tensor, widths: Sequence[int]
) -> Steered:
    """The method's decoder of shares: 0 is the first code's chunk, 1 the second's."""
    ways = [way[None] for way in (codes[1] - codes[0]).split(list(widths))]
    return steer(name, method, codes[0], torch.block_diag(*ways))
