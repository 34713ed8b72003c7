"""The papers' experiments and claims as data, with the papers' own numbers beside."""

from dlib.recipes.claim import Claim, Verdict, compare
from dlib.recipes.experiment import Entry, Experiment, load, names
from dlib.recipes.judging import verdicts
from dlib.recipes.tabulate import median_and_range

__all__ = [
    "Claim",
    "Entry",
    "Experiment",
    "Verdict",
    "compare",
    "load",
    "median_and_range",
    "names",
    "verdicts",
]
