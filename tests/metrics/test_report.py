"""A report prints, plots, and comes back from what it was stored as."""

from __future__ import annotations

import json
import math

import matplotlib as mpl
import numpy as np
import pytest
import torch
import toy

from dlib import metrics
from dlib.metrics import PROTOCOL, Report, Score

mpl.use("Agg")


def test_a_report_comes_back_whole() -> None:
    table = toy.factors(400)
    which = ["mig", "dci_forest", "z_diff", ("group_mig", {"groups": [0, 1, -1]})]
    codes = toy.axis_codes(table)
    report = metrics.evaluate_codes(
        [codes[:, :2], codes[:, 2:]], table, which=which, progress=False
    )
    back = Report.from_dict(json.loads(report.to_json()))
    assert back.title == report.title and back.protocol == report.protocol
    assert back.protocol["protocol"] == PROTOCOL == 2
    assert list(back.scores) == list(report.scores)
    for label, score in report.scores.items():
        assert back[label].name == label
        assert back[label].value == score.value
        assert back[label].noise_floor == score.noise_floor is not None
        assert list(back[label].parts) == list(score.parts)
        for part, value in score.parts.items():
            found = back[label][part]
            if isinstance(value, float):
                assert found == value
            else:
                assert found.dtype.is_floating_point == value.dtype.is_floating_point
                torch.testing.assert_close(
                    found, value.to(found.dtype), rtol=1e-5, atol=0, equal_nan=True
                )
    assert bool(back["group_mig(groups=[0, 1, -1])"]["gaps"].isnan()[2])
    assert back.to_dict() == report.to_dict()
    assert repr(back) == repr(Report(**{**vars(report), "seconds": back.seconds}))


def test_reasons_and_numbers_that_json_has_no_word_for() -> None:
    parts = {
        "active": torch.tensor([True, False]),
        "matrix": torch.tensor([[1 / 3, math.inf], [math.nan, -math.inf]]),
        "votes": torch.tensor([[3, 4]]),
        "none": -math.inf,
    }
    report = Report(
        "a",
        {"tc": Score("tc", math.inf, parts)},
        {"mig": "too few"},
        {"tc": 1.23456789},
    )
    stored = report.to_dict()
    assert stored["scores"]["tc"]["value"] == "inf"
    assert stored["scores"]["tc"]["parts"]["matrix"] == [
        [0.333333, "inf"],
        ["nan", "-inf"],
    ]
    back = Report.from_dict(json.loads(report.to_json()))
    assert back["tc"].value == math.inf and back["tc"].noise_floor is None
    assert back["tc"]["none"] == -math.inf
    assert back["tc"]["active"].dtype == torch.bool
    assert torch.equal(back["tc"]["votes"], parts["votes"])
    assert np.array_equal(
        back["tc"]["matrix"], [[0.333333, np.inf], [np.nan, -np.inf]], equal_nan=True
    )
    assert back.skipped == {"mig": "too few"} and back.seconds == {"tc": 1.23457}


@pytest.mark.parametrize("stored", [{}, {"scores": {"mig": 0.5}}, {"scores": [1]}, 3])
def test_what_is_no_report_is_refused(stored: object) -> None:
    with pytest.raises(ValueError, match=r"not what Report.to_dict gives"):
        Report.from_dict(stored)


def test_the_axis_holds_what_has_bounds() -> None:
    scores = {
        name: Score(name, value)
        for name, value in (
            ("mig", 0.5),
            ("group_mig(groups=[0, 1])", -0.25),
            ("gaussian_total_correlation", 7.0),
            ("mine", 0.75),
        )
    }
    axes = Report("t", scores).plot().axes[0]
    labels = [t.get_text() for t in axes.get_yticklabels()]
    assert labels == ["mig", "group_mig(groups=[0, 1])", "mine"]
    assert axes.get_xlim() == (-0.25, 1)
