"""Sliders on a renderer, in the reader's browser.

What :func:`factor_sliders` shows carries a renderer in plain JavaScript: the twins'
own formulas (``sliders_dsprites.js``, ``sliders_shapes3d.js``, beside this file), and
for other grids a strip of pictures for each factor (``sliders_strips.js``). A
published page therefore answers without a kernel, a server or a network.
"""

from __future__ import annotations

import base64
import colorsys
import html
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

import torch
from torch import Tensor

from dlib.data import dsprites, shapes3d
from dlib.data.dataset import Grid
from dlib.data.factors import Factor
from dlib.viz.live import Live, fill

MAX_BYTES = 1_000_000  # of HTML
SHOWN = 256  # pixels of the screen that a picture takes, about
ONE_AT_A_TIME = "<p>Moving one slider puts the others back to the start.</p>"


class FactorSliders(Live):
    """What :func:`factor_sliders` returns."""


def factor_sliders(
    dataset: Grid,
    start: Sequence[int] | None = None,
    *,
    title: str = "Move a factor, watch the picture",
) -> FactorSliders:
    """A slider for each factor, and the picture that the renderer makes of them.

    Parameters
    ----------
    dataset : Grid
        A twin is drawn in the page, by its own formulas: every picture of it is
        there. Of another grid, such as an official file, the page gets pictures in
        which one factor has moved away from the start; moving a slider then puts the
        others back, and the figure says so.
    start : sequence of int, optional
        The factors to start from and to return to, an index for each; by default the
        middle of each factor.
    title : str
        The line above.

    Returns
    -------
    FactorSliders
        As the last value of a cell, it is shown. Where no script may run, it is the
        picture of the start.

    Raises
    ------
    TypeError
        If ``dataset`` is not a grid: only a grid can draw factors that it is given.
    ValueError
        If ``start`` is not one index for each factor, or the HTML would be larger
        than 1 MB, which only strips can be.

    Notes
    -----
    A pixel of dSprites is the same as in ``dataset.render``, save for one or two in
    which a heart's outline passes through a pixel's centre; a pixel of 3DShapes is
    the same up to rounding, save for some in which a ray passes along an edge.

    Examples
    --------
    >>> from dlib.data import load
    >>> factor_sliders(load("dsprites", source="twin"), title="Move it")
    FactorSliders('Move it'): sliders, shown where HTML is shown
    """
    if not isinstance(dataset, Grid):
        raise TypeError(
            "dataset must be a grid, which draws any factors that it is given, such "
            f"as dlib.data.load(...); got {type(dataset).__name__}. What wraps or "
            "splits a grid has it as its attribute `of`"
        )
    factors = _start(start, dataset)
    kind, numbers = _numbers(dataset, factors)
    words = [_words(factor) for factor in dataset.space.factors]
    names = dataset.space.names
    said = [
        f"{name} {each[index]}"
        for name, each, index in zip(names, words, factors, strict=True)
    ]
    payload = {
        "words": words,
        "start": factors,
        "together": kind != "strips",
        "numbers": numbers,
    }
    renderer = resources.files("dlib.viz").joinpath(f"sliders_{kind}.js")
    parts = {
        "title": html.escape(title),
        "size": str(dataset.size),
        # A whole number of screen pixels for each of the picture's.
        "shown": str(dataset.size * max(1, round(SHOWN / dataset.size))),
        "sliders": "\n".join(map(_slider, names, words, factors)),
        "note": ONE_AT_A_TIME if kind == "strips" else "",
        "alt": html.escape(f"A picture of {dataset.name}: {', '.join(said)}."),
        "still": _png(dataset.render(torch.tensor([factors]))),
        # "</script>" in a string would end the script that holds it.
        "payload": json.dumps(payload, ensure_ascii=False).replace("<", "\\u003c"),
        "renderer": renderer.read_text(encoding="utf-8"),
    }
    page = fill("sliders.html", parts)
    if len(page.encode()) > MAX_BYTES:
        raise ValueError(
            f"the sliders would add {len(page.encode()) / 1e6:.1f} MB of HTML to the "
            f"page, and at most {MAX_BYTES / 1e6:g} MB are accepted: the strips hold "
            f"{sum(dataset.space.sizes)} pictures of {dataset.size}x{dataset.size} "
            "pixels. Use smaller ones, or draw some with dlib.viz.image_grid"
        )
    return FactorSliders(page, title)


def _start(start: Sequence[int] | None, dataset: Grid) -> list[int]:
    space = dataset.space
    if start is None:
        return [size // 2 for size in space.sizes]
    try:
        row = torch.as_tensor(start)[None]
        return space.check(row)[0].tolist()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"start must be {len(space.sizes)} integers, the index of each of "
            f"{', '.join(space.names)}; got {start!r}: {error}"
        ) from None


def _words(factor: Factor) -> list[str]:
    """What a slider says at each index of a factor."""
    if factor.labels:
        return list(factor.labels)
    return [f"{value:.2f}".replace("-", "\u2212") for value in factor.values]


def _slider(name: str, words: Sequence[str], index: int) -> str:
    # autocomplete: some browsers put old positions back when a page is reloaded,
    # beside a picture that starts afresh.
    return (
        f"<label><span>{html.escape(name)}</span>"
        f'<input type="range" min="0" max="{len(words) - 1}" step="1" '
        f'value="{index}" aria-valuetext="{html.escape(words[index])}" '
        'autocomplete="off">'
        '<span class="dlib-sliders-value" aria-hidden="true">'
        f"{html.escape(words[index])}</span></label>"
    )


def _numbers(dataset: Grid, start: Sequence[int]) -> tuple[str, dict[str, Any]]:
    """Which renderer the page gets, and the numbers that it draws from."""
    values = [factor.values for factor in dataset.space.factors]
    match dataset:
        case dsprites.TwinDSprites():
            _, scales, angles, places, _ = values
            return "dsprites", {
                "size": dataset.size,
                "scales": scales,
                "angles": [*angles[:-1], 0.0],  # a whole turn is none, to the bit
                "places": places,
                "square": dsprites.SQUARE_HALF_WIDTH,
                "ellipse": dsprites.ELLIPSE_RADII,
                "heart": [
                    dsprites.HEART_WIDTH,
                    dsprites.HEART_HEIGHT,
                    dsprites.HEART_LIFT,
                ],
            }
        case shapes3d.TwinShapes3D():
            hues, _, _, scales, _, degrees = values
            scene = shapes3d.SCENE
            return "shapes3d", {
                "size": dataset.size,
                "rays": shapes3d._rays_per_side(dataset.size) // dataset.size,
                "scene": asdict(scene),
                "colours": [colorsys.hsv_to_rgb(hue, 1, 1) for hue in hues],
                "scales": scales,
                "azimuths": [
                    math.radians(angle + scene.azimuth_offset) for angle in degrees
                ],
            }
    strips = []
    for column, size in enumerate(dataset.space.sizes):
        block = torch.tensor(start).repeat(size, 1)
        block[:, column] = torch.arange(size)
        strips.append(_png(dataset.render(block)))
    return "strips", {"size": dataset.size, "start": list(start), "strips": strips}


def _png(images: Tensor) -> str:
    """Pictures, ``uint8`` (n, c, h, w), side by side as the address of a PNG."""
    from PIL import Image

    sheet = torch.cat(list(images.cpu()), dim=2).permute(1, 2, 0)
    stored = io.BytesIO()
    Image.fromarray(sheet.squeeze(2).numpy()).save(stored, "PNG", optimize=True)
    data = base64.b64encode(stored.getvalue()).decode()
    return f"data:image/png;base64,{data}"
