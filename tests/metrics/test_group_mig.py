"""Group-MIG against its formula."""

from __future__ import annotations

import numpy as np
import pytest
import toy
from sklearn.metrics import mutual_info_score
from test_mig import plain_information

from dlib import metrics

NAMES = ["shape", "scale", "x"]


def test_group_mig_is_its_formula() -> None:
    table = toy.factors()
    codes = toy.mixed_codes(table)
    information = plain_information(codes, table)
    inside = {0: [0, 1], 1: [0, 1], 2: [2, 3, 4]}
    gaps = [
        (
            information[inside[j], j].max()
            - np.delete(information[:, j], inside[j]).max()
        )
        / mutual_info_score(table[:, j], table[:, j])
        for j in range(3)
    ]
    chunks = [codes[:, :2], codes[:, 2:]]
    score = metrics.group_mig(chunks, table, [0, 0, 1])
    assert np.allclose(score["gaps"], gaps)
    assert score.value == pytest.approx(np.mean(gaps))


def test_right_groups_get_one_and_wrong_ones_less_than_nothing() -> None:
    table = toy.factors(5_000)
    codes = toy.axis_codes(table)
    chunks = [codes[:, [0, 1]], codes[:, [2, 3, 4]]]
    assert metrics.group_mig(chunks, table, [0, 0, 1]).value > 0.98
    assert metrics.group_mig(chunks, table, [1, 1, 0]).value < -0.98


def test_names_choose_the_factors_that_are_scored() -> None:
    table = toy.factors()
    codes = toy.axis_codes(table)
    chunks = [codes[:, :1], codes[:, 1:]]
    score = metrics.group_mig(chunks, table, {"shape": 0, "x": 1}, names=NAMES)
    assert np.isnan(score["gaps"].numpy()).tolist() == [False, True, False]
    assert score.value == pytest.approx(float(score["gaps"].nanmean()))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([0, 1], "for each of the 3 factors, got 2"),
        ([0, 1, 2], "chunks 0 to 1, or -1 for none"),
        ([-1, -1, -1], "nothing to score"),
        ({"hue": 1}, "groups names 'hue', and the factors are shape, scale, x"),
    ],
)
def test_groups_that_do_not_fit(groups: object, message: str) -> None:
    codes = toy.noise_codes()
    with pytest.raises(ValueError, match=message):
        metrics.group_mig(
            [codes[:, :2], codes[:, 2:]], toy.factors(), groups, names=NAMES
        )


def test_one_chunk_has_nothing_to_be_compared_with() -> None:
    with pytest.raises(ValueError, match="at least two chunks"):
        metrics.group_mig([toy.noise_codes()], toy.factors(), [0, 0, 0])


def test_groups_are_whole_numbers() -> None:
    codes = toy.noise_codes()
    chunks = [codes[:, :2], codes[:, 2:]]
    with pytest.raises(ValueError, match="whole numbers"):
        metrics.group_mig(chunks, toy.factors(), [0.7, 0, 1])
