"""Every built page is opened in a real browser, with no network behind it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser
from chromium import dump, needs_browser

ROOT = Path(__file__).parents[2]
HTML = Path(os.environ.get("UNTANGLED_HTML", ROOT / "book" / "_build" / "html"))
PAGES = [
    page
    for pattern in ("index.html", "foundations/**/*", "papers/**/*", "reference/**/*")
    for page in sorted(HTML.glob(pattern))
    if page.suffix == ".html"
]

pytestmark = [
    pytest.mark.skipif(not PAGES, reason=f"no built pages in {HTML}"),
    needs_browser,
]


pages = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(HTML).with_suffix("").as_posix()
)


@pages
def test_page_runs_in_a_browser_without_a_network(page: Path, tmp_path: Path) -> None:
    opened = dump(
        page.resolve(),
        tmp_path,
        "--allow-file-access-from-files",
        # Whatever a page would ask of the network must not be needed.
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--enable-logging=stderr",
        "--virtual-time-budget=20000",
    )
    uncaught = re.findall(r'CONSOLE.*"(Uncaught .*?)"', opened.stderr)
    # The theme's own launch button declares one name twice; nothing of ours.
    assert [error for error in uncaught if "THEBE_JS_URL" not in error] == []
    source = page.read_text()
    if 'class="math' in source:
        assert "<mjx-container" in opened.stdout
    # An interactive figure shows itself when its script has run.
    figures = {
        "explorer": "stage",
        "bend": "controls",
        "sliders": "stage",
        "film": "controls",
    }
    for name, part in figures.items():
        figure = f"dlib-{name}"
        asked = len(re.findall(rf'<div class="{figure}"', source))
        parts = re.findall(rf'<div class="{figure}-{part}"[^>]*>', opened.stdout)
        assert len(parts) == asked
        assert not [tag for tag in parts if "hidden" in tag]


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("phone")) as browser:
        browser.screen(375, 800)
        yield browser


@pages
def test_page_does_not_scroll_sideways_on_a_phone(page: Path, phone: Browser) -> None:
    phone.open(page.resolve().as_uri())
    if 'class="math' in page.read_text():
        phone.wait("!!document.querySelector('mjx-container')")
    width = phone.ask("document.documentElement.scrollWidth")
    assert width <= 375, f"{width} pixels wide"
