"""Agreement with disentanglement_lib 1.5 on the arrays handed to the project.

The arrays are not part of the repository: with a checkout alone these tests are
skipped, and ``test_agreement.py`` stands in for them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_agreement import METRICS

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "reference" / "metrics"
SETS = (
    "dsprites_mixed",
    "dsprites_noise",
    "mpi3d_mixed",
    "shapes3d_axis",
    "shapes3d_rotated",
)
PARTS = {
    "explicitness": ("explicitness_train", "explicitness_test"),
    "dci": (
        "dci_disentanglement",
        "dci_completeness",
        "dci_informativeness_train",
        "dci_informativeness_test",
    ),
}


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("which", SETS)
def test_agreement(which: str, name: str) -> None:
    if not FOLDER.is_dir():
        pytest.skip("the reference arrays are not part of a checkout")
    reference = json.loads((FOLDER / "reference.json").read_text())
    with np.load(FOLDER / f"codes_{which}.npz", allow_pickle=False) as archive:
        arrays = [
            archive[key] for key in ("codes", "factors", "codes_test", "factors_test")
        ]
    ours, count, tolerance = METRICS[name]
    theirs = reference["sets"][which]["values"]
    expected = [theirs[part] for part in PARTS.get(name, (name,))]
    assert ours(*arrays[:count]) == pytest.approx(expected, abs=tolerance)
