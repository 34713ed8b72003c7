"""Do metrics agree on which runs are better? Spearman's rank correlation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlib.metrics.report import Report

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rho between metrics.

    Attributes
    ----------
    names : tuple of str
        The metrics.
    matrix : array
        Shape (metrics, metrics); NaN where a metric gave all runs the same value.
    runs : int
        How many runs were ranked.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    runs: int

    def to_frame(self) -> pd.DataFrame:
        """The matrix with its names."""
        import pandas as pd

        return pd.DataFrame(self.matrix, index=self.names, columns=self.names)

    def __repr__(self) -> str:
        table = self.to_frame().round(2).to_string()
        return f"Spearman's rho over {self.runs} runs\n{table}"

    def _repr_html_(self) -> str:
        table = self.to_frame().round(2).to_html()
        return f"<p>Spearman's rho over {self.runs} runs</p>{table}"

    def plot(self) -> Figure:
        """The matrix as a coloured square, numbers written in."""
        import matplotlib.pyplot as plt

        count = len(self.names)
        figure, axes = plt.subplots(
            figsize=(0.6 * count + 1.6, 0.5 * count + 1.2), layout="constrained"
        )
        axes.imshow(self.matrix, vmin=-1, vmax=1, cmap="cividis")
        for (row, column), value in np.ndenumerate(self.matrix):
            axes.text(
                column,
                row,
                f"{value:.2f}",
                ha="center",
                va="center",
                fontsize=8,
                color="black" if value > 0.3 else "white",
            )
        axes.set_xticks(range(count), self.names, rotation=45, ha="right")
        axes.set_yticks(range(count), self.names)
        axes.set_title(f"Spearman's rho over {self.runs} runs")
        return figure


def rank_correlation(
    runs: Sequence[Report] | Mapping[str, Sequence[float]] | Any,
) -> RankCorrelation:
    r"""Spearman's rank correlation between metrics over a set of runs.

    .. math::
        \rho_{ab} = \frac{ \mathrm{Cov}(\mathrm{rank}\, a, \mathrm{rank}\, b) }
        { \sigma_{\mathrm{rank}\, a}\, \sigma_{\mathrm{rank}\, b} }

    Ties share their mean rank. As in figure 2 of Locatello et al., *Challenging
    Common Assumptions* (2019). 1 where two metrics order the runs alike, 0 where
    they have nothing to do with each other.

    Parameters
    ----------
    runs : sequence of Report, mapping of str to values, or DataFrame
        Reports, one a run; metrics that all of them have are compared. Or, for
        each metric, its value in each run.

    Raises
    ------
    ValueError
        If there are fewer than three runs or two metrics, lengths differ, or a
        value is NaN.

    Examples
    --------
    >>> from dlib.metrics import rank_correlation
    >>> rank_correlation({"mig": [0.1, 0.2, 0.4], "sap": [0.0, 0.3, 0.9]})
    Spearman's rho over 3 runs
         mig  sap
    mig  1.0  1.0
    sap  1.0  1.0
    """
    from scipy.stats import rankdata

    columns = _columns(runs)
    lengths = {name: len(values) for name, values in columns.items()}
    if len(columns) < 2:
        raise ValueError(
            "rank_correlation compares metrics, so it needs at least two that every "
            f"run has; got {', '.join(columns) or 'none'}"
        )
    if len(set(lengths.values())) > 1:
        raise ValueError(f"every metric needs a value for every run, got {lengths}")
    table = np.array(list(columns.values()), dtype=np.float64)
    if table.shape[1] < 3:
        raise ValueError(
            "rank_correlation needs at least 3 runs to rank (20 or more to mean "
            f"something), got {table.shape[1]}"
        )
    if not np.isfinite(table).all():
        which = [
            n for n, row in zip(columns, table, strict=True) if np.isnan(row).any()
        ]
        raise ValueError(f"some run has no finite value of {', '.join(which) or 'all'}")
    ranks = rankdata(table, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    norm = np.sqrt((ranks**2).sum(axis=1))
    norm[norm == 0] = np.nan
    matrix = (ranks @ ranks.T) / np.outer(norm, norm)
    return RankCorrelation(tuple(columns), matrix, table.shape[1])


def _columns(runs: Any) -> dict[str, list[float]]:
    if isinstance(runs, Mapping):
        return {str(name): [float(v) for v in runs[name]] for name in runs}
    if hasattr(runs, "columns"):
        return {str(name): [float(v) for v in runs[name]] for name in runs.columns}
    reports = list(runs)
    shared = [
        name
        for name in (reports[0].scores if reports else ())
        if all(name in report for report in reports)
    ]
    return {name: [report[name].value for report in reports] for name in shared}
