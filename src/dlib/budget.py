"""How much work a chapter may do: ``DLIB_BUDGET=smoke | book | paper``."""

from __future__ import annotations

import os
from typing import Literal, TypeVar

Budget = Literal["smoke", "book", "paper"]
BUDGETS: tuple[Budget, ...] = ("smoke", "book", "paper")
T = TypeVar("T")


def current() -> Budget:
    """The budget that the environment asks for, ``book`` when it is silent.

    Raises
    ------
    ValueError
        If ``DLIB_BUDGET`` is set to something else.
    """
    name = os.environ.get("DLIB_BUDGET", "book")
    if name not in BUDGETS:
        raise ValueError(
            f"DLIB_BUDGET must be one of {', '.join(BUDGETS)}, got {name!r}"
        )
    return name


def choose(smoke: T, book: T, paper: T | None = None) -> T:
    """The value for the current budget; ``paper`` falls back to ``book``."""
    values = {"smoke": smoke, "book": book, "paper": book if paper is None else paper}
    return values[current()]
