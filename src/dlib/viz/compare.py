"""Several methods' decoders in the page, driven by one set of sliders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from dlib.data.dataset import Grid
from dlib.inference import device_of, encode, evaluating, to_float
from dlib.models.method import Method
from dlib.viz.explorer import Decoding, Explorer, Slider, assemble

PREDICTED = 0.1  # R² from which on a factor gets a slider


@torch.no_grad()
def compare(
    methods: Mapping[str, Method],
    dataset: Grid,
    picture: int = 0,
    *,
    factors: Sequence[str] | None = None,
    points: int = 2_000,
    limits: tuple[float, float] = (-3, 3),
    title: str = "One slider a factor, the best latent of each method",
) -> Explorer:
    """A slider for each factor, and what it does to each method's picture.

    Below a slider's name stand the latent that it moves in each method and its R².

    A slider moves, in each method, the latent that predicts the factor best, by the
    largest :math:`R^2` of a straight line, and in the direction in which the factor
    grows. All methods start from the codes of one picture. Where one latent is the
    best for two factors, both sliders move it.

    Parameters
    ----------
    methods : mapping of str to Method
        By the name above their pictures; each has a ``page_decoder`` as
        :func:`dlib.viz.explorer.explorer` needs it.
    dataset : Grid
        Where the latents are looked up, and the picture comes from.
    picture : int
        Row of ``dataset`` to start from.
    factors : sequence of str, optional
        Which get a slider; by default all ordered ones (a line through names, such
        as the shape's, has no sense) that some method's latent predicts, with an
        R² of at least 0.1; or all, if none is predicted.
    points : int
        Pictures that are encoded to find the latents.
    limits : (float, float)
        Ends of the sliders: what is added to the latent, in units of the prior's
        standard deviation.
    title : str
        The line above.

    Returns
    -------
    Explorer

    Raises
    ------
    TypeError
        As :func:`dlib.viz.explorer.explorer`.
    ValueError
        If there are no methods, a factor is unknown or not ordered, or as
        :func:`dlib.viz.explorer.explorer`.
    """
    if not methods:
        raise ValueError("methods must name at least one method, got none")
    space = dataset.space
    ordered = [
        name
        for name, kind in zip(space.names, space.kinds, strict=True)
        if kind != "categorical"
    ]
    names = ordered if factors is None else list(factors)
    for name in names:
        if name not in ordered:
            raise ValueError(
                f"factors must be ordered factors of the data, {', '.join(ordered)}; "
                f"got {name!r}"
            )
    low, high = limits
    if not low < 0 < high:
        raise ValueError(f"limits must lie on both sides of 0, got {limits}")
    index = dataset.draw(points, torch.Generator(dataset.device).manual_seed(0))
    values = dataset.factors(index).cpu().double()
    decodings: list[Decoding] = []
    found: list[list[float]] = []  # R², a list a method
    for title_of, method in methods.items():
        codes = encode(method, dataset.images, index).cpu().double()
        with evaluating(method):
            start = method.encode(
                to_float(dataset[picture][0][None], device_of(method))
            )
        moves, shares = [], []
        for name in names:
            latent, sign, share = best_latent(codes, values[:, space.names.index(name)])
            moves.append((latent, sign))
            shares.append(share)
        decodings.append(Decoding(title_of, method, start[0].cpu().tolist(), moves))
        found.append(shares)
    kept = [
        at
        for at, shares in enumerate(zip(*found, strict=True))
        if factors is not None or max(shares) >= PREDICTED
    ] or list(range(len(names)))
    sliders = [
        Slider(
            names[at],
            0.0,
            float(low),
            float(high),
            "; ".join(
                f"z{each.moves[at][0]}: {shares[at]:.2f}"
                for each, shares in zip(decodings, found, strict=True)
            ),
        )
        for at in kept
    ]
    decodings = [
        replace(each, moves=[each.moves[at] for at in kept]) for each in decodings
    ]
    return assemble(decodings, sliders, title)


def best_latent(codes: Tensor, factor: Tensor) -> tuple[int, float, float]:
    """The latent that a straight line predicts a factor from best.

    Parameters
    ----------
    codes : Tensor
        Shape (n, latent_dim).
    factor : Tensor
        Shape (n,), ordered values.

    Returns
    -------
    (int, float, float)
        The latent, the sign of its correlation with the factor, and R².
    """
    both = torch.cat([codes, factor[:, None].to(codes)], dim=1)
    correlation = torch.corrcoef(both.T)[-1, :-1].nan_to_num()  # silent ones: 0
    latent = int(correlation.abs().argmax())
    sign = 1.0 if correlation[latent] >= 0 else -1.0
    return latent, sign, float(correlation[latent] ** 2)
