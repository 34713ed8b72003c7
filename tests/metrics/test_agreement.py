"""Agreement with the reference implementation's values, on arrays made here.

The numbers are those that ``benchmarks/reference_metrics.py`` gives (each metric of
disentanglement_lib 1.5, loop by loop, with scikit-learn's own estimators);
``python tests/metrics/test_agreement.py`` prints them anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dlib import metrics

SIZES = (3, 5, 10, 8)
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def arrays(kind: str) -> Arrays:
    """900 points of six codes: an axis a factor, factors mixed, or pure noise."""
    random = np.random.default_rng(0)
    factors = np.stack([random.integers(s, size=900) for s in SIZES], axis=1)
    causes = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    mixing = {
        "axis": np.eye(4, 6),
        "mixed": random.normal(size=(4, 6)),
        "noise": np.zeros((4, 6)),
    }[kind]
    codes = causes @ mixing + 0.2 * random.normal(size=(900, 6))
    codes = codes.astype(np.float32)
    return codes[:600], factors[:600], codes[600:], factors[600:]


def _discrete_sap(*a: np.ndarray) -> list[float]:
    return [metrics.sap(*a, variant="reference_discrete").value]


def _continuous_sap(*a: np.ndarray) -> list[float]:
    return [metrics.sap(*a[:2], variant="reference_continuous").value]


def _explicitness(*a: np.ndarray) -> list[float]:
    score = metrics.explicitness(*a)
    return [float(score["train"]), score.value]


def _dci(*a: np.ndarray) -> list[float]:
    score = metrics.dci(*a)
    parts = ("disentanglement", "completeness", "informativeness_train",
             "informativeness_test")  # fmt: skip
    return [float(score[part]) for part in parts]


# Ours, the reference's name, how many of the four arrays it takes, and how far off
# we may be.
METRICS: dict[str, tuple[Callable[..., list[float]], int, float]] = {
    "mig": (lambda *a: [metrics.mig(*a).value], 2, 1e-6),
    "modularity": (lambda *a: [metrics.modularity(*a).value], 2, 1e-6),
    "irs": (lambda *a: [metrics.irs(*a).value], 2, 1e-6),
    "gaussian_total_correlation": (
        lambda *a: [metrics.gaussian_total_correlation(*a).value],
        1,
        1e-6,
    ),
    "gaussian_wasserstein_correlation": (
        lambda *a: [metrics.gaussian_wasserstein_correlation(*a).value],
        1,
        1e-6,
    ),
    "sap_continuous": (_continuous_sap, 2, 1e-6),
    "sap_discrete": (_discrete_sap, 4, 0.01),
    "explicitness": (_explicitness, 4, 0.01),
    "dci": (_dci, 4, 0.02),
}

VALUES: dict[str, dict[str, list[float]]] = {
    "axis": {
        "mig": [0.765442263],
        "modularity": [0.897331762],
        "irs": [0.692440703],
        "gaussian_total_correlation": [0.005038806],
        "gaussian_wasserstein_correlation": [0.003034215],
        "sap_continuous": [0.960668432],
        "sap_discrete": [0.246666667],
        "explicitness": [0.978915609, 0.968882433],
        "dci": [0.791521314, 0.761414647, 1.0, 0.789166667],
    },
    "mixed": {
        "mig": [0.116164315],
        "modularity": [0.815033325],
        "irs": [0.516276668],
        "gaussian_total_correlation": [5.13154661],
        "gaussian_wasserstein_correlation": [9.647056823],
        "sap_continuous": [0.189024806],
        "sap_discrete": [0.039166667],
        "explicitness": [0.957982664, 0.94463691],
        "dci": [0.131892016, 0.138564273, 0.995416667, 0.609166667],
    },
    "noise": {
        "mig": [0.005711747],
        "modularity": [0.674985005],
        "irs": [0.23881598],
        "gaussian_total_correlation": [0.014943802],
        "gaussian_wasserstein_correlation": [0.00058993],
        "sap_continuous": [0.002260097],
        "sap_discrete": [0.013333333],
        "explicitness": [0.57030108, 0.520649489],
        "dci": [0.00181097, 0.001696869, 0.959166667, 0.188333333],
    },
}


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("kind", VALUES)
def test_agrees_with_the_reference(kind: str, name: str) -> None:
    ours, count, tolerance = METRICS[name]
    found = ours(*arrays(kind)[:count])
    assert found == pytest.approx(VALUES[kind][name], abs=tolerance)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    import reference_metrics

    for kind in ("axis", "mixed", "noise"):
        print(f'    "{kind}": {{')
        for name, (_, count, _) in METRICS.items():
            value = getattr(reference_metrics, name)(*arrays(kind)[:count])
            values = [round(float(v), 9) for v in np.atleast_1d(value)]
            print(f'        "{name}": {values},')
        print("    },")
