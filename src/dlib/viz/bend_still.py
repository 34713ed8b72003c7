"""The bent codes as a still picture, for where scripts may not run."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence

from torch import Tensor

from dlib.viz.style import COLOURS, GROUND, INK

SIDE, EDGE, GAP = 220, 26, 24  # of a panel, of what its labels take, between two
TOLD = 0.05  # by how much a score must move to be spoken of


def still(
    panels: Sequence[tuple[str, Tensor]],
    colours: Sequence[int],
    axes: tuple[str, str],
    limit: float,
) -> str:
    """Scatter plots side by side, as the address of a picture.

    Notebooks that are not trusted, and pages that clean what they are given, keep an
    ``<img>`` where they drop an inline ``<svg>``; so the picture is an SVG in an
    address, and can't take its ink from the page: it is a white card.

    Parameters
    ----------
    panels : sequence of (str, Tensor)
        What stands above each, and its points (n, 2).
    colours : sequence of int
        Which colour each point has.
    axes : (str, str)
        Across and upward.
    limit : float
        Of both axes, from -limit to limit.
    """
    width = len(panels) * (EDGE + SIDE) + (len(panels) - 1) * GAP + 2
    height = SIDE + 2 * EDGE
    marks = [
        _panel(title, points, colours, axes, limit, i * (EDGE + SIDE + GAP) + EDGE)
        for i, (title, points) in enumerate(panels)
    ]
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="13" text-anchor="middle">'
        f'<rect width="100%" height="100%" fill="{GROUND}"/>{"".join(marks)}</svg>'
    )
    coded = base64.b64encode(picture.encode()).decode()
    return f"data:image/svg+xml;base64,{coded}"


def _panel(
    title: str,
    points: Tensor,
    colours: Sequence[int],
    axes: tuple[str, str],
    limit: float,
    left: int,
) -> str:
    scale, middle, low = (SIDE / 2 - 5) / limit, left + SIDE / 2, EDGE + SIDE / 2
    dots = "".join(
        f'<g fill="{ink}">'
        + "".join(
            f'<circle cx="{middle + scale * x:.1f}" cy="{low - scale * y:.1f}" r="3"/>'
            for (x, y), colour in zip(points.tolist(), colours, strict=True)
            if colour == number
        )
        + "</g>"
        for number, ink in enumerate(COLOURS)
    )
    turn = f"rotate(-90 {left - 9} {low})"
    return (
        f'<rect x="{left}" y="{EDGE}" width="{SIDE}" height="{SIDE}" fill="none" '
        f'stroke="{INK}" stroke-opacity="0.45"/>{dots}<g fill="{INK}">'
        f'<text x="{middle}" y="17">{html.escape(title)}</text>'
        f'<text x="{middle}" y="{EDGE + SIDE + 17}">{html.escape(axes[0])}</text>'
        f'<text x="{left - 9}" y="{low}" transform="{turn}">{html.escape(axes[1])}'
        "</text></g>"
    )


def moved(before: Mapping[str, float], after: Mapping[str, float]) -> str:
    """Which scores fall and which rise, in words."""
    words = [
        f"{metric} {'falls' if after[metric] < before[metric] else 'rises'} to "
        f"{after[metric]:.2f}"
        for metric in before
        if abs(after[metric] - before[metric]) >= TOLD
    ]
    return ", ".join(words) or "no score moves by .05 or more"
