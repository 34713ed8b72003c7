"""Jobs on a Ray cluster that is there already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dlib.sweeps.job import Job, work
from dlib.sweeps.sweep import WAIT, Ended

# A worker that dies, with its machine or by a lack of memory, is replaced so often;
# the run goes on from its checkpoint.
RETRIES = 3


def run(todo: Sequence[Job], gpus: float) -> Iterator[Ended]:
    """Run jobs as Ray finds room; yield each as it ends, and None each second."""
    try:
        import ray
    except ImportError as error:
        raise ImportError(
            "engine='ray' needs Ray: pip install 'dlib-book[ray]'"
        ) from error
    if not ray.is_initialized():
        try:
            ray.init(address="auto", log_to_driver=False)
        except ConnectionError as error:
            raise ConnectionError(
                "there is no Ray cluster to run on: start one (ray start --head), or "
                "name one in RAY_ADDRESS; or sweep on this machine with engine='local'"
            ) from error
    remote: Any = ray.remote(
        num_cpus=todo[0].threads,
        num_gpus=gpus,
        max_retries=RETRIES,
        max_calls=1,  # a process a run
    )(work)
    jobs = {remote.remote(job): job for job in todo}
    waiting = list(jobs)
    try:
        while waiting:
            done, waiting = ray.wait(waiting, timeout=WAIT)
            for each in done:
                try:
                    ray.get(each)
                    yield jobs[each], None
                except ray.exceptions.RayError as failed:
                    yield jobs[each], failed
            if not done:
                yield None
    finally:
        for each in waiting:
            ray.cancel(each)
