"""The command line answers before anything slow is imported."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

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
SCRIPT = """
import json, sys
from dlib.cli import app
try:
    app()
finally:
    print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["data", "--help"],
        ["data", "get", "--help"],
        ["score", "--help"],
        ["run", "--help"],
        ["table", "--help"],
        ["run"],  # a mistake
    ],
    ids=" ".join,
)
def test_help_imports_nothing_slow(arguments: list[str]) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )
    *said, modules = ended.stdout.splitlines()
    assert "Usage:" in " ".join(said) + ended.stderr
    assert SLOW & set(json.loads(modules)) == set()


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
