"""What a training needs to go on exactly where it stood."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dlib.storage import load_tensors, save_tensors

Optimisers = Mapping[str, torch.optim.Optimizer]


@dataclass
class Progressed:
    """How far a training is.

    Attributes
    ----------
    step : int
        The last that was done.
    history : dict
        Of whole windows, as plain data.
    window : list of (int, dict)
        Step and terms of those steps that do not fill a window yet.
    """

    step: int
    history: dict[str, Any]
    window: list[tuple[int, dict[str, float]]]


def describe(method: nn.Module) -> str:
    """A method, its options and its layers: what tells a training from another."""
    options = {
        name: _plain(value)
        for name, value in sorted(vars(method).items())
        if not name.startswith("_") and name != "training"
    }
    return f"{json.dumps(options)} {method!r}"


def _plain(value: Any) -> Any:
    """As json has it, without addresses and other things that change by the run."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(each) for each in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, Tensor):
        return [str(value.dtype), _plain(value.tolist())]
    name = getattr(value, "__qualname__", None)
    return name if isinstance(name, str) else type(value).__qualname__


def save(
    path: Path,
    method: nn.Module,
    optimisers: Optimisers,
    settings: Mapping[str, Any],
    progressed: Progressed,
) -> None:
    """Write a checkpoint, whole or not at all."""
    tensors = {f"method.{k}": v for k, v in method.state_dict().items()}
    for player, optimiser in optimisers.items():
        for index, state in optimiser.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimiser.{player}.{index}.{name}"] = value
    state = {"settings": settings, **vars(progressed)}
    save_tensors(path, tensors, {"state": json.dumps(state)})


def load(
    path: Path,
    method: nn.Module,
    optimisers: Optimisers,
    settings: Mapping[str, Any],
    steps: int,
) -> Progressed:
    """Put a checkpoint back into a method and its optimisers.

    Raises
    ------
    ValueError
        If the file is damaged, of something else, of another training, or past
        ``steps``.
    """
    try:
        tensors, metadata = load_tensors(path)
        state = json.loads(metadata["state"])
        progressed = Progressed(
            state["step"],
            state["history"],
            [(step, dict(terms)) for step, terms in state["window"]],
        )
        saved = state["settings"]
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise ValueError(
            f"{path} is not a checkpoint of this library, or damaged ({error}); "
            "remove it to start afresh"
        ) from error
    # Tuples have become lists on the way through json.
    wanted = json.loads(json.dumps(settings))
    if saved != wanted:
        differing = [k for k in wanted if saved.get(k) != wanted[k]]
        raise ValueError(
            f"the checkpoint {path} is of another training: {', '.join(differing)} "
            "differ; remove it to start afresh, or give another path"
        )
    if progressed.step > steps:
        raise ValueError(
            f"the checkpoint {path} stands at step {progressed.step:,}, past the "
            f"{steps:,} asked for; ask for more steps, or remove it to start afresh"
        )
    weights = {k[7:]: v for k, v in tensors.items() if k.startswith("method.")}
    method.load_state_dict(weights)
    for player, optimiser in optimisers.items():
        _load_optimiser(player, optimiser, tensors)
    return progressed


def _load_optimiser(
    player: str, optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    prefix = f"optimiser.{player}."
    parameters = optimiser.param_groups[0]["params"]
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix):
            index, name = key[len(prefix) :].split(".", 1)
            parameter = parameters[int(index)]
            if value.shape == parameter.shape:
                # The fused kernel walks through memory: moments must lie in the
                # order of their parameter, which may be channels-last; the
                # file's order is not.
                value = torch.empty_like(parameter).copy_(value)
            states.setdefault(int(index), {})[name] = value
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": states, "param_groups": groups})
