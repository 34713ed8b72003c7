"""What a long job says, in a log, in a terminal and in a notebook."""

from __future__ import annotations

import io
import logging
import sys
import types

import pytest

from dlib import progress
from dlib.progress import Progress, duration, in_notebook


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (42.4, "42 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.7, "1 h 00 min"),
        (7800, "2 h 10 min"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


class Clock:
    """Stands for ``time``: moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


class Stream(io.StringIO):
    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def log_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Stream(terminal=False))
    monkeypatch.setattr(progress, "in_notebook", lambda: False)


@pytest.mark.usefixtures("log_only")
def test_a_log_gets_a_line_every_tenth(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    with caplog.at_level(logging.INFO, logger="dlib"):
        with Progress("VAE", 200) as bar:
            for done in range(1, 201):
                clock.now += 1
                bar.update(done, "kl 1.5")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 10
    assert lines[0] == "VAE: 20 of 200, 3 min 00 s left (kl 1.5)"
    assert lines[-1] == "VAE: 200 of 200, 0 s left (kl 1.5)"


@pytest.mark.usefixtures("log_only")
def test_time_left_counts_only_what_this_process_did(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    """A job resumed at 80 of 100 did ten in 10 s: ten are left, 10 s."""
    with caplog.at_level(logging.INFO, logger="dlib"):
        with Progress("VAE", 100, start=80) as bar:
            clock.now += 10
            bar.update(90)
    assert [r.getMessage() for r in caplog.records] == ["VAE: 90 of 100, 10 s left"]


@pytest.mark.usefixtures("log_only")
def test_silence_is_kept(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO, logger="dlib"):
        with Progress("VAE", 3, show=False) as bar:
            bar.update(3)
    assert not caplog.records
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(terminal=True)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "in_notebook", lambda: False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with Progress("My training", 10) as bar:
        bar.update(5, "kl 1.5")
    assert "My training" in stream.getvalue()
    assert "5/10" in stream.getvalue().replace(" ", "")


def test_a_notebook_keeps_one_line(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, line: dict[str, str], raw: bool) -> None:
            assert raw  # else a notebook shows the dictionary itself
            shown.append(line["text/plain"])

    def display(line: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert display_id
        handle = Handle()
        handle.update(line, raw)
        return handle

    module = types.ModuleType("IPython.display")
    module.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    with Progress("VAE", 100) as bar:
        for done in range(1, 101):  # ten updates a second: most are not drawn
            clock.now += 0.1
            bar.update(done)
    assert shown[0] == "VAE: 0 of 100"
    assert shown[-1] == "VAE: 100 of 100 in 10 s"
    assert 10 < len(shown) < 25


def test_in_notebook_asks_for_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not in_notebook()
    for shell, wanted in (
        (None, False),
        (types.SimpleNamespace(), False),  # IPython in a terminal
        (types.SimpleNamespace(kernel=object()), True),
    ):
        module = types.ModuleType("IPython")
        module.get_ipython = lambda shell=shell: shell  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "IPython", module)
        assert in_notebook() is wanted


@pytest.mark.usefixtures("log_only")
def test_errors_pass_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        with Progress("VAE", 3):
            raise KeyboardInterrupt
