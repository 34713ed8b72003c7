"""The API reference leaves out what Python or pydantic writes by itself."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from sphinx.application import Sphinx


def skip(
    app: Sphinx,
    what: str,
    name: str,
    member: Any,
    skipped: bool,
    options: Any,
) -> bool | None:
    """A named tuple's fields, told by its docstring; pydantic's settings.

    None leaves all else alone.
    """
    says = str(getattr(member, "__doc__", ""))
    noise = name == "model_config" or says.startswith("Alias for field number")
    return True if noise else None


def sign(
    app: Sphinx,
    what: str,
    name: str,
    object_: Any,
    options: Any,
    signature: str | None,
    returns: str | None,
) -> tuple[str, None] | None:
    """Validated data is made by keyword; its docstring explains each."""
    if isinstance(object_, type) and issubclass(object_, BaseModel):
        return "(**fields)", None
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("autodoc-skip-member", skip)
    app.connect("autodoc-process-signature", sign)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
