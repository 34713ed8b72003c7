"""MIG against the loop that everybody writes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy
from sklearn.metrics import mutual_info_score

from dlib import metrics
from dlib.metrics.estimators.mutual_information import digitise
from dlib.metrics.inputs import as_codes


def plain_information(codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Bins and mutual information one pair at a time, (d, k)."""
    result = np.zeros((codes.shape[1], table.shape[1]))
    for i in range(codes.shape[1]):
        edges = np.histogram(codes[:, i], 20)[1]
        binned = np.digitize(codes[:, i], edges[:-1])
        for j in range(table.shape[1]):
            known = table[:, j] >= 0
            result[i, j] = mutual_info_score(table[known, j], binned[known])
    return result


def plain_mig(codes: np.ndarray, table: np.ndarray) -> float:
    information = plain_information(codes, table)
    gaps = []
    for j in range(table.shape[1]):
        known = table[table[:, j] >= 0, j]
        first, second = sorted(information[:, j])[-1:-3:-1]
        gaps.append((first - second) / mutual_info_score(known, known))
    return float(np.mean(gaps))


@pytest.mark.parametrize("make", [toy.axis_codes, toy.mixed_codes])
def test_mig_is_the_plain_loops(make: object, device: torch.device) -> None:
    table = toy.factors()
    codes = make(table)  # type: ignore[operator]
    score = metrics.mig(torch.from_numpy(codes).to(device), table)
    assert score.value == pytest.approx(plain_mig(codes, table), abs=1e-9)
    assert np.allclose(
        score["information"].cpu(), plain_information(codes, table), atol=1e-9
    )


def test_missing_values_are_left_out_factor_by_factor() -> None:
    table = toy.factors()
    table[::7, 1] = -1
    codes = toy.mixed_codes(table)
    assert metrics.mig(codes, table).value == pytest.approx(plain_mig(codes, table))


def test_perfect_codes_get_one_and_useless_ones_nothing() -> None:
    table = toy.factors(5_000)
    assert metrics.mig(toy.axis_codes(table), table).value > 0.98
    assert metrics.mig(toy.noise_codes(5_000), table).value < 0.01


def test_scale_and_sign_change_nothing() -> None:
    table = toy.factors()
    codes = toy.mixed_codes(table).astype(np.float64)
    one = metrics.mig(codes, table).value
    assert metrics.mig(codes * [0.5, 2, 4, 8, 0.25], table).value == pytest.approx(one)


def test_a_full_grid_as_table_and_chunks_as_codes() -> None:
    grid = np.stack(np.meshgrid(*map(np.arange, toy.SIZES), indexing="ij"), -1)
    grid = grid.reshape(-1, 3)
    codes = toy.axis_codes(grid)
    chunks = [codes[:, :2], codes[:, 2:]]
    assert metrics.mig(chunks, grid).value == metrics.mig(codes, grid).value


def test_bins_are_numpys_for_every_precision() -> None:
    rng = np.random.default_rng(0)
    # Multiples of a twentieth sit on the edges, where rounding decides.
    codes = np.round(rng.uniform(0, 1, (500, 3)) * 20) / 20
    codes[:, 2] = rng.normal(size=500)
    for dtype in (np.float32, np.float64):
        typed = codes.astype(dtype)
        binned = digitise(as_codes(typed)).numpy()
        for i in range(3):
            edges = np.histogram(typed[:, i], 20)[1]
            assert (binned[:, i] == np.digitize(typed[:, i], edges[:-1]) - 1).all()


@pytest.mark.parametrize("steps", [4, 1_000])
def test_a_code_that_hardly_moves_is_binned_in_order(steps: int) -> None:
    rng = np.random.default_rng(0)
    step = rng.integers(0, steps, 500).astype(np.float32)
    codes = np.float32(0.5) + step[:, None] * np.spacing(np.float32(0.5))
    binned = digitise(as_codes(codes)).numpy()[:, 0]
    order = np.argsort(step, kind="stable")
    assert (np.diff(binned[order]) >= 0).all() and binned.min() >= 0
    if steps == 4:
        # numpy refuses so few different numbers; here each has its own bin.
        assert len(np.unique(binned)) == 4
    else:
        edges = np.histogram(codes[:, 0], 20)[1]
        assert (binned == np.digitize(codes[:, 0], edges[:-1]) - 1).all()


def test_one_code_has_no_second_best() -> None:
    with pytest.raises(ValueError, match="at least two codes, got 1"):
        metrics.mig(toy.noise_codes()[:, :1], toy.factors())


def test_bins_must_be_two_or_more() -> None:
    with pytest.raises(ValueError, match="bins must be at least 2, got 1"):
        metrics.mig(toy.noise_codes(), toy.factors(), bins=1)


def test_codes_may_lie_in_memory_column_by_column() -> None:
    codes = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    factors = np.arange(300)[:, None] // [60, 100]
    assert metrics.mig(np.asfortranarray(codes), factors).value == (
        metrics.mig(codes, factors).value
    )
