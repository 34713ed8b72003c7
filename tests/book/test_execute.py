"""A chapter is executed again when something that it depends on has changed."""

from __future__ import annotations

import json
from pathlib import Path

import execute
import pytest


def write(book: Path, name: str, code: str) -> None:
    """A notebook of one cell."""
    cell = {
        "cell_type": "code",
        "execution_count": None,
        "id": "only",
        "metadata": {},
        "outputs": [],
        "source": [code],
    }
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {
        "cells": [cell],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path = book / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook))


def output(smoke: Path, name: str) -> str:
    cell = json.loads((smoke / "book" / name).read_text())["cells"][0]
    return "".join(cell["outputs"][0]["text"])


def test_what_did_not_change_is_not_executed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, smoke = tmp_path / "book", tmp_path / "_smoke"
    log = tmp_path / "log"
    line = f"print('out', file=open({str(log)!r}, 'a')); import os; "
    says = "print(os.environ['DLIB_BUDGET'], os.environ['WHEN'])"
    write(book, "part/one.ipynb", line.replace("out", "one") + says)
    write(book, "two.ipynb", line.replace("out", "two") + says)
    write(book, "_build/old.ipynb", "1 / 0")

    def executed(library: str, when: str) -> list[str]:
        monkeypatch.setenv("WHEN", when)
        log.write_text("")
        assert execute.main(library, book, smoke) == 0
        return sorted(log.read_text().split())

    assert executed("library 1", "first") == ["one", "two"]
    assert executed("library 1", "second") == []
    assert output(smoke, "part/one.ipynb") == "smoke first\n"

    write(book, "two.ipynb", line.replace("out", "two") + says + "  # changed")
    assert executed("library 1", "third") == ["two"]
    assert output(smoke, "part/one.ipynb") == "smoke first\n"
    assert output(smoke, "two.ipynb") == "smoke third\n"

    assert executed("library 2", "fourth") == ["one", "two"]
    assert output(smoke, "part/one.ipynb") == "smoke fourth\n"
    assert len([p for p in (smoke / "executed").rglob("*") if p.is_file()]) == 2
    assert "old" not in " ".join(map(str, (smoke / "book").rglob("*")))


def test_a_chapter_that_fails_is_not_kept(tmp_path: Path) -> None:
    book, smoke = tmp_path / "book", tmp_path / "_smoke"
    write(book, "one.ipynb", "1 / 0")
    assert execute.main("library", book, smoke) != 0
    assert not (smoke / "executed").exists()
