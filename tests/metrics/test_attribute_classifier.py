"""The mean-difference classifier and its exact bias."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy

from dlib import metrics
from dlib.metrics.attribute_classifier import hinge_bias


@pytest.mark.parametrize("seed", range(5))
def test_no_other_bias_has_a_smaller_hinge_loss(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(40) < 0.3
    p = rng.normal(size=40) + positive
    sign = np.where(positive, 1, -1)

    def loss(b: float) -> float:
        return float(np.maximum(0, 1 - sign * (p + b)).sum())

    bias = float(hinge_bias(torch.from_numpy(p), torch.from_numpy(positive)))
    # The loss is piecewise linear: its minimum is at one of its corners.
    corners = np.where(positive, 1 - p, -1 - p)
    assert loss(bias) == pytest.approx(min(loss(b) for b in corners))


def test_direction_and_accuracy() -> None:
    rng = np.random.default_rng(0)
    attributes = rng.integers(0, 2, (900, 2))
    codes = attributes @ np.array([[3.0, 0, 1], [0, 3.0, 1]])
    codes = codes + 0.3 * rng.normal(size=codes.shape)
    score = metrics.attribute_classifier(
        codes[:600], attributes[:600], codes[600:], attributes[600:]
    )
    train = codes[:600]
    direction = [
        train[attributes[:600, j] == 1].mean(0)
        - train[attributes[:600, j] == 0].mean(0)
        for j in range(2)
    ]
    assert np.allclose(score["direction"].T, direction)
    assert score.value > 0.98
    noise = metrics.attribute_classifier(rng.normal(size=(900, 3)), attributes)
    assert noise.value == pytest.approx(0.5, abs=0.08)


def test_normalising_makes_the_scale_of_a_code_irrelevant() -> None:
    rng = np.random.default_rng(0)
    attribute = rng.integers(0, 2, 600)
    codes = np.stack([attribute + 0.1 * rng.normal(size=600), rng.normal(size=600)], 1)
    stretched = codes * [1, 1_000]
    one, other = (
        metrics.attribute_classifier(c, attribute, normalise=True).value
        for c in (codes, stretched)
    )
    assert one == other > 0.95
    assert metrics.attribute_classifier(stretched, attribute).value < 0.8


def test_gaps_and_test_points() -> None:
    table = toy.factors(300)[:, :1] % 2
    codes = toy.axis_codes(toy.factors(300))
    score = metrics.attribute_classifier(
        codes, np.where(np.arange(300)[:, None] % 7 == 0, -1, table), codes, table
    )
    assert score["commoner"][0] == pytest.approx(max(table.mean(), 1 - table.mean()))
    assert score.value == score["accuracy"][0]


def test_an_attribute_has_two_values() -> None:
    with pytest.raises(
        ValueError, match=r"factor 0 has 3\. For factors of more values"
    ):
        metrics.attribute_classifier(toy.noise_codes(), toy.factors())
    table = np.zeros(300, int)
    table[7] = 1  # in the third that the seed keeps for the test
    with pytest.raises(ValueError, match="one value only in the 200 points"):
        metrics.attribute_classifier(toy.noise_codes(300), table, seed=3)


def test_an_attribute_that_is_unknown_or_new_in_the_test_is_refused() -> None:
    codes, table = toy.noise_codes(300), np.arange(300) % 2
    with pytest.raises(ValueError, match="no training point has, such as 2"):
        metrics.attribute_classifier(codes, table, codes, np.arange(300) % 3)
    with pytest.raises(ValueError, match="missing at all 300"):
        metrics.attribute_classifier(codes, table, codes, np.full(300, np.nan))


def test_signs_are_two_values_like_any() -> None:
    codes = np.random.default_rng(0).normal(size=(200, 2))
    sign = np.sign(codes[:, 0]).astype(int)
    assert metrics.attribute_classifier(codes, sign).value > 0.9
