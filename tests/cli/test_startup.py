"""The command line answers before anything slow is imported."""

from __future__ import annotations

import json
import subprocess
import sys
import time

SLOW = {
    "IPython",
    "h5py",
    "lightning_fabric",
    "matplotlib",
    "numpy",
    "pandas",
    "pooch",
    "ray",
    "requests",
    "scipy",
    "sklearn",
    "torch",
}
# Every command and group, asked for help one after the other.
SCRIPT = """
import json, sys
from typer.main import get_command
from typer.testing import CliRunner
from dlib.cli import app

asked = []
def ask(command, path):
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0 and "Usage:" in result.output, result.output
    asked.append(" ".join(path))
    for name, below in getattr(command, "commands", {}).items():
        ask(below, [*path, name])

ask(get_command(app), [])
mistake = CliRunner().invoke(app, ["score"])
assert mistake.exit_code == 2 and "Missing argument" in mistake.output
print(json.dumps([asked, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def test_help_imports_nothing_slow() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    asked, modules = json.loads(ended.stdout)
    assert {"", "run", "table", "score", "data", "data get"} <= set(asked)
    assert SLOW & set(modules) == set()


def test_help_takes_less_than_a_second() -> None:
    """A fifth of one when the machine is quiet; the best of some tries counts."""
    best = 60.0
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "from dlib.cli import app; app()", "--help"],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
        best = min(best, time.perf_counter() - began)
        if best < 1:
            break
    assert best < 1
