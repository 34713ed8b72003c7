"""The papers' experiments and claims as data, with the papers' own numbers beside."""

from dlib.recipes.claim import Claim, Verdict, compare
from dlib.recipes.experiment import Entry, Experiment, load, names
from dlib.recipes.judging import verdicts

__all__ = [
    "Claim",
    "Entry",
    "Experiment",
    "Verdict",
    "compare",
    "load",
    "names",
    "verdicts",
]
