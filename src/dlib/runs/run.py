"""A finished run: found where it was stored, or trained now."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

import dlib
from dlib.models import Method
from dlib.progress import duration
from dlib.runs.recipe import Recipe
from dlib.storage import cache_folder, make_folder
from dlib.training import History, fit

if TYPE_CHECKING:
    from dlib.metrics import Report

Found = Literal["shipped", "cache", "trained"]
# Of metrics: a name, or a name and its options, as dlib.metrics.evaluate takes them.
Metrics = Sequence[str | Sequence[Any]]
POINTS = (10_000, 5_000)  # to fit on and to test on


class MissingRun(LookupError):
    """A run that is not finished, where training it now is not wanted."""


@dataclass
class Run:
    """A finished run.

    Attributes
    ----------
    recipe : Recipe
    method : Method or None
        The trained method, in evaluation mode on the CPU; None where a record
        was asked for without weights.
    history : History
        The terms of the loss over the training.
    report : Report or None
        The metrics that were measured, whole.
    record : dict
        Minutes, machine, versions, and how the report was measured.
    found : {"shipped", "cache", "trained"}
        Where it came from.
    """

    recipe: Recipe
    method: Method | None
    history: History
    report: Report | None
    record: dict[str, Any]
    found: Found

    @property
    def metrics(self) -> dict[str, float]:
        """The values of the metrics that were measured, by name."""
        if self.report is None:
            return {}
        return {name: float(score) for name, score in self.report.scores.items()}

    @property
    def trained(self) -> Any:
        """The trained method.

        Raises
        ------
        ValueError
            If the run was loaded without weights.
        """
        if self.method is None:
            raise ValueError(
                "this run was loaded without its weights; ask for them with "
                "weights=True"
            )
        return self.method

    def __str__(self) -> str:
        how = {
            "shipped": "loaded, shipped with the library",
            "cache": "loaded from this machine's cache",
            "trained": "trained just now",
        }[self.found]
        return (
            f"{self.recipe.hash}: {self.recipe.steps:,} steps, {how}; "
            f"trained in {duration(60 * self.record['minutes'])} "
            f"on {self.record['machine']}"
        )


def fit_or_load(
    recipe: Recipe,
    *,
    metrics: Metrics = (),
    points: tuple[int, int] = POINTS,
    weights: bool = True,
    train: bool = True,
    root: Path | str | None = None,
    device: str = "auto",
    progress: bool = True,
    title: str | None = None,
) -> Run:
    """The finished run of a recipe: shipped, cached, or trained now.

    A training that was killed goes on from its last checkpoint; of two processes
    that ask for one recipe, the second waits for the first. ``print`` the run to
    see where it came from, how long it took and on what.

    Parameters
    ----------
    recipe : Recipe
    metrics : sequence
        As :func:`dlib.metrics.evaluate` takes them. Those the report lacks are
        measured on the held-out part, and kept with a run in the cache.
    points : (int, int)
        How many points metrics fit on and test on.
    weights : bool
        Whether the trained method is needed. Sweeps ship records only.
    train : bool
        Whether to train what is missing.
    root : path, optional
        Folder of finished runs; ``runs`` in the cache folder by default.
    device : str
        To train on, as for :func:`dlib.training.fit`.
    progress : bool
        Show a bar with the time left.
    title : str, optional
        What the bar says.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If a stored run is damaged; the message names the file.
    MissingRun
        If there is none, or it lacks a metric and has no weights to measure it
        with, and ``train`` is False.
    """
    from filelock import FileLock

    from dlib.runs import shipped, store

    folder = runs_folder(root)

    def find() -> Run | None:
        run = shipped.read(recipe, weights)
        return run or store.read(recipe, folder, weights)

    run = find()
    if run is None and train:
        make_folder(folder)
        with FileLock(folder / f"{recipe.hash}.lock"):
            run = find() or _train(recipe, folder, device, progress, title)
        (folder / f"{recipe.hash}.lock").unlink(missing_ok=True)
    if run is None:
        raise MissingRun(f"there is no finished run {recipe.hash} of {recipe}")
    lacking = _lacking(run, metrics, points)
    if not lacking:
        return run
    if run.method is None:  # measured on its weights, here or once they are trained
        return fit_or_load(
            recipe,
            metrics=metrics,
            points=points,
            train=train,
            root=root,
            device=device,
            progress=progress,
            title=title,
        )
    measure(run, lacking, points, progress=progress, device=device)
    if run.found != "shipped":
        store.save(run, folder)
    return run


def runs_folder(root: Path | str | None = None) -> Path:
    """Where finished runs are kept: ``root``, or ``runs`` in the cache folder."""
    return Path(root) if root is not None else cache_folder() / "runs"


def is_finished(
    recipe: Recipe, metrics: Metrics, points: tuple[int, int], root: Path | str | None
) -> bool:
    """Whether a run is stored with these metrics; nothing is measured or trained."""
    from dlib.runs import shipped, store

    found = (
        shipped.read(recipe, weights=False),
        store.read(recipe, runs_folder(root), weights=False),
    )
    return any(run and not _lacking(run, metrics, points) for run in found)


def measure(
    run: Run,
    metrics: Metrics,
    points: tuple[int, int] = POINTS,
    *,
    seed: int = 0,
    progress: bool = True,
    device: str = "cpu",
) -> None:
    """Measure metrics of a run on the held-out part of its data, beside noise.

    They join those of its report that were measured alike; others make room.
    """
    from dlib.metrics import evaluate

    where = _device(device)
    method = run.trained.to(where)
    report = evaluate(
        method,
        run.recipe.parts()[1],
        which=list(metrics),
        n=points[0],
        n_test=points[1],
        seed=seed,
        progress=progress,
    )
    method.cpu()
    alike = _protocol(points, seed)
    if run.report is not None and run.record.get("measured") == alike:
        report = replace(
            report,
            scores={**run.report.scores, **report.scores},
            seconds={**run.report.seconds, **report.seconds},
        )
    run.report = report
    run.record["measured"] = alike


def _lacking(run: Run, metrics: Metrics, points: tuple[int, int]) -> Metrics:
    if not metrics:
        return ()
    from dlib.metrics import label_of

    if run.report is None or run.record.get("measured") != _protocol(points, 0):
        return metrics
    have = run.report.scores
    return [metric for metric in metrics if label_of(metric) not in have]


def _protocol(points: tuple[int, int], seed: int) -> dict[str, Any]:
    """What scores must have in common to stand in one report."""
    from dlib.metrics import PROTOCOL

    return {"points": list(points), "seed": seed, "protocol": PROTOCOL}


def _device(name: str) -> torch.device:
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def machine() -> str:
    """The kind of machine this is: a GPU's name, or the number of CPU cores."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"


def versions(recipe: Recipe) -> dict[str, Any]:
    """Versions of what a run's numbers may depend on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "dlib-book": dlib.__version__,
        "twins": recipe.data.versions,
    }


def _train(
    recipe: Recipe, folder: Path, device: str, progress: bool, title: str | None
) -> Run:
    from dlib.runs import store

    method = recipe.build()
    checkpoint = folder / f"{recipe.hash}.checkpoint"
    where = _device(device)
    # Pictures are drawn where they are used.
    dataset = recipe.parts(where if where.type == "cuda" else "cpu")[0]
    history = fit(
        method,
        dataset,
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        precision=recipe.precision,
        device=device,
        checkpoint=checkpoint,
        progress=progress,
        title=title,
    )
    record = {
        "minutes": round(history.seconds / 60, 2),
        "machine": machine(),
        "versions": versions(recipe),
    }
    trained: Any = method
    run = Run(recipe, trained.cpu().eval(), history, None, record, "trained")
    store.save(run, folder)
    checkpoint.unlink(missing_ok=True)
    return run
