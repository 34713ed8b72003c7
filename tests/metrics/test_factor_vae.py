"""The FactorVAE score: its votes, its trap."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy
from toy import SPACE

from dlib import metrics

SMALL = {"n_train": 300, "n_test": 200, "n_variance": 500}


def test_perfect_codes_get_one_and_noise_chance() -> None:
    table = toy.factors(1_000)
    good = metrics.factor_vae(toy.axis_codes(table), table, **SMALL)
    noise = metrics.factor_vae(toy.noise_codes(1_000), table, **SMALL)
    assert good.value > 0.97
    assert noise.value == pytest.approx(1 / 3, abs=0.15)
    # Codes 0, 1, 2 vote for factors 0, 1, 2; the noise codes never win.
    assert int(good["votes"].sum()) == SMALL["n_train"]
    assert good["votes"].argmax(dim=1)[:3].tolist() == [0, 1, 2]


def test_the_vote_goes_to_the_smallest_relative_variance() -> None:
    # Two codes of factor 0: one ten times as large, and steadier for its size.
    def codes_of(factors: torch.Tensor) -> torch.Tensor:
        f = factors.double()
        return torch.stack([10 * f[:, 0] + f[:, 1], f[:, 0] + 4 * f[:, 1]], 1)

    votes = metrics.factor_vae(codes_of, space=SPACE, **SMALL)["votes"]
    assert votes[0].argmax() == 0 and votes[1].argmax() == 1


def test_small_codes_cast_no_vote_so_the_scale_decides() -> None:
    table = toy.factors(1_000)
    codes = toy.axis_codes(table)
    with np.errstate(all="raise"):
        none = metrics.factor_vae(codes * 0.01, table, **SMALL)
    assert none.value == 0 and none["active"] == 0
    kept = metrics.factor_vae(codes * 0.01, table, inactive_std=0.0, **SMALL)
    assert kept.value > 0.97


def test_wrong_use_is_explained() -> None:
    codes, table = toy.noise_codes(), toy.factors()
    with pytest.raises(ValueError, match="at least two, got 1"):
        metrics.factor_vae(codes, table[:, :1])
    with pytest.raises(ValueError, match=r"60 test votes \(n_test\).*got 5"):
        metrics.factor_vae(codes, table, n_test=5)
    with pytest.raises(ValueError, match=r"images a vote \(batch_size\)"):
        metrics.factor_vae(codes, table, batch_size=1)


def test_the_variances_need_points() -> None:
    with pytest.raises(ValueError, match=r"\(n_variance\)"):
        metrics.factor_vae(toy.noise_codes(), toy.factors(), n_variance=1)
