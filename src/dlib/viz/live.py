"""What figures that answer in the page have in common: HTML, complete in itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources


class Live:
    """A figure that a notebook, or a built page, shows and that answers there.

    Attributes
    ----------
    html : str
        Markup, style, numbers and script, complete in itself. It names no ids, so
        that one page can hold it twice.
    title : str
        The line above.
    """

    def __init__(self, html: str, title: str) -> None:
        self.html = html
        self.title = title

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title!r}), shown where HTML is shown"

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": repr(self)}


def fill(template: str, parts: Mapping[str, str]) -> str:
    """The template beside this file, each ``{{place}}`` filled with its part.

    In one pass, since a title may look like a place to be filled. ``{{live}}`` is
    what all figures' scripts begin with, ``live.js``.
    """
    folder = resources.files("dlib.viz")
    parts = {**parts, "live": folder.joinpath("live.js").read_text(encoding="utf-8")}
    text = folder.joinpath(template).read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], text)
