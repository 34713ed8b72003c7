"""The reader of Oxford Flowers 102: photographs in an archive, labels beside it.

The photographs take 101 MB of the cache folder at 64 pixels. Before they are read, all
three files are held to the published sizes and checksums. What is no photograph of the
official names is an error, be it a link, a path that climbs, or a member too large.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlib.data.download import DataError, OfficialFile, official_files
from dlib.data.factors import Factor, FactorSpace
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

MEMBER = re.compile(r"jpg/image_([0-9]{5})\.jpg")
LARGEST_MEMBER = 1 << 24  # bytes of a photograph; the official ones have some 40,000
LARGEST_PICTURE = 20_000_000  # its pixels; the official ones have some 400,000

SPLITS: dict[Split, str] = {"train": "trnid", "valid": "valid", "test": "tstid"}


class Published(NamedTuple):
    """What the files are held to: sizes and checksums, and how much is in them."""

    files: tuple[OfficialFile, ...]  # the archive, the labels, the splits
    pictures: int
    species: int


PUBLISHED = Published(official_files("flowers"), 8189, 102)


class OfficialFlowers(Photographs):
    """Oxford Flowers 102 (Nilsback and Zisserman 2008), from the official files.

    8,189 photographs of 102 species, between 40 and 258 of each. Of each the species
    is known, which is its only factor and its label. Point ``i`` is the file's
    ``image_{i + 1:05d}.jpg``.

    Each photograph is cropped to its largest centred square, and that is resized by
    Lanczos' filter. Their shorter side has 500 pixels or more.

    Of the three parts that the authors publish, the one to test on is the largest:
    6,149 photographs, and 1,020 (ten of each species) to train and 1,020 to validate
    on; the official file calls them tstid, trnid and valid. Many papers exchange the
    first and the second, so say which was which.

    Parameters
    ----------
    path : path
        The archive, ``102flowers.tgz``; ``imagelabels.mat`` and ``setid.mat`` lie
        beside it.
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
        holds anything but the photographs, one of them cannot be read, labels or
        splits do not fit them, or there is no room in the cache folder.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: int = 64,
        device: torch.device | str = "cpu",
        published: Published = PUBLISHED,
    ) -> None:
        path = Path(path)
        numbers = tuple(float(i + 1) for i in range(published.species))
        space = FactorSpace([Factor("species", numbers, "categorical")])
        labels, splits = beside(path, published.files)
        species = _species(labels, published)
        archive = _Archive(path, size, published)
        super().__init__("flowers", space, archive, _splits(splits, published), device)
        self._species = species.to(self.device)

    def factors(self, index: Tensor) -> Tensor:
        return self._species[index][..., None]

    def labels(self, index: Tensor) -> Tensor:
        """The species of each point, int64 (n,)."""
        return self._species[index]


class _Archive(PictureArchive):
    """The photographs, cropped and resized."""

    def __init__(self, path: Path, size: int, published: Published) -> None:
        file, pictures, _ = published
        shape = (pictures, size, size, 3)
        super().__init__(path, "photographs", shape, again(file[0]))
        self.published = published

    def members(self) -> Iterator[tuple[int, str, bytes]]:
        check_sum(self.path, self.published.files[0])
        with tarfile.open(self.path, "r:gz") as archive:
            for member in archive:
                if member.isdir() and member.name == "jpg":
                    continue
                row = self._number(member.name) - 1
                content = self.content(archive, member, LARGEST_MEMBER)
                yield row, member.name, content

    def _number(self, name: str) -> int:
        """The number of a photograph, 1 to ``pictures``, if that is what it names."""
        pictures = self.published.pictures
        match = MEMBER.fullmatch(name)
        if not match or not 1 <= int(match[1]) <= pictures:
            raise self.odd(
                f"holds {name!r}, where the official archive has jpg/{self.name(0)} to "
                f"jpg/{self.name(pictures - 1)}"
            )
        return int(match[1])

    def name(self, row: int) -> str:
        return f"image_{row + 1:05d}.jpg"

    def picture(self, content: bytes) -> Image:
        """A photograph's largest centred square, resized."""
        from PIL import Image, ImageOps

        whole = decoded(content, "JPEG", "RGB", LARGEST_PICTURE)
        size = self.shape[1]
        return ImageOps.fit(whole, (size, size), Image.Resampling.LANCZOS)


# --- labels and splits ------------------------------------------------------


def _species(path: Path, published: Published) -> Tensor:
    """The species of each picture from 0, int64 (pictures,)."""
    labels = _matrix(path, "labels")
    n, species = published.pictures, published.species
    if len(labels) != n:
        raise DataError(
            f"{path} has {len(labels):,} labels, and there are {n:,} photographs. "
            f"{_ADVICE}"
        )
    if not ((labels >= 1) & (labels <= species)).all():
        raise DataError(
            f"{path} has labels from {labels.min()} to {labels.max()}, where species "
            f"are numbered from 1 to {species}. {_ADVICE}"
        )
    return torch.from_numpy(labels.astype(np.int64) - 1)


def _splits(path: Path, published: Published) -> dict[Split, Tensor]:
    """The points of each official part, int64, in the order of the file."""
    parts = {split: _matrix(path, key) for split, key in SPLITS.items()}
    together = np.sort(np.concatenate(list(parts.values())))
    if not np.array_equal(together, np.arange(1, published.pictures + 1)):
        raise DataError(
            f"{path}: {', '.join(SPLITS.values())} do not name each of the "
            f"{published.pictures:,} photographs once. {_ADVICE}"
        )
    return {
        split: torch.from_numpy(numbers.astype(np.int64) - 1)
        for split, numbers in parts.items()
    }


def _matrix(path: Path, key: str) -> np.ndarray:
    """A row of whole numbers from a MATLAB file, as one axis."""
    from scipy.io import loadmat

    try:
        values = loadmat(path, variable_names=[key])[key]
    except KeyError as error:
        raise DataError(f"{path} has no {key!r}. {_ADVICE}") from error
    except Exception as error:
        # SciPy's parser meets a damaged file with whatever went wrong inside it.
        raise DataError(
            f"{path} cannot be read as a MATLAB file ({error}). {_ADVICE}"
        ) from error
    if not np.issubdtype(values.dtype, np.integer):
        raise DataError(
            f"{path}: {key} is {values.dtype}, and whole numbers were expected. "
            f"{_ADVICE}"
        )
    return values.reshape(-1)


_ADVICE = again(PUBLISHED.files[0])
