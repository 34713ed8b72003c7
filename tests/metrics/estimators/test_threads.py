"""Metrics on one thread, and the caller's number of threads afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from dlib import metrics
from dlib.metrics.estimators.threads import one_thread


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    assert one_thread(torch.get_num_threads)() == 1
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_an_error_gives_the_threads_back() -> None:
    with pytest.raises(ValueError, match="same number of points"):
        metrics.mig(np.zeros((10, 2)), np.zeros((9, 1)))
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_boosting_in_threads_is_boosting_and_gives_them_back() -> None:
    random = np.random.default_rng(0)
    factors = random.integers(20, size=(300, 3))  # 60 columns: more than a block
    codes = factors + random.normal(size=(300, 3))
    together = metrics.dci(codes, factors, codes, factors)
    assert torch.get_num_threads() == 3
    alone = one_thread(metrics.dci)(codes, factors, codes, factors)
    assert float(together) == pytest.approx(float(alone), abs=1e-3)
