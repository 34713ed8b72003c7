"""Codes and factors from a file: .npz, .csv or .tsv."""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CODE_COLUMN = re.compile(r"code_.+|z_?\d+", re.IGNORECASE)
FACTOR_COLUMN = re.compile(r"factor_.+|f_?\d+", re.IGNORECASE)

SEPARATORS = (",", ";", "\t")
# A number as a person writes it who has one mark or the other.
NUMBER = re.compile(r"\s*[+-]?\d*[.,]?\d+([eE][+-]?\d+)?\s*")


@dataclass(frozen=True)
class PointsFile:
    """What a file holds.

    Attributes
    ----------
    codes, codes_test : array
        Shape (n, d).
    factors, factors_test : array or DataFrame
        Shape (n, k).
    names : tuple of str
        Of the factors.
    """

    codes: np.ndarray
    factors: Any
    names: tuple[str, ...]
    codes_test: np.ndarray | None = None
    factors_test: Any = None

    def kinds(self, continuous: str) -> list[str] | None:
        """Each factor's kind, given the names of the continuous ones.

        Raises
        ------
        ValueError
            If a name is not a factor's.
        """
        if not continuous:
            return None
        if continuous == "all":
            return ["continuous"] * len(self.names)
        wanted = [name.strip() for name in continuous.split(",")]
        for name in wanted:
            if name not in self.names:
                raise ValueError(
                    f"no factor is called {name!r}; there are {', '.join(self.names)}"
                )
        return ["continuous" if n in wanted else "categorical" for n in self.names]


def read_points(file: Path) -> PointsFile:
    """Read codes and factors.

    Parameters
    ----------
    file : Path
        ``.npz`` with ``codes`` and ``factors``, and ``codes_test`` and
        ``factors_test`` if there are; nothing is unpickled. Or ``.csv`` or
        ``.tsv`` with a header: columns ``code_*`` (or ``z0``, ``z1``, ...) and
        ``factor_*`` (or ``f0``, ``f1``, ...); other columns are ignored; an empty
        cell is a missing factor. Columns are separated by commas, semicolons or
        tabs, which the header shows; where it is not commas, numbers may have
        decimal commas.

    Raises
    ------
    ValueError
        If the ending is another, the file cannot be read as what it says it is,
        or arrays or columns are missing.
    FileNotFoundError
        If there is no such file.
    """
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    if file.suffix == ".npz":
        return _read_npz(file)
    if file.suffix in (".csv", ".tsv"):
        return _read_table(file)
    raise ValueError(f"{file.name} must end in .npz, .csv or .tsv")


def _read_npz(file: Path) -> PointsFile:
    if not zipfile.is_zipfile(file):
        raise ValueError(f"{file.name} is not an .npz archive, or is cut short")
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, zlib.error, EOFError):
        raise ValueError(f"{file.name} is damaged inside") from None
    except ValueError as error:
        raise ValueError(
            f"{file.name} cannot be read without unpickling, which is not done here: "
            f"save plain number arrays ({error})"
        ) from None
    for name in ("codes", "factors"):
        if name not in arrays:
            raise ValueError(
                f"{file.name} must hold arrays called codes and factors; it holds "
                f"{', '.join(arrays) or 'nothing'}"
            )
    factors = arrays["factors"]
    count = factors.shape[1] if factors.ndim == 2 else 1
    return PointsFile(
        arrays["codes"],
        factors,
        tuple(f"factor {j}" for j in range(count)),
        arrays.get("codes_test"),
        arrays.get("factors_test"),
    )


def _read_table(file: Path) -> PointsFile:
    separator = _separator(file)
    frame = _read_frame(file, separator, ".")
    codes = [c for c in frame.columns if CODE_COLUMN.fullmatch(str(c))]
    factors = [c for c in frame.columns if FACTOR_COLUMN.fullmatch(str(c))]
    if not codes or not factors:
        missing = (
            "code_* (or z0, z1, ...)" if not codes else "factor_* (or f0, f1, ...)"
        )
        raise ValueError(
            f"{file.name} has no column {missing}; its columns are "
            f"{', '.join(map(str, frame.columns))}"
        )
    if len(frame) == 0:
        raise ValueError(f"{file.name} has a header and no rows")
    if separator != "," and _with_mark(frame[codes + factors], ","):
        frame = _read_frame(file, separator, ",")
        mixed = _with_mark(frame[codes + factors], ".")
        if mixed:
            raise ValueError(
                f"{file.name} has numbers with decimal commas, and in the column "
                f"{mixed} some with decimal points: write one or the other"
            )
    for name in codes:
        if not _is_numeric(frame[name]):
            raise ValueError(f"column {name} of {file.name} must hold numbers")
    table = frame[factors].rename(columns=lambda c: str(c).removeprefix("factor_"))
    return PointsFile(frame[codes].to_numpy(), table, tuple(table.columns))


def _separator(file: Path) -> str:
    """The one of :data:`SEPARATORS` by which the header has most columns for us."""

    def columns(separator: str) -> tuple[int, int]:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.reader(lines, delimiter=separator)
            names = next((row for row in rows if row), [])
        ours = [
            n for n in names if CODE_COLUMN.fullmatch(n) or FACTOR_COLUMN.fullmatch(n)
        ]
        return len(ours), len(names)

    try:
        return max(SEPARATORS, key=columns)
    except (csv.Error, UnicodeDecodeError) as error:
        raise _no_table(file, error) from None


def _read_frame(file: Path, separator: str, decimal: str) -> Any:
    import pandas as pd

    try:
        frame = pd.read_csv(file, sep=separator, decimal=decimal, encoding="utf-8-sig")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as e:
        raise _no_table(file, e) from None
    if not isinstance(frame.index, pd.RangeIndex):
        # pandas takes what is too many for row names, and shifts the columns.
        raise _no_table(
            file, f"rows have more cells than the header has ({len(frame.columns)})"
        )
    return frame


def _with_mark(frame: Any, mark: str) -> str | None:
    """The first column of texts that read as numbers, some with that decimal mark."""
    for name in frame.columns:
        if _is_numeric(frame[name]):
            continue
        texts = frame[name].dropna().astype(str).unique()
        if any(mark in text for text in texts) and all(map(NUMBER.fullmatch, texts)):
            return str(name)
    return None


def _is_numeric(column: Any) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column))


def _no_table(file: Path, why: object) -> ValueError:
    return ValueError(f"{file.name} is not a table with a header: {why}")
