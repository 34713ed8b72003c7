"""A folder of pictures as a data set: points that fill no grid."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dlib.data.dataset import Dataset
from dlib.data.download import DataError
from dlib.data.factors import Factor, FactorSpace, Kind
from dlib.progress import Progress

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif")
TABLE = "factors.csv"
# A column with more distinct numbers is not a factor that pictures can share.
LARGEST_FACTOR = 1000


class Pictures(Dataset):
    """Pictures in memory, with what is known of each.

    Parameters
    ----------
    images : Tensor
        ``uint8``, shape (n, c, size, size).
    factors : Tensor
        int64 (n, k), indices into the values of ``space``; -1 where unknown.
    space : FactorSpace
        Names, kinds and values of the columns.
    labels : Tensor, optional
        int64 (n,): what weak supervision may see.
    name : str
        Of the data set.
    device : torch.device or str
        Where pictures are kept and given out.

    Raises
    ------
    ValueError
        If the shapes do not fit each other or a factor lies outside its values.
    """

    def __init__(
        self,
        images: Tensor,
        factors: Tensor,
        space: FactorSpace,
        labels: Tensor | None = None,
        name: str = "pictures",
        device: torch.device | str = "cpu",
    ) -> None:
        square = images.ndim == 4 and images.shape[2] == images.shape[3]
        if not square or images.dtype != torch.uint8 or not len(images):
            raise ValueError(
                "images must be uint8 of shape (n, c, size, size), got "
                f"{images.dtype} {tuple(images.shape)}"
            )
        if tuple(factors.shape) != (len(images), len(space.names)):
            raise ValueError(
                f"factors must have shape ({len(images)}, {len(space.names)}), got "
                f"{tuple(factors.shape)}"
            )
        space.check(factors.clamp(min=0))
        if labels is not None and tuple(labels.shape) != (len(images),):
            raise ValueError(
                f"labels must have shape ({len(images)},), got {tuple(labels.shape)}"
            )
        super().__init__(
            name, "folder", space, images.shape[1], images.shape[2], device
        )
        self._images = images.to(self.device)
        self._factors = factors.long().to(self.device)
        self._labels = None if labels is None else labels.long().to(self.device)

    def __len__(self) -> int:
        return len(self._images)

    def images(self, index: Tensor) -> Tensor:
        return self._images[index]

    def factors(self, index: Tensor) -> Tensor:
        return self._factors[index]

    def labels(self, index: Tensor) -> Tensor | None:
        return None if self._labels is None else self._labels[index]


def folder(
    path: str | os.PathLike[str],
    size: int = 64,
    channels: int = 3,
    device: torch.device | str = "cpu",
) -> Pictures:
    """Read a folder of pictures.

    What is known of a picture stands in ``factors.csv``, if there is one: a column
    ``file`` with names relative to the folder, and a column for each factor, of
    numbers or of words; an empty cell is unknown. Without the table, the name of
    the subfolder that a picture lies in is its only factor, ``folder``, and its
    label.

    Parameters
    ----------
    path : path
        The folder; subfolders are read too.
    size : int
        Pictures are cropped to their largest centred square and resized.
    channels : {1, 3}
        Grey or coloured.
    device : torch.device or str
        Where pictures are kept.

    Raises
    ------
    DataError
        A ValueError: if there is no such folder or no picture in it, a picture
        cannot be read, or the table has no column ``file``, no factor, a file that
        is not there, or a column of more than a thousand different numbers.
    """
    root = Path(path).expanduser()
    if not root.is_dir():
        raise DataError(f"there is no folder {root}")
    if channels not in (1, 3) or size < 1:
        raise DataError(
            f"channels must be 1 or 3 and size positive, got {channels} and {size}"
        )
    if (root / TABLE).is_file():
        files, space, factors = _from_table(root)
        labels = None
    else:
        files, space, factors = _from_subfolders(root)
        labels = factors[:, 0]
    images = torch.empty(len(files), channels, size, size, dtype=torch.uint8)
    with Progress(f"reading {root.name}", len(files)) as bar:
        for i, file in enumerate(files):
            images[i] = _read(file, size, channels)
            bar.update(i + 1)
    return Pictures(images, factors, space, labels, root.name, device)


def _read(file: Path, size: int, channels: int) -> Tensor:
    import numpy as np
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            upright = ImageOps.exif_transpose(opened)
            square = ImageOps.fit(
                upright.convert("L" if channels == 1 else "RGB"),
                (size, size),
                Image.Resampling.LANCZOS,
            )
            pixels = np.array(square)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} cannot be read as a picture ({error})") from error
    return torch.from_numpy(pixels).view(size, size, channels).permute(2, 0, 1)


def _from_subfolders(root: Path) -> tuple[list[Path], FactorSpace, Tensor]:
    files = sorted(
        file
        for file in root.rglob("*")
        if file.suffix.lower() in ENDINGS and file.is_file()
    )
    if not files:
        raise DataError(
            f"there is no picture in {root}: none of its files ends in "
            f"{', '.join(ENDINGS)}"
        )
    words = [file.parent.relative_to(root).as_posix() for file in files]
    factor, column = _factor("folder", words)
    return files, FactorSpace([factor]), column[:, None]


def _from_table(root: Path) -> tuple[list[Path], FactorSpace, Tensor]:
    import pandas as pd

    table = root / TABLE
    try:
        frame = pd.read_csv(table)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as e:
        raise DataError(f"{table} is not a table with a header: {e}") from None
    columns = [str(c) for c in frame.columns if c != "file"]
    if "file" not in frame or not columns or not len(frame):
        raise DataError(
            f"{table} needs a column file, at least one factor, and rows; it has "
            f"{len(frame)} rows of {', '.join(map(str, frame.columns))}"
        )
    files = [root / str(name) for name in frame["file"]]
    outside = [f for f in files if not f.resolve().is_relative_to(root.resolve())]
    missing = outside or [f for f in files if not f.is_file()]
    if missing:
        raise DataError(
            f"{table} names {len(missing)} files that are not in {root}, the first "
            f"{missing[0]}"
        )
    found = [_factor(name, frame[name].tolist()) for name in columns]
    space = FactorSpace([factor for factor, _ in found])
    return files, space, torch.stack([column for _, column in found], dim=1)


def _factor(name: str, values: Sequence[Any]) -> tuple[Factor, Tensor]:
    """A factor of what a column holds, and each row's index into its values."""
    known = [v for v in values if v == v and v is not None]  # NaN is not itself
    numbers = all(isinstance(v, (int, float)) for v in known)
    distinct = sorted(set(known)) if numbers else sorted({str(v) for v in known})
    if not distinct:
        raise DataError(f"the column {name} is empty: drop it")
    if len(distinct) > LARGEST_FACTOR:
        raise DataError(
            f"the column {name} has {len(distinct):,} different values, and a factor "
            f"has at most {LARGEST_FACTOR:,}: round it, or drop it"
        )
    place = {value: i for i, value in enumerate(distinct)}
    column = [
        place[v if numbers else str(v)] if v == v and v is not None else -1
        for v in values
    ]
    if numbers:
        whole = all(float(v).is_integer() for v in distinct)
        kind: Kind = "categorical" if whole else "continuous"
        factor = Factor(name, tuple(float(v) for v in distinct), kind)
    else:
        places = tuple(float(i) for i in range(len(distinct)))
        factor = Factor(name, places, "categorical", tuple(map(str, distinct)))
    return factor, torch.tensor(column)
