"""Codes and factors from a file: .npz or .csv."""

from __future__ import annotations

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CODE_COLUMN = re.compile(r"code_.+|z_?\d+", re.IGNORECASE)
FACTOR_COLUMN = re.compile(r"factor_.+|f_?\d+", re.IGNORECASE)


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
        ``factors_test`` if there are; nothing is unpickled. Or ``.csv`` with a
        header: columns ``code_*`` (or ``z0``, ``z1``, ...) and ``factor_*`` (or
        ``f0``, ``f1``, ...); other columns are ignored; an empty cell is a
        missing factor.

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
    if file.suffix == ".csv":
        return _read_csv(file)
    raise ValueError(f"{file.name} must end in .npz or .csv")


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


def _read_csv(file: Path) -> PointsFile:
    import pandas as pd

    try:
        frame = pd.read_csv(file)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as e:
        raise ValueError(f"{file.name} is not a table with a header: {e}") from None
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
    for name in codes:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            raise ValueError(f"column {name} of {file.name} must hold numbers")
    table = frame[factors].rename(columns=lambda c: str(c).removeprefix("factor_"))
    return PointsFile(frame[codes].to_numpy(), table, tuple(table.columns))
