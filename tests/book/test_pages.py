"""The book's sources are in step, and its built pages are whole.

The checks of built pages look at the folder that ``UNTANGLED_HTML`` names, or
else at ``book/_build/html``; where there is none, they are skipped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jupytext
import nbformat
import pytest
import yaml
from chapters import (
    BOOK,
    CHAPTERS,
    ROOT,
    chapters,
    code_cells,
    name_of,
    notebook,
    sources,
)

ADDRESS = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]
BRANCH = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["branch"]

FIRST_CELL = f"""\
# Colab starts without the library: install it there, and only there.
import subprocess
import sys

if "google.colab" in sys.modules:
    source = "dlib-book @ git+{ADDRESS}"
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, source], check=True)"""


# --- sources ----------------------------------------------------------------


def test_every_script_has_its_notebook_and_the_other_way_round() -> None:
    assert CHAPTERS, "book/ holds no chapter"
    scripts = {name_of(path) for path in sources("*.py")}
    assert scripts == {name_of(path) for path in CHAPTERS}, "run `make pair`"


@chapters
def test_notebook_and_script_are_in_step(chapter: Path) -> None:
    def essence(book: nbformat.NotebookNode) -> list[tuple[str, str, dict]]:
        return [
            (
                cell.cell_type,
                cell.source,
                {
                    key: cell.metadata.get(key)
                    for key in ("tags", "mystnb", "jupyter", "cellView")
                },
            )
            for cell in book.cells
        ]

    script = jupytext.read(chapter.with_suffix(".py"))
    assert essence(script) == essence(notebook(chapter)), "run `make pair`"


@chapters
def test_notebook_is_stored_without_outputs(chapter: Path) -> None:
    for cell in code_cells(chapter):
        assert not cell.outputs and cell.execution_count is None, "run `make pair`"
    assert "widgets" not in notebook(chapter).metadata


@chapters
def test_chapter_opens_with_its_title_and_its_colab_link(chapter: Path) -> None:
    first = notebook(chapter).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    target = (
        "https://colab.research.google.com/github/"
        f"{urlsplit(ADDRESS).path.strip('/')}/blob/{BRANCH}/book/{name_of(chapter)}.ipynb"
    )
    everything = "\n".join(cell.source for cell in notebook(chapter).cells)
    # The index has its figure there: its link stands with how to run it.
    place = everything if name_of(chapter) == "index" else first.source
    assert f"[Open in Colab]({target})" in place
    found = set(re.findall(r"https://colab\.research[^)\s]*", everything))
    assert found == {target}


@chapters
def test_first_cell_installs_the_library_in_colab(chapter: Path) -> None:
    first = code_cells(chapter)[0]
    assert first.source == FIRST_CELL
    assert first.metadata.get("tags") == ["remove-cell"]


@chapters
def test_code_fits_a_notebook_s_width(chapter: Path) -> None:
    wide = [
        line
        for cell in code_cells(chapter)
        for line in cell.source.splitlines()
        if len(line) > 79
    ]
    assert not wide, f"wider than 79 columns: {wide}"


@chapters
def test_chapter_needs_only_the_wheel(chapter: Path) -> None:
    """The book's own tools are not there in Colab or beside a bare wheel."""
    for cell in code_cells(chapter):
        assert not re.search(
            r"^(import|from) (myst_nb|jupyter_book)", cell.source, re.M
        )


def pages() -> list[str]:
    """Names of the pages in the table of contents, without suffix."""

    def files(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            for value in node.values():
                yield from files(value)
        elif isinstance(node, list):
            for item in node:
                yield from files(item)

    return list(files(yaml.safe_load((ROOT / "_toc.yml").read_text())))


def source_of(page: str) -> Path | None:
    for suffix in (".ipynb", ".md"):
        if (BOOK / page).with_suffix(suffix).is_file():
            return (BOOK / page).with_suffix(suffix)
    return None


def text_of(path: Path) -> str:
    if path.suffix == ".md":
        return path.read_text()
    cells = notebook(path).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("page", pages())
def test_entry_of_the_table_of_contents_is_a_page_with_something_on_it(
    page: str,
) -> None:
    source = source_of(page)
    assert source is not None, f"_toc.yml names {page}, which is not in book/"
    text = text_of(source)
    assert re.match(r"# \S", text.lstrip()), "a page begins with its title"
    assert len(text) > 200, f"{page} is an empty page"


def test_every_page_stands_in_the_table_of_contents_once() -> None:
    listed = pages()
    assert len(listed) == len(set(listed))
    here = {name_of(path) for path in (*sources("*.md"), *CHAPTERS)}
    assert here == set(listed)


@pytest.mark.parametrize("page", pages())
def test_link_in_a_source_leads_to_a_file(page: str) -> None:
    """Links work where the sources are read too: on GitHub and in Jupyter."""
    source = source_of(page)
    assert source is not None
    prose = re.sub(r"```.*?```|`[^`\n]*`|\$[^$]*\$", "", text_of(source), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        parts = urlsplit(target)
        if parts.scheme or not parts.path:
            continue
        assert (source.parent / unquote(parts.path)).exists(), f"{page}: {target}"


def test_map_of_the_book_in_the_readme_names_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in pages():
        source = source_of(page)
        assert source is not None
        link = source.relative_to(ROOT).as_posix()
        if page != "index":
            assert f"({link})" in readme, f"README.md doesn't name {link}"


# --- built pages ------------------------------------------------------------

HTML = ROOT / os.environ.get("UNTANGLED_HTML", "book/_build/html")
built = pytest.mark.skipif(
    not (HTML / "index.html").is_file(),
    reason=f"no built pages in {os.path.relpath(HTML, ROOT)}: run `make book`",
)


class Page(HTMLParser):
    """Anchors, links and pictures of one built page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.described = False
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for key in ("id", "name"):
            if values.get(key):
                self.anchors.add(str(values[key]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        if tag == "meta" and values.get("name") == "description":
            self.described = bool(values.get("content"))
        if tag == "img":
            self.pictures.append(values)


@cache
def page_at(path: Path) -> Page:
    return Page(path)


def file_of(page: str) -> Path:
    return HTML / f"{page}.html"


@built
@pytest.mark.parametrize("page", pages())
def test_page_was_built(page: str) -> None:
    assert file_of(page).is_file()


@built
@pytest.mark.parametrize("page", pages())
def test_internal_link_leads_somewhere(page: str) -> None:
    path = file_of(page)
    for link in page_at(path).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        assert target.exists(), f"{page}: {link}"
        # Fragments of the theme's own controls (#, #__drawer) are not links.
        if target.suffix == ".html" and parts.fragment and parts.path:
            anchors = page_at(target).anchors
            assert unquote(parts.fragment) in anchors, f"{page}: {link}"


@built
@pytest.mark.parametrize("page", pages())
def test_every_picture_has_alt_text_and_is_there(page: str) -> None:
    path = file_of(page)
    for picture in page_at(path).pictures:
        source = str(picture.get("src") or "")
        alt = picture.get("alt")
        if "_images/" in source:  # the chapters' own figures, not the theme's
            assert alt and not alt.endswith((".png", ".svg")), (
                f"{page}: {source} has no alt text: give its cell "
                '`mystnb={"image": {"alt": "..."}}`'
            )
        if not source.startswith(("http", "data:")):
            assert (path.parent / unquote(source)).is_file(), f"{page}: {source}"


@built
@pytest.mark.parametrize("page", pages())
def test_page_shows_no_failure(page: str) -> None:
    html = file_of(page).read_text()
    for trace in ("Traceback (most recent call last)", "output traceback"):
        assert trace not in html
    assert "No key" not in re.sub(r"<script.*?</script>", "", html, flags=re.S)


@built
@chapters
def test_colab_button_of_the_page_agrees_with_the_chapter(chapter: Path) -> None:
    links = page_at(file_of(name_of(chapter))).links
    colab = {link for link in links if "colab.research.google.com" in link}
    assert len(colab) == 1, f"the launch button and the chapter differ: {colab}"


@built
@pytest.mark.parametrize("page", pages())
def test_page_is_described_and_leads_to_its_source(page: str) -> None:
    assert page_at(file_of(page)).described
    source = source_of(page)
    assert source is not None
    written = source.with_suffix(".py") if source.suffix == ".ipynb" else source
    address = f"{ADDRESS}/edit/{BRANCH}/{written.relative_to(ROOT).as_posix()}"
    edits = [link for link in page_at(file_of(page)).links if "/edit/" in link]
    assert edits == [address]
