"""Read an experiment's toml file into recipes for one budget."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dlib import budget as budgets
from dlib.runs import Recipe

FOLDER = Path(__file__).parent


class Line(BaseModel):
    """One row of a table, or one curve of a sweep, as the file gives it."""

    model_config = ConfigDict(extra="forbid")

    title: str
    method: str
    options: dict[str, float | str] = Field(default_factory=dict)
    paper: dict[str, float] = Field(default_factory=dict)
    vary: str | None = None
    values: list[float] = Field(default_factory=list)
    # Where a line departs from its group: fields of the recipe, by budget.
    differs: dict[str, dict[str, Any]] = Field(default_factory=dict)


class Group(BaseModel):
    """Lines that share their budgets: a table, a sweep."""

    model_config = ConfigDict(extra="forbid")

    title: str
    metrics: list[str]
    ship_weights: bool = True
    smoke: dict[str, Any]
    book: dict[str, Any]
    paper: dict[str, Any]
    estimate: dict[str, str]
    seeds: dict[str, list[int]] = Field(default_factory=dict)
    lines: dict[str, Line]


class File(BaseModel):
    """A whole experiment file."""

    model_config = ConfigDict(extra="forbid")

    title: str
    citation: str
    groups: dict[str, Group]


@dataclass(frozen=True)
class Entry:
    """One run of an experiment.

    Attributes
    ----------
    name : str
        Unique within its group, such as ``"dip_vae_ii-500-seed1"``.
    line : str
        The row or curve that it belongs to.
    title : str
        For people.
    recipe : Recipe
    paper : dict of str to float
        What the paper prints for it, by metric.
    setting : float or None
        The value of what a sweep varies.
    """

    name: str
    line: str
    title: str
    recipe: Recipe
    paper: dict[str, float]
    setting: float | None = None


@dataclass(frozen=True)
class Experiment:
    """The runs of one group of an experiment, at one budget."""

    name: str
    group: str
    title: str
    budget: str
    estimate: str
    metrics: tuple[str, ...]
    ship_weights: bool
    entries: tuple[Entry, ...]

    def __getitem__(self, name: str) -> Entry:
        for entry in self.entries:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.entries)
        raise KeyError(
            f"no run {name!r} in {self.name}/{self.group}; there are {known}"
        )


def names() -> list[str]:
    """The experiments there are."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str, group: str = "table", budget: str | None = None) -> Experiment:
    """The runs of an experiment's group at a budget.

    Parameters
    ----------
    name : str
        Such as ``"dip_vae"``.
    group : str
        Such as ``"table"`` or ``"sweep"``.
    budget : {"smoke", "book", "paper"}, optional
        ``DLIB_BUDGET`` by default.

    Raises
    ------
    ValueError
        If the name, the group or the budget is unknown, or the file is wrong;
        the message lists what there is.
    """
    budget = budgets.current() if budget is None else budget
    if budget not in budgets.BUDGETS:
        raise ValueError(
            f"budget must be one of {', '.join(budgets.BUDGETS)}, got {budget!r}"
        )
    if name not in names():
        raise ValueError(f"no experiment {name!r}; there are {', '.join(names())}")
    return read(FOLDER / f"{name}.toml", group, budget)


def read(path: Path, group: str, budget: str) -> Experiment:
    """As :func:`load`, from a file of your own."""
    try:
        file = File.model_validate(tomllib.loads(path.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path} is not a valid experiment: {error}") from error
    if group not in file.groups:
        raise ValueError(
            f"{path.stem} has no group {group!r}; there are {', '.join(file.groups)}"
        )
    chosen = file.groups[group]
    common = {"smoke": chosen.smoke, "book": chosen.book, "paper": chosen.paper}[budget]
    seeds = chosen.seeds.get(budget, [0])
    entries = []
    for key, line in chosen.lines.items():
        settings: list[float | None] = list(line.values) if line.vary else [None]
        if budget == "smoke" and line.vary:
            settings = settings[:2]  # enough to draw a line
        for setting in settings:
            options = dict(line.options)
            if line.vary is not None and setting is not None:
                options[line.vary] = setting
            for seed in seeds:
                parts = [key]
                parts += [] if setting is None else [f"{setting:g}"]
                parts += [f"seed{seed}"] if len(seeds) > 1 else []
                fields = {**common, **line.differs.get(budget, {})}
                recipe = Recipe.model_validate(
                    {"method": line.method, "options": options, "seed": seed, **fields}
                )
                entries.append(
                    Entry("-".join(parts), key, line.title, recipe, line.paper, setting)
                )
    return Experiment(
        path.stem,
        group,
        chosen.title,
        budget,
        chosen.estimate[budget],
        tuple(chosen.metrics),
        chosen.ship_weights,
        tuple(entries),
    )
