"""``dlib run`` and ``dlib table``: the papers' experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from dlib.recipes import Experiment
    from dlib.runs import Run

Name = Annotated[str, typer.Argument(help="An experiment, such as dip_vae.")]
GroupName = Annotated[str, typer.Option(help="Part of it: table, sweep.")]
BudgetName = Annotated[
    str | None, typer.Option(help="smoke, book or paper; DLIB_BUDGET by default.")
]


def run(
    name: Name,
    group: GroupName = "table",
    budget: BudgetName = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Names of runs; all by default.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    root: Annotated[
        Path | None, typer.Option(help="Folder of finished runs; the cache's.")
    ] = None,
    ship: Annotated[
        bool, typer.Option(help="Also store the runs inside the package.")
    ] = False,
) -> None:
    """Train an experiment's runs, or load those that are finished.

    A killed training goes on where it stood when it is called again.
    """
    from dlib.runs import fit_or_load

    experiment = _load(name, group, budget)
    typer.echo(f"{experiment.title}; {experiment.budget} budget, {experiment.estimate}")
    try:
        entries = [experiment[each] for each in only or []] or experiment.entries
    except KeyError as error:
        _fail(str(error.args[0]))
    for entry in entries:
        try:
            finished = fit_or_load(
                entry.recipe,
                metrics=() if ship else experiment.metrics,
                weights=ship or experiment.ship_weights,
                root=root,
                device=device,
                title=entry.name,
            )
            if ship and finished.found != "shipped":
                finished = _ship(finished, experiment)
        except (ValueError, RuntimeError, OSError) as error:
            _fail(str(error))
        typer.echo(f"{entry.name}: {finished}")


def table(
    name: Name,
    group: GroupName = "table",
    budget: BudgetName = None,
) -> None:
    """Print the paper's numbers beside ours, from finished runs."""
    from rich.console import Console
    from rich.table import Table

    from dlib.runs import fit_or_load

    experiment = _load(name, group, budget)
    result = Table(title=experiment.title, caption=f"{experiment.budget} budget")
    result.add_column("run")
    for metric in experiment.metrics:
        result.add_column(f"{metric}\npaper", justify="right")
        result.add_column("\nours", justify="right")
    for entry in experiment.entries:
        finished = fit_or_load(entry.recipe, metrics=experiment.metrics, weights=False)
        cells = [entry.title if entry.setting is None else entry.name]
        for metric in experiment.metrics:
            theirs = entry.paper.get(metric)
            cells.append("" if theirs is None else f"{theirs:.4f}")
            cells.append(f"{finished.metrics[metric]:.4f}")
        result.add_row(*cells)
    Console().print(result)


def _ship(finished: Run, experiment: Experiment) -> Run:
    """Store a run in the package, its numbers measured on what is stored."""
    from dlib.runs import SHIPPED, fit_or_load, save

    finished.record["metrics"] = {}
    save(finished, SHIPPED, half=True)
    shipped = fit_or_load(finished.recipe, metrics=experiment.metrics)
    save(shipped, SHIPPED, half=True, weights=experiment.ship_weights)
    if not experiment.ship_weights:
        (SHIPPED / f"{finished.recipe.hash}.safetensors").unlink()
    return shipped


def _load(name: str, group: str, budget: str | None) -> Experiment:
    from dlib import recipes

    try:
        return recipes.load(name, group, budget)
    except ValueError as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(2)
