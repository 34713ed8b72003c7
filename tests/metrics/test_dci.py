"""DCI: closed forms, the reference's formula, and the reference's values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from torch import Tensor

from dlib.metrics import NotApplicable
from dlib.metrics.dci import dci

SIZES = (3, 4, 5)


def _factors(n: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.stack(
        [torch.randint(s, (n,), generator=generator) for s in SIZES], dim=1
    )


def _noisy(factors: Tensor, seed: int) -> Tensor:
    """Four codes: one per factor and their sum, all with noise."""
    generator = torch.Generator().manual_seed(seed)
    codes = torch.cat([factors.double(), factors.double().sum(1, keepdim=True)], dim=1)
    return codes + 0.4 * torch.randn(
        codes.shape, generator=generator, dtype=torch.float64
    )


def test_perfect_codes_get_one() -> None:
    factors, factors_test = _factors(300), _factors(150, 1)
    score = dci(factors.double(), factors, factors_test.double(), factors_test)
    assert float(score) == pytest.approx(1, abs=1e-6)
    assert score["completeness"] == pytest.approx(1, abs=1e-6)
    assert score["informativeness_train"] == 1
    assert score["informativeness_test"] == 1


def test_two_codes_for_one_factor_cost_completeness_not_disentanglement() -> None:
    factors = _factors(300)[:, :2]
    # Each half of the points is told by another code: both are needed.
    half = torch.arange(300) % 2 == 0
    one = factors[:, 0].double()
    codes = torch.stack(
        [one.where(half, -1.0), one.where(~half, -1.0), factors[:, 1].double()], dim=1
    )
    score = dci(codes, factors, codes, factors)
    assert score["disentanglement"] > 0.95
    assert score["completeness"] < 0.75
    assert score["codes"].shape == (3,)
    assert score["factors"].shape == (2,)


def test_noise_gets_nearly_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(1200, 4, generator=generator)
    score = dci(codes[:900], _factors(900), codes[900:], _factors(300, 1))
    assert float(score) < 0.02
    assert score["completeness"] < 0.02
    assert score["informativeness_test"] == pytest.approx(
        np.mean([1 / s for s in SIZES]), abs=0.06
    )


def test_order_of_codes_does_not_matter() -> None:
    factors = _factors(300)
    codes = _noisy(factors, 0)
    order = torch.tensor([3, 1, 0, 2])
    first = dci(codes, factors, codes, factors)
    second = dci(codes[:, order], factors, codes, factors)
    assert float(first) == pytest.approx(float(second), abs=0.01)
    assert first["importances"][order].numpy() == pytest.approx(
        second["importances"].numpy(), abs=0.01
    )


def test_order_of_factors_and_scale_of_codes_change_nothing() -> None:
    factors = _factors(300)
    codes = _noisy(factors, 0)
    first = dci(codes, factors, codes, factors)
    second = dci(codes * 4, factors.flip(1), codes * 4, factors.flip(1))
    # Rounding depends on the place in memory, and settles near-ties.
    assert float(first) == pytest.approx(float(second), abs=2e-3)


def test_agrees_with_the_reference_procedure() -> None:
    factors, factors_test = _factors(400), _factors(200, 1)
    codes, codes_test = _noisy(factors, 0), _noisy(factors_test, 1)
    score = dci(codes, factors, codes_test, factors_test)
    models = [
        GradientBoostingClassifier(random_state=0).fit(codes, y) for y in factors.T
    ]
    r = np.stack([m.feature_importances_ for m in models], axis=1)
    d = (1 - entropy(r.T + 1e-11, base=3)) @ r.sum(axis=1) / r.sum()
    c = (1 - entropy(r + 1e-11, base=4)) @ r.sum(axis=0) / r.sum()
    train = [m.score(codes, y) for m, y in zip(models, factors.T, strict=True)]
    test = [m.score(codes_test, y) for m, y in zip(models, factors_test.T, strict=True)]
    assert score["importances"].numpy() == pytest.approx(r, abs=0.02)
    assert score["disentanglement"] == pytest.approx(d, abs=0.02)
    assert score["completeness"] == pytest.approx(c, abs=0.02)
    assert score["informativeness_train"] == pytest.approx(np.mean(train), abs=0.02)
    assert score["informativeness_test"] == pytest.approx(np.mean(test), abs=0.02)


def test_missing_values_are_left_out() -> None:
    factors = _factors(300).double()
    codes = factors.clone()
    factors[::7, 0] = torch.nan
    factors[3::5, 2] = torch.nan
    score = dci(codes, factors, codes, factors)
    assert float(score) == pytest.approx(1, abs=1e-6)
    assert score["informativeness_test"] == 1


def test_importance_of_a_chunk_is_the_sum_of_its_columns() -> None:
    factors = _factors(200)
    codes = _noisy(factors, 0)
    columns = dci(codes, factors, codes, factors)["importances"]
    chunks = [codes[:, :1], codes[:, 1:]]
    score = dci(chunks, factors, chunks, factors)
    expected = torch.stack([columns[:1].sum(0), columns[1:].sum(0)])
    assert score["importances"].numpy() == pytest.approx(expected.numpy())


def test_without_test_points_a_third_is_kept_for_them() -> None:
    factors = _factors(300)
    codes = _noisy(factors, 0)
    order = torch.randperm(300, generator=torch.Generator().manual_seed(5))
    fit, test = order[:200], order[200:]
    expected = dci(codes[fit], factors[fit], codes[test], factors[test], seed=5)
    score = dci(codes, factors, seed=5)
    assert float(score) == float(expected)
    assert score["informativeness_test"] == expected["informativeness_test"]


def test_forest_takes_a_depth_per_factor_and_real_values() -> None:
    factors = _factors(300).double()
    codes = _noisy(factors, 0)
    factors[:, 2] += 0.01 * torch.arange(300)
    score = dci(codes, factors, predictor="forest", max_depth=[4, 2, None])
    assert 0.2 < float(score) < 1
    assert 0.5 < score["informativeness_test"] < score["informativeness_train"] <= 1
    again = dci(codes, factors, predictor="forest", max_depth=[4, 2, None])
    assert float(again) == float(score)


def test_depths_mean_what_they_mean_in_scikit_learn() -> None:
    factors, factors_test = _factors(300), _factors(100, 1)
    codes, codes_test = _noisy(factors, 0), _noisy(factors_test, 1)
    arrays = codes, factors, codes_test, factors_test
    depths = [2, None, 5]
    score = dci(*arrays, predictor="forest", max_depth=depths)
    forests = [
        RandomForestRegressor(max_depth=depth, random_state=0).fit(codes, y)
        for depth, y in zip(depths, factors.double().T, strict=True)
    ]
    r = np.stack([forest.feature_importances_ for forest in forests], axis=1)
    assert score["importances"].numpy() == pytest.approx(r)
    right = [
        forest.score(codes_test, y)
        for forest, y in zip(forests, factors_test.T, strict=True)
    ]
    assert score["informativeness_test"] == pytest.approx(np.mean(right))
    same = [
        dci(*arrays, predictor="forest", max_depth=depth).value
        for depth in (2, [2, 2, 2], np.int64(2))
    ]
    assert same[0] == same[1] == same[2]


def test_a_factor_that_is_hardly_known_is_not_for_the_forest() -> None:
    factors = _factors(300).double()
    codes = factors.clone()
    factors[4:, 1] = torch.nan
    with pytest.raises(NotApplicable, match="at 6 points to fit on and 2 to test on"):
        dci(codes, factors, codes, factors, predictor="forest", max_depth="cv")
    with pytest.raises(NotApplicable, match=r"at 2 points to fit on.*at 4 and 1"):
        dci(codes, factors, codes[3:], factors[3:], predictor="forest")
    assert dci(codes, factors, codes, factors, predictor="forest").value > 0.5


def test_forest_gives_perfect_codes_one_and_chooses_its_depth() -> None:
    factors = _factors(150)
    score = dci(factors.double(), factors, predictor="forest", max_depth="cv")
    assert float(score) == pytest.approx(1, abs=1e-6)
    assert score["informativeness_test"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"predictor": "lasso"}, "predictor is 'boosting' or 'forest', got 'lasso'"),
        ({"max_depth": 4}, "max_depth belongs to predictor='forest'"),
        ({"predictor": "forest", "max_depth": [4, 2]}, "each of the 3 factors, got 2"),
        ({"predictor": "forest", "max_depth": "deep"}, "or 'cv', got 'deep'"),
        ({"predictor": "forest", "max_depth": 0}, "at least 1, or None.*got 0"),
        ({"predictor": "forest", "max_depth": [1, 2, 2.5]}, "at least 1.*got 2.5"),
        ({"predictor": "forest", "max_depth": True}, "at least 1.*got True"),
    ],
)
def test_options_that_are_refused(options: dict, message: str) -> None:
    factors = _factors(90)
    with pytest.raises(ValueError, match=message):
        dci(factors.double(), factors, **options)


def test_inputs_that_are_refused() -> None:
    factors = _factors(90)
    codes = factors.double()
    with pytest.raises(ValueError, match="at least 60 points"):
        dci(codes[:50], factors[:50])
    with pytest.raises(ValueError, match="got 1 factors and 3 codes"):
        dci(codes, factors[:, :1])
    with pytest.raises(ValueError, match="got 3 factors and 1 codes"):
        dci(codes[:, :1], factors)
    with pytest.raises(ValueError, match=r"real-valued.*predictor='forest'"):
        dci(codes, codes + 0.01 * torch.arange(90)[:, None])
    with pytest.raises(ValueError, match="both codes_test and factors_test"):
        dci(codes, factors, codes)
    rare = factors.clone()
    rare[:, 0] = 0
    rare[-1, 0] = 1
    with pytest.raises(ValueError, match="one value only in the 60 points"):
        [dci(codes, rare, seed=s) for s in range(20)]
