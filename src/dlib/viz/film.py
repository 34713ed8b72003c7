"""Sheets of pictures, one after the other, under a slider: a training as a film.

What :func:`film` shows carries its pictures along, and a few lines of plain
JavaScript (``film.html``, beside this file) that change them. A published page
therefore answers without a kernel, a server or a network; without scripts it shows
the last sheet.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dlib.inference import to_float
from dlib.viz.live import Live, fill

MAX_BYTES = 500_000  # of HTML: what a page may carry beside its figures
SHOWN = 52  # pixels of the screen that a picture takes, about


class Film(Live):
    """What :func:`film` returns."""


def film(
    frames: Sequence[Tensor],
    labels: Sequence[str],
    *,
    columns: int,
    titles: Sequence[str] = (),
    title: str = "Watch it learn",
    alt: str = "A sheet of pictures",
) -> Film:
    """Sheets of pictures that a slider, or a button, runs through.

    Parameters
    ----------
    frames : sequence of Tensor
        One sheet each: ``uint8`` or floats in [0, 1], shape (n, c, h, w) with c 1
        or 3, the same for all. What :func:`dlib.viz.traverse` gives is a sheet.
    labels : sequence of str
        What the slider says at each sheet, such as ``"step 100"``.
    columns : int
        Pictures in a row of the sheet; ``n`` is a multiple of it.
    titles : sequence of str
        Beside the rows; none, or one for each.
    title : str
        The line above.
    alt : str
        What a sheet shows, for those who don't see it; the label follows.

    Returns
    -------
    Film
        As the last value of a cell, it is shown.

    Raises
    ------
    ValueError
        If there are fewer than two sheets, their shapes differ or are none of
        pictures, labels or titles are too few or too many, or the HTML would be
        larger than 500 kB.
    """
    frames = list(frames)
    _check(frames, labels, columns, titles)
    pictures = [_png(_sheet(frame, columns)) for frame in frames]
    rows = len(frames[0]) // columns
    height, width = frames[0].shape[-2:]
    last = f"{alt}, {labels[-1]}"
    parts = {
        "title": html.escape(title),
        "alt": html.escape(last),
        "last": pictures[-1],
        "label": html.escape(labels[-1]),
        "end": str(len(frames) - 1),
        # A whole number of screen pixels for each of the pictures', on a wide page.
        "shown": str(columns * (width * max(1, round(SHOWN / width)) + 1)),
        "width": str(columns * (width + 1) - 1),
        "height": str(rows * (height + 1) - 1),
        "titles": "\n".join(f"<span>{html.escape(row)}</span>" for row in titles),
        # "</script>" in a string would end the script that holds it.
        "payload": json.dumps(
            {"frames": pictures[:-1], "labels": list(labels), "alt": alt}
        ).replace("<", "\\u003c"),
    }
    page = fill("film.html", parts)
    size = len(page.encode())
    if size > MAX_BYTES:
        raise ValueError(
            f"the film would add {size / 1e3:,.0f} kB of HTML to the page, and at "
            f"most {MAX_BYTES / 1e3:g} kB are accepted: it has {len(frames)} sheets of "
            f"{len(frames[0])} pictures. Show fewer of either"
        )
    return Film(page, title)


def _check(
    frames: Sequence[Tensor],
    labels: Sequence[str],
    columns: int,
    titles: Sequence[str],
) -> None:
    if len(frames) < 2 or len(labels) != len(frames):
        raise ValueError(
            "a film needs two sheets at least, and a label for each; got "
            f"{len(frames)} sheets and {len(labels)} labels"
        )
    shape = tuple(frames[0].shape)
    for frame, label in zip(frames, labels, strict=True):
        if tuple(frame.shape) != shape:
            raise ValueError(
                f"all sheets must have one shape; the first has {shape}, that of "
                f"{label!r} has {tuple(frame.shape)}"
            )
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise ValueError(
            f"a sheet must have shape (n, c, h, w) with 1 channel or 3, got {shape}"
        )
    if columns < 1 or shape[0] == 0 or shape[0] % columns:
        raise ValueError(
            "columns must be positive and divide the number of pictures in a sheet, "
            f"{shape[0]}; got {columns}"
        )
    if titles and len(titles) != shape[0] // columns:
        raise ValueError(
            f"titles must be none, or one for each of the {shape[0] // columns} rows; "
            f"got {len(titles)}"
        )


def _sheet(images: Tensor, columns: int) -> np.ndarray:
    """One array of bytes, (h, w) or (h, w, 3), with grey lines between pictures."""
    pictures = to_float(images.detach(), "cpu").clamp(0, 1)
    n, channels, height, width = pictures.shape
    padded = torch.full((n, channels, height + 1, width + 1), 0.5)
    padded[:, :, :height, :width] = pictures
    rows = padded.unflatten(0, (-1, columns))  # (rows, columns, c, h, w)
    sheet = rows.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1)  # (h, w, c)
    whole = (sheet[:-1, :-1] * 255).round().byte().numpy()
    return whole[..., 0] if channels == 1 else whole


def _png(sheet: np.ndarray) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
