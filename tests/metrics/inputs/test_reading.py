"""Arrays, frames and words of any type become numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from dlib.metrics.inputs import (
    as_codes,
    as_factors,
)


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
