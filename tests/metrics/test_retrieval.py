"""Mean average precision against scikit-learn's average precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy
from sklearn.metrics import average_precision_score

from dlib import metrics


def plain_map(chunk: np.ndarray, labels: np.ndarray) -> float:
    """Every point asks; the others are ranked by their distance."""
    values = []
    for q in range(len(chunk)):
        others = np.delete(np.arange(len(chunk)), q)
        others = others[labels[others] >= 0]
        relevant = labels[others] == labels[q]
        if labels[q] < 0 or not relevant.any():
            continue
        distance = np.linalg.norm(chunk[others] - chunk[q], axis=1)
        values.append(average_precision_score(relevant, -distance))
    return float(np.mean(values))


@pytest.mark.parametrize("gaps", [False, True])
def test_retrieval_is_the_plain_loop(gaps: bool, device: torch.device) -> None:
    table = toy.factors(150)
    codes = toy.mixed_codes(table).astype(np.float64)
    if gaps:
        table[::6, 1] = -1
    chunks = [codes[:, :2], codes[:, 2:3], codes[:, 3:]]
    plain = np.array(
        [
            [plain_map(c.astype(np.float32), table[:, j]) for j in range(3)]
            for c in chunks
        ]
    )
    on_device = [torch.from_numpy(c).to(device) for c in chunks]
    score = metrics.retrieval(on_device, table)
    assert np.allclose(score["matrix"].cpu(), plain, atol=1e-4)
    assert score.value == pytest.approx(plain.max(axis=0).mean(), abs=1e-4)


def test_perfect_chunks_get_one_and_noise_the_frequency() -> None:
    table = np.random.default_rng(0).integers(0, 2, (600, 2))
    noise = toy.noise_codes(600)
    codes = [table[:, :1] + 0.01 * noise[:, :1], table[:, 1:] + 0.01 * noise[:, 1:3]]
    score = metrics.retrieval(codes, table)
    assert score.value > 0.999 and score["best_chunk"].tolist() == [0, 1]
    assert metrics.retrieval([noise], table).value == pytest.approx(0.5, abs=0.02)


def test_fewer_queries_estimate_the_same() -> None:
    table = toy.factors(600)
    codes = toy.axis_codes(table)
    everything = metrics.retrieval(codes, table).value
    some = metrics.retrieval(codes, table, queries=150, seed=1).value
    assert some == pytest.approx(everything, abs=0.03)


def test_a_gallery_must_be_worth_searching() -> None:
    with pytest.raises(ValueError, match="gallery of 20, got queries=1000, gallery=5"):
        metrics.retrieval(toy.noise_codes(), toy.factors(), gallery=5)


def test_far_from_zero_is_as_near() -> None:
    table = toy.factors(300)
    codes = toy.axis_codes(table).astype(np.float64)
    near, far = (metrics.retrieval(c, table).value for c in (codes, codes + 1e7))
    assert far == pytest.approx(near, abs=1e-3)
