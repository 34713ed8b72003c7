"""An experiment's finished runs as rows: median and range over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dlib.recipes.experiment import Experiment
from dlib.runs import MissingRun, fit_or_load


@dataclass
class Row:
    """A line of a table at one setting, over its seeds.

    Attributes
    ----------
    title : str
    paper : mapping of str to float
        What the paper prints, by metric.
    values : dict of str to list of float
        What our runs have, a number a seed, by metric.
    """

    title: str
    paper: Mapping[str, float]
    values: dict[str, list[float]] = field(default_factory=dict)

    @property
    def seeds(self) -> int:
        """How many runs there are."""
        return max((len(values) for values in self.values.values()), default=0)

    def text(self, metric: str) -> str:
        """The value; of several seeds the median, and the range in brackets."""
        return median_and_range(self.values.get(metric, []), 4)


def median_and_range(values: Sequence[float], digits: int) -> str:
    """The median of some numbers and, in brackets, their range.

    Parameters
    ----------
    values : sequence of float
        A number a seed.
    digits : int
        After the point.

    Returns
    -------
    str
        The number alone if all are written alike; a dash if there is none.

    Examples
    --------
    >>> from dlib.recipes import median_and_range
    >>> median_and_range([0.1, 0.4, 0.2], digits=2)
    '0.20 (0.10 to 0.40)'
    >>> median_and_range([0.101, 0.102], digits=2)
    '0.10'
    """
    if not values:
        return "–"
    low, middle, high = (
        f"{value:.{digits}f}"
        for value in (min(values), statistics.median(values), max(values))
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def tabulate(
    experiment: Experiment, root: Path | str | None = None
) -> tuple[list[Row], list[str]]:
    """Rows of what is finished, and the names of the runs that are not.

    Nothing is trained, and nothing is measured that needs a training.
    """
    rows: dict[tuple[str, str], Row] = {}
    missing = []
    for entry in experiment.entries:
        setting = ", ".join(f"{value}" for value in entry.settings.values())
        title = f"{entry.title} {setting}".strip()
        row = rows.setdefault((entry.line, setting), Row(title, entry.paper))
        try:
            run = fit_or_load(
                entry.recipe,
                metrics=entry.metrics,
                points=experiment.points,
                weights=False,
                train=False,
                root=root,
                progress=False,
            )
        except MissingRun:
            missing.append(entry.name)
            continue
        for metric, value in run.metrics.items():
            row.values.setdefault(metric, []).append(value)
    return list(rows.values()), missing
