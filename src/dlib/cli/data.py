"""``dlib data``: the official files from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Fetch and check the official data files. The twins need none, nor does "
    "the sample of MNIST.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Root = Annotated[
    Path | None,
    typer.Option(help="Folder of the files. Left out: $DLIB_DATA, else the cache."),
]
WRONG_CALL, FAILED = 2, 1  # exit codes
UNKNOWN = "no checksum is published to check it by"


@contextmanager
def _errors(code: int = FAILED) -> Iterator[None]:
    """A DataError as one line on standard error, and an exit code."""
    from dlib.data.download import DataError

    try:
        yield
    except DataError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(code) from error


@app.command("get")
def get(
    name: Annotated[
        str, typer.Argument(help="A data set that `dlib data list` names.")
    ],
    format: Annotated[
        str | None, typer.Option(help="npz or hdf5, where both are published.")
    ] = None,
    root: Root = None,
) -> None:
    """Fetch the official file or files of a data set, checksums checked.

    DLIB_MIRROR names another address that serves the same files. A file of which no
    checksum is published is not fetched: the message says where to get it.
    """
    from dlib.data.download import fetch, megabytes, official_files

    with _errors(WRONG_CALL):
        files = official_files(name, format)
    for file in files:
        with _errors():
            path = fetch(file, root)
        size = f" ({megabytes(path.stat().st_size)})" if path.is_file() else ""
        verdict = "checksum right" if file.checksum else UNKNOWN
        typer.echo(f"{path}{size}, {verdict}")


@app.command("list")
def list_files(root: Root = None) -> None:
    """The official files, and which of them are here."""
    from dlib.data.download import FILES, megabytes, place

    for file in FILES:
        here = "here" if place(file, root) else "not here"
        size = megabytes(file.size) if file.size else "?"
        by_hand = "" if file.checksum else f", by hand from {file.url}"
        typer.echo(
            f"{file.name:<9} {file.format:<5} {size:>9}  {here:<8}  "
            f"{file.filename}{by_hand}"
        )


@app.command("check")
def check(
    name: Annotated[
        str | None, typer.Argument(help="Left out: every file that is here.")
    ] = None,
    root: Root = None,
) -> None:
    """Compare the files that are here with the published checksums."""
    from dlib.data.download import (
        FILES,
        DataError,
        data_folder,
        matches,
        official_file,
        official_names,
        place,
    )

    with _errors(WRONG_CALL):
        names = (official_file(name).name,) if name else official_names()
    folder = data_folder(root)
    present = [
        (path, file)
        for file in FILES
        if file.name in names and (path := place(file, root))
    ]
    with _errors():
        if not present:
            raise DataError(
                f"there is no official file of {' or '.join(names)} in {folder}; "
                "`dlib data get` fetches them"
            )
        wrong = []
        for path, file in present:
            if file.checksum is None:
                typer.echo(f"{path}: {UNKNOWN}")
                continue
            try:
                right = matches(path, file)
            except OSError as error:
                raise DataError(f"cannot read {path}: {error.strerror}") from error
            typer.echo(f"{path}: checksum {'right' if right else 'WRONG'}")
            if not right:
                wrong.append(path.name)
        if wrong:
            raise DataError(
                f"{', '.join(wrong)}: not as published; delete and fetch again "
                "(dlib data get)"
            )


@app.command("where")
def where(root: Root = None) -> None:
    """The folders in use."""
    from dlib.data.download import data_folder, find, official_names
    from dlib.data.load import KINDS
    from dlib.storage import cache_folder

    typer.echo(f"official files: {data_folder(root)}")
    typer.echo(f"cache:          {cache_folder()}")
    for name in official_names():
        without = f"no file: the {KINDS[name].own}"
        typer.echo(f"{name + ':':<15} {find(name, root) or without}")
