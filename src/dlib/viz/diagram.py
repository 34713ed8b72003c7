"""Boxes and arrows: what a method does, drawn."""

from __future__ import annotations

from typing import Any, Literal

from matplotlib.axes import Axes

from dlib.viz import style


def node(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    colour: str,
    *,
    shape: Literal["round", "circle"] = "round",
) -> None:
    """Write white text in a filled box, or a circle, above arrows.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        To draw in.
    x, y : float
        Its centre, in data units.
    text : str
        Formulas in dollar signs.
    colour : str
        Of the filling.
    shape : {"round", "circle"}
        A box with round corners, or a circle.

    Raises
    ------
    ValueError
        If the shape is neither.
    """
    if shape not in ("round", "circle"):
        raise ValueError(f"shape must be round or circle, got {shape!r}")
    axes.text(
        x, y, text, ha="center", va="center", fontsize=9, color="white", zorder=3,
        bbox={"boxstyle": f"{shape},pad=0.35", "fc": colour, "ec": "none"},
    )  # fmt: skip


def arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], **options: Any
) -> None:
    """Draw an arrow from one node's centre to another's, free of both.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        To draw in.
    start, end : (float, float)
        Centres, in data units.
    **options
        Of matplotlib's arrow, such as ``arrowstyle``, ``color``, and ``shrinkA`` and
        ``shrinkB``: how many points it keeps from the start (12) and the end (16).
    """
    look = {"arrowstyle": "-|>", "color": style.INK, "shrinkA": 12, "shrinkB": 16}
    axes.annotate("", end, start, arrowprops={**look, **options}, zorder=1)
