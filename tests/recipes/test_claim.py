"""Claims: what each check compares, and how seeds decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from dlib.recipes import Claim, compare
from dlib.recipes.claim import Check

CHECK: TypeAdapter[Any] = TypeAdapter(Check)


def claim(**check: Any) -> Claim:
    return Claim.model_validate(
        {"quote": "q", "where": "p. 1", "reading": "r", "check": check}
    )


def lines(**values: list[float]) -> dict[str, dict[int, list[dict[str, float]]]]:
    """One setting a seed, of the metric m."""
    return {
        line: {seed: [{"m": value}] for seed, value in enumerate(each)}
        for line, each in values.items()
    }


def test_the_interval_is_welch_s() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal(1.0, 0.2, 5), generator.normal(0.8, 0.5, 7)
    found = compare(a, b)
    wanted = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert found.margin == pytest.approx(a.mean() - b.mean())


def test_three_verdicts() -> None:
    far, near = [0.50, 0.51, 0.49, 0.52, 0.50], [0.10, 0.12, 0.11, 0.09, 0.10]
    wide = [0.16, 0.19, 0.51, 0.19, 0.30]
    assert str(compare(far, near)) == "held (5 of 5 seeds)"
    assert str(compare(near, far)) == "did not hold (0 of 5 seeds)"
    assert compare(wide, [0.2, 0.3, 0.1, 0.25, 0.2]).word == "too close to call"


def test_one_seed_decides_nothing() -> None:
    found = compare([0.9], [0.1])
    assert found.word == "too close to call" and (found.k, found.n) == (1, 1)
    assert str(found) == "too close to call (1 of 1 seeds)"


def test_seeds_without_spread_decide_by_their_sign() -> None:
    assert compare([1.0, 1.0], [0.0, 0.0]).word == "held"
    assert compare([0.0, 0.0], [1.0, 1.0]).word == "did not hold"
    assert compare([1.0, 1.0], [1.0, 1.0]).word == "too close to call"


def test_verdicts_are_right_as_often_as_they_say() -> None:
    """Where nothing differs, 95 in 100 are too close to call."""
    generator = np.random.default_rng(1)
    words = [
        compare(generator.normal(size=5), generator.normal(size=5)).word
        for _ in range(400)
    ]
    share = words.count("too close to call") / len(words)
    assert 0.92 < share < 0.98
    assert 0 < words.count("held") < 20 and 0 < words.count("did not hold") < 20


A, B, C = [5.0, 5.1, 4.9], [3.0, 3.1, 2.9], [1.0, 1.1, 0.9]


@pytest.mark.parametrize(
    ("check", "word", "k"),
    [
        ({"kind": "higher", "of": "a", "than": ["b", "c"]}, "held", 3),
        ({"kind": "higher", "of": "b", "than": ["a", "c"]}, "did not hold", 0),
        ({"kind": "higher", "of": "a", "than": ["b"], "by": 1.5}, "held", 3),
        ({"kind": "higher", "of": "a", "than": ["b"], "by": 2.5}, "did not hold", 0),
        (
            {"kind": "higher", "of": "a", "than": ["b"], "by": 2.0},
            "too close to call",
            0,
        ),
        ({"kind": "lower", "of": "c", "than": ["a", "b"]}, "held", 3),
        ({"kind": "lower", "of": "c", "than": ["b"], "by": 1.5}, "held", 3),
        ({"kind": "lower", "of": "a", "than": ["b"]}, "did not hold", 0),
        ({"kind": "ratio", "of": "a", "than": "c", "at_least": 4}, "held", 3),
        ({"kind": "ratio", "of": "a", "than": "c", "at_least": 7}, "did not hold", 0),
        ({"kind": "ratio", "of": "b", "than": "a", "at_most": 0.8}, "held", 3),
        ({"kind": "within", "of": "a", "than": "b", "tolerance": 3}, "held", 3),
        ({"kind": "within", "of": "a", "than": "b", "tolerance": 1}, "did not hold", 0),
        ({"kind": "within", "of": "b", "value": 3.05, "tolerance": 0.5}, "held", 3),
        ({"kind": "ordering", "lines": ["a", "b", "c"]}, "held", 3),
        ({"kind": "ordering", "lines": ["c", "b", "a"], "rising": True}, "held", 3),
        ({"kind": "ordering", "lines": ["a", "c", "b"]}, "did not hold", 0),
    ],
    ids=str,
)
def test_checks_compare_what_they_say(check: dict, word: str, k: int) -> None:
    verdict = claim(metric="m", **check).judge(lines(a=A, b=B, c=C))
    assert verdict.word == word and verdict.n == 3
    if word != "too close to call":
        assert verdict.k == k


def test_settings_are_chosen_or_averaged() -> None:
    scores = {
        "a": {s: [{"m": 1.0}, {"m": 5.0 + 0.01 * s}] for s in range(3)},
        "b": {s: [{"m": 4.0}, {"m": 4.0 + 0.01 * s}] for s in range(3)},
    }
    check = {"kind": "higher", "metric": "m", "of": "a", "than": ["b"]}
    assert claim(**check, over="best").judge(scores).word == "held"
    assert claim(**check, over="mean").judge(scores).word == "did not hold"
    with pytest.raises(ValueError, match="2 settings: say over"):
        claim(**check).judge(scores)
    worst = claim(**check, over="best", larger_is_better=False)
    assert worst.judge(scores).word == "did not hold"


def curve(gain: float, shift: float = 0.0) -> dict[int, list[dict[str, float]]]:
    """Score = 10 error + gain, at five errors that move a little with the seed."""
    return {
        seed: [
            {"reconstruction": e + shift, "m": 10 * (e + shift) + gain + 0.01 * seed}
            for e in np.linspace(0.1, 0.5, 5) + 0.003 * seed
        ]
        for seed in range(4)
    }


def test_curves_are_compared_at_matched_error() -> None:
    """The better curve has the lower best: it just ends at a smaller error."""
    scores = {"a": curve(0.5, -0.09), "b": curve(0.0)}
    best = claim(kind="higher", metric="m", of="a", than=["b"], over="best")
    assert best.judge(scores).word == "did not hold"
    matched = claim(kind="matched", metric="m", of="a", than=["b"])
    verdict = matched.judge(scores)
    assert verdict.word == "held" and (verdict.k, verdict.n) == (4, 4)
    assert verdict.margin == pytest.approx(0.5, abs=0.02)
    apart = {"a": curve(0.5, 5.0), "b": curve(0.0)}
    assert matched.judge(apart).word == "too close to call"  # never at one error


def test_what_is_not_there_is_named() -> None:
    check = claim(kind="higher", metric="m", of="a", than=["z"])
    with pytest.raises(ValueError, match="no line 'z' in the runs; there are a"):
        check.judge(lines(a=A))


@pytest.mark.parametrize(
    "check",
    [
        {"kind": "better", "metric": "m", "of": "a", "than": ["b"]},
        {"kind": "ratio", "metric": "m", "of": "a", "than": "b"},
        {"kind": "ratio", "metric": "m", "of": "a", "than": "b", "at_least": 1,
         "at_most": 2},
        {"kind": "within", "metric": "m", "of": "a", "tolerance": 1},
        {"kind": "within", "metric": "m", "of": "a", "than": "b", "tolerance": 0},
        {"kind": "ordering", "metric": "m", "lines": ["a"]},
    ],
    ids=str,
)  # fmt: skip
def test_checks_without_sense_are_refused(check: dict) -> None:
    with pytest.raises(ValidationError):
        CHECK.validate_python(check)


def test_a_claim_is_quoted() -> None:
    with pytest.raises(ValidationError, match="quote"):
        Claim.model_validate({"quote": "", "where": "p", "reading": "r", "check": {
            "kind": "higher", "metric": "m", "of": "a", "than": ["b"]}})  # fmt: skip
