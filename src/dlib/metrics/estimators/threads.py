"""How many threads a metric's small steps are spread over."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function run its tensor operations on one thread of the CPU.

    Ten codes at 10,000 points are less than a millisecond a step: two threads
    gain nothing (MIG) to a third (FactorVAE score) of the time and cost a third
    more to twice the CPU time, because a thread that has done its part waits for
    the others by spinning. On a GPU the setting means nothing.

    Parameters
    ----------
    function : callable
        Of any arguments.

    Returns
    -------
    callable
        The same; the caller's number of threads is back when it returns or raises.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        threads = torch.get_num_threads()
        if threads == 1:
            return function(*args, **kwargs)
        torch.set_num_threads(1)
        try:
            return function(*args, **kwargs)
        finally:
            torch.set_num_threads(threads)

    return run
