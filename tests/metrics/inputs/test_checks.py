"""Codes and factors together: what metrics ask of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import toy

from dlib import metrics
from dlib.metrics.inputs import (
    NotApplicable,
    as_codes,
    as_factors,
    halves,
    instead,
    prepare,
    prepare_test,
    require_known,
    require_varying,
)


@pytest.mark.filterwarnings("ignore:-1 is taken")
def test_minus_one_means_in_the_test_what_it_meant_in_training() -> None:
    codes = as_codes(np.random.default_rng(0).normal(size=(4, 2)))
    for train, found in (([0, 1, -1, 1], [False, True]), ([-1, 1, 1, -1], [True] * 2)):
        factors = as_factors(np.array(train))
        _, test = prepare_test(
            codes, factors, codes, np.array([-1, 1, 1, 1]), metric="mig"
        )
        assert test.known[:2, 0].tolist() == found


def test_words_of_the_test_points_have_the_training_words_numbers() -> None:
    codes = as_codes(np.random.default_rng(0).normal(size=(4, 2)))
    words = np.array([["oval"], ["heart"], ["square"], ["oval"]], dtype=object)
    train = as_factors(words)
    _, test = prepare_test(codes, train, codes, words[[2, 2, 0, 0]], metric="mig")
    assert test.values[:, 0].tolist() == [2, 2, 1, 1]
    _, test = prepare_test(
        codes, train, codes, [["ring"], ["oval"], ["heart"], [""]], metric="mig"
    )
    assert test.values[:3, 0].tolist() == [3, 1, 0] and not test.complete


def test_columns_of_the_test_table_are_found_by_their_titles() -> None:
    codes = as_codes(np.random.default_rng(0).normal(size=(3, 2)))
    frame = pd.DataFrame({"x": [0, 1, 2], "size": [5, 6, 5]})
    train = as_factors(frame)
    _, test = prepare_test(codes, train, codes, frame[["size", "x"]], metric="mig")
    assert torch.equal(test.values, train.values)
    other = frame.rename(columns={"x": "y"})
    with pytest.raises(ValueError, match="columns x, size; it has y, size"):
        prepare_test(codes, train, codes, other, metric="mig")
    twice = pd.DataFrame(np.zeros((3, 2)), columns=["x", "x"])
    with pytest.raises(ValueError, match="must have different names, got x, x"):
        as_factors(twice)


def test_halves_are_drawn_by_the_seed() -> None:
    codes = as_codes(np.arange(90.0)[:, None])
    table = as_factors(np.arange(90) // 45)
    train, _, test, y_test = halves(codes, table, 1)
    assert (train.n, test.n) == (60, 30) and len(y_test.classes[0]) == 2
    assert sorted(torch.cat([train.values, test.values])[:, 0].tolist()) == list(
        range(90)
    )
    again = halves(codes, table, 2)[2]
    assert not torch.equal(test.values, again.values)


def test_a_real_valued_factor_is_refused_by_who_counts_and_told_who_does_not() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"mig counts.*factor 0 is real-valued.*sap"):
        metrics.mig(rng.normal(size=(300, 3)), rng.normal(size=(300, 1)))


def test_too_few_points_are_named_with_the_number_needed() -> None:
    with pytest.raises(ValueError, match=r"mig needs at least 100 points.*got 60"):
        metrics.mig(toy.noise_codes(60), toy.factors(60))


def test_test_points_must_look_like_training_points() -> None:
    codes, factors = prepare(toy.noise_codes(), toy.factors(), metric="m")
    with pytest.raises(ValueError, match="m needs test points"):
        prepare_test(codes, factors, None, None, metric="m")
    with pytest.raises(ValueError, match=r"codes_test must have 5 columns.*got 4"):
        prepare_test(
            codes, factors, toy.noise_codes()[:, :4], toy.factors(), metric="m"
        )
    with pytest.raises(ValueError, match=r"factors_test has 2 columns"):
        prepare_test(
            codes, factors, toy.noise_codes(), toy.factors()[:, :2], metric="m"
        )


def test_a_factor_that_is_seldom_known_is_named_where_it_is_not() -> None:
    codes, factors = prepare(toy.noise_codes(), toy.factors(), metric="m")
    gone = toy.factors().astype(float)
    gone[:, 1] = np.nan
    with pytest.raises(NotApplicable, match="factor 1 is missing at all 600 test"):
        prepare_test(codes, factors, toy.noise_codes(), gone, metric="m")
    assert prepare_test(
        codes, factors, toy.noise_codes(), gone, metric="m", known=False
    )[1].sizes == (3, 0, 8)
    rare = as_factors(gone, varying=False)
    with pytest.raises(NotApplicable, match="factor 1 has one value only in the 600"):
        require_varying(rare, "m")
    with pytest.raises(NotApplicable, match="factor 1 is missing at all 600 test"):
        require_known(rare)


def test_messages_name_who_takes_what_another_refuses() -> None:
    assert instead(discrete=False) == "sap, dci_forest, irs"
    assert instead(codes=1) == "z_diff, factor_vae, irs, modularity, " + (
        "explicitness, infomec"
    )
    assert instead(factors=1) == "mig, sap, irs, explicitness"
    assert "z_diff" not in instead(gaps=True)
