"""Every public metric and loss has an example, and it runs as it is printed."""

from __future__ import annotations

import doctest
import inspect
import warnings
from collections.abc import Callable

import pytest

from dlib import losses, metrics

FUNCTIONS = {
    f"{room.__name__}.{name}": thing
    for room in (metrics, losses)
    for name in room.__all__
    if inspect.isfunction(thing := getattr(room, name))
}
CLASSES = {
    f"dlib.metrics.{name}": getattr(metrics, name)
    for name in ("Grid", "Report", "Score", "Table")
}
THINGS = {**FUNCTIONS, **CLASSES}


@pytest.mark.parametrize("name", THINGS)
def test_the_example_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    thing: Callable[..., object] = THINGS[name]
    document = inspect.getdoc(thing) or ""
    assert "Examples\n--------\n" in document, f"{name} has no example"
    # By itself: an example that leans on another's imports is no example.
    test = doctest.DocTestParser().get_doctest(document, {}, name, None, None)
    assert test.examples
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an example must not warn
        failed = doctest.DocTestRunner().run(test).failed
    assert not failed, capsys.readouterr().out
