"""The one variable that says how much work to do."""

from __future__ import annotations

import pytest

from dlib import budget


@pytest.mark.parametrize("name", budget.BUDGETS)
def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DLIB_BUDGET", name)
    assert budget.current() == name
    wanted = {"smoke": 1, "book": 2, "paper": 3}[name]
    assert budget.choose(smoke=1, book=2, paper=3) == wanted


def test_silence_means_book(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLIB_BUDGET", raising=False)
    assert budget.current() == "book"
    assert budget.choose(smoke=1, book=2) == 2


def test_paper_falls_back_to_book(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLIB_BUDGET", "paper")
    assert budget.choose(smoke=1, book=2) == 2
    assert budget.choose(smoke=1, book=2, paper=0) == 0


@pytest.mark.parametrize("name", ["Book", "huge"])
def test_another_word_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DLIB_BUDGET", name)
    with pytest.raises(ValueError, match=f"one of smoke, book, paper, got '{name}'"):
        budget.current()
    with pytest.raises(ValueError, match="DLIB_BUDGET"):
        budget.choose(smoke=1, book=2)
