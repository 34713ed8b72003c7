"""Notebooks read right where nobody knows MyST: Jupyter, VS Code, Colab.

Each is rendered by nbconvert, which shows text cells and outputs as Jupyter does. The
repository's own notebooks have no outputs; those that `make notebooks` executed have,
and are looked at as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from author_year import address_of, label_of
from chapters import BOOK, CHAPTERS, EXECUTED, name_of, notebook, sources
from nbconvert import HTMLExporter
from pybtex.database import parse_file

EXECUTED_CHAPTERS = sources("*.ipynb", EXECUTED) if EXECUTED.is_dir() else []
BOTH = [
    *(pytest.param(path, id=name_of(path)) for path in CHAPTERS),
    *(pytest.param(path, id=f"{name_of(path)}, run") for path in EXECUTED_CHAPTERS),
]
chapters = pytest.mark.parametrize("chapter", CHAPTERS, ids=name_of)
either = pytest.mark.parametrize("chapter", BOTH)

PAPERS = list(parse_file(str(BOOK / "references.bib")).entries.values())
# What MyST would have made something of, and Jupyter shows as code ...
DIRECTIVE = re.compile(r"^\s*(`{3,}|:{3,}|~{3,})\s*\{.*$", re.MULTILINE)
# ... or as it stands.
LEFT_OVER = {
    "a fence": r"^\s*:::+.*$|```",
    "a role": r"\{[a-z][a-z:_-]*\}`|\{(glue|cite|eq|ref|numref|doc|term)\b",
    "an equation's label": r"\\label\b|^:label:|\\eqref\b",
    "a target": r"^\([\w-]+\)=$",
    "a number that was not put in": r"\{[^{}\n]*:[-+,]?\d*\.?\d*[dfge%]\}|np\.\w+\(",
    "an output that shows its type": r"<IPython\.core",
}
HIDDEN = {"remove-input", "remove-cell", "hide-input", "hide-cell"}


class Prose(HTMLParser):
    """What a reader sees of rendered Markdown, without code, scripts and formulas."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self._rendered: list[str] = []  # open tags within rendered Markdown
        self._code = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = str(dict(attrs).get("class") or "").split()
        if self._rendered:
            if tag not in ("br", "img", "hr", "input", "wbr"):
                self._rendered.append(tag)
        elif "jp-RenderedMarkdown" in classes:
            self._rendered = [tag]
        self._code += tag in ("code", "script", "style")

    def handle_endtag(self, tag: str) -> None:
        if self._rendered and self._rendered[-1] == tag:
            self._rendered.pop()
        self._code -= tag in ("code", "script", "style")

    def handle_data(self, data: str) -> None:
        if self._rendered and not self._code:
            self.text += data


def prose_of(book: nbformat.NotebookNode) -> str:
    """Its text as Jupyter shows it; formulas are still between their dollars."""
    return Prose(HTMLExporter(template_name="lab").from_notebook_node(book)[0]).text


def left_over(book: nbformat.NotebookNode) -> list[str]:
    """What a reader without MyST would stumble over."""
    directives = [
        f"a directive: {match[0].strip()!r}"
        for markdown in markdown_of(book)
        for match in DIRECTIVE.finditer(markdown)
    ]
    prose = prose_of(book)
    # Braces belong to a formula, and what it refers to has a place there.
    words = re.sub(r"\$\$.*?\$\$|\$[^$\n]+?\$", "", prose, flags=re.DOTALL)
    return directives + [
        f"{name}: {match[0].strip()!r}"
        for name, pattern in LEFT_OVER.items()
        for match in re.finditer(
            pattern, prose if name == "an equation's label" else words, re.MULTILINE
        )
    ]


def markdown_of(book: nbformat.NotebookNode) -> Iterator[str]:
    """Text cells, and what cells of code have said."""
    for cell in book.cells:
        if not is_code(cell):
            yield cell.source
        for output in cell.get("outputs", []):
            said = output.get("data", {}).get("text/markdown", "")
            yield said if isinstance(said, str) else "".join(said)


def texts(path: Path) -> list[str]:
    return [cell.source for cell in notebook(path).cells if not is_code(cell)]


def is_code(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "code"


def tags(cell: nbformat.NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def first_line(cell: nbformat.NotebookNode) -> str:
    return next(iter(cell.source.splitlines()), "")


@either
def test_no_myst_is_left_in_what_jupyter_shows(chapter: Path) -> None:
    assert left_over(notebook(chapter)) == []


@either
def test_equations_stand_between_balanced_dollars(chapter: Path) -> None:
    for text in texts(chapter):
        text = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        displayed = text.split("$$")
        assert len(displayed) % 2, f"an odd number of $$ in: {text[:80]!r}"
        for formula in displayed[1::2]:
            opened = [formula.count(c) for c in ("{", r"\{", "}", r"\}")]
            assert opened[0] - opened[1] == opened[2] - opened[3], formula
            assert r"\left" not in formula or formula.count(r"\left") == (
                formula.count(r"\right")
                + formula.count(r"\leftarrow")
                - formula.count(r"\rightarrow")
            ), formula
        for between in displayed[::2]:
            inline = re.sub(r"\\\$", "", between)
            for paragraph in re.split(r"\n\s*\n", inline):
                assert paragraph.count("$") % 2 == 0, paragraph


@chapters
def test_what_the_page_hides_is_folded_in_jupyter_and_colab(chapter: Path) -> None:
    for cell in filter(is_code, notebook(chapter).cells):
        hidden = tags(cell) & HIDDEN
        jupyter = cell.metadata.get("jupyter", {})
        folded = bool(jupyter.get("source_hidden"))
        form = cell.metadata.get("cellView") == "form"
        assert folded == form == bool(hidden), (
            f"{sorted(tags(cell))}, source_hidden {folded}, form {form}: {cell.source}"
        )


@chapters
def test_solution_is_an_executed_cell_that_is_folded(chapter: Path) -> None:
    cells = list(filter(is_code, notebook(chapter).cells))
    solutions = [c for c in cells if first_line(c).startswith("# @title Solution")]
    numbers = [first_line(cell).removeprefix("# @title ") for cell in solutions]
    assert numbers == [f"Solution {n + 1}" for n in range(len(solutions))]
    for cell in solutions:
        assert tags(cell) == {"hide-cell"}
        assert cell.metadata["jupyter"] == {
            "source_hidden": True,
            "outputs_hidden": True,
        }
        assert cell.metadata["mystnb"] == {
            "code_prompt_show": "Show the solution",
            "code_prompt_hide": "Hide the solution",
        }
    folded = [cell for cell in cells if "hide-cell" in tags(cell)]
    assert folded == solutions, "a cell whose output is hidden is a solution"
    told = "\n".join(texts(chapter)).partition("\n## Exercises\n")[2]
    exercises = re.findall(r"^\*\*(\d+)\. ", told, re.M)
    assert exercises == [str(n + 1) for n in range(len(solutions))]


@chapters
def test_figures_are_captioned_and_numbered_through(chapter: Path) -> None:
    cells = notebook(chapter).cells
    captions = [re.match(r"\*\*Figure (\d+)\.\*\*", caption_of(c)) for c in cells]
    numbers = [int(caption[1]) for caption in captions if caption]
    assert numbers == list(range(1, len(numbers) + 1))
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if cell.metadata.get("mystnb", {}).get("image", {}).get("alt"):
            assert after is not None and re.match(
                r"\*\*Figure \d+\.\*\* \S", caption_of(after)
            ), f"the cell after this figure is to be its caption: {cell.source[:200]}"


def caption_of(cell: nbformat.NotebookNode) -> str:
    """A text cell's text, or what a cell of computed prose will say."""
    if not is_code(cell):
        return cell.source
    said = re.search(r'viz\.say\(\s*r?f?r?"""\\?\s*(.*)', cell.source, re.DOTALL)
    return said[1] if said else ""


@chapters
def test_citation_is_the_bibliography_s(chapter: Path) -> None:
    papers = {address_of(paper): label_of(paper) for paper in PAPERS}
    everything = "\n".join(cell.source for cell in notebook(chapter).cells)
    links = re.findall(
        r"\[([^\]\n]*(?:\n[^\]\n]*)?)\]\((https?://[^)\s]+)\)", everything
    )
    for label, address in links:
        words = re.sub(r"\s*\n\s*(# )?", " ", label)
        looks_cited = re.search(r"\((\d{4}|n\.d\.)\)$", words)
        paper = re.match(r"https?://(arxiv\.org|doi\.org|openreview\.net)/", address)
        if not looks_cited and not paper:
            continue
        assert address in papers, f"not in references.bib: [{words}]({address})"
        assert words == papers[address], f"{address} is {papers[address]}"


@chapters
def test_last_cell_says_when_it_ran(chapter: Path) -> None:
    last = list(filter(is_code, notebook(chapter).cells))[-1]
    assert last.source == "viz.colophon()"
    assert tags(last) == {"remove-input"}


# --- what these tests would catch -------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```{note}\nMind.\n```", "a directive"),
        (":::{admonition} Mind\nIt.\n:::", "a directive"),
        ("In all {glue:text}`kl` nats.", "a role"),
        ("{cite:t}`kumar2018` says so.", "a role"),
        ("As in {eq}`dip-eq2`, it falls.", "a role"),
        ("```{math}\n:label: dip-eq2\nx\n```", "a directive"),
        ("$$ x \\label{two} $$", "an equation's label"),
        ("It has {np.median(score):.2f} of it.", "a number that was not put in"),
        ("It has np.int64(8) of ten.", "a number that was not put in"),
        ("(here)=\n# A title", "a target"),
    ],
)
def test_left_over_is_found(text: str, found: str) -> None:
    assert any(line.startswith(f"{found}: ") for line in left_over(a_notebook(text)))


def test_plain_text_and_what_was_said_are_clean() -> None:
    text = "A *set* $\\{x : y\\}$ of `{x:.2f}`.\n\n$$ z_{i:j} = 1 \\tag{5} $$"
    book = a_notebook(text)
    said = nbformat.v4.new_output("display_data", {"text/markdown": "It has 0.52."})
    book.cells.append(nbformat.v4.new_code_cell("viz.say(x)", outputs=[said]))
    shown = prose_of(book)
    assert "It has 0.52." in shown and "\\tag{5}" in shown
    assert left_over(book) == []


def test_what_was_said_is_looked_at() -> None:
    said = nbformat.v4.new_output("display_data", {"text/markdown": "{eq}`two` has"})
    book = a_notebook("Clean.")
    book.cells.append(nbformat.v4.new_code_cell("viz.say(x)", outputs=[said]))
    assert left_over(book) == ["a role: '{eq'"]


def a_notebook(*cells: str) -> Any:
    return nbformat.v4.new_notebook(
        cells=list(map(nbformat.v4.new_markdown_cell, cells))
    )
