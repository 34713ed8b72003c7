"""The table of metrics says what is so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
import toy

from dlib import metrics
from dlib.metrics import METRICS, Metric, NotApplicable
from dlib.metrics.table import entries, label_of, metric_of

OF_FACTORS = [m for m in METRICS.values() if m.takes_factors]
NEEDED = {"group_mig": {"groups": [0, 0]}}
SMALL = {
    "z_diff": {"n_train": 60, "n_test": 60},
    "z_diff_logistic": {"n_train": 60, "n_test": 60},
    "factor_vae": {"n_train": 60, "n_test": 60},
    "retrieval": {"queries": 10},
    "dci_forest": {"max_depth": 2},
}


def score(metric: Metric, codes: object, table: np.ndarray) -> metrics.Score:
    options = {**SMALL.get(metric.name, {}), **NEEDED.get(metric.name, {})}
    if "groups" in options:
        options["groups"] = [0] * (1 if table.ndim == 1 else table.shape[1])
    entry = (metric.name, options) if options else metric.name
    report = metrics.evaluate_codes(
        codes, table, which=[entry], progress=False, noise_floor=False
    )
    return next(iter(report.scores.values()))


def takes(metric: Metric, codes: object, table: np.ndarray) -> bool:
    try:
        score(metric, codes, table)
    except NotApplicable:
        return False
    return True


@pytest.mark.parametrize("metric", OF_FACTORS, ids=lambda m: m.name)
def test_what_the_table_says_of_a_metric_is_so(metric: Metric) -> None:
    rng = np.random.default_rng(0)
    table = rng.integers(0, 2, (300, 2))
    codes = (table + 0.3 * rng.normal(size=(300, 2))).astype(np.float32)
    assert takes(metric, codes, table)
    real = rng.normal(size=(300, 2))
    assert takes(metric, codes, real) == (not metric.discrete)
    gaps = table.astype(float)
    gaps[::9, 1] = np.nan
    assert takes(metric, codes, gaps) == metric.gaps
    assert takes(metric, codes[:, :1], table) == (metric.codes == 1)
    assert takes(metric, codes, table[:, 0]) == (metric.factors == 1)


@pytest.mark.parametrize("metric", OF_FACTORS, ids=lambda m: m.name)
def test_too_few_points_do_not_suit_it(metric: Metric) -> None:
    table = np.arange(16).reshape(8, 2) // 2 % 2
    with pytest.raises(NotApplicable, match="needs at least"):
        score(metric, table + 0.5, table)


@pytest.mark.parametrize(
    "metric", [metrics.mig, metrics.modularity, metrics.irs, metrics.mean_code_mi]
)
def test_bins_must_be_two_or_more(metric: Callable[..., metrics.Score]) -> None:
    arrays = [toy.noise_codes(), toy.factors()]
    with pytest.raises(ValueError, match="bins must be at least 2, got 1"):
        metric(*(arrays[:1] if metric is metrics.mean_code_mi else arrays), bins=1)


@pytest.mark.parametrize("metric", OF_FACTORS, ids=lambda m: m.name)
def test_only_metrics_of_chunks_see_chunks(metric: Metric) -> None:
    rng = np.random.default_rng(1)
    table = rng.integers(0, 2, (200, 2))
    codes = table @ rng.normal(size=(2, 4)) + 0.5 * rng.normal(size=(200, 4))
    chunks = score(metric, [codes[:, :2], codes[:, 2:]], table)
    columns = score(metric, codes, table)
    if metric.name == "group_mig":  # the first chunk is another thing
        assert chunks.value != columns.value
    else:
        assert (chunks.value != columns.value) == metric.chunks


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda m: m.name)
def test_values_lie_in_their_bounds_and_perfect_codes_at_the_better_end(
    metric: Metric,
) -> None:
    if metric.name == "chunk_use":  # a number of chunks, and more is more
        assert metric.bounds[0] == 1 and metric.larger_is_better
        return
    if metric.takes == "method":
        assert metric.bounds[0] == 0 and not metric.larger_is_better
        return
    if metric.takes in ("labels", "groups"):
        assert metric.bounds == (0, 1) and metric.larger_is_better
        return
    table = toy.factors(400)[:, :2] % 2
    perfect = (2.0 * table - 1).astype(np.float32)
    perfect += 0.01 * np.random.default_rng(0).normal(size=perfect.shape)
    mixed = perfect @ np.array([[1.0, 0.9], [-0.9, 1.0]])
    low, high = metric.bounds
    if metric.name == "group_mig":
        found = [
            metrics.group_mig([c[:, :1], c[:, 1:]], table, [0, 1]).value
            for c in (perfect, mixed)
        ]
    else:
        found = [score(metric, c, table).value for c in (perfect, mixed)]
    assert all(low - 1e-6 <= value <= high + 1e-6 for value in found)
    better = found[0] - found[1] if metric.larger_is_better else found[1] - found[0]
    assert better >= -0.01


def test_all_is_one_protocol_of_each_but_what_has_a_reason() -> None:
    names = [e.label for e in entries("all", with_method=True)]
    assert names == [m.name for m in METRICS.values() if m.in_all]
    assert len({METRICS[name].function for name in names}) == len(names)
    assert names[-1] == "reconstruction"
    assert "reconstruction" not in [e.label for e in entries("all", with_method=False)]
    assert all(m.left_out for m in METRICS.values() if m.name not in names)


def test_labels_name_their_metric() -> None:
    entry = ("dci_forest", {"max_depth": None, "factors": ("a", "b")})
    assert label_of(entry) == "dci_forest(factors=[a, b], max_depth=None)"
    assert metric_of(label_of(entry)) is METRICS["dci_forest"]
    assert label_of(["mig", {}]) == label_of("mig") == "mig"  # as JSON has pairs
    assert metric_of("mine") is None


def test_importing_metrics_loads_nothing_heavy() -> None:
    heavy = ("sklearn", "scipy", "pandas", "matplotlib", "h5py")
    code = (
        "import sys, dlib.metrics; "
        f"print(*[name for name in {heavy} if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""
