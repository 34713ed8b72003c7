"""The one training loop: devices, precision, history, checkpoints, resume."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dlib import checkpoint as checkpoints
from dlib.checkpoint import Progressed
from dlib.data.batch import Batch
from dlib.data.dataset import Dataset
from dlib.inference import to_float
from dlib.interrupt import HeldSignals
from dlib.memory import keep_freed_memory
from dlib.models.method import Method
from dlib.progress import Progress

log = logging.getLogger("dlib")

# Terms are brought to the host once in so many steps, not at every one.
WINDOW = 50

# Others of Fabric's would need a gradient scaler in the checkpoint ("16-mixed") or
# converted modules ("bf16-true").
PRECISIONS = ("32-true", "bf16-mixed")

Window = list[tuple[int, dict[str, Tensor]]]


@dataclass
class History:
    """What a training recorded.

    Attributes
    ----------
    steps : list of int
        The last step of each window of 50.
    terms : dict of str to list of (float or None)
        The mean of each logged term over those steps of the window that logged
        it, in nats per picture; None where none did.
    seconds : float
        Time spent training, resumed parts added up.
    """

    steps: list[int] = field(default_factory=list)
    terms: dict[str, list[float | None]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, step: int, means: dict[str, float]) -> None:
        """Note the means of the window that ends with ``step``."""
        for name in means:
            self.terms.setdefault(name, [None] * len(self.steps))
        self.steps.append(step)
        for name, values in self.terms.items():
            values.append(means.get(name))

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
    """Train ``method`` on batches drawn from ``dataset``.

    Each step draws a batch, asks the method for its losses, and takes a step of
    Adam for the player of each. The result is a function of the arguments: a
    training that was killed and called again with the same ``checkpoint`` ends
    with the same weights, bit for bit, as one that was not.

    Ctrl-C and SIGTERM end a training that has a ``checkpoint`` after the step under
    way, with everything that was trained in the checkpoint.

    Parameters
    ----------
    method : Method
        Is changed in place, and moved to the device.
    dataset : Dataset
        Its ``batch`` is drawn from, by its law, with replacement.
    steps, batch_size : int
    learning_rate : float
        Of Adam, for every player that has none of its own.
    seed : int
        Of the batches and of the noise.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``, as lightning-fabric
        names accelerators.
    precision : {"32-true", "bf16-mixed"}
        As lightning-fabric names it. Mixed precision is about twice as fast on a
        GPU or a CPU with bfloat16 units, and many times slower on others: a
        warning says so.
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
        If a number is not positive, the precision is unknown, the method yields a
        loss for a player that it does not have, or the checkpoint is broken, of
        another training, or past ``steps``.
    TypeError
        If the method is not a torch module.
    NonFiniteLoss
        If a term of the loss, or a weight, is not finite; the message names it
        and the step. The last checkpoint stays as it was.
    KeyboardInterrupt, SystemExit
        After Ctrl-C and SIGTERM; the log says how to go on.

    Notes
    -----
    On a CPU with glibc the process keeps the memory that it frees: see
    :func:`dlib.memory.keep_freed_memory`, and ``DLIB_KEEP_MEMORY``.
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
    from lightning_fabric import Fabric

    # Fabric announces each choice of device and precision; one line says it all.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = Fabric(accelerator=device, devices=1, precision=precision)  # type: ignore[arg-type]
    if fabric.device.type == "cpu":
        keep_freed_memory()
        if precision == "bf16-mixed" and not has_bfloat16():
            log.warning(
                "this processor has no bfloat16 units: bf16-mixed is emulated, and "
                "many times slower than 32-true"
            )
    fabric.to_device(method)
    # Convolutions run up to twice as fast on this layout; values don't change.
    method.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    method.train()
    players = {
        name: player._replace(
            parameters=[p for p in player.parameters if p.requires_grad],
            learning_rate=(
                learning_rate if player.learning_rate is None else player.learning_rate
            ),
        )
        for name, player in method.players().items()
    }
    optimisers = {
        name: torch.optim.Adam(
            player.parameters,
            lr=player.learning_rate,  # type: ignore[arg-type]
            betas=player.betas,
            fused=fabric.device.type in ("cpu", "cuda"),
        )
        for name, player in players.items()
    }
    stepping: dict[str, Any] = {
        name: fabric.setup_optimizers(optimiser)
        for name, optimiser in optimisers.items()
    }
    drawn = dataset.draw(8, step_generator(0, 0, dataset.device))
    settings = {
        "method": checkpoints.describe(method),
        # A part of a data set looks like another of its size; its draws don't.
        "data": f"{dataset!r}: {drawn.tolist()}",
        "batch_size": int(batch_size),
        "learning_rate": {n: (p.learning_rate, *p.betas) for n, p in players.items()},
        "seed": int(seed),
        "precision": precision,
    }

    history, window, first = History(), Window(), 0
    path = Path(checkpoint) if checkpoint is not None else None
    if path is not None and path.exists():
        found = checkpoints.load(path, method, optimisers, settings, steps)
        first, history = found.step, History(**found.history)
        window = [
            (at, {n: torch.tensor(v, device=fabric.device) for n, v in terms.items()})
            for at, terms in found.window
        ]
    spent_before, began = history.seconds, time.monotonic()
    checkpoint_every = -(-checkpoint_every // WINDOW) * WINDOW

    def save(step: int) -> None:
        history.seconds = spent_before + time.monotonic() - began
        unfinished = [(at, {n: float(v) for n, v in t.items()}) for at, t in window]
        progressed = Progressed(step, history.to_dict(), unfinished)
        assert path is not None
        checkpoints.save(path, method, optimisers, settings, progressed)

    held = HeldSignals()
    with ExitStack() as stack:
        # Without a checkpoint there is nothing to save, and Ctrl-C acts at once.
        if path is not None:
            stack.enter_context(held)
        words = title or type(method).__name__
        bar = stack.enter_context(Progress(words, steps, first, progress))
        for step in range(first + 1, steps + 1):
            generator = step_generator(seed, step, dataset.device)
            drawn_batch = dataset.batch(batch_size, generator, step)
            batch = _on_device(drawn_batch, fabric.device)
            noise = generator
            if dataset.device.type != fabric.device.type:
                noise = step_generator(seed, step, fabric.device)
            logs: dict[str, Tensor] = {}
            losses = method.losses(batch, noise)
            while True:
                with fabric.autocast():
                    loss = next(losses, None)
                if loss is None:
                    break
                if loss.player not in players:
                    raise ValueError(
                        f"{type(method).__name__}.losses yielded a loss for "
                        f"{loss.player!r}; its players are {', '.join(players)}"
                    )
                optimisers[loss.player].zero_grad()
                # What another player owns gets no gradient at all.
                fabric.backward(loss.value, inputs=players[loss.player].parameters)
                stepping[loss.player].step()
                logs |= loss.logs
            window.append((step, logs))
            whole = step % WINDOW == 0 or step == steps
            if whole or held.caught:
                means = _means(window)
                _check_weights(method, step)
                if whole:
                    window.clear()
                    history.add(step, means)
                    history.seconds = spent_before + time.monotonic() - began
                note = ", ".join(f"{name} {value:.3g}" for name, value in means.items())
                bar.update(step, note)
            if path is not None and (held.caught or step % checkpoint_every == 0):
                save(step)
            if held.caught:
                message = (
                    f"{held.caught.name}: stopped after step {step:,} of {steps:,}; "
                    f"{path} has it all: call again with the same arguments to go on"
                )
                log.warning("%s", message)
                held.stop(message)
    method.eval()
    return history


def has_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 matrices itself (AMX, AVX512-BF16, Arm)."""
    supported = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return bool(supported and supported())


def _on_device(batch: Batch, device: torch.device) -> Batch:
    """Pictures as floats, in the layout that convolutions like, and labels."""
    images = to_float(batch.images, device)
    # Of views and pairs too: (n, v, c, h, w) is n v pictures one after the other.
    flat = images.flatten(0, -4).contiguous(memory_format=torch.channels_last)
    labels = batch.labels
    return batch._replace(
        images=flat.view(images.shape),
        labels=None if labels is None else labels.to(device, non_blocking=True),
    )


def _means(window: Window) -> dict[str, float]:
    """Each term's mean over the steps that logged it."""
    places = [(step, name) for step, logs in window for name in logs]
    if not places:
        return {}
    values = torch.stack(
        [value.float() for _, logs in window for value in logs.values()]
    )
    values = values.cpu()  # the window's only copy to the host
    bad = (~values.isfinite()).nonzero()
    if len(bad):
        step, name = places[int(bad[0])]
        raise NonFiniteLoss(
            f"the term {name!r} became {float(values[bad[0]])} at step {step}; a "
            "smaller learning rate, a smaller weight of that term or "
            'precision="32-true" may help'
        )
    names = list(dict.fromkeys(name for _, name in places))
    return {
        name: float(values[[i for i, (_, n) in enumerate(places) if n == name]].mean())
        for name in names
    }


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
