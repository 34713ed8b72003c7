"""Modularity against the plain formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy
from test_mig import plain_information

from dlib import metrics


def test_modularity_is_the_plain_formula(device: torch.device) -> None:
    table = toy.factors()
    codes = toy.mixed_codes(table)
    squared = plain_information(codes, table) ** 2
    largest = squared.max(1)
    plain = np.mean(1 - (squared.sum(1) - largest) / (largest * 2))
    score = metrics.modularity(torch.from_numpy(codes).to(device), table)
    assert score.value == pytest.approx(plain, abs=1e-9)


def test_perfect_codes_get_one_and_noise_is_far_from_nothing() -> None:
    table = toy.factors(5_000)
    assert metrics.modularity(toy.axis_codes(table)[:, :3], table).value > 0.99
    assert 0.4 < metrics.modularity(toy.noise_codes(5_000), table).value < 0.95


def test_a_constant_code_gets_zero() -> None:
    codes = toy.axis_codes(toy.factors())[:, :4]
    codes[:, 3] = 1
    with pytest.warns(UserWarning, match="constant"):
        score = metrics.modularity(codes, toy.factors())
    assert score["codes"][3] == 0


def test_one_factor_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="at least two, got 1"):
        metrics.modularity(toy.noise_codes(), toy.factors()[:, 0])
