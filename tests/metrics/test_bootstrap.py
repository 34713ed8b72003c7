"""Bootstrap intervals: where they lie, how wide they are."""

from __future__ import annotations

import numpy as np
import pytest
import toy

from dlib import metrics


def test_an_interval_holds_the_value_and_narrows_with_points() -> None:
    widths = []
    for n in (300, 3_000):
        table = toy.factors(n)
        codes = toy.mixed_codes(table)
        interval = metrics.bootstrap(
            metrics.sap, codes, table, repeats=60, kinds=["continuous"] * 3
        )
        assert interval.low < interval.value < interval.high
        assert interval.value == float(
            metrics.sap(codes, table, kinds=["continuous"] * 3)
        )
        widths.append(interval.high - interval.low)
    # Ten times the points: about the square root of ten times narrower.
    assert 2 < widths[0] / widths[1] < 5
    assert "95% of 60 bootstrap samples" in repr(interval)


def test_metrics_with_test_points_and_without_factors() -> None:
    table = toy.factors(300)
    codes = toy.axis_codes(table)
    both = metrics.bootstrap(
        metrics.explicitness, codes, table, codes[:100], table[:100], repeats=10
    )
    alone = metrics.bootstrap(metrics.gaussian_total_correlation, codes, repeats=10)
    assert both.name == "explicitness" and len(both.samples) == 10
    assert alone.low <= alone.high


def test_a_protocol_with_test_points_is_split_first() -> None:
    table = toy.factors(300)
    codes = toy.axis_codes(table)
    found = metrics.bootstrap(
        metrics.sap, codes, table, repeats=10, variant="reference_discrete"
    )
    assert found.low <= found.high


def test_a_seed_decides() -> None:
    table = toy.factors(300)
    first, again, other = (
        metrics.bootstrap(metrics.mig, toy.axis_codes(table), table, repeats=10, seed=s)
        for s in (1, 1, 2)
    )
    assert np.array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, other.samples)


def test_wrong_use_is_explained() -> None:
    codes, table = toy.noise_codes(), toy.factors()
    with pytest.raises(ValueError, match="at least 10 repeats, got 3"):
        metrics.bootstrap(metrics.mig, codes, table, repeats=3)
    with pytest.raises(ValueError, match="confidence must be between 0 and 1, got 95"):
        metrics.bootstrap(metrics.mig, codes, table, confidence=95)


def test_no_point_is_fitted_on_and_tested_on() -> None:
    codes, table = toy.noise_codes(120), toy.factors(120)[:, :2] % 2
    found = metrics.bootstrap(metrics.attribute_classifier, codes, table, repeats=20)
    # With copies of the test points among those fitted on it would be far above.
    assert found.low < 0.5 < found.high
