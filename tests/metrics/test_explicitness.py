"""Explicitness against scikit-learn's pieces."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from dlib import metrics
from dlib.metrics.explicitness import mean_area


def test_explicitness_is_the_plain_loops() -> None:
    table, table_test = toy.factors(300), toy.factors(150, seed=9)
    codes, codes_test = toy.mixed_codes(table), toy.mixed_codes(table_test)
    mean, std = codes.mean(0), codes.std(0)
    train, test = (codes - mean) / std, (codes_test - mean) / std
    plain = []
    for j in range(3):
        model = LogisticRegression().fit(train, table[:, j])
        areas = []
        for side, y in ((train, table[:, j]), (test, table_test[:, j])):
            p = model.predict_proba(side)
            areas.append(
                np.mean([roc_auc_score(y == c, p[:, c]) for c in range(toy.SIZES[j])])
            )
        plain.append(areas)
    expected = np.mean(plain, axis=0)
    score = metrics.explicitness(codes, table, codes_test, table_test)
    assert score["train"] == pytest.approx(expected[0], abs=1e-3)
    assert score.value == pytest.approx(expected[1], abs=1e-3)


def test_area_with_ties_and_absent_classes() -> None:
    scores = torch.tensor([[0.2, 0.5, 0.3], [0.2, 0.4, 0.4], [0.6, 0.1, 0.3]])
    answers = torch.tensor([1, 1, 0])
    # Class 0: the right one is on top, area 1; class 1: both above the other, 1;
    # class 2 has no point.
    assert mean_area(scores, answers, np.array([0, 1, 2])) == 1
    # The tied pair counts a half.
    tied = torch.tensor([[0.5, 0.5], [0.5, 0.5]])
    assert mean_area(tied, torch.tensor([0, 1]), np.array([0, 1])) == 0.5


def test_perfect_useless_and_constant_codes() -> None:
    table = toy.factors(900)
    assert metrics.explicitness(toy.axis_codes(table), table).value > 0.9
    noise = metrics.explicitness(toy.noise_codes(900), table).value
    assert noise == pytest.approx(0.5, abs=0.06)
    with pytest.warns(UserWarning, match="every code is constant"):
        assert metrics.explicitness(np.ones((900, 2)), table).value == 0.5


def test_missing_values_and_a_value_that_training_never_saw() -> None:
    table = toy.factors(300)
    codes = toy.axis_codes(table)
    table[::5, 0] = -1
    test = table[:100].copy()
    test[0, 1] = 7  # not among the classes: no column for it, no error
    assert 0.8 < metrics.explicitness(codes, table, codes[:100], test).value <= 1


def test_a_factor_that_the_training_third_lacks() -> None:
    table = np.zeros((300, 1), int)
    table[7] = 1  # in the third that this seed keeps for the test
    with pytest.raises(ValueError, match="one value only in the 200 points"):
        metrics.explicitness(toy.noise_codes(300), table, seed=3)


def test_points_may_come_in_the_order_of_a_grid() -> None:
    factors = np.arange(900)[:, None] // 300
    codes = factors + 0.01 * np.random.default_rng(0).normal(size=(900, 2))
    assert metrics.explicitness(codes, factors).value > 0.95
