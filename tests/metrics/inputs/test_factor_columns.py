"""Factors: names, kinds, gaps; every bad input has its message."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import toy

from dlib.metrics.inputs import (
    NotApplicable,
    as_codes,
    as_factors,
    bin_values,
)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (np.zeros((5, 2), int), "10 rows of codes and 5 of factors"),
        (np.zeros((10, 2, 2)), r"shape \(n, k\).*\(10, 2, 2\)"),
        (np.full((10, 1), np.inf), "must not be infinite"),
        (np.full((10, 1), np.nan), "factor 0 is missing at all 10 points"),
        (np.full((10, 1), 4), r"factor 0 has one value only \(4\) in these 10 points"),
    ],
)
def test_bad_factors_are_named(factors: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_factors(factors, as_codes(np.random.default_rng(0).normal(size=(10, 2))))


def test_names_and_kinds_must_fit() -> None:
    table = toy.factors(50)
    with pytest.raises(ValueError, match="3 columns, got 1 names"):
        as_factors(table, names=["shape"])
    with pytest.raises(ValueError, match="one kind for each of the 3 columns"):
        as_factors(table, kinds=["continuous"])
    with pytest.raises(ValueError, match="'continuous' or 'categorical', got 'colour'"):
        as_factors(table, kinds=["colour"] * 3)


def test_a_row_number_is_not_discrete() -> None:
    factors = as_factors(np.stack([np.arange(1000), np.arange(1000) % 7], axis=1))
    assert factors.discrete == (False, True)


def test_a_frame_gives_names_and_words_are_numbered() -> None:
    frame = pd.DataFrame({"shape": ["heart", "oval", None, "heart"], "x": [1, 2, 3, 3]})
    factors = as_factors(frame)
    assert factors.names == ("shape", "x")
    assert factors.labels[:, 0].tolist() == [0, 1, -1, 0]
    assert factors.sizes == (2, 3)


def test_large_and_spread_out_numbers_are_counted_as_well() -> None:
    factors = as_factors(np.array([[10**6, 0.25], [7, 0.5], [10**6, 0.25]]))
    assert factors.labels.tolist() == [[1, 0], [0, 1], [1, 0]]


def test_bins_of_values() -> None:
    binned = bin_values(np.array([[0.0], [0.49], [np.nan], [0.51], [1.0]]), bins=2)
    assert binned[:, 0].tolist() == [0, 0, -1, 1, 1]
    with pytest.raises(ValueError, match="bins must be at least 2, got 1"):
        bin_values(np.zeros(3), bins=1)


def test_some_columns_in_another_order() -> None:
    frame = pd.DataFrame(
        {"shape": ["oval", "heart"] * 3, "x": range(6), "y": [0.5] * 6}
    )
    some = as_factors(frame, varying=False).columns(["x", "shape"])
    assert some.names == ("x", "shape") and some.words == ((), ("heart", "oval"))
    assert some.values.tolist()[:2] == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["size"],
            "no factor is called 'size'; there are factor 0, factor 1, factor 2",
        ),
        ([], "at least one factor, and each once, got \\[\\]"),
        (["factor 1"] * 2, "each once"),
        ("factor 1", "factors is a list of names, got 'factor 1'"),
    ],
)
def test_columns_that_are_not_there(names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_factors(toy.factors()).columns(names)


def test_what_does_not_vary_is_not_applicable_and_fine_where_it_need_not() -> None:
    table = np.array([[0.0, np.nan, 2], [1, np.nan, 2]])
    with pytest.raises(NotApplicable, match="factor 1 is missing at all 2 points"):
        as_factors(table)
    with pytest.raises(NotApplicable, match=r"factor 1 has one value only \(2\)"):
        as_factors(table[:, [0, 2]])
    assert as_factors(table, varying=False).sizes == (2, 0, 1)
