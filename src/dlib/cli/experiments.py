"""``dlib run``, ``sweep``, ``table``, ``claims``, ``estimate``: the experiments."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dlib.cli.printing import print_table

if TYPE_CHECKING:
    from dlib.recipes import Entry, Experiment

Name = Annotated[str, typer.Argument(help="An experiment, such as dip_vae.")]
GroupName = Annotated[str, typer.Option(help="Part of it: table, sweep.")]
BudgetName = Annotated[
    str | None, typer.Option(help="smoke, book or paper; DLIB_BUDGET by default.")
]
Only = Annotated[
    list[str] | None, typer.Option(help="Names of runs or lines; all by default.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Root = Annotated[
    Path | None, typer.Option(help="Folder of finished runs; the cache's.")
]


def run(
    name: Name,
    group: GroupName = "table",
    budget: BudgetName = None,
    only: Only = None,
    device: Device = "auto",
    root: Root = None,
) -> None:
    """Train an experiment's runs one after the other, or load what is finished.

    A training that was stopped goes on where it stood when it is called again.
    """
    from dlib.runs import fit_or_load

    experiment = _load(name, group, budget)
    typer.echo(f"{experiment.title}; {experiment.budget} budget")
    for entry in _chosen(experiment, only):
        try:
            finished = fit_or_load(
                entry.recipe,
                metrics=entry.metrics,
                points=experiment.points,
                weights=False,
                root=root,
                device=device,
                title=entry.name,
            )
        except (ValueError, RuntimeError, OSError) as error:
            _fail(str(error))
        except KeyboardInterrupt as stopped:
            typer.echo(str(stopped), err=True)
            raise typer.Exit(130) from None
        typer.echo(f"{entry.name}: {finished}")


def sweep(
    name: Name,
    group: GroupName = "table",
    budget: BudgetName = None,
    only: Only = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="Processes at a time; one for each core by default."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="local, or ray: an existing cluster (RAY_ADDRESS).")
    ] = "local",
    threads: Annotated[int, typer.Option(help="Of each process.")] = 1,
    gpus: Annotated[
        float,
        typer.Option(help="Of a GPU that a run takes, for ray: .25 is a quarter."),
    ] = 0.0,
    device: Device = "auto",
    root: Root = None,
    ship: Annotated[
        bool, typer.Option(help="Store the finished runs inside the package too.")
    ] = False,
) -> None:
    """Finish all runs of an experiment, several at a time.

    A run that fails does not stop the others, and its log is named. A sweep that
    was stopped goes on where it stood when it is called again.
    """
    from dlib.sweeps import sweep as sweep_runs

    experiment = _load(name, group, budget)
    entries = _chosen(experiment, only)
    typer.echo(f"{experiment.title}; {experiment.budget} budget, {len(entries)} runs")
    # kill means: save, stop, say how to go on; like Ctrl-C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        outcome = sweep_runs(
            experiment,
            entries,
            jobs=jobs,
            engine=engine,  # type: ignore[arg-type]
            threads=threads,
            gpus=gpus,
            device=device,
            root=root,
        )
    except (ValueError, ImportError, OSError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        typer.echo(
            "stopped; what was trained is kept. The same command goes on.", err=True
        )
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    typer.echo(str(outcome))
    for which, why in outcome.failed.items():
        typer.echo(f"{which} failed: {why}", err=True)
    if outcome.failed:
        raise typer.Exit(1)
    if ship:
        _ship(experiment, entries, root)


def table(
    name: Name,
    group: GroupName = "table",
    budget: BudgetName = None,
    root: Root = None,
) -> None:
    """Print the paper's numbers beside ours, from finished runs; train nothing.

    Of several seeds, the median and the range.
    """
    from rich.table import Table

    from dlib.metrics import label_of
    from dlib.recipes.tabulate import tabulate

    experiment = _load(name, group, budget)
    measured = [metric for entry in experiment.entries for metric in entry.metrics]
    labels = list(dict.fromkeys(map(label_of, measured)))
    result = Table(title=experiment.title, caption=f"{experiment.budget} budget")
    result.add_column("run", no_wrap=True)
    result.add_column("seeds", justify="right")
    for label in labels:
        result.add_column(f"{label}\npaper", justify="right", no_wrap=True)
        result.add_column("\nours", justify="right", no_wrap=True)
    try:
        rows, missing = tabulate(experiment, root)
    except ValueError as error:
        _fail(str(error))
    for row in rows:
        cells = [row.title, str(row.seeds)]
        for label in labels:
            theirs = row.paper.get(label)
            cells.append("" if theirs is None else f"{theirs:.4f}")
            cells.append(row.text(label))
        result.add_row(*cells)
    print_table(result)
    if missing:
        typer.echo(
            f"{len(missing)} runs are not finished ({', '.join(missing[:5])}"
            f"{', …' if len(missing) > 5 else ''}). This makes them:\n"
            f"    {experiment.command()}",
            err=True,
        )
        raise typer.Exit(1)


def claims(name: Name, budget: BudgetName = None) -> None:
    """Print an experiment's claims, quoted, and what its finished runs say of each."""
    from dlib.recipes import verdicts
    from dlib.runs import MissingRun

    try:
        decided = verdicts(name, budget)
    except (ValueError, MissingRun) as error:
        _fail(str(error.args[0]))
    for claim, verdict in decided:
        typer.echo(f"{claim.quote} ({claim.where})")
        typer.echo(f"    {claim.reading}: {verdict}\n")


def estimate(
    name: Name,
    group: GroupName = "table",
    budget: BudgetName = None,
    jobs: Annotated[int, typer.Option(help="Runs at a time.")] = 1,
    device: Device = "auto",
) -> None:
    """Say how long an experiment takes here, from a step measured now."""
    from rich.table import Table

    from dlib.estimate import estimate as measure
    from dlib.progress import duration

    experiment = _load(name, group, budget)
    result = Table(title=f"{experiment.title}; {experiment.budget} budget")
    for column in ("runs", "steps", "steps a second", "time"):
        result.add_column(column, justify="right")
    result.add_column("what")
    total = 0.0
    for each in measure(experiment.entries, device):
        total += each.seconds
        result.add_row(
            str(each.runs),
            f"{each.steps:,}",
            f"{each.rate:.1f}",
            duration(each.seconds),
            each.title,
        )
    print_table(result)
    typer.echo(
        f"{duration(total)} one after the other"
        + (f", {duration(total / jobs)} if {jobs} at a time are as fast" * (jobs > 1))
        + "; metrics are not counted"
    )


def _ship(
    experiment: Experiment, entries: tuple[Entry, ...], root: Path | None
) -> None:
    from dlib import recipes
    from dlib.progress import Progress
    from dlib.recipes.experiment import find
    from dlib.runs import fit_or_load
    from dlib.runs.shipped import pack, write

    parcels = []
    with Progress("measuring what is shipped", len(entries)) as bar:
        for done, entry in enumerate(entries):
            if not _is_shipped(entry, experiment):
                finished = fit_or_load(entry.recipe, train=False, root=root)
                parcels.append(
                    pack(
                        finished,
                        entry.metrics,
                        experiment.points,
                        weights=experiment.weights,
                        codes=experiment.codes,
                        progress=False,
                    )
                )
            bar.update(done + 1)
    keep = {
        entry.recipe.hash
        for group in find(experiment.name).groups
        for entry in recipes.load(experiment.name, group, experiment.budget).entries
    }
    write(experiment.name, parcels, keep)
    typer.echo(f"{len(parcels)} runs stored in the package")


def _is_shipped(entry: Entry, experiment: Experiment) -> bool:
    """Whether the package has the run with all that is measured of it."""
    from dlib.metrics import label_of
    from dlib.runs.shipped import read

    run = read(entry.recipe, experiment.weights)
    return run is not None and {*map(label_of, entry.metrics)} <= {*run.metrics}


def _load(name: str, group: str, budget: str | None) -> Experiment:
    from dlib import recipes

    try:
        return recipes.load(name, group, budget)
    except ValueError as error:
        _fail(str(error))


def _chosen(experiment: Experiment, only: list[str] | None) -> tuple[Entry, ...]:
    """The runs that ``--only`` names, or whose lines it names; all without."""
    if not only:
        return experiment.entries
    chosen = []
    for name in only:
        found = [e for e in experiment.entries if name in (e.name, e.line)]
        if not found:
            known = ", ".join(entry.name for entry in experiment.entries)
            _fail(f"no run {name!r} in {experiment.name}; there are {known}")
        chosen += found
    return tuple(chosen)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(2)
