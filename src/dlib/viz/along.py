"""One picture in the page, and a slider for each attribute of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from dlib.inference import device_of, evaluating
from dlib.models.method import Method
from dlib.viz.explorer import Decoding, Explorer, Slider, assemble
from dlib.viz.steered import steer, still


@torch.no_grad()
def along(
    methods: Mapping[str, Method],
    picture: Tensor,
    directions: Mapping[str, Tensor],
    names: Sequence[str],
    *,
    limits: tuple[float, float] = (-2.0, 2.0),
    notes: Sequence[str] = (),
    title: str = "Move the picture along an attribute",
) -> Explorer:
    """A slider for each direction of a code: all methods move along their own.

    The picture stands before what each method's decoder makes of its code with the
    sliders' values times their directions added. Where a direction is the difference
    of two classes' means, 1 takes the one mean to the other.

    Parameters
    ----------
    methods : mapping of str to Method
        By the name below their picture; a page decoder's first layer is linear.
    picture : Tensor
        In [0, 1], shape (c, h, w): where the sliders start.
    directions : mapping of str to Tensor
        Of each method, (latent_dim, k): a column for each slider, such as the part
        ``direction`` of :func:`dlib.metrics.attribute_classifier`.
    names : sequence of str
        Of the k directions.
    limits : (float, float)
        Ends of the sliders, on both sides of 0.
    notes : sequence of str, optional
        In small letters below the names, one for each.
    title : str
        The line above.

    Returns
    -------
    Explorer
        As the last value of a cell, it is shown.

    Raises
    ------
    TypeError, ValueError
        As :func:`dlib.viz.explorer.explorer`; and if there is no method, a decoder
        does not begin with a linear layer or makes other pictures in the page than by
        itself, the picture is not floats in [0, 1], or directions, names, notes or
        limits do not fit.
    """
    if not methods or set(methods) != set(directions):
        raise ValueError(
            "give at least one method, and directions of each; got methods "
            f"{', '.join(methods) or 'none'} and directions of "
            f"{', '.join(directions) or 'none'}"
        )
    inside = picture.is_floating_point() and bool(
        ((picture >= 0) & (picture <= 1)).all()
    )
    if picture.ndim != 3 or not inside:
        raise ValueError(
            "the picture must be floats in [0, 1] of shape (c, h, w); got "
            f"{picture.dtype} {tuple(picture.shape)}"
        )
    low, high = limits
    if not low < 0 < high:
        raise ValueError(f"limits must lie on both sides of 0, got {limits}")
    n = len(names)
    if notes and len(notes) != n:
        raise ValueError(f"notes must be one for each of {n} names, got {notes!r}")
    steered = {"picture": still(picture, n)}
    for name, method in methods.items():
        shape = tuple(directions[name].shape)
        if shape != (method.latent_dim, n):
            raise ValueError(
                f"directions of {name} must have shape ({method.latent_dim}, {n}), a "
                f"column for each of {', '.join(names)}; got {shape}"
            )
        with evaluating(method):
            code = method.encode(picture[None].to(device_of(method))).cpu()[0]
        steered[name] = steer(name, method, code, directions[name].float().T)
    moves = [(slider, 1.0) for slider in range(n)]
    decodings = [
        Decoding(name, method, [0.0] * n, moves)  # type: ignore[arg-type]
        for name, method in steered.items()
    ]
    small = notes or [""] * n
    sliders = [
        Slider(name, 0.0, float(low), float(high), note)
        for name, note in zip(names, small, strict=True)
    ]
    return assemble(decodings, sliders, title)
