"""Figures: one style, a few plots, the explorer in the page."""

from dlib.viz.page import colophon, glue, is_page, say
from dlib.viz.plots import (
    covariance_map,
    image_grid,
    reconstructions,
    score_map,
    trade_off,
    training_curves,
    traversals,
)
from dlib.viz.style import COLOURS, use

__all__ = [
    "COLOURS",
    "colophon",
    "covariance_map",
    "glue",
    "image_grid",
    "is_page",
    "reconstructions",
    "say",
    "score_map",
    "trade_off",
    "training_curves",
    "traversals",
    "use",
]
