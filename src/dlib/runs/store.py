"""Finished runs on disk: a record (json) and weights (safetensors) for each."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from dlib.runs.eight_bits import restore_weights
from dlib.runs.recipe import SCHEMA, Recipe
from dlib.storage import load_tensors, save_tensors, write_whole
from dlib.training import History

if TYPE_CHECKING:
    from dlib.runs.run import Found, Run

log = logging.getLogger("dlib")
WINDOWS = 200  # of a history are kept on disk: a curve needs no more


def save(run: Run, folder: Path) -> None:
    """Write ``<hash>.safetensors`` and ``<hash>.json``.

    Each file is written whole or not at all, the weights first: a record never
    promises weights that are not there.
    """
    place = folder / run.recipe.hash
    save_tensors(place.with_suffix(".safetensors"), run.trained.state_dict())
    text = json.dumps(record_of(run), indent=1) + "\n"
    write_whole(
        place.with_suffix(".json"), lambda temporary: temporary.write_text(text)
    )


def read(recipe: Recipe, folder: Path, weights: bool) -> Run | None:
    """The stored run of a recipe, if there is one that still means the same.

    Raises
    ------
    ValueError
        If it is damaged; the message names the file.
    """
    path = folder / f"{recipe.hash}.json"
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text())
        if is_stale(record, recipe, str(path)):
            return None
        method: Any = None
        if weights:
            method = recipe.build()
            load_weights(method, path.with_suffix(".safetensors"))
        return run_of(recipe, method, record, "cache")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error


def record_of(run: Run) -> dict[str, Any]:
    """A run as plain data, without its weights."""
    return {
        "schema": SCHEMA,
        "hash": run.recipe.hash,
        "recipe": run.recipe.complete(),
        **run.record,
        "report": None if run.report is None else run.report.to_dict(),
        "history": thin(run.history).to_dict(),
    }


def run_of(recipe: Recipe, method: Any, record: dict[str, Any], found: Found) -> Run:
    """The run that a record describes."""
    from dlib.metrics import Report
    from dlib.runs.run import Run

    apart = ("schema", "hash", "recipe", "report", "history")
    report = record["report"]
    return Run(
        recipe,
        method,
        History(**record["history"]),
        None if report is None else Report.from_dict(report),
        {key: value for key, value in record.items() if key not in apart},
        found,
    )


def is_stale(record: dict[str, Any], recipe: Recipe, place: str) -> bool:
    """Whether a record is of another meaning than the recipe has today; says why.

    The hash covers what differs from the defaults: when a default changes, a record
    may be found under a hash that has come to mean something else. An option that the
    record lacks is younger than the run: its default is what was done before.
    """
    wanted, found = recipe.complete(), record["recipe"]
    found = {**found, "options": {**recipe.usual(), **found["options"]}}
    names = {*wanted, *found}
    differing = {n for n in names if wanted.get(n) != found.get(n)}
    if record["versions"]["twins"] != recipe.data.versions:
        differing.add("how the twins look")
    if record["schema"] != SCHEMA:
        differing.add("schema")
    if differing:
        log.warning(
            "the run in %s is of another meaning than its recipe has today (%s): it "
            "is passed over",
            place,
            ", ".join(sorted(differing)),
        )
    return bool(differing)


def load_weights(method: nn.Module, path: Path, prefixes: tuple[str, ...] = ()) -> None:
    """Put stored weights into a method, in evaluation mode.

    Parameters
    ----------
    method : Method
        Built by the run's recipe.
    path : Path
        Of the weights, in any floating type or in eight bits.
    prefixes : tuple of str
        The modules that were stored; all by default.
    """
    tensors = restore_weights(load_tensors(path)[0])
    wanted = method.state_dict()
    kept = {name for name in wanted if not prefixes or name.split(".")[0] in prefixes}
    if set(tensors) != kept:
        odd = ", ".join(sorted(set(tensors) ^ kept))
        raise ValueError(f"it has other weights than the method: {odd}")
    state: dict[str, Tensor] = {
        name: tensors[name].to(wanted[name].dtype) if name in kept else value
        for name, value in wanted.items()
    }
    try:
        method.load_state_dict(state)
    except RuntimeError as error:  # of another shape
        raise ValueError(str(error)) from error
    method.eval()


def damaged(path: Path, error: Exception) -> ValueError:
    """What to say of a stored run that cannot be read."""
    return ValueError(
        f"the stored run {path} cannot be read ({error}); remove it to train afresh"
    )


def thin(history: History) -> History:
    """At most :data:`WINDOWS` windows, the last among them, to five digits."""
    count = len(history.steps)
    stride = max(1, -(-count // WINDOWS))
    kept = range((count - 1) % stride, count, stride) if count else range(0)
    terms = {
        name: [None if values[i] is None else float(f"{values[i]:.5g}") for i in kept]
        for name, values in history.terms.items()
    }
    steps = [history.steps[i] for i in kept]
    return History(steps, terms, round(history.seconds, 1))
