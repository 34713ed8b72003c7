"""Who may import whom: the picture in CONTRIBUTING.md, held to the source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "src/dlib"

# Each room and file of the library, and which others it may import.
MAY: dict[str, set[str]] = {
    # what stands on nothing
    "budget": set(),
    "storage": set(),
    "progress": set(),
    "memory": set(),
    "interrupt": set(),
    "inference": set(),
    "networks": set(),
    "losses": set(),
    "data": {"storage", "progress"},
    # of data, the type of a batch and no more
    "models": {"losses", "networks", "data.batch"},
    # arrays only: no model, no data set
    "metrics": {"inference", "losses", "progress"},
    "checkpoint": {"storage"},
    "training": {
        "checkpoint", "data", "inference", "interrupt", "memory", "models", "progress",
    },
    "runs": {
        "data", "inference", "metrics", "models", "networks", "progress", "storage",
        "training",
    },
    "recipes": {"budget", "runs"},
    # on top
    "estimate": {"recipes", "runs", "training"},
    "sweeps": {"progress", "recipes", "runs", "storage"},
    "viz": {
        "budget", "data", "inference", "models", "networks", "progress", "runs",
        "training",
    },
    "cli": {
        "budget", "data", "estimate", "metrics", "progress", "recipes", "runs",
        "storage", "sweeps",
    },
}  # fmt: skip


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(LIBRARY).with_suffix("").parts): path
        for path in LIBRARY.rglob("*.py")
    }


def imported(path: Path) -> set[str]:
    """What a file imports of the library, but for what only types are taken from."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "dlib":
                found |= {alias.name for alias in node.names}
            elif node.module.startswith("dlib."):
                found.add(node.module.removeprefix("dlib."))
        elif isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
            found |= {n.removeprefix("dlib.") for n in names if n.startswith("dlib.")}
    return found


def room(module: str) -> str:
    return module.split(".")[0]


def test_every_room_is_known() -> None:
    assert {room(name) for name in modules()} - {"__init__"} == set(MAY)


@pytest.mark.parametrize("name", sorted(MAY))
def test_a_room_imports_only_what_it_may(name: str) -> None:
    wrong = {
        f"{module} imports {other}"
        for module, path in modules().items()
        if room(module) == name
        for other in imported(path)
        if room(other) != name
        and room(other) not in MAY[name]
        and not any(
            other.startswith(allowed) for allowed in MAY[name] if "." in allowed
        )
    }
    assert not wrong


def test_there_is_no_way_round_in_a_circle() -> None:
    done: set[str] = set()
    while len(done) < len(MAY):
        ready = {
            name
            for name, others in MAY.items()
            if name not in done and {room(o) for o in others} <= done
        }
        assert ready, f"these import each other: {sorted(set(MAY) - done)}"
        done |= ready


def test_the_picture_in_contributing_shows_these_arrows() -> None:
    """Its lines read ``room --> other & other``."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    block = re.search(r"```mermaid\n(.*?)```", text, re.S)
    assert block is not None, "CONTRIBUTING.md has no picture of the rooms"
    drawn: dict[str, set[str]] = defaultdict(set)
    for line in block[1].splitlines():
        if "-->" in line:
            left, right = line.split("-->")
            for source in left.split("&"):
                drawn[source.strip()] |= {r.strip() for r in right.split("&")}
    wanted = {name: {room(o) for o in others} for name, others in MAY.items() if others}
    assert drawn == wanted


HEAVY = ("sklearn", "scipy", "pandas", "matplotlib", "mlxtend", "h5py", "pooch",
         "requests", "lightning_fabric", "IPython", "ipywidgets", "ray", "pebble",
         "typer")  # fmt: skip


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("dlib.data", HEAVY),
        ("dlib.models", HEAVY),
        ("dlib.metrics", HEAVY),
        ("dlib.training", HEAVY),
        ("dlib.runs", HEAVY),
        ("dlib.recipes", HEAVY),
        ("dlib.sweeps", HEAVY),
    ],
)
def test_what_is_heavy_is_imported_where_it_is_used(
    module: str, heavy: tuple[str, ...]
) -> None:
    code = (
        f"import sys, {module}; "
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert not set(ended.stdout.split()) & set(heavy)
