"""The one training loop: devices, precision, history, checkpoints, resume."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dlib.data.dataset import Dataset
from dlib.inference import to_float
from dlib.models.method import Method
from dlib.progress import Progress
from dlib.storage import write_whole

# Terms are brought to the host once in so many steps, not at every one.
WINDOW = 50

# Others of Fabric's would need a gradient scaler in the checkpoint ("16-mixed") or
# converted modules ("bf16-true").
PRECISIONS = ("32-true", "bf16-mixed")


@dataclass
class History:
    """What a training recorded.

    Attributes
    ----------
    steps : list of int
        The last step of each window of 50.
    terms : dict of str to list of float
        The mean of each logged term over the window, in nats per picture.
    seconds : float
        Time spent training, resumed parts added up.
    """

    steps: list[int] = field(default_factory=list)
    terms: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for json."""
        return {"steps": self.steps, "terms": self.terms, "seconds": self.seconds}


class NonFiniteLoss(RuntimeError):
    """A term of the loss became infinite or not a number."""


def step_generator(seed: int, step: int, device: torch.device) -> torch.Generator:
    """A generator that is a function of the seed and the step alone.

    A training that resumes at step k needs no saved random state: it draws what
    it would have drawn. The two numbers are mixed (splitmix64) so that the
    streams of neighbouring steps have nothing in common.
    """
    x = (seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9 + 1) % 2**64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) % 2**64
    return torch.Generator(device=device).manual_seed((x ^ (x >> 31)) % 2**63)


def fit(
    method: Method,
    dataset: Dataset,
    *,
    steps: int,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    seed: int = 0,
    device: str = "auto",
    precision: str = "32-true",
    checkpoint: Path | str | None = None,
    checkpoint_every: int = 1000,
    progress: bool = True,
    title: str | None = None,
) -> History:
    """Train ``method`` on pictures drawn from ``dataset``.

    Each step draws a batch, asks the method for its losses, and takes a step of
    Adam for the player of each. The result is a function of the arguments: a
    training that was killed and called again with the same ``checkpoint`` ends
    with the same weights, bit for bit, as one that was not.

    Parameters
    ----------
    method : Method
        Is changed in place, and moved to the device.
    dataset : Dataset
        Pictures are drawn from it with replacement.
    steps, batch_size : int
    learning_rate : float
        Of Adam, for every player.
    seed : int
        Of the batches and of the noise.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``, as lightning-fabric
        names accelerators.
    precision : {"32-true", "bf16-mixed"}
        As lightning-fabric names it. Mixed precision is about twice as fast on a
        GPU or a CPU with bfloat16 units, and slower on others.
    checkpoint : path, optional
        A safetensors file: written every ``checkpoint_every`` steps, and read
        first where it exists.
    checkpoint_every : int
        Steps between checkpoints; rounded up to whole windows of 50.
    progress : bool
        Show a bar with the time left.
    title : str, optional
        What the bar says; the method's name by default.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If a number is not positive, the precision is unknown, or the checkpoint
        is broken, of another training, or past ``steps``.
    TypeError
        If the method is not a torch module.
    NonFiniteLoss
        If a term of the loss, or a weight, is not finite; the message names it
        and the step. The last checkpoint stays as it was.
    """
    for name, value in (
        ("steps", steps),
        ("batch_size", batch_size),
        ("learning_rate", learning_rate),
        ("checkpoint_every", checkpoint_every),
    ):
        if not value > 0:  # so that NaN is refused too
            raise ValueError(f"{name} must be positive, got {value}")
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
    if not isinstance(method, nn.Module):
        raise TypeError(f"method must be a torch module, got {type(method).__name__}")

    # Fabric announces each choice of device and precision; one line says it all.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = Fabric(accelerator=device, devices=1, precision=precision)  # type: ignore[arg-type]
    fabric.to_device(method)
    # Convolutions run up to twice as fast on this layout; values don't change.
    method.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    method.train()
    optimisers = {
        player: torch.optim.Adam(
            given.parameters,
            lr=given.learning_rate or learning_rate,
            betas=given.betas,
            fused=fabric.device.type in ("cpu", "cuda"),
        )
        for player, given in method.players().items()
    }
    stepping: dict[str, Any] = {
        player: fabric.setup_optimizers(optimiser)
        for player, optimiser in optimisers.items()
    }
    drawn = dataset.draw(8, step_generator(0, 0, dataset.device))
    settings = {
        "method": _describe(method),
        # A part of a data set looks like another of its size; its draws don't.
        "data": f"{dataset!r}: {drawn.tolist()}",
        "batch_size": int(batch_size),
        "learning_rate": float(learning_rate),
        "seed": int(seed),
        "precision": precision,
    }

    history, first = History(), 0
    path = Path(checkpoint) if checkpoint is not None else None
    if path is not None and path.exists():
        first, history = _resume(path, method, optimisers, settings, steps)
    spent_before, began = history.seconds, time.monotonic()
    checkpoint_every = -(-checkpoint_every // WINDOW) * WINDOW

    window: list[dict[str, Tensor]] = []
    with Progress(title or type(method).__name__, steps, first, progress) as bar:
        for step in range(first + 1, steps + 1):
            generator = step_generator(seed, step, dataset.device)
            batch = dataset.batch(batch_size, generator, step)
            inputs = to_float(batch.images, fabric.device)
            inputs = inputs.contiguous(memory_format=torch.channels_last)
            noise = generator
            if dataset.device.type != fabric.device.type:
                noise = step_generator(seed, step, fabric.device)
            logs: dict[str, Tensor] = {}
            losses = method.losses(batch._replace(images=inputs), noise)
            while True:
                with fabric.autocast():
                    loss = next(losses, None)
                if loss is None:
                    break
                optimisers[loss.player].zero_grad()
                fabric.backward(loss.value)
                stepping[loss.player].step()
                logs |= loss.logs
            window.append(logs)
            if step % WINDOW == 0 or step == steps:
                means = _means(window, step)
                _check_weights(method, step)
                window.clear()
                history.steps.append(step)
                for name, value in means.items():
                    history.terms.setdefault(name, []).append(value)
                history.seconds = spent_before + time.monotonic() - began
                note = ", ".join(f"{name} {value:.3g}" for name, value in means.items())
                bar.update(step, note)
                if path is not None and step % checkpoint_every == 0:
                    _save(path, method, optimisers, settings, step, history)
    method.eval()
    return history


def _means(window: list[dict[str, Tensor]], last: int) -> dict[str, float]:
    names = list(window[0])
    table = torch.stack([torch.stack([logs[n] for n in names]) for logs in window])
    rows = table.float().cpu()  # the window's only copy to the host
    bad = (~rows.isfinite()).nonzero()
    if len(bad):
        row, column = bad[0].tolist()
        step = last - len(window) + 1 + row
        raise NonFiniteLoss(
            f"the term {names[column]!r} became {float(rows[row, column])} at step "
            f"{step}; a smaller learning rate, a smaller weight of that term or "
            'precision="32-true" may help'
        )
    return dict(zip(names, rows.mean(0).tolist(), strict=True))


def _check_weights(method: nn.Module, step: int) -> None:
    """A finite loss can have a gradient that is not: look at its victims too."""
    finite = torch.stack([p.isfinite().all() for p in method.parameters()])
    if not bool(finite.all()):
        names = [name for name, _ in method.named_parameters()]
        name = names[finite.tolist().index(False)]
        raise NonFiniteLoss(
            f"the weights {name!r} were no longer finite at step {step}, though every "
            "term of the loss was: one of them has a gradient that is not, such as "
            "that of a square root at zero"
        )


def _describe(method: nn.Module) -> str:
    """The method, its options and its layers: what tells a training from another."""
    options = {
        name: value
        for name, value in sorted(vars(method).items())
        if isinstance(value, (int, float, str)) and name != "training"
    }
    return f"{options} {method!r}"


def _save(
    path: Path,
    method: nn.Module,
    optimisers: Mapping[str, torch.optim.Optimizer],
    settings: dict[str, Any],
    step: int,
    history: History,
) -> None:
    tensors = {f"method.{k}": v for k, v in method.state_dict().items()}
    for player, optimiser in optimisers.items():
        for index, state in optimiser.state_dict()["state"].items():
            for name, value in state.items():
                tensors[f"optimiser.{player}.{index}.{name}"] = value
    state = {"settings": settings, "step": step, "history": history.to_dict()}
    contiguous = {k: v.contiguous() for k, v in tensors.items()}
    metadata = {"state": json.dumps(state)}
    write_whole(path, lambda temporary: save_file(contiguous, temporary, metadata))


def _resume(
    path: Path,
    method: nn.Module,
    optimisers: Mapping[str, torch.optim.Optimizer],
    settings: dict[str, Any],
    steps: int,
) -> tuple[int, History]:
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
            step, history = state["step"], History(**state["history"])
            saved = state["settings"]
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except Exception as error:
        raise ValueError(
            f"{path} is not a checkpoint of this library ({error}); remove it to "
            "start afresh"
        ) from error
    if saved != settings:
        differing = [k for k in settings if saved.get(k) != settings[k]]
        raise ValueError(
            f"the checkpoint {path} is of another training: {', '.join(differing)} "
            "differ; remove it to start afresh, or give another path"
        )
    if step > steps:
        raise ValueError(
            f"the checkpoint {path} stands at step {step:,}, past the {steps:,} "
            "asked for; ask for more steps, or remove it to start afresh"
        )
    weights = {k[7:]: v for k, v in tensors.items() if k.startswith("method.")}
    method.load_state_dict(weights)
    for player, optimiser in optimisers.items():
        prefix = f"optimiser.{player}."
        parameters = optimiser.param_groups[0]["params"]
        states: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            if key.startswith(prefix):
                index, name = key[len(prefix) :].split(".", 1)
                parameter = parameters[int(index)]
                if value.shape == parameter.shape:
                    # The fused kernel walks through memory: moments must lie
                    # in the order of their parameter, which may be
                    # channels-last; the file's order is not.
                    value = torch.empty_like(parameter).copy_(value)
                states.setdefault(int(index), {})[name] = value
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": states, "param_groups": groups})
    return step, history
