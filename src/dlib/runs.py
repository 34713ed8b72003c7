"""What a finished run is: a recipe, a history, weights, and how it came about."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

import dlib
from dlib import networks
from dlib.data.dataset import Dataset
from dlib.data.load import load as load_data
from dlib.models import METHODS, VAE
from dlib.progress import duration
from dlib.storage import cache_folder, write_whole
from dlib.training import History, fit

log = logging.getLogger("dlib")
SHIPPED = Path(__file__).parent / "shipped"
POINTS = 200  # of a history are kept on disk: a curve needs no more


class Recipe(BaseModel):
    """Everything that a run's result depends on; its hash names the run.

    Unknown fields, and values of the wrong type, are refused by pydantic with
    a message that names the field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["autoencoder", "vae", "beta_vae", "dip_vae"]
    options: dict[str, float | str] = Field(default_factory=dict)
    data: str = "dsprites"
    source: Literal["twin", "official"] = "twin"
    size: PositiveInt = 64
    train_fraction: float = Field(0.8, gt=0, lt=1)
    network: str = "conv"
    latent_dim: PositiveInt = 10
    steps: PositiveInt = 20_000
    batch_size: PositiveInt = 64
    learning_rate: PositiveFloat = 1e-3
    precision: str = "bf16-mixed"
    seed: int = Field(0, ge=0)

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of the recipe's json."""
        text = json.dumps(self.model_dump(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def dataset(self) -> Dataset:
        """The whole data set, both parts."""
        return load_data(self.data, source=self.source, size=self.size)

    def parts(self) -> tuple[Dataset, Dataset]:
        """The part to train on and the part held out: the same for any seed."""
        train, held_out = self.dataset().split(
            (self.train_fraction, 1 - self.train_fraction), seed=0
        )
        return train, held_out

    def build(self) -> VAE:
        """The method with fresh weights, a function of the seed alone.

        Raises
        ------
        ValueError
            If an option does not exist or has no sense; its message says which.
        """
        space_channels = self.dataset().channels
        nets = networks.build(self.network, self.latent_dim, space_channels, self.size)
        generator = torch.Generator().manual_seed(self.seed)
        for network in nets:
            networks.initialise(network, generator)
        try:
            return METHODS[self.method](nets, **self.options)
        except TypeError as error:
            raise ValueError(f"options of {self.method}: {error}") from error


@dataclass
class Run:
    """A finished run.

    Attributes
    ----------
    recipe : Recipe
    method : VAE or None
        The trained method, in evaluation mode on the CPU; None where a record
        was asked for without weights.
    history : History
        The terms of the loss over the training.
    record : dict
        Recipe, hash, minutes, machine, versions, and ``metrics``.
    found : {"shipped", "cache", "trained"}
        Where it came from.
    """

    recipe: Recipe
    method: VAE | None
    history: History
    record: dict[str, Any]
    found: Literal["shipped", "cache", "trained"]

    @property
    def metrics(self) -> dict[str, float]:
        """The final metrics, by name."""
        return self.record["metrics"]

    @property
    def trained(self) -> VAE:
        """The trained method.

        Raises
        ------
        ValueError
            If the run was loaded without weights.
        """
        if self.method is None:
            raise ValueError(
                "this run was loaded without its weights; call "
                "fit_or_load(recipe) with weights=True"
            )
        return self.method

    def __str__(self) -> str:
        how = {
            "shipped": "loaded, shipped with the library",
            "cache": "loaded from this machine's cache",
            "trained": "trained just now",
        }[self.found]
        return (
            f"{self.recipe.hash}: {self.recipe.steps:,} steps, {how}; "
            f"trained in {duration(60 * self.record['minutes'])} "
            f"on {self.record['machine']}"
        )


def fit_or_load(
    recipe: Recipe,
    *,
    metrics: Sequence[str] = (),
    weights: bool = True,
    root: Path | str | None = None,
    device: str = "auto",
    progress: bool = True,
    title: str | None = None,
) -> Run:
    """The finished run of a recipe: shipped, cached, or trained now.

    A training that was killed goes on from its last checkpoint. ``print`` the
    run to see which of the three it was, how long it took and on what.

    Parameters
    ----------
    recipe : Recipe
    metrics : sequence of str
        Names for :func:`dlib.metrics.evaluate`. Those the record lacks are
        measured on the held-out part, and kept with a run in the cache.
    weights : bool
        Whether the trained method is needed. Sweeps ship records only.
    root : path, optional
        Folder of finished runs; ``runs`` in the cache folder by default.
    device : str
        To train on, as for :func:`dlib.training.fit`.
    progress : bool
        Show a bar with the time left.
    title : str, optional
        What the bar says.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        If a stored run is damaged; the message names the file.
    """
    folder = Path(root) if root is not None else cache_folder() / "runs"
    run = _read(recipe, SHIPPED, "shipped", weights)
    if run is None:
        run = _read(recipe, folder, "cache", weights)
    if run is None:
        run = _train(recipe, folder, device, progress, title)
    missing = [name for name in metrics if name not in run.metrics]
    if missing:
        if run.method is None:
            return fit_or_load(
                recipe,
                metrics=metrics,
                root=root,
                device=device,
                progress=progress,
                title=title,
            )
        run.metrics.update(measure(run, missing, progress=progress))
        if run.found != "shipped":
            save(run, folder)
    return run


def measure(
    run: Run, metrics: Sequence[str], *, seed: int = 0, progress: bool = True
) -> dict[str, float]:
    """Metrics of a run's method on the held-out part of its data."""
    from dlib.metrics import evaluate

    report = evaluate(
        run.trained,
        run.recipe.parts()[1],
        which=tuple(metrics),
        seed=seed,
        noise_floor=False,
        progress=progress,
    )
    return {name: float(score) for name, score in report.scores.items()}


def save(run: Run, folder: Path, *, half: bool = False, weights: bool = True) -> None:
    """Write a run: ``<hash>.json`` and, with weights, ``<hash>.safetensors``.

    Parameters
    ----------
    run : Run
    folder : Path
        Is made where need be. Each file is written whole or not at all, the
        weights first: a record never promises weights that are not there.
    half : bool
        Store weights in half precision, as the shipped runs are.
    weights : bool
        Store weights at all.
    """
    path = folder / f"{run.recipe.hash}.safetensors"
    if weights:
        dtype = torch.float16 if half else torch.float32
        state = {
            name: value.detach().cpu().to(dtype).contiguous()
            for name, value in run.trained.state_dict().items()
        }
        write_whole(path, lambda temporary: save_file(state, temporary))
    record = {
        **run.record,
        "weights": weights,
        "history": _thin(run.history).to_dict(),
    }
    text = json.dumps(record, indent=1) + "\n"
    write_whole(path.with_suffix(".json"), lambda temporary: temporary.write_text(text))


def machine() -> str:
    """The kind of machine this is: a GPU's name, or the number of CPU cores."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{os.cpu_count()} CPU cores ({platform.machine()})"


def versions() -> dict[str, str]:
    """Versions of what a run's numbers may depend on."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "dlib-book": dlib.__version__,
    }


def _train(
    recipe: Recipe, folder: Path, device: str, progress: bool, title: str | None
) -> Run:
    method = recipe.build()
    checkpoint = folder / f"{recipe.hash}.checkpoint"
    history = fit(
        method,
        recipe.parts()[0],
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        precision=recipe.precision,
        device=device,
        checkpoint=checkpoint,
        progress=progress,
        title=title,
    )
    record = {
        "recipe": recipe.model_dump(),
        "hash": recipe.hash,
        "minutes": round(history.seconds / 60, 2),
        "machine": machine(),
        "versions": versions(),
        "metrics": {},
    }
    run = Run(recipe, method.cpu().eval(), history, record, "trained")
    save(run, folder)
    checkpoint.unlink(missing_ok=True)
    return run


def _read(
    recipe: Recipe, folder: Path, found: Literal["shipped", "cache"], weights: bool
) -> Run | None:
    path = folder / f"{recipe.hash}.json"
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text())
        history = History(**record.pop("history"))
        if weights and not record["weights"]:
            return None
        method = None
        if weights:
            method = recipe.build()
            _load_weights(method, path.with_suffix(".safetensors"))
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise _damaged(path, error) from error
    return Run(recipe, method, history, record, found)


def _load_weights(method: nn.Module, path: Path) -> None:
    try:
        method.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    except (OSError, RuntimeError, SafetensorError) as error:
        raise _damaged(path, error) from error
    method.eval()


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"the stored run {path} cannot be read ({error}); remove it to train afresh"
    )


def _thin(history: History) -> History:
    """At most :data:`POINTS` windows, to five significant digits."""
    stride = max(1, -(-len(history.steps) // POINTS))
    kept = slice(stride - 1, None, stride)
    terms = {
        name: [float(f"{value:.5g}") for value in values[kept]]
        for name, values in history.terms.items()
    }
    return History(history.steps[kept], terms, round(history.seconds, 1))
