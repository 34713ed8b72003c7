"""A chapter's "Suggest edit" button opens its script, the file to review."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx


def open_script(
    app: Sphinx,
    page: str,
    template: str,
    context: dict[str, Any],
    doctree: Any,
) -> None:
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button.get("label") == "source-edit-button":
                button["url"] = re.sub(r"\.ipynb$", ".py", button["url"])


def setup(app: Sphinx) -> dict[str, bool]:
    # The theme adds its buttons at priority 501.
    app.connect("html-page-context", open_script, priority=502)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
