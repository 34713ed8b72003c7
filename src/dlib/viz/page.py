"""What only the built page has."""

from __future__ import annotations

from typing import Any


def glue(name: str, value: Any) -> Any:
    """Keep ``value`` under ``name`` for the page's prose, where a page is built.

    Prose that names a number pastes it from the run that made it. Outside the
    book (Colab, a bare kernel) there is nothing to paste into, and this only
    returns the value.
    """
    try:
        from myst_nb import glue as keep
    except ImportError:
        return value
    keep(name, value, display=False)
    return value
