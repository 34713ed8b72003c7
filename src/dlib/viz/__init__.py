"""Figures: one style, a few plots, the explorer in the page."""

from dlib.viz.film import film
from dlib.viz.network import network
from dlib.viz.page import claims, colophon, is_page, say
from dlib.viz.plots import (
    covariance_map,
    image_grid,
    reconstructions,
    score_map,
    trade_off,
    training_curves,
    traversals,
    traverse,
)
from dlib.viz.style import COLOURS, use
from dlib.viz.widgets import retrain

__all__ = [
    "COLOURS",
    "claims",
    "colophon",
    "covariance_map",
    "film",
    "image_grid",
    "is_page",
    "network",
    "reconstructions",
    "retrain",
    "say",
    "score_map",
    "trade_off",
    "training_curves",
    "traversals",
    "traverse",
    "use",
]
