"""How several seeds stand in one cell."""

from __future__ import annotations

import pytest

from dlib.recipes import median_and_range
from dlib.recipes.tabulate import Row


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "–"),
        ([0.25], "0.250"),
        ([0.1, 0.4, 0.2, 0.3], "0.250 (0.100 to 0.400)"),
        ([-1.0, 3.0, 2.0], "2.000 (-1.000 to 3.000)"),
        ([0.20001, 0.20002], "0.200"),
    ],
)
def test_median_and_range(values: list[float], text: str) -> None:
    assert median_and_range(values, 3) == text


def test_a_row_writes_its_own_with_four_digits() -> None:
    row = Row("VAE", {}, {"mig": [0.3, 0.1, 0.2]})
    assert row.text("mig") == "0.2000 (0.1000 to 0.3000)"
    assert row.text("sap") == "–" and row.seeds == 3
