"""Every bad input has its message; every good one the right shape."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
import toy

from dlib import metrics
from dlib.metrics.inputs import (
    as_codes,
    as_factors,
    bin_values,
    halves,
    prepare,
    prepare_test,
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


def test_missing_values_are_nan_or_minus_one() -> None:
    with pytest.warns(UserWarning, match=r"in factor 0 \(1 of 3 points\)"):
        whole = as_factors(np.array([[0, 4], [-1, 7], [1, 4]]))
    real = as_factors(np.array([[0.5, 4.0], [np.nan, 7.0], [-1.0, 4.0]]))
    assert whole.labels.tolist() == [[0, 0], [-1, 1], [1, 0]]
    assert real.labels.tolist() == [[1, 0], [-1, 1], [0, 0]]


@pytest.mark.parametrize("column", [[-1, 1, 1, -1], [-10, -1, 0, 10]])
def test_minus_one_is_a_value_where_it_must_be(column: list[int]) -> None:
    for table in (np.array(column), pd.DataFrame({"angle": column})):
        assert as_factors(table).complete
    kept = as_factors(np.array([-1, 0, 1, 2]), kinds=["continuous"])
    assert kept.values[:, 0].tolist() == [-1, 0, 1, 2]


@pytest.mark.filterwarnings("ignore:-1 is taken")
def test_minus_one_means_in_the_test_what_it_meant_in_training() -> None:
    codes = as_codes(np.random.default_rng(0).normal(size=(4, 2)))
    for train, found in (([0, 1, -1, 1], [False, True]), ([-1, 1, 1, -1], [True] * 2)):
        factors = as_factors(np.array(train))
        _, test = prepare_test(
            codes, factors, codes, np.array([-1, 1, 1, 1]), metric="mig"
        )
        assert test.known[:2, 0].tolist() == found


@pytest.mark.parametrize("dtype", ["U6", object, "string"])
def test_words_of_any_type_and_their_gaps(dtype: str) -> None:
    words = ["oval", "heart", "oval", ""]
    table = (
        pd.DataFrame({"shape": pd.array([*words[:3], pd.NA], dtype="string")})
        if dtype == "string"
        else np.array(words, dtype=dtype)
    )
    assert as_factors(table).labels[:, 0].tolist() == [1, 0, 1, -1]


def test_masked_values_are_missing() -> None:
    masked = np.ma.masked_equal(np.array([[0, 1], [1, 9], [1, 0]]), 9)
    assert as_factors(masked).labels.tolist() == [[0, 1], [1, -1], [1, 0]]


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


@pytest.mark.parametrize("dtype", [">f4", ">i8", "longdouble", "uint16", "float16"])
def test_any_real_type_is_read(dtype: str) -> None:
    table = np.arange(12).reshape(6, 2)
    assert torch.equal(as_codes(table.astype(dtype)).values, as_codes(table).values)
    assert torch.equal(as_factors(table.astype(dtype)).values, as_factors(table).values)


@pytest.mark.parametrize(
    "codes", [torch.zeros(4, 2, dtype=torch.complex64), torch.eye(3).to_sparse()]
)
def test_complex_and_sparse_tensors_are_refused(codes: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="real numbers in a dense tensor"):
        as_codes(codes)


def test_a_row_number_is_not_discrete() -> None:
    factors = as_factors(np.stack([np.arange(1000), np.arange(1000) % 7], axis=1))
    assert factors.discrete == (False, True)


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


def test_a_frame_gives_names_and_words_are_numbered() -> None:
    frame = pd.DataFrame({"shape": ["heart", "oval", None, "heart"], "x": [1, 2, 3, 3]})
    factors = as_factors(frame)
    assert factors.names == ("shape", "x")
    assert factors.labels[:, 0].tolist() == [0, 1, -1, 0]
    assert factors.sizes == (2, 3)


def test_large_and_spread_out_numbers_are_counted_as_well() -> None:
    factors = as_factors(np.array([[10**6, 0.25], [7, 0.5], [10**6, 0.25]]))
    assert factors.labels.tolist() == [[1, 0], [0, 1], [1, 0]]


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


def test_bins_of_values() -> None:
    binned = bin_values(np.array([[0.0], [0.49], [np.nan], [0.51], [1.0]]), bins=2)
    assert binned[:, 0].tolist() == [0, 0, -1, 1, 1]
    with pytest.raises(ValueError, match="bins must be at least 2, got 1"):
        bin_values(np.zeros(3), bins=1)
