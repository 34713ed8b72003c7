"""InfoMEC: closed forms, and scikit-learn's estimate of information."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.feature_selection import mutual_info_classif
from sklearn.metrics import mutual_info_score
from torch import Tensor

from dlib.metrics.infomec import infomec

SIZES = (3, 4, 5)


def _factors(n: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.stack(
        [torch.randint(s, (n,), generator=generator) for s in SIZES], dim=1
    )


def _noise(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(
        shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


def test_perfect_symbols_get_one() -> None:
    factors = _factors(600)
    score = infomec(factors, factors, discrete_codes=True)
    assert float(score) == pytest.approx(1, abs=0.05)
    assert score["compactness"] == pytest.approx(1, abs=0.05)
    assert score["explicitness"] == pytest.approx(1, abs=1e-3)
    information = score["information"]
    assert information.diagonal().numpy() == pytest.approx(np.ones(3))
    expected = mutual_info_score(factors[:, 0], factors[:, 2]) / mutual_info_score(
        factors[:, 2], factors[:, 2]
    )
    assert float(information[0, 2]) == pytest.approx(expected)


def test_information_is_scikit_learns() -> None:
    factors = _factors(500)
    codes = factors[:, :2].double() + 0.5 * _noise((500, 2))
    information = infomec(codes, factors)["information"]
    for j in range(3):
        entropy = mutual_info_score(factors[:, j], factors[:, j])
        # Theirs keeps one code at a time, as the authors' code does.
        expected = [
            mutual_info_classif(
                codes[:, [i]], factors[:, j], n_neighbors=10, random_state=0
            )[0]
            for i in range(2)
        ]
        assert information[:, j].numpy() * entropy == pytest.approx(expected, abs=1e-6)


def test_ties_are_counted_as_by_scikit_learn() -> None:
    factors = _factors(500)
    codes = factors[:, :1].double()
    information = infomec(codes, factors)["information"]
    entropy = mutual_info_score(factors[:, 0], factors[:, 0])
    assert float(information[0, 0]) * entropy == pytest.approx(entropy, abs=0.02)


def test_noise_explains_nothing() -> None:
    score = infomec(_noise((800, 4)), _factors(800))
    assert score["explicitness"] < 0.03
    assert score["information"].amax() < 0.03


def test_duplicates_cost_compactness_not_modularity() -> None:
    factors = _factors(800)
    codes = factors.double() + 0.01 * _noise((800, 3))
    twice = torch.cat([codes, factors.double() + 0.01 * _noise((800, 3), 1)], dim=1)
    once, double = infomec(codes, factors), infomec(twice, factors)
    assert double["modularity"] == pytest.approx(once["modularity"], abs=0.05)
    assert once["compactness"] > 0.8
    # Half of the information in each of two codes out of six: (1/2 - 1/6) / (5/6).
    assert double["compactness"] == pytest.approx(0.4, abs=0.06)


def test_inactive_codes_are_left_out() -> None:
    factors = _factors(400)
    codes = factors.double() + 0.01 * _noise((400, 3))
    dead = torch.cat([codes, 0.01 * _noise((400, 2), 1)], dim=1)
    score, without = infomec(dead, factors), infomec(codes, factors)
    assert score["active"].tolist() == [True, True, True, False, False]
    assert score["modularity"] == pytest.approx(without["modularity"], abs=1e-6)
    assert score["compactness"] == pytest.approx(without["compactness"], abs=1e-6)


def test_order_of_codes_changes_nothing() -> None:
    factors = _factors(400)
    codes = factors.double() + 0.3 * _noise((400, 3))
    first, second = infomec(codes, factors), infomec(codes[:, [2, 0, 1]], factors)
    for part in ("modularity", "compactness"):
        assert first[part] == pytest.approx(second[part], abs=1e-6)
    assert first["explicitness"] == pytest.approx(second["explicitness"], abs=1e-3)


def test_missing_values_are_left_out() -> None:
    factors = _factors(400).double()
    codes = factors + 0.01 * _noise((400, 3))
    factors[::5, 1] = torch.nan
    known = ~factors[:, 1].isnan()
    score = infomec(codes, factors)
    assert score["explicitness"] > 0.95
    alone = infomec(codes[known], factors[known])
    assert float(score["information"][1, 1]) == pytest.approx(
        float(alone["information"][1, 1]), abs=1e-3
    )


def test_one_active_code_is_not_compact() -> None:
    factors = _factors(200)
    codes = torch.cat([factors[:, :1].double() + 0.1 * _noise((200, 1)),
                       0.01 * _noise((200, 1))], dim=1)  # fmt: skip
    assert infomec(codes, factors)["compactness"] == 0


def test_devices_agree(device: torch.device) -> None:
    factors = _factors(200)
    codes = factors.double() + 0.3 * _noise((200, 3))
    here = infomec(codes, factors)
    there = infomec(codes.to(device), factors.to(device))
    assert there["information"].device.type == device.type
    assert float(there) == pytest.approx(float(here), abs=1e-6)


def test_inputs_that_are_refused() -> None:
    factors = _factors(100)
    codes = factors.double()
    with pytest.raises(ValueError, match="at least 50 points"):
        infomec(codes[:20], factors[:20])
    with pytest.raises(ValueError, match="at least two, got 1"):
        infomec(codes, factors[:, :1])
    with pytest.raises(ValueError, match="real-valued"):
        infomec(codes, codes + 0.01 * torch.arange(100)[:, None])
    with pytest.raises(ValueError, match="at least 1, got 0"):
        infomec(codes, factors, neighbours=0)
