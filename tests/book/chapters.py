"""The book's notebooks, as its tests see them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
EXECUTED = ROOT / "_smoke" / "book"  # where tests/book/execute.py leaves outputs
NO_CHAPTER = {"_build", "_extensions", ".ipynb_checkpoints", "__pycache__"}


def sources(pattern: str, folder: Path = BOOK) -> list[Path]:
    """Files of the book, or of a copy of it, without what was built."""
    return sorted(
        path
        for path in folder.rglob(pattern)
        if not NO_CHAPTER & set(path.relative_to(folder).parts)
    )


def name_of(path: Path) -> str:
    """A chapter's path within the book, without suffix."""
    folder = EXECUTED if path.is_relative_to(EXECUTED) else BOOK
    return path.relative_to(folder).with_suffix("").as_posix()


CHAPTERS = sources("*.ipynb")
chapters = pytest.mark.parametrize("chapter", CHAPTERS, ids=name_of)


@cache
def notebook(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook(path).cells if cell.cell_type == "code"]
