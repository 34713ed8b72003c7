"""The book's own Sphinx extensions, each by itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import api_members
import chapter_status
import edit_script
import pytest
from author_year import address_of, label_of
from chapters import BOOK
from docutils import nodes
from docutils.utils import new_document
from pybtex.database import Entry, parse_file, parse_string

from dlib import viz
from dlib.runs import Recipe

REFERENCES = parse_file(str(BOOK / "references.bib")).entries
NOWHERE = {"tran2021", "intervention"}  # of these no public address is known


def entry(authors: str, fields: str = "") -> Entry:
    text = (
        f"@misc{{key, author = {{{authors}}}, title = {{T}}, year = {{2018}}{fields}}}"
    )
    return parse_string(text, "bibtex").entries["key"]


@pytest.mark.parametrize(
    ("authors", "label"),
    [
        ("Kumar, Abhishek", "Kumar (2018)"),
        ("Kim, Hyunjik and Mnih, Andriy", "Kim and Mnih (2018)"),
        ("Hu, Qiyang and Szab{\\'o}, Attila and Favaro, P.", "Hu et al. (2018)"),
        ('R{\\"a}tsch, Gunnar and van den Oord, A.', "Rätsch and van den Oord (2018)"),
        ("{Anonymous}", "Anonymous (2018)"),
    ],
)
def test_label_is_what_the_text_calls_a_paper(authors: str, label: str) -> None:
    assert label_of(entry(authors)) == label


def test_address_is_the_doi_before_arxiv_before_a_page() -> None:
    everything = ", doi = {10.1/x}, eprint = {1711.00848}, url = {https://a.b}"
    assert address_of(entry("A, B", everything)) == "https://doi.org/10.1/x"
    arxiv = everything.partition("doi")[0] + everything[everything.index("eprint") :]
    assert address_of(entry("A, B", arxiv)) == "https://arxiv.org/abs/1711.00848"
    assert address_of(entry("A, B", ", url = {https://a.b}")) == "https://a.b"
    assert address_of(entry("A, B")) is None


@pytest.mark.parametrize("key", REFERENCES)
def test_every_paper_has_an_address(key: str) -> None:
    assert (address_of(REFERENCES[key]) is None) == (key in NOWHERE)


def test_labels_tell_papers_apart() -> None:
    labels = [label_of(paper) for paper in REFERENCES.values()]
    assert len(labels) == len(set(labels))


def colophon(monkeypatch: pytest.MonkeyPatch) -> str:
    """What ``viz.colophon`` says, as text without Markdown."""
    said: list[str] = []
    monkeypatch.setattr("dlib.viz.page.say", said.append)
    viz.colophon()
    [text] = said
    return text.replace("*", "").replace("`", "")


def test_status_reads_what_the_colophon_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLIB_BUDGET", "smoke")
    document = new_document("chapter")
    document += nodes.paragraph(text="It ran on and on, in 3 s.")
    assert chapter_status.read_colophon(document) is None
    document += nodes.paragraph(text=colophon(monkeypatch))
    found = chapter_status.read_colophon(document)
    assert found is not None
    assert found["budget"] == "smoke" and found["time"].endswith(" s")
    assert found["machine"]
    assert found["versions"].startswith("Python 3.")
    assert ", torch " in found["versions"] and found["versions"][-1].isdigit()
    assert set(chapter_status.TITLES) == {"chapter", *found}


def button(address: str) -> dict[str, Any]:
    return {"label": "source-edit-button", "url": address}


def test_suggest_edit_opens_the_script_of_a_notebook() -> None:
    notebook, page = button("https://g/edit/main/a.ipynb"), button("https://g/b.md")
    other = {"label": "source-file-button", "url": "https://g/a.ipynb"}
    groups = [{"type": "link"}, {"buttons": [notebook, page, other, {"url": "x"}]}]
    app: Any = SimpleNamespace()
    edit_script.open_script(app, "a", "page.html", {"header_buttons": groups}, None)
    assert notebook["url"] == "https://g/edit/main/a.py"
    assert page["url"] == "https://g/b.md"
    assert other["url"] == "https://g/a.ipynb"


def test_api_leaves_out_what_nobody_wrote() -> None:
    app: Any = None
    field: Any = SimpleNamespace(__doc__="Alias for field number 0")
    assert api_members.skip(app, "class", "images", field, False, None) is True
    assert api_members.skip(app, "class", "model_config", {}, False, None) is True
    assert api_members.skip(app, "class", "hash", Recipe.hash, False, None) is None
    signed = api_members.sign(app, "class", "Recipe", Recipe, None, "(x)", None)
    assert signed == ("(**fields)", None)
    assert api_members.sign(app, "function", "f", button, None, "(x)", None) is None


@pytest.mark.parametrize(
    "script", sorted((BOOK / "_extensions").glob("*.py")), ids=lambda p: p.stem
)
def test_extensions_fit_the_book_s_width(script: Path) -> None:
    wide = [line for line in script.read_text().splitlines() if len(line) > 79]
    assert wide == []
