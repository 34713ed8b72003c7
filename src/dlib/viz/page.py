"""What a chapter says with numbers in it, wherever it is opened."""

from __future__ import annotations

import os
import platform
import textwrap
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlib.recipes import Claim, Verdict

BEGAN = time.monotonic()  # a chapter imports this in its first cells


def say(text: str) -> None:
    """Show ``text`` as Markdown: prose whose numbers come from the run beside it.

    The page, Jupyter, VS Code and Colab all show it as they show a cell of text.
    Formulas stand between dollar signs, links are Markdown's.

    Parameters
    ----------
    text : str
        Usually an f-string over several lines; what all lines are indented by is
        taken off.

    Raises
    ------
    ValueError
        If there is nothing to say, or a number in it is not finite.
    """
    from IPython.display import Markdown, display

    text = textwrap.dedent(text).strip()
    if not text:
        raise ValueError("text must say something, got an empty string")
    words = set(text.replace("*", " ").replace("$", " ").split())
    if words & {"nan", "inf", "-inf", "+nan", "+inf"}:
        raise ValueError(f"a number in the text is not finite: {text}")
    display(Markdown(text))


def claims(decided: Iterable[tuple[Claim, Verdict]]) -> None:
    """Show a table of claims: the paper's words, what was checked, our runs' verdict.

    Parameters
    ----------
    decided : iterable of (Claim, Verdict)
        As :func:`dlib.recipes.verdicts` gives them.

    Raises
    ------
    ValueError
        If there is none.
    """
    rows = [
        (f"{claim.quote} ({claim.where})", claim.reading, f"**{verdict}**")
        for claim, verdict in decided
    ]
    if not rows:
        raise ValueError("decided must hold at least one claim and its verdict")
    lines = ["| the paper | checked | our runs |", "|---|---|---|"]
    for cells in rows:
        lines.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
    say("\n".join(lines))


def is_page() -> bool:
    """Whether a page is being built: what needs a kernel shows a stand-in then."""
    return os.environ.get("DLIB_PAGE") == "1"


def colophon() -> None:
    """Say when the chapter ran, how long it took, at which budget and on what."""
    import torch

    import dlib
    from dlib import budget
    from dlib.runs.run import machine

    seconds = time.monotonic() - BEGAN
    say(
        f"*This notebook ran on {datetime.now(UTC):%-d %B %Y}, in {seconds:.0f} s, at "
        f"the `{budget.current()}` budget, on {machine()}: Python "
        f"{platform.python_version()}, torch {torch.__version__}, dlib "
        f"{dlib.__version__}.*"
    )
