"""The reader of CelebA: photographs of faces in a zip, two lists beside it.

The photographs take 2.5 GB of the cache folder at 64 pixels. Before they are read, all
three files are held to the published sizes and checksums, and both lists to the
photographs that they name.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlib.data.download import DataError, OfficialFile, official_files
from dlib.data.faces_space import OFFICIAL, yes_or_no
from dlib.data.official_pictures import (
    Photographs,
    PictureArchive,
    Split,
    again,
    beside,
    check_sum,
    decoded,
)

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER = "img_align_celeba/"
MEMBER = re.compile(rf"{FOLDER}([0-9]{{6}})\.jpg")
LARGEST_MEMBER = 1 << 20  # bytes of a photograph; the official ones have some 7,000
WIDTH, HEIGHT = 178, 218  # pixels of a photograph
CROP = (15, 35, 163, 183)  # left, upper, right and lower edge of what is kept of it

SPLITS: tuple[Split, ...] = ("train", "valid", "test")  # 0, 1 and 2 in the list


class Published(NamedTuple):
    """What the files are held to: sizes and checksums, and how much is in them."""

    files: tuple[OfficialFile, ...]  # the zip, the attributes, the partition
    pictures: int


PUBLISHED = Published(official_files("celeba"), 202_599)


class OfficialCelebA(Photographs):
    """CelebA (Liu et al. 2015), from the official files: aligned and cropped faces.

    202,599 photographs of 10,177 people. Of each it is known whether each of forty
    attributes is there: the factors, in the order of the official file. Point ``i`` is
    the file's ``{i + 1:06d}.jpg``.

    A photograph has 178 x 218 pixels. Of these the centred square of 148 x 148 is kept
    (rows 35 to 182 and columns 15 to 162, counted from 0), which is resized by
    Lanczos' filter. It is one crop of several in use: Kumar et al. (2018) say no more
    of theirs than "64 x 64 x 3 cropped images as used in several earlier works".

    The authors publish three parts: 162,770 photographs to train, 19,867 to validate
    and 19,962 to test on, each of other people.

    Parameters
    ----------
    path : path
        The archive, ``img_align_celeba.zip``; ``list_attr_celeba.txt`` and
        ``list_eval_partition.txt`` lie beside it.
    size : int
        Side of the pictures in pixels.
    device : torch.device or str
        Where pictures are delivered.
    published : Published
        What the files are checked against.

    Raises
    ------
    DataError
        If one of the three files is missing or is not the published one, the archive
        holds anything but the photographs, one of them cannot be read or is of
        another size, a list does not name each of them in their order or has other
        attributes or values, or there is no room in the cache folder.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: int = 64,
        device: torch.device | str = "cpu",
        published: Published = PUBLISHED,
    ) -> None:
        path = Path(path)
        attributes, partition = beside(path, published.files)
        known = _attributes(attributes, published.pictures)
        splits = _splits(partition, published.pictures)
        archive = _Archive(path, size, published)
        super().__init__("celeba", yes_or_no(OFFICIAL), archive, splits, device)
        self._attributes = known.to(self.device)

    def factors(self, index: Tensor) -> Tensor:
        return self._attributes[index].long()


class _Archive(PictureArchive):
    """The photographs, cropped and resized."""

    kind = f"picture of {WIDTH} x {HEIGHT} pixels"

    def __init__(self, path: Path, size: int, published: Published) -> None:
        file, pictures = published
        shape = (pictures, size, size, 3)
        super().__init__(path, "photographs", shape, again(file[0]))
        self.published = published

    def members(self) -> Iterator[tuple[int, str, bytes]]:
        check_sum(self.path, self.published.files[0])
        with zipfile.ZipFile(self.path) as archive:
            for member in archive.infolist():
                if member.filename == FOLDER:
                    continue
                row = self._number(member.filename) - 1
                self.check_size(member.filename, member.file_size, LARGEST_MEMBER)
                yield row, member.filename, archive.read(member)

    def _number(self, name: str) -> int:
        """The number of a photograph, 1 to ``pictures``, if that is what it names."""
        pictures = self.published.pictures
        match = MEMBER.fullmatch(name)
        if not match or not 1 <= int(match[1]) <= pictures:
            raise self.odd(
                f"holds {name!r}, where the official archive has "
                f"{FOLDER}{self.name(0)} to {FOLDER}{self.name(pictures - 1)}"
            )
        return int(match[1])

    def name(self, row: int) -> str:
        return _name(row)

    def picture(self, content: bytes) -> Image:
        """What is kept of a photograph, resized."""
        from PIL.Image import Resampling

        whole = decoded(content, "JPEG", "RGB", WIDTH * HEIGHT)
        if whole.size != (WIDTH, HEIGHT):
            raise ValueError(f"it has {whole.width} x {whole.height}")
        # Cropped by itself, for the filter would look beyond the edges.
        size = self.shape[1]
        return whole.crop(CROP).resize((size, size), Resampling.LANCZOS)


def _name(row: int) -> str:
    return f"{row + 1:06d}.jpg"


# --- the lists --------------------------------------------------------------


def _attributes(path: Path, pictures: int) -> Tensor:
    """Whether each photograph has each attribute, 0 or 1: uint8 (pictures, 40)."""
    count, names, *rows = [*_lines(path), "", ""]
    if count.strip() != str(pictures):
        raise _odd(
            path,
            f"begins with {count[:40]!r}, where the number of photographs, {pictures}, "
            "is expected",
        )
    both = zip_longest(names.split(), OFFICIAL, fillvalue="nothing")
    for number, (name, expected) in enumerate(both, 1):
        if name != expected:
            raise _odd(
                path,
                f"has {name[:40]!r} as the name of attribute {number}, where "
                f"{expected!r} is expected",
            )
    values = _table(path, rows, len(OFFICIAL), pictures)
    _check_values(path, values, (-1, 1))
    return torch.from_numpy((values > 0).astype(np.uint8))


def _splits(path: Path, pictures: int) -> dict[Split, Tensor]:
    """The points of each official part, int64, in their order."""
    values = _table(path, _lines(path), 1, pictures)
    _check_values(path, values, range(len(SPLITS)))
    return {
        split: torch.from_numpy((values[:, 0] == number).nonzero()[0])
        for number, split in enumerate(SPLITS)
    }


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise _odd(path, f"is not plain text ({error})") from error


def _table(path: Path, lines: list[str], columns: int, pictures: int) -> np.ndarray:
    """What a list's lines say of each photograph, int8 (pictures, columns)."""
    rows = [line for line in lines if line.strip()]
    if len(rows) != pictures:
        raise _odd(
            path, f"lists {len(rows):,} photographs, and there are {pictures:,} of them"
        )
    types: Any = [("name", "U16"), ("values", np.int8, (columns,))]
    try:
        table = np.loadtxt(rows, types, comments=None, ndmin=1)
    except ValueError as error:
        raise _odd(
            path,
            f"does not have the name and {columns} whole number(s) of each photograph "
            f"({error})",
        ) from error
    for row, name in enumerate(table["name"].tolist()):
        if name != _name(row):
            raise _odd(
                path,
                f"lists {name!r} in place {row + 1:,}, where {_name(row)!r} is "
                "expected",
            )
    return table["values"]


def _check_values(path: Path, values: np.ndarray, expected: Sequence[int]) -> None:
    wrong = ~np.isin(values, expected)
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise _odd(
            path,
            f"has the value {values[row, column]} for {_name(row)}, where one of "
            f"{', '.join(map(str, expected))} is expected",
        )


def _odd(path: Path, what: str) -> DataError:
    return DataError(f"{path} {what}. {again(PUBLISHED.files[0])}")
