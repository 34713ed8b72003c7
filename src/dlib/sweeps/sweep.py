"""Many runs, each in a process of its own, with one progress over all."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dlib.progress import Progress
from dlib.runs import is_finished, runs_folder
from dlib.storage import make_folder
from dlib.sweeps.job import Job, steps_done

if TYPE_CHECKING:
    from dlib.recipes import Entry, Experiment

log = logging.getLogger("dlib")
Engine = Literal["local", "ray"]
ENGINES = ("local", "ray")
WAIT = 1.0  # seconds between two looks at what is under way

# What an engine yields: a job that ended, and what went wrong, if anything did; None
# when a second has passed.
Ended = tuple[Job, BaseException | None] | None


@dataclass
class Outcome:
    """What came of a sweep.

    Attributes
    ----------
    found : list of str
        Names of the runs that were finished before.
    trained : list of str
        Those that were finished now.
    failed : dict of str to str
        Those that were not, each with what went wrong and its log.
    """

    found: list[str] = field(default_factory=list)
    trained: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [f"{len(self.trained)} finished now", f"{len(self.found)} before"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        return ", ".join(parts)


def sweep(
    experiment: Experiment,
    entries: Sequence[Entry] | None = None,
    *,
    jobs: int | None = None,
    engine: Engine = "local",
    threads: int = 1,
    gpus: float = 0.0,
    device: str = "auto",
    root: Path | str | None = None,
    progress: bool = True,
) -> Outcome:
    """Finish the runs of an experiment.

    Every run has a process of its own. One that fails does not stop the others; its
    log says why. A sweep that was interrupted goes on where it stood when it is
    called again: finished runs are only found, the others go on from their
    checkpoints. Two sweeps on one store wait for each other run by run.

    Parameters
    ----------
    experiment : Experiment
        Gives metrics and points.
    entries : sequence of Entry, optional
        Which of its runs; all by default.
    jobs : int, optional
        Processes at a time on this machine; as many as there are cores for their
        threads by default, and one where there is a GPU. Ray decides by itself.
    engine : {"local", "ray"}
        Where the processes run: here, or on the Ray cluster that ``RAY_ADDRESS``
        names, or that runs here. Its nodes must share the folder ``root``.
    threads : int
        Of each process. Two processes of one thread are faster than one of two.
    gpus : float
        Of a GPU that each run takes, for Ray: .25 puts four runs on one.
    device : str
        To train on, as for :func:`dlib.training.fit`.
    root : path, optional
        Folder of finished runs; ``runs`` in the cache folder by default.
    progress : bool
        Show the progress over all runs.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If the engine is unknown or a number has no sense.
    OSError
        If the folder cannot be made; the message names it.
    ConnectionError
        If there is no Ray cluster; the message says how to start one.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    if (jobs is not None and jobs < 1) or threads < 1 or gpus < 0:
        raise ValueError(
            "jobs and threads must be positive and gpus not negative, got "
            f"{jobs}, {threads} and {gpus}"
        )
    folder = runs_folder(root)
    outcome, todo = Outcome(), []
    for entry in experiment.entries if entries is None else entries:
        if _is_finished(entry, experiment, folder):
            outcome.found.append(entry.name)
            continue
        todo.append(
            Job(
                entry.name,
                entry.recipe.complete(),
                entry.metrics,
                experiment.points,
                device,
                str(folder.resolve()),
                threads,
                str(folder.resolve() / "logs" / f"{entry.recipe.hash}.log"),
            )
        )
    if todo:
        make_folder(folder / "logs")
        if engine == "ray":
            from dlib.sweeps.ray_engine import run

            events = run(todo, gpus)
        else:
            from dlib.sweeps.local_engine import run as run_here

            events = run_here(todo, jobs or _usual_jobs(threads, device))
        _watch(todo, events, outcome, experiment.title, progress)
    return outcome


def _watch(
    todo: Sequence[Job],
    events: Iterator[Ended],
    outcome: Outcome,
    title: str,
    show: bool,
) -> None:
    total = sum(job.steps for job in todo)
    ended: dict[str, int] = {}
    # What an earlier sweep trained, or another is training, is no speed of this one.
    start = min(total, sum(map(steps_done, todo)))
    with Progress(title, total, start, show) as bar:
        looked = time.monotonic()
        for event in events:
            if event is not None:
                job, error = event
                ended[job.name] = job.steps
                if error is None:
                    outcome.trained.append(job.name)
                else:
                    why = str(error) or type(error).__name__
                    outcome.failed[job.name] = f"{why} (see {job.log})"
                    log.warning("%s failed: %s", job.name, outcome.failed[job.name])
            if event is not None or time.monotonic() - looked > WAIT:
                looked = time.monotonic()
                under_way = [job for job in todo if job.name not in ended]
                done = sum(ended.values()) + sum(map(steps_done, under_way))
                ready = len(outcome.trained)
                note = f"{ready} of {len(todo)} runs"
                if outcome.failed:
                    note += f", {len(outcome.failed)} failed"
                bar.update(min(done, total), note)


def _is_finished(entry: Entry, experiment: Experiment, root: Path) -> bool:
    try:
        return is_finished(entry.recipe, entry.metrics, experiment.points, root)
    except ValueError:  # a damaged one: its job says so
        return False


def _usual_jobs(threads: int, device: str) -> int:
    import torch

    if device in ("auto", "cuda") and torch.cuda.is_available():
        return 1
    return max(1, (os.cpu_count() or 1) // threads)
