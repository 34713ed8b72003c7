"""``dlib runs``: what is finished, shipped and cached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dlib.cli.printing import print_table

if TYPE_CHECKING:
    from dlib.cli.shelf import Item

app = typer.Typer(
    help="List, show and prune finished runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Root = Annotated[
    Path | None, typer.Option(help="Folder of finished runs; the cache's.")
]


@app.command("ls")
def list_runs(root: Root = None) -> None:
    """List runs: shipped with the package, and in the cache."""
    from rich.table import Table

    from dlib.cli.shelf import shelf
    from dlib.progress import duration

    items = shelf(root)
    table = Table()
    for column in ("hash", "where", "run", "steps", "seed", "took", "size"):
        table.add_column(
            column, justify="right" if column in "stepssizetook" else "left"
        )
    for item in items:
        table.add_row(
            item.hash,
            item.where,
            item.name,
            f"{item.record['recipe']['steps']:,}",
            str(item.record["recipe"]["seed"]),
            duration(60 * item.record["minutes"]),
            _size(item.bytes),
        )
    print_table(table)
    total = sum(item.bytes for item in items)
    typer.echo(f"{len(items)} runs, {_size(total)}")


@app.command("show")
def show(
    hash: Annotated[str, typer.Argument(help="Of the run, or how it begins.")],
    root: Root = None,
) -> None:
    """Show a run: its recipe, its metrics, how and where it was trained."""
    import json

    from dlib.metrics import Report

    item = _find(hash, root)
    record = dict(item.record)
    history, report = record.pop("history"), record.pop("report", None)
    typer.echo(json.dumps({"name": item.name, "where": item.where, **record}, indent=2))
    ends = {name: values[-1] for name, values in history["terms"].items()}
    typer.echo(f"the loss's terms at step {history['steps'][-1]:,}: {ends}")
    if report is not None:
        typer.echo(repr(Report.from_dict(report)))


@app.command("prune")
def prune(
    root: Root = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Cached runs of today's experiments too.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Delete; without it, say what would be.")
    ] = False,
) -> None:
    """Delete cached runs that no experiment names any more, and what stopped
    trainings left. Shipped runs stay."""
    from dlib.cli.shelf import prunable

    files = prunable(root, everything)
    total = sum(file.stat().st_size for file in files)
    for file in files:
        typer.echo(file.name)
        if yes:
            file.unlink(missing_ok=True)
    did = "deleted" if yes else "would be deleted; --yes deletes them"
    typer.echo(f"{len(files)} files, {_size(total)}: {did}")


def _find(start: str, root: Path | None) -> Item:
    from dlib.cli.shelf import shelf

    found = [item for item in shelf(root) if item.hash.startswith(start)]
    if len({item.hash for item in found}) != 1:
        which = ", ".join(sorted({item.hash for item in found})) or "none"
        typer.echo(f"one run must begin with {start!r}; these do: {which}", err=True)
        raise typer.Exit(2)
    return found[0]


def _size(count: int) -> str:
    return f"{count / 1e6:.2f} MB"
