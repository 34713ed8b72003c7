"""How a long job tells how far it is: terminal, notebook, or log."""

from __future__ import annotations

import logging
import sys
import time
from types import TracebackType
from typing import Any

log = logging.getLogger("dlib")


def duration(seconds: float) -> str:
    """Seconds in words: ``42 s``, ``3 min 05 s``, ``2 h 10 min``."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def in_notebook() -> bool:
    """Whether a Jupyter kernel runs this process."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and hasattr(shell, "kernel")


class Progress:
    """Counts towards a total, and shows the time left.

    A bar of rich's in a terminal; in a notebook one line that is replaced, so
    that an executed page keeps only the last; log lines every tenth elsewhere.

    Parameters
    ----------
    title : str
        What is being done.
    total : int
        How many units there are.
    start : int
        How many were done before (a resumed job).
    show : bool
        Whether to show anything at all.
    """

    def __init__(
        self, title: str, total: int, start: int = 0, show: bool = True
    ) -> None:
        self.title, self.total, self.start, self.done = title, total, start, start
        self.show = show
        self._began = self._updated = time.monotonic()
        self._bar: Any = None
        self._line: Any = None

    def __enter__(self) -> Progress:
        self._began = self._updated = time.monotonic()
        if not self.show:
            return self
        if in_notebook():
            from IPython.display import display

            self._line = display(_plain(self._text()), raw=True, display_id=True)
        elif sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True),
            )
            self._bar.start()
            self._task = self._bar.add_task(
                self.title, total=self.total, completed=self.start, note=""
            )
        return self

    def update(self, done: int, note: str = "") -> None:
        """Say that ``done`` units are done by now, and a word about them."""
        before, self.done = self.done, done
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update(self._task, completed=done, note=note)
        elif self._line is not None:
            # Twice a second is as often as anyone can read.
            if now - self._updated > 0.5:
                self._updated = now
                self._line.update(_plain(self._text(note)), raw=True)
        elif self.show and done * 10 // self.total > before * 10 // self.total:
            log.info("%s", self._text(note))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._line is not None:
            self._line.update(_plain(self._text(finished=True)), raw=True)

    def _text(self, note: str = "", finished: bool = False) -> str:
        spent = time.monotonic() - self._began
        fresh = self.done - self.start
        text = f"{self.title}: {self.done:,} of {self.total:,}"
        if finished:
            text += f" in {duration(spent)}"
        elif fresh:
            left = spent / fresh * (self.total - self.done)
            text += f", {duration(left)} left"
        return text + (f" ({note})" if note else "")


def _plain(text: str) -> dict[str, str]:
    """What a notebook displays without quotes around it."""
    return {"text/plain": text}
