"""Codes: every bad input has its message, every good one the right shape."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
import toy

from dlib import metrics
from dlib.metrics.inputs import (
    as_codes,
)


def test_a_list_of_chunks_becomes_one_matrix_with_its_borders() -> None:
    codes = as_codes([torch.randn(7, 2), np.zeros((7, 3)) + np.arange(7)[:, None]])
    assert codes.values.shape == (7, 5)
    assert codes.chunks == ((0, 2), (2, 5))


def test_codes_come_back_untouched_and_a_matrix_has_one_chunk_a_column() -> None:
    codes = as_codes(torch.randn(7, 2, requires_grad=True))
    assert as_codes(codes) is codes
    assert codes.chunks == ((0, 1), (1, 2))
    assert not codes.values.requires_grad
    assert codes.dtype == torch.float32 and codes.values.dtype == torch.float64


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros(5), r"shape \(n, latent_dim\).*got shape \(5,\)"),
        (np.zeros((0, 3)), "must not be empty"),
        (np.array([["a", "b"]]), "must hold numbers"),
        (
            [torch.zeros(3, 1), torch.zeros(4, 1)],
            r"same number of points, got \[3, 4\]",
        ),
        (np.array([[0.0, np.nan], [1.0, 2.0]]), "1 of 4 values.*row 0, column 1"),
        (np.array([[0.0, 3.0], [np.inf, 2.0]]), "must be finite.*row 1, column 0"),
    ],
)
def test_bad_codes_are_named(codes: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_codes(codes)


def test_a_constant_code_warns_and_scores_zero() -> None:
    table = toy.factors()
    codes = toy.axis_codes(table)
    codes[:, 3] = 0.25
    with pytest.warns(UserWarning, match="code 3 is constant over all 600 points"):
        score = metrics.mig(codes, table)
    assert score["information"][3].abs().max() < 1e-12


def test_a_collapsed_encoder_warns_and_scores_zero() -> None:
    with pytest.warns(UserWarning, match="every code is constant"):
        score = metrics.mig(np.ones((600, 4)), toy.factors())
    assert score.value == 0


class Posterior(NamedTuple):
    mean: torch.Tensor
    logvar: torch.Tensor


def test_a_posterior_is_not_two_chunks() -> None:
    posterior = Posterior(torch.randn(300, 3), torch.randn(300, 3))
    message = r"a Posterior of mean, logvar is more than that: give its mean"
    with pytest.raises(ValueError, match=message):
        as_codes(posterior)
    with pytest.raises(ValueError, match=message):
        metrics.mig(posterior, toy.factors(300))
    assert as_codes(tuple(posterior)).chunks == ((0, 3), (3, 6))
    assert as_codes(posterior.mean).latent_dim == 3


def test_chunks_must_be_matrices() -> None:
    with pytest.raises(ValueError, match=r"codes\[1\] must have shape \(n, chunk_dim"):
        as_codes([np.zeros((4, 2)), np.zeros((4, 2))[:, :, None]])
