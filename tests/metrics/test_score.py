"""A score is a number with its parts."""

from __future__ import annotations

import pytest
import torch

from dlib.metrics import Score


def test_a_score_is_a_number_and_shows_its_parts() -> None:
    score = Score("mig", 0.25, {"matrix": torch.zeros(3, 2), "train": 0.5})
    assert float(score) == 0.25 and score["train"] == 0.5
    assert repr(score) == "mig 0.2500\n  matrix: tensor of 3 x 2\n  train: 0.5000"
    assert "<td>tensor of 3 x 2</td>" in score._repr_html_()


def test_a_part_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(KeyError, match="mig has no part 'gaps'; there are matrix"):
        Score("mig", 0.25, {"matrix": 1.0})["gaps"]
