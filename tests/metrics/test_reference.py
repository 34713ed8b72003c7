"""Agreement with disentanglement_lib 1.5 on the arrays handed to the project.

The arrays are not part of the repository: with a checkout alone these tests are
skipped, and the plain loops beside each metric's test stand in for them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlib import metrics
from dlib.metrics import Score

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "reference" / "metrics"
SETS = (
    "dsprites_mixed",
    "dsprites_noise",
    "mpi3d_mixed",
    "shapes3d_axis",
    "shapes3d_rotated",
)

Arrays = dict[str, np.ndarray]


def explicitness(d: Arrays) -> Score:
    return metrics.explicitness(
        d["codes"], d["factors"], d["codes_test"], d["factors_test"]
    )


def sap_discrete(d: Arrays) -> Score:
    return metrics.sap(
        d["codes"],
        d["factors"],
        d["codes_test"],
        d["factors_test"],
        variant="reference_discrete",
    )


OURS: dict[str, tuple[Callable[[Arrays], float], float]] = {
    "mig": (lambda d: metrics.mig(d["codes"], d["factors"]).value, 1e-6),
    "modularity": (lambda d: metrics.modularity(d["codes"], d["factors"]).value, 1e-6),
    "irs": (lambda d: metrics.irs(d["codes"], d["factors"]).value, 1e-6),
    "sap_continuous": (
        lambda d: (
            metrics.sap(d["codes"], d["factors"], variant="reference_continuous").value
        ),
        1e-6,
    ),
    "gaussian_total_correlation": (
        lambda d: metrics.gaussian_total_correlation(d["codes"]).value,
        1e-6,
    ),
    "gaussian_wasserstein_correlation": (
        lambda d: metrics.gaussian_wasserstein_correlation(d["codes"]).value,
        1e-6,
    ),
    "sap_discrete": (lambda d: sap_discrete(d).value, 0.01),
    "explicitness_train": (lambda d: float(explicitness(d)["train"]), 0.01),
    "explicitness_test": (lambda d: explicitness(d).value, 0.01),
}


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("which", SETS)
def test_agreement(which: str, name: str) -> None:
    if not FOLDER.is_dir():
        pytest.skip("the reference arrays are not part of a checkout")
    reference = json.loads((FOLDER / "reference.json").read_text())
    with np.load(FOLDER / f"codes_{which}.npz", allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    ours, tolerance = OURS[name]
    theirs = reference["sets"][which]["values"][name]
    assert ours(arrays) == pytest.approx(theirs, abs=tolerance)
