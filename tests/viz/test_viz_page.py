"""Prose with numbers, and what a chapter says of its own run."""

from __future__ import annotations

import pytest
from IPython.display import Markdown

from dlib import viz
from dlib.recipes import Claim, Verdict


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


def test_claims_are_a_table_with_the_paper_s_words(shown: list[str]) -> None:
    check = {"kind": "higher", "metric": "mig", "of": "ours", "than": ["theirs"]}
    claim = Claim.model_validate(
        {
            "quote": "“It is q(z|x).”",
            "where": "Eq. 1",
            "reading": "a > b",
            "check": check,
        }
    )
    verdict = Verdict("held", 4, 5, 0.1, 0.05, 0.15)
    viz.claims([(claim, verdict)])
    heading, rule, row = shown[0].split("\n")
    assert heading == "| the paper | checked | our runs |" and rule == "|---|---|---|"
    # A bar of the quote is no border of the table.
    assert row == "| “It is q(z\\|x).” (Eq. 1) | a > b | **held (4 of 5 seeds)** |"


def test_no_claim_is_refused(shown: list[str]) -> None:
    with pytest.raises(ValueError, match="at least one claim"):
        viz.claims([])
    assert not shown
