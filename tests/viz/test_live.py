"""Figures that answer in the page: how they are shown, how a template is filled."""

from __future__ import annotations

import pytest

from dlib.viz.live import Live, fill


def test_a_notebook_gets_html_and_words() -> None:
    class Thing(Live):
        pass

    bundle = Thing("<p>here</p>", "A title")._repr_mimebundle_(include=None)
    assert bundle == {
        "text/html": "<p>here</p>",
        "text/plain": "Thing('A title'), shown where HTML is shown",
    }


def test_what_looks_like_a_place_in_a_part_stays_as_it_is() -> None:
    names = ("title", "still", "stages", "sliders", "payload")
    parts = {name: f"<{name}>" for name in names} | {"title": "{{payload}}"}
    filled = fill("explorer.html", parts)
    assert filled.count("{{payload}}") == filled.count("<payload>") + 1 == 2


def test_a_part_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError, match="title"):
        fill("explorer.html", {})
