"""The command line: ``dlib run | sweep | table | runs | estimate | data | score``.

``dlib --help`` answers at once: a command imports what it needs when it runs, and
no module of this package imports anything slow, torch least of all. A test holds
them to it.
"""

from __future__ import annotations

import logging

import typer

from dlib.cli import data, experiments, runs
from dlib.cli.score import score

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes round the help would take three times as long
    help="Untangled: run the papers' experiments, fetch data, score codes.",
)


@app.callback()
def main() -> None:
    """Say what is going on, on standard error."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")


app.command()(experiments.run)
app.command()(experiments.sweep)
app.command()(experiments.table)
app.command()(experiments.claims)
app.command()(experiments.estimate)
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")
app.command()(score)
