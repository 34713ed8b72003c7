"""Labels of the bibliography as the text has them: Kumar et al. (2018).

``book/reference/bibliography.md`` asks for this style by its name,
``author_year``; ``tests/book/test_plain.py`` holds the chapters' citations to
the same labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style as PlainStyle
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx


def label_of(entry: Entry) -> str:
    """What the text calls a paper: one author, two, or the first "et al."."""
    authors = [
        str(
            Text.from_latex(
                " ".join([*person.prelast_names, *person.last_names])
            )
        )
        for person in entry.persons["author"]
    ]
    who = f"{authors[0]} et al." if len(authors) > 2 else " and ".join(authors)
    return f"{who} ({entry.fields['year']})"


def address_of(entry: Entry) -> str | None:
    """Where the paper is: DOI, arXiv or another page; None if nowhere."""
    if "doi" in entry.fields:
        return f"https://doi.org/{entry.fields['doi']}"
    if "eprint" in entry.fields:
        return f"https://arxiv.org/abs/{entry.fields['eprint']}"
    return entry.fields.get("url")


class AuthorYearLabels(BaseLabelStyle):
    """The labels of a bibliography."""

    def format_labels(self, sorted_entries: Iterable[Entry]) -> Iterator[str]:
        yield from map(label_of, sorted_entries)


class Style(PlainStyle):
    """BibTeX's plain style with those labels."""

    default_label_style = AuthorYearLabels


def setup(app: Sphinx) -> dict[str, bool]:
    register_plugin("pybtex.style.formatting", "author_year", Style)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
