"""How far a score moves when the points are drawn again."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from dlib.metrics.inputs import Codes, Factors, as_codes, as_factors, halves
from dlib.metrics.score import Score
from dlib.metrics.table import METRICS


@dataclass(frozen=True)
class Interval:
    """A score with its bootstrap interval.

    Attributes
    ----------
    name : str
        The metric.
    value : float
        On the points as they are.
    low, high : float
        Quantiles of the resampled scores.
    confidence : float
        The share of resampled scores between them.
    samples : array
        Every resampled score.
    """

    name: str
    value: float
    low: float
    high: float
    confidence: float
    samples: np.ndarray

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return (
            f"{self.name} {self.value:.4f} [{self.low:.4f}, {self.high:.4f}] "
            f"({self.confidence:.0%} of {len(self.samples)} bootstrap samples)"
        )


def bootstrap(
    metric: Callable[..., Score],
    codes: Any,
    factors: Any = None,
    codes_test: Any = None,
    factors_test: Any = None,
    *,
    repeats: int = 100,
    confidence: float = 0.95,
    seed: int = 0,
    **options: Any,
) -> Interval:
    r"""Percentile bootstrap interval of any metric.

    Points are drawn with replacement, training and test points each from their
    own, and the metric computed again: the interval runs from the
    :math:`\alpha/2` to the :math:`1 - \alpha/2` quantile of the scores (Efron,
    1979). It answers for the points that happened to be drawn, not for training
    again: the spread over seeds is larger.

    Scores that estimate mutual information are biased upwards by repeated points
    (a bootstrap sample has about 63% distinct ones), so the value itself may lie
    below the interval for codes that carry little. Repeated points are also
    neighbours at distance zero, which flatters retrieval and InfoMEC.

    Parameters
    ----------
    metric : callable
        A function of this package, such as ``metrics.mig``.
    codes, factors, codes_test, factors_test
        As the metric takes them.
    repeats : int
        Bootstrap samples, at least 10.
    confidence : float
        Between 0 and 1.
    seed : int
        Of the resampling.
    **options
        Passed on to the metric.

    Returns
    -------
    Interval

    Raises
    ------
    ValueError
        If ``repeats`` is below 10 or ``confidence`` not between 0 and 1, or as
        the metric does.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> metrics.bootstrap(metrics.irs, codes, factors, repeats=20).low > 0.8
    True
    """
    if repeats < 10:
        raise ValueError(f"a bootstrap needs at least 10 repeats, got {repeats}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    points, table = _pair(codes, factors, options)
    sets = [(points, table)]
    if codes_test is not None or factors_test is not None:
        sets.append(_pair(codes_test, factors_test, options, table))
    elif table is not None and _splits(metric, options):
        # Split first, or copies of one point would be fitted on and tested on.
        split = halves(points, table, options.get("seed", 0))
        sets = [split[:2], split[2:]]
    options = {k: v for k, v in options.items() if k not in ("names", "kinds")}
    value = metric(*_flat(sets), **options).value
    rng = np.random.default_rng(seed)
    samples = np.empty(repeats)
    for repeat in range(repeats):
        drawn = []
        for points, table in sets:
            rows = torch.from_numpy(rng.integers(0, points.n, points.n))
            rows = rows.to(points.device)
            drawn.append(
                (points.rows(rows), None if table is None else table.rows(rows))
            )
        with warnings.catch_warnings():
            # What there is to warn of was said for the points themselves.
            warnings.simplefilter("ignore", UserWarning)
            samples[repeat] = metric(*_flat(drawn), **options).value
    tail = (1 - confidence) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    name = getattr(metric, "__name__", "metric")
    return Interval(name, value, float(low), float(high), confidence, samples)


def _splits(metric: Callable[..., Score], options: dict[str, Any]) -> bool:
    """Whether some points are kept for a test when none are given for it."""
    function = getattr(metric, "func", metric)
    options = {**getattr(metric, "keywords", {}), **options}
    return any(
        known.function is function
        and known.takes == "split"
        and all(options.get(name) == value for name, value in known.preset.items())
        for known in METRICS.values()
    )


def _pair(
    codes: Any, factors: Any, options: dict[str, Any], like: Factors | None = None
) -> tuple[Codes, Factors | None]:
    checked = as_codes(codes)
    if factors is None:
        return checked, None
    names, kinds = options.get("names"), options.get("kinds")
    return checked, as_factors(factors, checked, names=names, kinds=kinds, like=like)


def _flat(sets: list[tuple[Codes, Factors | None]]) -> list[Any]:
    return [part for pair in sets for part in pair if part is not None]
