"""Notebooks are opened in a real JupyterLab, in a real browser."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser import Browser
from chapters import EXECUTED
from chromium import needs_browser
from test_plain import LEFT_OVER

pytestmark = needs_browser

CHAPTER = EXECUTED / "papers" / "dip_vae.ipynb"
FOLDED = {"source_hidden": True}
# All cells are rendered, not only those that are in view.
SETTINGS = {"windowingMode": "none"}


def small_notebook() -> nbformat.NotebookNode:
    """A chapter in short: what these tests look for is in it, executed."""
    v4 = nbformat.v4
    said = v4.new_output("display_data", {"text/markdown": "In all 3.20 nats, $z_1$."})
    solved = v4.new_output("stream", name="stdout", text="right")
    return v4.new_notebook(
        metadata={
            "kernelspec": {
                "name": "python3",
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
            }
        },
        cells=[
            v4.new_markdown_cell(
                "# Small\n\n$$\nq(z) = \\int q(z \\mid x)\n\\tag{2}\n$$"
            ),
            v4.new_code_cell(
                'viz.say(f"In all {nats:.2f} nats, $z_1$.")',
                outputs=[said],
                metadata={"jupyter": FOLDED, "cellView": "form"},
            ),
            v4.new_code_cell("1 + 1"),
            v4.new_code_cell(
                "# @title Solution 1",
                outputs=[solved],
                metadata={"jupyter": {**FOLDED, "outputs_hidden": True}},
            ),
        ],
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab of its own: an address with a place for the path, and its folder."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "book").mkdir()
    settings = folder / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps(SETTINGS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    root = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                f"--ServerApp.port={port}",
                "--ServerApp.port_retries=0",
                f"--IdentityProvider.token={token}",
                f"--ServerApp.root_dir={folder / 'book'}",
                f"--LabApp.user_settings_dir={folder / 'settings'}",
                f"--LabApp.workspaces_dir={folder / 'workspaces'}",
                "--LabApp.news_url=None",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            ],
            env={
                **os.environ,
                "JUPYTER_CONFIG_DIR": str(folder / "config"),
                "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
                "IPYTHONDIR": str(folder / "ipython"),
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until(f"{root}/api/status?token={token}", server, folder / "log")
        yield f"{root}/lab/tree/{{}}?reset&token={token}", folder / "book"
    finally:
        server.terminate()
        server.wait(30)


def until(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.3)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


LOOK = """
(() => {
  const cells = [...document.querySelectorAll(".jp-Notebook .jp-Cell")];
  const height = (cell, part) =>
    [...cell.querySelectorAll(part)].reduce((sum, e) => sum + e.offsetHeight, 0);
  const words = (shown) => {
    const copy = shown.cloneNode(true);
    copy.querySelectorAll("code, pre, mjx-container").forEach((e) => e.remove());
    return copy.textContent;
  };
  return cells.map((cell) => ({
    code: cell.classList.contains("jp-CodeCell"),
    editor: height(cell, ".jp-InputArea-editor"),
    output: height(cell, ".jp-OutputArea-output"),
    words: [...cell.querySelectorAll(".jp-RenderedMarkdown")].map(words).join("\\n"),
    formulas: cell.querySelectorAll("mjx-container").length,
    displayed: cell.querySelectorAll("mjx-container[display=true]").length,
    // An error; a warning, which a smoke run's untrained models give, is none.
    failed: cell.querySelectorAll("mjx-merror, [data-mime-type$='.error']")
      .length,
  }));
})()
"""


def opened(address: str, notebook: nbformat.NotebookNode, folder: Path) -> Any:
    """What JupyterLab shows of each cell, once it has set all the formulas."""
    formulas = sum("$$" in cell.source for cell in notebook.cells if is_text(cell))
    with Browser(folder) as browser:
        browser.screen(1280, 900)
        browser.call("Page.navigate", url=address)
        cells = "document.querySelectorAll('.jp-Notebook .jp-Cell').length"
        browser.wait(f"{cells} === {len(notebook.cells)}", 120)
        browser.wait("!!document.querySelector('.jp-RenderedMarkdown h1')", 60)
        displayed = "document.querySelectorAll('mjx-container[display=true]').length"
        browser.wait(f"{displayed} >= {formulas}", 60)
        browser.wait("!document.querySelector('.jp-Notebook .jp-mod-loading')", 60)
        time.sleep(1)  # the last formulas of what cells said
        return browser.ask(LOOK)


def is_text(cell: nbformat.NotebookNode) -> bool:
    return cell.cell_type == "markdown"


def test_small_notebook_reads_right(lab: tuple[str, Path], tmp_path: Path) -> None:
    reads_right(small_notebook(), lab, tmp_path)


@pytest.mark.skipif(
    not CHAPTER.is_file(), reason="no executed chapter: run `make notebooks`"
)
def test_chapter_reads_right(lab: tuple[str, Path], tmp_path: Path) -> None:
    reads_right(nbformat.read(CHAPTER, as_version=4), lab, tmp_path)


def reads_right(
    notebook: nbformat.NotebookNode, lab: tuple[str, Path], folder: Path
) -> None:
    address, root = lab
    nbformat.write(notebook, root / "opened.ipynb")
    shown = opened(address.format("opened.ipynb"), notebook, folder)
    assert len(shown) == len(notebook.cells)
    for cell, seen in zip(notebook.cells, shown, strict=True):
        assert seen["failed"] == 0, cell.source
        words = seen["words"]
        for name, pattern in LEFT_OVER.items():
            found = re.search(pattern, words, re.MULTILINE)
            assert found is None, f"{name}: {found and found[0]!r} of {cell.source!r}"
        assert "$$" not in words and "\\tag" not in words, cell.source
        if is_text(cell):
            prose = re.sub(r"```.*?```|`[^`\n]*`", "", cell.source, flags=re.DOTALL)
            assert seen["displayed"] == prose.count("$$") // 2, cell.source
            continue
        jupyter = cell.metadata.get("jupyter", {})
        assert seen["code"]
        assert (seen["editor"] == 0) == bool(jupyter.get("source_hidden")), cell.source
        if cell.outputs and jupyter.get("outputs_hidden"):
            assert seen["output"] == 0, cell.source
        elif cell.outputs:
            assert seen["output"] > 0, cell.source
