"""Runs: what was trained, by which recipe, and what came of it."""

from dlib.runs.recipe import Recipe
from dlib.runs.run import (
    POINTS,
    Metrics,
    MissingRun,
    Run,
    fit_or_load,
    is_finished,
    measure,
    runs_folder,
)
from dlib.runs.shipped import score_codes

__all__ = [
    "POINTS",
    "Metrics",
    "MissingRun",
    "Recipe",
    "Run",
    "fit_or_load",
    "is_finished",
    "measure",
    "runs_folder",
    "score_codes",
]
