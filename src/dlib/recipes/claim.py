"""Claims of a paper as data, and how runs over several seeds decide them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

CONFIDENCE = 0.95
GRID = 50  # errors at which two curves are compared

# Runs as a check sees them: of each line, of each seed, a list of settings; of each
# setting the metrics.
Scores = Mapping[str, Mapping[int, Sequence[Mapping[str, float]]]]
Word = Literal["held", "did not hold", "too close to call"]


@dataclass(frozen=True)
class Verdict:
    """What runs say of a claim.

    Attributes
    ----------
    word : {"held", "did not hold", "too close to call"}
        Held, if the interval lies on the claim's side whole; did not hold, if it
        lies on the other; too close to call, if it lies across, or if there is
        only one seed.
    k, n : int
        In how many of the seeds the claim holds by itself, and how many there are.
    margin, low, high : float
        By how much it holds on average (negative: fails), and the interval that
        95% confidence leaves for that.
    """

    word: Word
    k: int
    n: int
    margin: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.word} ({self.k} of {self.n} seeds)"


class _Check(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: str
    # Of a line with several settings: which of them counts, seed by seed.
    over: Literal["only", "best", "mean"] = "only"
    larger_is_better: bool = True

    def margins(self, scores: Scores) -> list[tuple[np.ndarray, np.ndarray]]:
        """Pairs of samples over seeds: the claim is that the first means exceed
        the second's."""
        raise TypeError(f"{type(self).__name__} must define margins")

    def _values(self, scores: Scores, line: str) -> np.ndarray:
        """One number a seed."""
        values = []
        for seed in sorted(_line(scores, line)):
            found = [settings[self.metric] for settings in scores[line][seed]]
            if self.over == "only" and len(found) > 1:
                raise ValueError(
                    f"the line {line} has {len(found)} settings: say over = 'best' or "
                    "'mean'"
                )
            best = max if self.larger_is_better else min
            values.append(float(np.mean(found)) if self.over == "mean" else best(found))
        return np.array(values)


class Higher(_Check):
    """``of`` scores higher than each of ``than``, by more than ``by``."""

    kind: Literal["higher"]
    of: str
    than: tuple[str, ...]
    by: float = 0.0

    def margins(self, scores: Scores) -> list[tuple[np.ndarray, np.ndarray]]:
        of = self._values(scores, self.of)
        return [(of, self._values(scores, line) + self.by) for line in self.than]


class Lower(_Check):
    """``of`` scores lower than each of ``than``, by more than ``by``."""

    kind: Literal["lower"]
    of: str
    than: tuple[str, ...]
    by: float = 0.0

    def margins(self, scores: Scores) -> list[tuple[np.ndarray, np.ndarray]]:
        of = self._values(scores, self.of)
        return [(self._values(scores, line) - self.by, of) for line in self.than]


class Ratio(_Check):
    """``of`` is at least, or at most, so many times ``than``."""

    kind: Literal["ratio"]
    of: str
    than: str
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Ratio:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a ratio is at_least or at_most so much: give one")
        return self

    def margins(self, scores: Scores) -> list[tuple[np.ndarray, np.ndarray]]:
        of, than = self._values(scores, self.of), self._values(scores, self.than)
        if self.at_least is not None:
            return [(of, self.at_least * than)]
        return [((self.at_most or 0.0) * than, of)]


class Within(_Check):
    """``of`` is no further than ``tolerance`` from ``than``, or from ``value``."""

    kind: Literal["within"]
    of: str
    than: str | None = None
    value: float | None = None
    tolerance: float = Field(gt=0)

    @model_validator(mode="after")
    def _one_aim(self) -> Within:
        if (self.than is None) == (self.value is None):
            raise ValueError("within compares with a line (than) or a value: give one")
        return self

    def margins(self, scores: Scores) -> list[tuple[np.ndarray, np.ndarray]]:
        of = self._values(scores, self.of)
        aim = (
            np.full_like(of, self.value)
            if self.than is None
            else self._values(scores, self.than)
        )
        # Two inequalities: not more than so far above, not more than so far below.
        return [(aim + self.tolerance, of), (of, aim - self.tolerance)]


class Ordering(_Check):
    """The lines' scores fall (or rise) in the order given."""

    kind: Literal["ordering"]
    lines: tuple[str, ...] = Field(min_length=2)
    rising: bool = False

    def margins(self, scores: Scores) -> list[tuple[np.ndarray, np.ndarray]]:
        values = [self._values(scores, line) for line in self.lines]
        if self.rising:
            values.reverse()
        return list(itertools.pairwise(values))


class Matched(_Check):
    """``of`` scores higher than ``than`` where both have the same error.

    Both lines are curves over their settings: score against ``error``. They are
    compared on the range of errors that all their seeds have in common, between
    settings by straight lines; where there is none, nothing is decided.
    """

    kind: Literal["matched"]
    of: str
    than: tuple[str, ...]
    error: str = "reconstruction"

    def margins(self, scores: Scores) -> list[tuple[np.ndarray, np.ndarray]]:
        return [self._pair(scores, line) for line in self.than]

    def _pair(self, scores: Scores, than: str) -> tuple[np.ndarray, np.ndarray]:
        curves = [
            [self._curve(settings) for settings in _line(scores, name).values()]
            for name in (self.of, than)
        ]
        every = [curve for line in curves for curve in line]
        low = max(curve[0].min() for curve in every)
        high = min(curve[0].max() for curve in every)
        if not low < high:  # never at the same error: nothing to compare
            return tuple(np.full(len(line), math.nan) for line in curves)  # type: ignore[return-value]
        errors = np.linspace(low, high, GRID)
        first, second = (
            np.array([np.interp(errors, *curve).mean() for curve in line])
            for line in curves
        )
        return first, second

    def _curve(
        self, settings: Sequence[Mapping[str, float]]
    ) -> tuple[np.ndarray, np.ndarray]:
        points = sorted((each[self.error], each[self.metric]) for each in settings)
        x, y = np.array(points).T
        return x, y


Check = Annotated[
    Higher | Lower | Ratio | Within | Ordering | Matched, Field(discriminator="kind")
]


class Claim(BaseModel):
    """A sentence of a paper, and what would bear it out.

    Attributes
    ----------
    quote : str
        The paper's words, between quotation marks; or what its table prints.
    where : str
        Where they stand.
    group : str
        The group of the experiment whose runs decide.
    reading : str
        What is checked, in our words.
    check : Check
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    quote: str = Field(min_length=1)
    where: str = Field(min_length=1)
    reading: str = Field(min_length=1)
    group: str = "table"
    check: Check

    def judge(self, scores: Scores) -> Verdict:
        """Decide the claim over seeds.

        Each inequality of the check is a difference of two means over seeds. Its
        95% interval is Welch's: the two samples' standard errors, added in squares,
        times Student's quantile for the degrees of freedom that Welch and
        Satterthwaite give. A claim with several inequalities holds if all do, and
        does not if one does not.

        Raises
        ------
        ValueError
            If a line or a metric is not among the scores.
        """
        verdicts = [compare(*pair) for pair in self.check.margins(scores)]
        words = [verdict.word for verdict in verdicts]
        word: Word = "too close to call"
        if "did not hold" in words:
            word = "did not hold"
        elif set(words) == {"held"}:
            word = "held"
        # The inequality that is furthest from holding speaks for all.
        worst = min(verdicts, key=lambda verdict: verdict.margin)
        n = min(verdict.n for verdict in verdicts)
        k = sum(
            all(bool(a[s] > b[s]) for a, b in self.check.margins(scores))
            for s in range(n)
        )
        return Verdict(word, k, n, worst.margin, worst.low, worst.high)


def compare(first: np.ndarray, second: np.ndarray) -> Verdict:
    """Whether the first sample's mean exceeds the second's: Welch's interval.

    Parameters
    ----------
    first, second : array
        One number a seed.

    Returns
    -------
    Verdict
        With one seed on either side, or without a number to compare, always too
        close to call.
    """
    from scipy.stats import t

    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    n = min(len(a), len(b))
    margin = float(a.mean() - b.mean())
    k = int((a[:n] > b[:n]).sum())
    if n < 2 or not math.isfinite(margin):
        return Verdict("too close to call", k, n, margin, -math.inf, math.inf)
    parts = [a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)]
    spread = math.sqrt(sum(parts))
    if spread:
        freedom = sum(parts) ** 2 / (
            parts[0] ** 2 / (len(a) - 1) + parts[1] ** 2 / (len(b) - 1)
        )
        spread *= float(t.ppf((1 + CONFIDENCE) / 2, freedom))
    low, high = margin - spread, margin + spread
    word: Word = "too close to call"
    if low > 0:
        word = "held"
    elif high < 0:
        word = "did not hold"
    return Verdict(word, k, n, margin, low, high)


def _line(scores: Scores, line: str) -> Mapping[int, Sequence[Mapping[str, float]]]:
    if line not in scores:
        raise ValueError(f"no line {line!r} in the runs; there are {', '.join(scores)}")
    return scores[line]
