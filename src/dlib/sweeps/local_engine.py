"""Jobs in processes of this machine: pebble's pool, one process a job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from multiprocessing import get_context

from dlib.sweeps.job import Job, work
from dlib.sweeps.sweep import WAIT, Ended


def run(todo: Sequence[Job], jobs: int) -> Iterator[Ended]:
    """Run jobs, so many at a time; yield each as it ends, and None each second.

    A process that dies takes nothing with it but its own job. Left early (by Ctrl-C,
    by an error), the processes get a SIGTERM, on which they save a checkpoint.
    """
    from pebble import ProcessPool

    # Spawned: a forked torch would share its threads' state. One job a process:
    # memory and threads are given back between two runs.
    pool = ProcessPool(
        max_workers=min(jobs, len(todo)), max_tasks=1, context=get_context("spawn")
    )
    try:
        futures: dict[Future[str], Job] = {
            pool.schedule(work, args=[job]): job for job in todo
        }
        waiting = set(futures)
        while waiting:
            done, waiting = wait(waiting, WAIT, FIRST_COMPLETED)
            for future in done:
                try:
                    error = future.exception()
                except CancelledError as cancelled:
                    error = cancelled
                yield futures[future], error
            if not done:
                yield None
        pool.close()
    except BaseException:
        pool.stop()
        raise
    finally:
        pool.join()
