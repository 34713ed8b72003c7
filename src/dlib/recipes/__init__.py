"""The papers' experiments as data, with the papers' own numbers beside them."""

from dlib.recipes.experiment import Entry, Experiment, load, names

__all__ = ["Entry", "Experiment", "load", "names"]
