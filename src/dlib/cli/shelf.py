"""What runs there are, by name: for ``dlib runs``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dlib import recipes
from dlib.budget import BUDGETS
from dlib.recipes.experiment import expand, find
from dlib.runs import shipped
from dlib.runs.run import runs_folder

# What a training and a sweep leave beside finished runs.
LEFTOVERS = ("*.checkpoint", "*.lock", "logs/*.log")


@dataclass(frozen=True)
class Item:
    """A finished run on disk.

    Attributes
    ----------
    hash, name : str
        The second says which run of which experiment it is, if of any.
    where : {"shipped", "cache"}
    record : dict
    bytes : int
        Of its own files.
    """

    hash: str
    name: str
    where: str
    record: dict[str, Any]
    bytes: int


def shelf(root: Path | str | None = None) -> list[Item]:
    """All finished runs: the shipped ones, then those in the cache.

    Raises
    ------
    ValueError
        If a record cannot be read; the message names it.
    """
    known = known_runs()
    items = []
    for name, (_, record) in shipped._records(shipped.SHIPPED).items():
        weights = shipped.SHIPPED / f"{name}.safetensors"
        size = len(json.dumps(record)) + _size(weights)
        items.append(Item(name, known.get(name, ""), "shipped", record, size))
    for path in sorted(runs_folder(root).glob("*.json")):
        try:
            record = json.loads(path.read_text())
            name = record["hash"]
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"the record {path} cannot be read ({error}); remove it"
            ) from error
        size = _size(path) + _size(path.with_suffix(".safetensors"))
        items.append(Item(name, known.get(name, ""), "cache", record, size))
    return items


def prunable(root: Path | str | None = None, everything: bool = False) -> list[Path]:
    """Files of the cache that no experiment of today needs."""
    folder = runs_folder(root)
    known = set() if everything else set(known_runs())
    runs = [
        path
        for ending in ("json", "safetensors")
        for path in sorted(folder.glob(f"*.{ending}"))
        if path.stem not in known
    ]
    leftovers = [
        path
        for pattern in LEFTOVERS
        for path in sorted(folder.glob(pattern))
        if path.stem not in known
    ]
    return runs + leftovers


def known_runs() -> dict[str, str]:
    """Hash and name of every run of every experiment, at every budget."""
    return {
        entry.recipe.hash: f"{name}/{group}/{entry.name} ({budget})"
        for name in recipes.names()
        for file in [find(name)]
        for group in file.groups
        for budget in reversed(BUDGETS)
        for entry in expand(file, name, group, budget).entries
    }


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
