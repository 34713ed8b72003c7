"""Read an experiment's toml file into recipes for one budget."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)

from dlib import budget as budgets
from dlib import runs
from dlib.recipes.claim import Claim
from dlib.runs import MissingRun, Recipe, Run

FOLDER = Path(__file__).parent
# Values of each axis that a smoke budget takes, unless it says its own: enough to
# draw a line.
SMOKE_VALUES = 2


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Line(_Strict):
    """One row of a table, or one curve of a sweep, as the file gives it."""

    title: str
    # Fields of the recipe, nested as there or by dotted path ("data.size").
    recipe: dict[str, Any]
    paper: dict[str, float] = Field(default_factory=dict)
    # What is measured of this line beside what the group measures of all.
    metrics: list[str | tuple[str, dict[str, Any]]] = Field(default_factory=list)
    # Axes of a grid of settings: a dotted path, and its values.
    vary: dict[str, list[Any]] = Field(default_factory=dict)
    # Where a line departs from its group's budget: in fields, and in an axis's values.
    differs: dict[str, dict[str, Any]] = Field(default_factory=dict)
    varies: dict[budgets.Budget, dict[str, list[Any]]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _only_axes_vary(self) -> Line:
        for budget, axes in self.varies.items():
            unknown = [path for path in axes if path not in self.vary]
            if unknown:
                known = ", ".join(self.vary) or "none"
                raise ValueError(
                    f"varies.{budget} gives values of {', '.join(unknown)}, and the "
                    f"line's axes, in vary, are: {known}"
                )
        return self


class Budget(_Strict):
    """How much work a group may do."""

    recipe: dict[str, Any] = Field(default_factory=dict)
    seeds: list[int] = Field(default_factory=lambda: [0], min_length=1)
    points: tuple[PositiveInt, PositiveInt] = runs.POINTS
    # Values of some axes, in place of the lines' own.
    vary: dict[str, list[Any]] = Field(default_factory=dict)


class Group(_Strict):
    """Lines that share their budgets: a table, a sweep."""

    title: str
    metrics: list[str | tuple[str, dict[str, Any]]]
    weights: bool = True  # whether they are shipped
    codes: int = Field(0, ge=0)  # of so many held-out points are
    smoke: Budget
    book: Budget
    paper: Budget
    lines: dict[str, Line]


class File(_Strict):
    """A whole experiment file."""

    title: str
    citation: str
    groups: dict[str, Group]
    claims: list[Claim] = Field(default_factory=list)


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
    settings : dict of str to object
        The value of each axis that its line varies, by dotted path.
    metrics : sequence of str, or (str, mapping)
        What is measured of it: its group's metrics, then its line's own.
    """

    name: str
    line: str
    title: str
    recipe: Recipe
    paper: Mapping[str, float]
    settings: Mapping[str, Any]
    metrics: runs.Metrics

    @property
    def setting(self) -> Any:
        """The value of what its line varies, where that is one thing; or None."""
        values = list(self.settings.values())
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True)
class Experiment:
    """The runs of one group of an experiment, at one budget."""

    name: str
    group: str
    title: str
    budget: str
    points: tuple[int, int]
    weights: bool
    codes: int
    entries: tuple[Entry, ...]

    def __getitem__(self, name: str) -> Entry:
        for entry in self.entries:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.entries)
        raise KeyError(
            f"no run {name!r} in {self.name}/{self.group}; there are {known}"
        )

    def command(self, only: Entry | None = None) -> str:
        """What a reader types to make the runs, or one of them."""
        words = f"dlib sweep {self.name} --group {self.group} --budget {self.budget}"
        return words if only is None else f"{words} --only {only.name}"

    def run(self, entry: Entry | str, *, weights: bool | None = None) -> Run:
        """A finished run of this experiment, with its metrics.

        At the smoke budget it is trained if need be; at the others a page shows
        runs that were finished before, and never trains in silence.

        Parameters
        ----------
        entry : Entry or str
            Which, or its name.
        weights : bool, optional
            Whether the trained method is needed; where weights are shipped, it is
            by default.

        Raises
        ------
        KeyError
            If there is no such run; the message lists those there are.
        MissingRun
            If it is not finished; the message has the command that makes it.
        """
        chosen = self[entry] if isinstance(entry, str) else entry
        try:
            return runs.fit_or_load(
                chosen.recipe,
                metrics=chosen.metrics,
                points=self.points,
                weights=self.weights if weights is None else weights,
                train=self.budget == "smoke",
                progress=False,
                title=chosen.name,
            )
        except MissingRun:
            raise MissingRun(
                f"the run {chosen.name} of {self.title!r} ({chosen.recipe.hash}) is "
                f"not finished at the {self.budget} budget. This makes it:\n"
                f"    {self.command(chosen)}"
            ) from None


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
    return expand(find(name), name, group, budget)


def find(name: str) -> File:
    """An experiment's file by its name.

    Raises
    ------
    ValueError
        If there is none of this name, or it is wrong.
    """
    if name not in names():
        raise ValueError(f"no experiment {name!r}; there are {', '.join(names())}")
    return read(FOLDER / f"{name}.toml")


def read(path: Path) -> File:
    """An experiment's file, yours for instance.

    Raises
    ------
    ValueError
        If it is not as it should be; the message names the file and the field.
    """
    try:
        return File.model_validate(tomllib.loads(path.read_text()))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path} is not a valid experiment: {error}") from error


def expand(file: File, name: str, group: str, budget: str | None = None) -> Experiment:
    """The runs of a file's group at a budget, as :func:`load` gives them."""
    budget = budgets.current() if budget is None else budget
    if budget not in budgets.BUDGETS:
        raise ValueError(
            f"budget must be one of {', '.join(budgets.BUDGETS)}, got {budget!r}"
        )
    if group not in file.groups:
        raise ValueError(
            f"{name} has no group {group!r}; there are {', '.join(file.groups)}"
        )
    chosen = file.groups[group]
    work: Budget = getattr(chosen, budget)
    entries = [
        entry
        for key, line in chosen.lines.items()
        for entry in _entries(
            key, line, work, chosen.metrics, budget, f"{name}/{group}"
        )
    ]
    return Experiment(
        name,
        group,
        chosen.title,
        budget,
        work.points,
        chosen.weights,
        chosen.codes,
        tuple(entries),
    )


def _entries(
    key: str,
    line: Line,
    work: Budget,
    metrics: runs.Metrics,
    budget: str,
    where: str,
) -> list[Entry]:
    own = next((v for name, v in line.varies.items() if name == budget), {})
    axes = {}
    for path, values in line.vary.items():
        usual = values[:SMOKE_VALUES] if budget == "smoke" else values
        axes[path] = own.get(path, work.vary.get(path, usual))
    entries = []
    for point in itertools.product(*axes.values()):
        settings = dict(zip(axes, point, strict=True))
        for seed in work.seeds:
            parts = [key, *map(_word, point)]
            parts += [f"seed{seed}"] if len(work.seeds) > 1 else []
            name = "-".join(parts)
            fields = merge(
                line.recipe,
                work.recipe,
                line.differs.get(budget, {}),
                settings,
                {"seed": seed},
            )
            try:
                recipe = Recipe.model_validate(fields)
            except ValidationError as error:
                raise ValueError(f"{where}: the recipe of {name}: {error}") from error
            entries.append(
                Entry(
                    name,
                    key,
                    line.title,
                    recipe,
                    line.paper,
                    settings,
                    (*metrics, *line.metrics),
                )
            )
    return entries


def _word(value: Any) -> str:
    """A setting's value as a part of a run's name."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        return "-".join(_word(v) for v in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "-".join(map(_word, value))
    return str(value)


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Nested fields, later layers over earlier ones; keys may be dotted paths.

    A path that goes through a bare name ("data" is "dsprites", and "data.size" is
    set) makes a table of it, with the name in it.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for path, value in layer.items():
            *parents, last = path.split(".")
            place = merged
            for parent in parents:
                inner = place.get(parent, {})
                inner = {"name": inner} if isinstance(inner, str) else dict(inner)
                if parent == "data" and not inner:
                    inner = {"name": "dsprites"}
                place[parent] = inner
                place = inner
            place[last] = value
    return merged
