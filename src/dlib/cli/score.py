"""``dlib score``: anybody's codes, from the shell."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer


def score(
    file: Annotated[
        Path,
        typer.Argument(
            help="An .npz with arrays codes and factors (codes_test and "
            "factors_test if there are), or a .csv or .tsv with columns code_* and "
            "factor_* (or z0, z1, ... and f0, f1, ...), separated by commas, "
            "semicolons or tabs."
        ),
    ],
    metrics: Annotated[
        str, typer.Option(help="Names with commas between, or all.")
    ] = "all",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Of every draw.")] = 0,
    continuous: Annotated[
        str,
        typer.Option(
            help="Factors whose order means something, with commas between, or "
            "all. Without: those with values that are not whole."
        ),
    ] = "",
    noise_floor: Annotated[
        bool, typer.Option(help="Also score noise by the same protocols.")
    ] = True,
) -> None:
    """Score codes against factors: a table, or JSON, on standard output."""
    from dlib.cli.table_file import read_points
    from dlib.metrics.evaluate import evaluate_codes

    which = "all" if metrics == "all" else [m.strip() for m in metrics.split(",")]
    try:
        points = read_points(file)
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always", UserWarning)
            report = evaluate_codes(
                points.codes,
                points.factors,
                points.codes_test,
                points.factors_test,
                which,
                kinds=points.kinds(continuous),
                seed=seed,
                noise_floor=noise_floor,
                progress=not json,
                title=file.name,
            )
    except (ValueError, OSError) as error:
        typer.echo(f"dlib score: {error}", err=True)
        raise typer.Exit(2) from None
    for text in dict.fromkeys(str(note.message) for note in notes):
        typer.echo(f"note: {text}", err=True)
    typer.echo(report.to_json() if json else repr(report))
