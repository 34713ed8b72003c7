"""CPU seconds and values of every metric, the reference's loops and ours.

    python benchmarks/metrics.py
    python benchmarks/metrics.py --points 3000 --test-points 1500
    python benchmarks/metrics.py --arrays codes.npz --json times.json

An ``.npz`` holds ``codes``, ``factors``, ``codes_test`` and ``factors_test``.
Without one, codes are made from a seed: dSprites' five factors, mixed into ten codes
with noise. Both sides are given the same arrays, in one process, one after the
other; time is the process's CPU time on all its threads, encoding left out. The
reference's DCI alone takes minutes: ``--skip-dci-reference`` leaves it out, and the
totals then leave out ours too.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import reference_metrics as reference
import torch
from rich.console import Console
from rich.table import Table

from dlib import metrics
from dlib.metrics.dci import dci

SIZES = (3, 6, 40, 32, 32)
CODES = 10

Values = dict[str, float]
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Row:
    """One metric: CPU seconds and values on both sides."""

    metric: str
    reference_seconds: float | None
    seconds: float
    reference: Values
    ours: Values


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--test-points", type=int, default=5_000)
    parser.add_argument("--arrays", type=Path, help="codes and factors, as .npz")
    parser.add_argument("--skip-dci-reference", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    if options.arrays:
        arrays, what = load(options.arrays), options.arrays.name
    else:
        arrays = synthetic(options.points, options.test_points, options.seed)
        what = f"synthetic codes, seed {options.seed}"
    n, d = arrays[0].shape
    title = f"{what}: {n:,} and {len(arrays[2]):,} points, {d} codes"
    rows = compare(arrays, options.skip_dci_reference)
    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(table(rows, title))
    console.print(
        f"reference: {'disentanglement_lib' if reference.installed() else 'its loops'}"
        f"; {torch.get_num_threads()} torch threads; CPU seconds of this process"
    )
    if options.json:
        options.json.write_text(
            json.dumps({"title": title, "rows": [asdict(r) for r in rows]}, indent=1)
        )


def synthetic(n: int, n_test: int, seed: int) -> Arrays:
    """Codes that mix dSprites' factors: some axis-aligned, some rotated, some noise."""
    random = np.random.default_rng(seed)
    factors = np.stack([random.integers(s, size=n + n_test) for s in SIZES], axis=1)
    causes = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    mixing = np.zeros((len(SIZES), CODES))
    mixing[:, : len(SIZES)] = np.eye(len(SIZES))
    mixing[:, len(SIZES) : CODES - 2] = random.normal(
        size=(len(SIZES), CODES - 2 - len(SIZES))
    )
    codes = causes @ mixing + 0.3 * random.normal(size=(n + n_test, CODES))
    codes = codes.astype(np.float32)
    return codes[:n], factors[:n], codes[n:], factors[n:]


def load(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        names = ("codes", "factors", "codes_test", "factors_test")
        missing = [name for name in names if name not in file]
        if missing:
            raise SystemExit(f"{path} has no {', '.join(missing)}")
        codes, factors, codes_test, factors_test = (file[name] for name in names)
    return codes, factors.astype(np.int64), codes_test, factors_test.astype(np.int64)


def compare(arrays: Arrays, skip_dci_reference: bool) -> list[Row]:
    codes, factors, codes_test, factors_test = arrays
    test = (codes_test, factors_test)
    console = Console(stderr=True)

    def dci_ours() -> Values:
        score = dci(codes, factors, *test)
        parts = ("disentanglement", "completeness", "informativeness_train",
                 "informativeness_test")  # fmt: skip
        return {part: float(score[part]) for part in parts}

    def dci_reference() -> Values:
        names = ("disentanglement", "completeness", "informativeness_train",
                 "informativeness_test")  # fmt: skip
        values = reference.dci(codes, factors, *test)
        return dict(zip(names, values, strict=True))

    def explicitness_ours() -> Values:
        score = metrics.explicitness(codes, factors, *test)
        return {"train": float(score["train"]), "test": float(score)}

    def explicitness_reference() -> Values:
        train, held_out = reference.explicitness(codes, factors, *test)
        return {"train": train, "test": held_out}

    def alone(value: float | metrics.Score) -> Values:
        return {"": float(value)}

    pairs: dict[str, tuple[Callable[[], Values], Callable[[], Values]]] = {
        "mig": (
            lambda: alone(reference.mig(codes, factors)),
            lambda: alone(metrics.mig(codes, factors)),
        ),
        "sap, discrete": (
            lambda: alone(reference.sap_discrete(codes, factors, *test)),
            lambda: alone(
                metrics.sap(codes, factors, *test, variant="reference_discrete")
            ),
        ),
        "sap, continuous": (
            lambda: alone(reference.sap_continuous(codes, factors)),
            lambda: alone(metrics.sap(codes, factors, variant="reference_continuous")),
        ),
        "modularity": (
            lambda: alone(reference.modularity(codes, factors)),
            lambda: alone(metrics.modularity(codes, factors)),
        ),
        "explicitness": (explicitness_reference, explicitness_ours),
        "irs": (
            lambda: alone(reference.irs(codes, factors)),
            lambda: alone(metrics.irs(codes, factors)),
        ),
        "gaussian total correlation": (
            lambda: alone(reference.gaussian_total_correlation(codes)),
            lambda: alone(metrics.gaussian_total_correlation(codes)),
        ),
        "gaussian wasserstein correlation": (
            lambda: alone(reference.gaussian_wasserstein_correlation(codes)),
            lambda: alone(metrics.gaussian_wasserstein_correlation(codes)),
        ),
        "factor_vae": (
            lambda: alone(reference.factor_vae(codes, factors)),
            lambda: alone(metrics.factor_vae(codes, factors)),
        ),
        "z_diff, logistic": (
            lambda: alone(reference.beta_vae(codes, factors)),
            lambda: alone(metrics.z_diff(codes, factors, classifier="logistic")),
        ),
        "dci, boosting": (dci_reference, dci_ours),
    }
    rows = []
    # Imports and lazy initialisation belong to neither side.
    warm = slice(0, 500)
    metrics.mig(codes[warm], factors[warm])
    reference.mig(codes[warm], factors[warm])
    for name, (theirs, ours) in pairs.items():
        console.print(f"{name} ...", highlight=False)
        seconds, values = timed(ours)
        if name.startswith("dci") and skip_dci_reference:
            rows.append(Row(name, None, seconds, {}, values))
            continue
        reference_seconds, reference_values = timed(theirs)
        rows.append(Row(name, reference_seconds, seconds, reference_values, values))
    return rows


def timed(function: Callable[[], Values]) -> tuple[float, Values]:
    """CPU seconds; quick functions are run again until they add up to something."""
    began = time.process_time()
    values = function()
    took = time.process_time() - began
    runs = 1
    while took < 0.1 and runs < 20:
        began = time.process_time()
        function()
        took += time.process_time() - began
        runs += 1
    return took / runs, values


def table(rows: list[Row], title: str) -> Table:
    out = Table(title=title)
    for heading in ("metric", "reference, s", "ours, s", "ratio"):
        out.add_column(heading, justify="left" if heading == "metric" else "right")
    for heading in ("reference", "ours", "difference"):
        out.add_column(heading, justify="right")
    for row in rows:
        for i, (part, value) in enumerate(row.ours.items()):
            theirs = row.reference.get(part)
            out.add_row(
                row.metric if not part else f"{row.metric}: {part}",
                *(_times(row.reference_seconds, row.seconds) if i == 0 else ("",) * 3),
                "-" if theirs is None else f"{theirs:.6f}",
                f"{value:.6f}",
                "-" if theirs is None else f"{value - theirs:+.1e}",
            )
    both = [r for r in rows if r.reference_seconds is not None]
    out.add_section()
    reference_total = sum(r.reference_seconds or 0.0 for r in both)
    label = "all" if len(both) == len(rows) else "all but DCI"
    out.add_row(label, *_times(reference_total, sum(r.seconds for r in both)))
    return out


def _times(theirs: float | None, ours: float) -> tuple[str, str, str]:
    if theirs is None:
        return "-", f"{ours:.3f}", "-"
    return f"{theirs:.3f}", f"{ours:.3f}", f"{theirs / ours:.1f}"


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
