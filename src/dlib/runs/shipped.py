"""Runs that come with the library: one file of records an experiment.

``shipped/<experiment>.json`` has the records; ``shipped/<hash>.safetensors`` what
encoding and decoding need of a run whose weights are shipped, in eight bits (older ones
in half precision);
``shipped/<experiment>.codes.safetensors`` codes of held-out points of those whose
weights are not, so that a later metric can still be computed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dlib.runs import store
from dlib.runs.eight_bits import half, restore_weights, round_weights
from dlib.runs.recipe import SCHEMA, Recipe
from dlib.storage import load_tensors, save_tensors, write_whole

if TYPE_CHECKING:
    from dlib.metrics import Report
    from dlib.runs.run import Metrics, Run

SHIPPED = Path(__file__).parents[1] / "shipped"
LIMIT = 40_000_000  # bytes, of all experiments together
BULK = 800  # numbers: a larger part of a score is not shipped


def read(recipe: Recipe, weights: bool) -> Run | None:
    """The shipped run of a recipe, if there is one that still means the same.

    Raises
    ------
    ValueError
        If it is damaged; the message names the file.
    """
    found = _records(SHIPPED).get(recipe.hash)
    if found is None:
        return None
    path, record = found
    try:
        if store.is_stale(record, recipe, str(path)):
            return None
        if weights and not record["weights"]:
            return None
        method: Any = None
        if weights:
            method = recipe.build()
            place = SHIPPED / f"{recipe.hash}.safetensors"
            store.load_weights(method, place, method.shipped)
        return store.run_of(recipe, method, record, "shipped")
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise store.damaged(path, error) from error


@cache
def _records(folder: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    records = {}
    for path in sorted(folder.glob("*.json")):
        try:
            runs = json.loads(path.read_text())["runs"]
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise store.damaged(path, error) from error
        records.update({name: (path, record) for name, record in runs.items()})
    return records


@dataclass(frozen=True)
class Parcel:
    """A run made ready to be shipped.

    Attributes
    ----------
    record : dict
        With its report, measured on what is shipped.
    weights, codes : dict of str to Tensor, or None
    """

    record: dict[str, Any]
    weights: dict[str, Tensor] | None
    codes: dict[str, Tensor] | None


def pack(
    run: Run,
    metrics: Metrics,
    points: tuple[int, int],
    *,
    weights: bool,
    codes: int = 0,
    progress: bool = True,
) -> Parcel:
    """Round a run's weights, and measure it as it will be read.

    Parameters
    ----------
    run : Run
        With its weights.
    metrics, points
        As of :func:`dlib.runs.fit_or_load`.
    weights : bool
        Whether to ship them.
    codes : int
        Of how many held-out points to ship the codes.
    """
    from dlib.runs.run import Run, measure

    rounded = round_weights(
        {
            name: value
            for name, value in run.trained.state_dict().items()
            if name.split(".")[0] in run.trained.shipped
        }
    )
    method: Any = run.recipe.build()
    state = method.state_dict()
    for name, value in restore_weights(rounded).items():
        state[name] = value.to(state[name].dtype)
    method.load_state_dict(state)
    method.eval()
    record = {k: v for k, v in run.record.items() if k != "measured"}
    ready = Run(run.recipe, method, run.history, None, record, "trained")
    measure(ready, metrics, points, progress=progress)
    ready.record["weights"] = weights
    kept = _codes(ready, codes) if codes else None
    record = without_bulk(store.record_of(ready))
    return Parcel(record, rounded if weights else None, kept)


def without_bulk(record: dict[str, Any]) -> dict[str, Any]:
    """A record whose scores have no part of more than 800 numbers.

    Forty directions of five hundred numbers are a by-product of a score, and would
    take more room than all else that is known of the run.
    """
    report = record["report"]
    scores = {
        label: {
            **score,
            "parts": {k: v for k, v in score["parts"].items() if _count(v) <= BULK},
        }
        for label, score in report["scores"].items()
    }
    return {**record, "report": {**report, "scores": scores}}


def _count(value: Any) -> int:
    """How many numbers there are in nested lists."""
    return sum(map(_count, value)) if isinstance(value, list) else 1


def narrow(index: Tensor) -> Tensor:
    """Points as they are shipped: in 32 bits if all fit, in 64 if not.

    Parameters
    ----------
    index : Tensor
        int64, any shape, not negative.

    Returns
    -------
    Tensor
        int32 or int64, the same shape.
    """
    fits = int(index.max()) <= torch.iinfo(torch.int32).max
    return index.to(torch.int32) if fits else index


def write(
    experiment: str,
    parcels: Sequence[Parcel],
    keep: Collection[str],
    folder: Path | None = None,
) -> None:
    """Add runs to an experiment's shipped files.

    Weights and codes come first: a record never promises what is not there.

    Parameters
    ----------
    experiment : str
        Its name.
    parcels : sequence of Parcel
    keep : collection of str
        Hashes of the runs that the experiment has today: others are dropped.
    folder : Path, optional
        The package's by default.

    Raises
    ------
    ValueError
        If the shipped files would take more than 40 MB together.
    """
    folder = folder or SHIPPED
    path = folder / f"{experiment}.json"
    place = folder / f"{experiment}.codes.safetensors"
    old = json.loads(path.read_text())["runs"] if path.exists() else {}
    codes = load_tensors(place)[0] if place.exists() else {}
    records = {name: record for name, record in old.items() if name in keep}
    for parcel in parcels:
        name = parcel.record["hash"]
        records[name] = parcel.record
        codes = {k: v for k, v in codes.items() if k.split(".")[0] != name}
        for kind, value in (parcel.codes or {}).items():
            codes[f"{name}.{kind}"] = value
    codes = {k: v for k, v in codes.items() if k.split(".")[0] in records}
    for parcel in parcels:
        if parcel.weights is not None:
            file = folder / f"{parcel.record['hash']}.safetensors"
            save_tensors(file, parcel.weights)
    if codes:
        save_tensors(place, codes)
    # A run a line: small, and a change shows as the lines of the runs it touches.
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(records[name], separators=(',', ':'))}"
        for name in sorted(records)
    )
    text = f'{{"schema": {SCHEMA}, "runs": {{\n{lines}\n}}}}\n'
    write_whole(path, lambda temporary: temporary.write_text(text))
    _records.cache_clear()
    others = {name for name, (_, r) in _records(folder).items() if r["weights"]}
    for name in {*old, *records} - others:
        (folder / f"{name}.safetensors").unlink(missing_ok=True)
    total = sum(file.stat().st_size for file in folder.iterdir())
    if total > LIMIT:
        raise ValueError(
            f"the shipped runs take {total / 1e6:.1f} MB, and {LIMIT / 1e6:g} MB are "
            "the limit: ship fewer weights, or codes of fewer points"
        )


def _codes(run: Run, count: int) -> dict[str, Tensor]:
    """Codes of ``count`` held-out points in half precision, and which they are."""
    from dlib.inference import encode

    held_out = run.recipe.parts()[1]
    part = held_out.part(0, min(1.0, count / len(held_out)))
    index = part.points(torch.arange(len(part)))
    codes = encode(run.trained, held_out.images, index)
    return {"codes": half(codes), "index": narrow(index)}


def score_codes(recipe: Recipe, which: Metrics, seed: int = 0) -> Report:
    """Metrics of a run whose weights were not shipped, from the codes that were.

    Two thirds of the points are fitted on, the rest are tested on; there are fewer
    than :func:`dlib.runs.fit_or_load` measures on, and the report says how many.

    Raises
    ------
    ValueError
        If there are no codes of this run.
    """
    from dlib.metrics import evaluate_codes

    found = _records(SHIPPED).get(recipe.hash)
    place = found and found[0].with_suffix(".codes.safetensors")
    tensors = load_tensors(place)[0] if place and place.exists() else {}
    if f"{recipe.hash}.codes" not in tensors:
        raise ValueError(f"no codes of the run {recipe.hash} are shipped")
    held_out = recipe.parts()[1]
    codes = tensors[f"{recipe.hash}.codes"].float()
    factors = held_out.factors(tensors[f"{recipe.hash}.index"].long())
    chunks = list(codes.split(list(recipe.build().chunks), dim=1))
    wide = any(chunk.shape[1] > 1 for chunk in chunks)
    return evaluate_codes(
        chunks if wide else codes,
        factors,
        which=list(which),
        space=held_out.space,
        seed=seed,
        title=f"{recipe.hash}, from its codes",
    )
