"""``{chapter-status}``: a table of when and how each chapter ran.

Every chapter ends in ``viz.colophon()``, which says so from within the run.
The table gathers what the chapters say, whether they were executed by this
build, taken from its cache, or executed before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

LOGGER = logging.getLogger(__name__)
# dlib.viz.colophon's sentence; tests/book/test_extensions.py compares the two.
COLOPHON = re.compile(
    r"ran on (?P<date>[^,]+), in (?P<time>\d+ s), "
    r"at the (?P<budget>\w+) budget, on (?P<machine>.+): "
    r"(?P<versions>Python .+)\.$",
    re.DOTALL,
)
TITLES = {
    "chapter": "Chapter",
    "date": "Executed on",
    "time": "Took",
    "budget": "Budget",
    "machine": "Machine",
    "versions": "Versions",
}


class Placeholder(nodes.General, nodes.Element):
    """Stands where the table will be, until all chapters are read."""


class ChapterStatus(SphinxDirective):
    """Leave the place; the environment notes which pages have one."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        self.env.metadata[self.env.docname]["chapter-status"] = True
        return [Placeholder()]


def read_colophon(doctree: nodes.document) -> dict[str, str] | None:
    """What the last colophon of a chapter says, by the names of ``TITLES``."""
    found = None
    for paragraph in doctree.findall(nodes.paragraph):
        found = COLOPHON.search(paragraph.astext()) or found
    return None if found is None else found.groupdict()


def chapters(env: BuildEnvironment) -> Iterator[str]:
    """The notebooks, in the order of the table of contents."""
    for page in env.collect_relations():
        if str(env.doc2path(page)).endswith(".ipynb"):
            yield page


def table(app: Sphinx, page: str) -> nodes.table:
    """A row for each chapter. One that says nothing is a warning."""
    body = nodes.tbody()
    for chapter in chapters(app.env):
        said = read_colophon(app.env.get_doctree(chapter))
        if said is None:
            LOGGER.warning(
                "%s does not say when it ran: its last cell is to be "
                "viz.colophon()",
                chapter,
            )
            continue
        title = app.env.titles[chapter].astext()
        link = make_refnode(
            app.builder, page, chapter, None, nodes.Text(title)
        )
        cells = [
            link,
            *(nodes.Text(said[key]) for key in TITLES if key in said),
        ]
        body += row(cells)
    columns = [nodes.colspec(colwidth=1) for _ in TITLES]
    head = nodes.thead(
        "", row([nodes.Text(title) for title in TITLES.values()])
    )
    group = nodes.tgroup("", *columns, head, body, cols=len(TITLES))
    return nodes.table("", group, classes=["colwidths-auto"])


def row(cells: list[Any]) -> nodes.row:
    return nodes.row(
        "", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells)
    )


def fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    for place in list(doctree.findall(Placeholder)):
        place.replace_self(table(app, page))


def write_again(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """A chapter read anew changes the table, on a page that was not."""
    return [
        page
        for page, about in env.metadata.items()
        if "chapter-status" in about
    ]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_node(Placeholder)
    app.add_directive("chapter-status", ChapterStatus)
    app.connect("doctree-resolved", fill)
    app.connect("env-updated", write_again)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
