"""A real Chromium, where there is one: its flags, and a page dumped by it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
needs_browser = pytest.mark.skipif(
    BROWSER is None,
    reason="no chromium, chromium-browser or google-chrome on the PATH: nothing was "
    "opened in a browser",
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def dump(page: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The page's tree after its scripts have run, as ``stdout``."""
    assert BROWSER is not None
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [BROWSER, *FLAGS, profile, *options, "--dump-dom", page.as_uri()]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True
    )


def report(body: str, folder: Path, *options: str) -> Any:
    """What a page of this body wrote into ``<pre id="report">``, as json."""
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8">{body}',
        encoding="utf-8",
    )
    dumped = dump(page, folder, *options).stdout
    found = re.search(r'<pre id="report">(.*?)</pre>', dumped, re.DOTALL)
    assert found, f"the page reported nothing; it begins {dumped[:500]!r}"
    return json.loads(html.unescape(found[1]))
