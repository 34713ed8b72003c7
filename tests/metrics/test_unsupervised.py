"""Scores of the codes alone, against numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
import toy
from sklearn.metrics import mutual_info_score

from dlib import metrics


def test_gaussian_scores_are_their_formulas(device: torch.device) -> None:
    codes = toy.mixed_codes(toy.factors())
    covariance = np.cov(codes.astype(float), rowvar=False)
    variances = np.diag(covariance)
    tc = 0.5 * (np.log(variances).sum() - np.linalg.slogdet(covariance)[1])
    root = scipy.linalg.sqrtm(covariance * variances[:, None])
    distance = float(np.real(2 * np.trace(covariance) - 2 * np.trace(root)))
    here = torch.from_numpy(codes).to(device)
    assert metrics.gaussian_total_correlation(here).value == pytest.approx(tc)
    score = metrics.gaussian_wasserstein_correlation(here)
    assert score.value == pytest.approx(distance, abs=1e-9)
    assert score["normalised"] == pytest.approx(distance / variances.sum(), abs=1e-9)


def test_mean_code_mi_is_the_plain_loop() -> None:
    codes = toy.mixed_codes(toy.factors())
    binned = [np.digitize(c, np.histogram(c, 20)[1][:-1]) for c in codes.T]
    pairs = [
        mutual_info_score(binned[a], binned[b])
        for a in range(5)
        for b in range(5)
        if a != b
    ]
    assert metrics.mean_code_mi(codes).value == pytest.approx(np.mean(pairs))


def test_duplicated_codes_are_infinitely_correlated_and_noise_is_not() -> None:
    noise = toy.noise_codes(5_000)
    assert metrics.gaussian_total_correlation(noise).value < 0.01
    twice = np.concatenate([noise, noise[:, :1]], axis=1)
    assert metrics.gaussian_total_correlation(twice).value > 10


def test_constant_codes_are_left_out() -> None:
    codes = toy.noise_codes()
    tc = metrics.gaussian_total_correlation(codes[:, :4]).value
    codes[:, 4] = 2.0
    with pytest.warns(UserWarning, match="code 4 is constant"):
        assert metrics.gaussian_total_correlation(codes).value == pytest.approx(tc)
    with pytest.warns(UserWarning, match="every code is constant"):
        assert metrics.gaussian_wasserstein_correlation(np.ones((9, 2))).value == 0


def test_too_few_points_or_codes() -> None:
    with pytest.raises(ValueError, match="needs at least 6 points"):
        metrics.gaussian_total_correlation(toy.noise_codes(5))
    with pytest.raises(ValueError, match="at least two, got 1"):
        metrics.mean_code_mi(toy.noise_codes()[:, :1])
