"""One run of a sweep, in a process of its own."""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlib.runs import Metrics

# What Progress writes to a log, such as "vae: 500 of 1,500, 20 s left".
COUNT = re.compile(r": ([\d,]+) of ([\d,]+)")


@dataclass(frozen=True)
class Job:
    """What a process is told: plain data, so that it can be sent anywhere.

    Attributes
    ----------
    name : str
        Of the run, for people.
    recipe : mapping
        As ``Recipe.complete()`` gives it.
    metrics, points, device
        As :func:`dlib.runs.fit_or_load` takes them.
    root : str
        Folder of finished runs.
    threads : int
        Of torch.
    log : str
        Where the process writes what it has to say.
    """

    name: str
    recipe: Mapping[str, Any]
    metrics: Metrics
    points: tuple[int, int]
    device: str
    root: str
    threads: int
    log: str

    @property
    def steps(self) -> int:
        """Of its training."""
        return int(self.recipe["steps"])


def work(job: Job) -> str:
    """Finish a run, and return its hash. What goes wrong stands in the log."""
    Path(job.log).parent.mkdir(parents=True, exist_ok=True)
    with open(job.log, "a", buffering=1) as log:
        # Warnings of C++ and of children too, hence the file and not sys.stderr.
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        print(f"{job.name} in process {os.getpid()}", file=log)
        logging.basicConfig(
            stream=log, level=logging.INFO, format="%(asctime)s %(message)s", force=True
        )
        try:
            return _finish(job)
        except BaseException:
            traceback.print_exc(file=log)
            raise
        finally:
            sys.stdout.flush()
            logging.shutdown()


def _finish(job: Job) -> str:
    import torch

    from dlib.runs import Recipe, fit_or_load

    torch.set_num_threads(job.threads)
    recipe = Recipe.model_validate(dict(job.recipe))
    run = fit_or_load(
        recipe,
        metrics=job.metrics,
        points=job.points,
        weights=False,
        root=job.root,
        device=job.device,
        title=job.name,
    )
    print(f"finished: {run}", flush=True)
    return recipe.hash


def steps_done(job: Job) -> int:
    """How far a run's training is, by the last line of its log that says so.

    A log is added to and never removed: another sweep may be writing it.
    """
    try:
        with open(job.log, "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 4000))
            tail = log.read().decode(errors="replace")
    except OSError:
        return 0
    counts = [
        int(done.replace(",", ""))
        for done, total in COUNT.findall(tail)
        if int(total.replace(",", "")) == job.steps
    ]
    return counts[-1] if counts else 0
