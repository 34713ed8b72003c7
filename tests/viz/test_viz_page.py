"""Prose with numbers, and what a chapter says of its own run."""

from __future__ import annotations

import pytest
from IPython.display import Markdown

from dlib import viz


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The Markdown that was shown, as it is shown."""
    texts: list[str] = []

    def keep(what: Markdown) -> None:
        texts.append(what.data)

    monkeypatch.setattr("IPython.display.display", keep)
    return texts


def test_say_shows_markdown_without_its_indentation(shown: list[str]) -> None:
    viz.say("""
        Of $q(z)$ **{count}** are
        silent.
    """)
    assert shown == ["Of $q(z)$ **{count}** are\nsilent."]


@pytest.mark.parametrize("text", ["", "  \n "])
def test_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="text must say something"):
        viz.say(text)


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_a_number_that_is_not_finite_is_no_prose(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        viz.say(f"It is **{value:+.2f}** nats.")


def test_colophon_names_budget_and_versions(
    shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLIB_BUDGET", "smoke")
    viz.colophon()
    (text,) = shown
    assert "`smoke` budget" in text and "torch" in text and " s, at" in text


def test_a_page_is_what_the_makefile_says_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DLIB_PAGE", raising=False)
    assert not viz.is_page()
    monkeypatch.setenv("DLIB_PAGE", "1")
    assert viz.is_page()
