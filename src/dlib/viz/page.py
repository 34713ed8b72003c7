"""What a chapter says with numbers in it, wherever it is opened."""

from __future__ import annotations

import os
import platform
import textwrap
import time
from datetime import UTC, datetime

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
