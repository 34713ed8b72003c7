"""IRS against the plain loop, and its published mistake."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy

from dlib import metrics


def plain_irs(codes: np.ndarray, table: np.ndarray, quantile: float = 0.99) -> float:
    codes = codes.astype(np.float64)
    largest = np.abs(codes - codes.mean(0)).max(0)
    matrix = np.zeros((codes.shape[1], table.shape[1]))
    for j in range(table.shape[1]):
        rows = table[:, j] >= 0
        values = table[rows, j]
        group = np.digitize(values, np.histogram(values, 20)[1][:-1])
        worst = []
        for g in np.unique(group):
            inside = codes[rows][group == g]
            away = np.abs(inside - inside.mean(0))
            worst.append(np.quantile(away, quantile, axis=0))
        matrix[:, j] = 1 - np.mean(worst, axis=0) / largest
    return float(np.average(matrix.max(1), weights=largest))


@pytest.mark.parametrize("quantile", [0.99, 1.0, 0.5])
def test_irs_is_the_plain_loops(quantile: float, device: torch.device) -> None:
    table = toy.factors()
    codes = toy.mixed_codes(table)
    score = metrics.irs(torch.from_numpy(codes).to(device), table, quantile=quantile)
    assert score.value == pytest.approx(plain_irs(codes, table, quantile), abs=1e-9)


def test_missing_values_and_many_values() -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 50, (800, 2))
    table[::9, 0] = -1
    codes = rng.normal(size=(800, 3)) + table[:, :1] / 10
    assert metrics.irs(codes, table).value == pytest.approx(plain_irs(codes, table))


def test_real_valued_factors_are_binned() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(size=(2_000, 2))
    good = metrics.irs(values, values).value
    assert good > 0.9 > 0.6 > metrics.irs(rng.normal(size=(2_000, 2)), values).value


def test_active_codes_are_counted_and_not_added_up() -> None:
    # The published code sums the values of active codes; here that sum is negative.
    table = toy.factors()
    codes = toy.axis_codes(table) - 10.0
    codes[:, 4] = 0.5
    with pytest.warns(UserWarning, match="constant"):
        score = metrics.irs(codes, table)
    assert codes[:, :4].sum() < 0
    assert score["active"] == 4
    assert score.value == pytest.approx(plain_irs(codes[:, :4], table), abs=1e-6)
    assert score["parents"][:3].tolist() == [0, 1, 2]


def test_wrong_quantile_and_too_few_points() -> None:
    with pytest.raises(ValueError, match=r"quantile must be between 0 and 1, got 1\.5"):
        metrics.irs(toy.noise_codes(), toy.factors(), quantile=1.5)
    with pytest.raises(ValueError, match="irs needs at least 100 points"):
        metrics.irs(toy.noise_codes(50), toy.factors(50))
