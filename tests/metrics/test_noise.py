"""The noise floor: low where it should be, high where the trap is."""

from __future__ import annotations

import pytest
import toy

from dlib import metrics


def test_floors_are_what_noise_gets() -> None:
    table = toy.factors(3_000)
    codes = toy.axis_codes(table)
    assert metrics.noise_floor(metrics.mig, codes, table) < 0.01
    assert metrics.noise_floor(metrics.modularity, codes, table) > 0.4
    assert metrics.noise_floor(metrics.irs, codes, table) > 0.2
    assert metrics.noise_floor(metrics.gaussian_total_correlation, codes) < 0.02


def test_only_the_codes_shape_matters_and_the_seed() -> None:
    table = toy.factors()
    one = metrics.noise_floor(metrics.mig, toy.axis_codes(table), table)
    assert one == metrics.noise_floor(metrics.mig, toy.mixed_codes(table), table)
    assert one != metrics.noise_floor(
        metrics.mig, toy.mixed_codes(table), table, seed=1
    )
    assert one > 0  # never exactly: mutual information is biased upwards


def test_test_noise_is_not_training_noise() -> None:
    # Fitted and tested on the same noise, explicitness would be well above chance.
    table = toy.factors(120)
    floor = metrics.noise_floor(
        metrics.explicitness,
        toy.axis_codes(table),
        table,
        codes_test=toy.axis_codes(table),
        factors_test=table,
        repeats=5,
    )
    assert floor == pytest.approx(0.5, abs=0.05)


def test_a_score_keeps_it() -> None:
    table = toy.factors()
    score = metrics.mig(toy.axis_codes(table), table).with_noise_floor(0.0123)
    assert score.noise_floor == 0.0123
    assert "noise 0.0123" in repr(score) and "noise 0.0123" in score._repr_html_()


def test_repeats_must_be_positive() -> None:
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        metrics.noise_floor(metrics.mig, toy.noise_codes(), toy.factors(), repeats=0)
