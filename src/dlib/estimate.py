"""How long an experiment takes here, from a measured step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from dlib.recipes import Entry
from dlib.runs import Recipe
from dlib.training import fit

SECONDS = 3.0  # of measuring, about, a kind of run


@dataclass(frozen=True)
class Estimate:
    """What runs of one kind take.

    Attributes
    ----------
    title : str
        The method, the data and the batch.
    runs, steps : int
        How many runs there are, and their steps together.
    rate : float
        Steps a second, measured.
    """

    title: str
    runs: int
    steps: int
    rate: float

    @property
    def seconds(self) -> float:
        """Of all runs one after the other, metrics not counted."""
        return self.steps / self.rate


def estimate(entries: Sequence[Entry], device: str = "auto") -> list[Estimate]:
    """Measure a step of each kind of run, and count.

    Runs are of one kind if their steps cost the same: same method, network, data,
    batch and precision.

    Parameters
    ----------
    entries : sequence of Entry
        Of an experiment.
    device : str
        As for :func:`dlib.training.fit`.
    """
    kinds: dict[str, list[Recipe]] = {}
    for entry in entries:
        kinds.setdefault(_kind(entry.recipe), []).append(entry.recipe)
    return [
        Estimate(kind, len(same), sum(r.steps for r in same), _rate(same[0], device))
        for kind, same in kinds.items()
    ]


def _kind(recipe: Recipe) -> str:
    channels, size = recipe.data.shape
    return (
        f"{recipe.method}, {recipe.network} {channels}x{size}x{size}, "
        f"batch {recipe.batch_size}, {recipe.precision}"
    )


def _rate(recipe: Recipe, device: str) -> float:
    method, dataset = recipe.build(), recipe.parts()[0]

    def seconds(steps: int) -> float:
        began = time.perf_counter()
        fit(
            method,
            dataset,
            steps=steps,
            batch_size=recipe.batch_size,
            precision=recipe.precision,
            device=device,
            progress=False,
        )
        return time.perf_counter() - began

    seconds(2)  # the first steps set things up
    few = seconds(4)
    steps = 4 + max(4, round(SECONDS / few * 4))
    # The difference of two lengths leaves out what every call costs.
    return (steps - 4) / max(seconds(steps) - few, 1e-9)
