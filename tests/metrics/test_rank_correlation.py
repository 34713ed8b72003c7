"""Spearman's rho between metrics, against scipy's."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from dlib.metrics import Report, Score, rank_correlation

mpl.use("Agg")


def test_rho_is_scipys_ties_included() -> None:
    rng = np.random.default_rng(0)
    runs = {name: np.round(rng.normal(size=30), 1) for name in ("mig", "sap", "dci")}
    result = rank_correlation(runs)
    assert result.names == ("mig", "sap", "dci") and result.runs == 30
    expected = spearmanr(np.stack(list(runs.values()), axis=1)).statistic
    assert np.allclose(result.matrix, expected)
    assert np.allclose(rank_correlation(pd.DataFrame(runs)).matrix, expected)
    assert np.allclose(result.to_frame().to_numpy(), expected)
    assert "30 runs" in repr(result) and "<table" in result._repr_html_()
    assert len(result.plot().axes[0].texts) == 9


def test_reports_are_compared_in_what_all_of_them_have() -> None:
    reports = [
        Report("r", {n: Score(n, v + i) for i, n in enumerate(names)})
        for v, names in [
            (0.1, ["mig", "sap"]),
            (0.3, ["mig", "sap", "irs"]),
            (0.2, ["mig", "sap"]),
        ]
    ]
    result = rank_correlation(reports)
    assert result.names == ("mig", "sap")
    assert result.matrix[0, 1] == pytest.approx(1)


def test_a_metric_that_never_changes_has_no_rank() -> None:
    result = rank_correlation({"mig": [1, 2, 3], "flat": [1, 1, 1]})
    assert np.isnan(result.matrix[0, 1]) and result.matrix[0, 0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ({"mig": [1, 2, 3]}, "at least two that every run has; got mig"),
        ({"mig": [1, 2], "sap": [1, 2]}, "at least 3 runs"),
        ({"mig": [1, 2, 3], "sap": [1, 2]}, "a value for every run"),
        ({"mig": [1, 2, 3], "sap": [1, 2, np.nan]}, "no finite value of sap"),
        ([], "at least two that every run has; got none"),
    ],
)
def test_wrong_use_is_explained(runs: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rank_correlation(runs)
