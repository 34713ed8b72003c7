"""Ctrl-C and SIGTERM, held back until a good moment."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

HELD = (signal.SIGINT, signal.SIGTERM)


class HeldSignals:
    """While it is entered, the first of the two signals is only noted.

    A second one acts at once. Only the main thread may set handlers: elsewhere
    nothing is held back.

    Attributes
    ----------
    caught : signal.Signals or None
        What came.
    """

    def __init__(self) -> None:
        self.caught: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> HeldSignals:
        if threading.current_thread() is threading.main_thread():
            for number in HELD:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def stop(self, message: str) -> None:
        """Do what the signal would have done, saying why.

        Raises
        ------
        KeyboardInterrupt
            For Ctrl-C.
        SystemExit
            For SIGTERM, with the exit code that shells give it, unless the program
            has a handler of its own: that is called.
        """
        caught, handlers = self.caught, dict(self._before)
        self._restore()
        if caught is None:
            return
        handler = handlers.get(caught)
        if caught is signal.SIGTERM:
            if callable(handler):
                handler(caught, None)
            raise SystemExit(128 + caught)
        raise KeyboardInterrupt(message)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.caught is not None:  # impatient: act now
            self._restore()
            signal.raise_signal(number)
        self.caught = signal.Signals(number)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
