"""The reader of Oxford Flowers 102: photographs in an archive, labels beside it.

The archive is read once from its beginning to its end, and nothing is extracted: each
photograph goes through memory into its row of an array in the cache folder, one for
each size that is asked for (101 MB at 64 pixels). Before that, all three files are held
to the published sizes and checksums. What is no photograph of the official names is an
error, be it a link, a path that climbs, or a member too large.
"""

from __future__ import annotations

import io
import os
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlib.data.dataset import Dataset
from dlib.data.download import DataError, OfficialFile, matches, official_files
from dlib.data.factors import Factor, FactorSpace
from dlib.data.listed import Listed
from dlib.data.official import _broken, _check_exists, _Contents, _Rows, _unpack

MEMBER = re.compile(r"jpg/image_([0-9]{5})\.jpg")
LARGEST_MEMBER = 1 << 24  # bytes of a photograph; the official ones have some 40,000
LARGEST_PICTURE = 20_000_000  # its pixels; the official ones have some 400,000

Split = Literal["train", "valid", "test"]
SPLITS: dict[Split, str] = {"train": "trnid", "valid": "valid", "test": "tstid"}


class Published(NamedTuple):
    """What the files are held to: sizes and checksums, and how much is in them."""

    files: tuple[OfficialFile, ...]  # the archive, the labels, the splits
    pictures: int
    species: int


PUBLISHED = Published(official_files("flowers"), 8189, 102)


class OfficialFlowers(Dataset):
    """Oxford Flowers 102 (Nilsback and Zisserman 2008), from the official files.

    8,189 photographs of 102 species, between 40 and 258 of each. Of each the species
    is known, which is its only factor and its label. Point ``i`` is the file's
    ``image_{i + 1:05d}.jpg``.

    Each photograph is cropped to its largest centred square, and that is resized by
    Lanczos' filter. Their shorter side has 500 pixels or more.

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
        numbers = tuple(float(i + 1) for i in range(published.species))
        space = FactorSpace([Factor("species", numbers, "categorical")])
        super().__init__("flowers", "official", space, 3, size, device)
        self.path = Path(path)
        self._length = published.pictures
        beside = [self.path.with_name(f.filename) for f in published.files[1:]]
        paths = [self.path, *beside]
        for path, file in zip(paths, published.files, strict=True):
            _check_size(path, file)
        # The archive's checksum is taken where it is read.
        for path, file in zip(beside, published.files[1:], strict=True):
            _check_sum(path, file)
        labels, splits = beside
        self._species = _species(labels, published).to(self.device)
        self._splits = _splits(splits, published)
        archive = _Archive(self.path, size, published)
        rows = _unpack(archive, space, None, constants=0, bits=False)
        self._rows = _Rows(rows)

    def __len__(self) -> int:
        return self._length

    def images(self, index: Tensor) -> Tensor:
        rows = self._rows.take(index.reshape(-1)).to(self.device)
        pictures = rows.view(-1, self.size, self.size, 3).permute(0, 3, 1, 2)
        shape = (*index.shape, 3, self.size, self.size)
        return pictures.contiguous().view(shape)

    def factors(self, index: Tensor) -> Tensor:
        return self._species[index][..., None]

    def labels(self, index: Tensor) -> Tensor:
        """The species of each point, int64 (n,)."""
        return self._species[index]

    def published(self, split: Split) -> Dataset:
        """One of the three parts that the authors publish.

        The part to test on is the largest: 6,149 photographs, and 1,020 (ten of each
        species) to train and 1,020 to validate on. Many papers exchange the first and
        the last, so say which was which.

        Parameters
        ----------
        split : {"train", "valid", "test"}
            The official file calls them trnid, valid and tstid.

        Raises
        ------
        ValueError
            If there is no such part.
        """
        if split not in SPLITS:
            raise ValueError(
                f"the official parts are {', '.join(SPLITS)}; got {split!r}"
            )
        return Listed(self, self._splits[split], f"the official {split}")

    def __repr__(self) -> str:
        return f"{super().__repr__()}, from {self.path}"


class _Archive(_Contents):
    """The photographs of the archive, cropped and resized, in the archive's order."""

    def __init__(self, path: Path, size: int, published: Published) -> None:
        shape = (published.pictures, size, size, 3)
        super().__init__(path, "jpg", shape, np.uint8)
        self.variant = f"-{size}"
        self.published = published

    def placed(self) -> Iterator[tuple[int, np.ndarray]]:
        _check_sum(self.path, self.published.files[0])
        n, size = self.shape[:2]
        seen = np.zeros(n, bool)
        try:
            with tarfile.open(self.path, "r:gz") as archive:
                for member in archive:
                    if member.isdir() and member.name == "jpg":
                        continue
                    number = _number(self.path, member, n)
                    if seen[number - 1]:
                        raise _odd(self.path, f"has {member.name!r} twice")
                    file = archive.extractfile(member)
                    assert file is not None  # it is a regular file
                    yield number - 1, _read(self.path, member.name, file.read(), size)
                    seen[number - 1] = True
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            # What the disk refuses has a number; what is wrong with the file has none.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise _broken(self.path, str(error)) from error
        if not seen.all():
            raise _odd(
                self.path,
                f"has {int(seen.sum()):,} of {n:,} photographs; the first that is "
                f"missing is image_{int(seen.argmin()) + 1:05d}.jpg",
            )


def _number(path: Path, member: tarfile.TarInfo, pictures: int) -> int:
    """The number of a photograph, 1 to ``pictures``, if that is what a member is."""
    match = MEMBER.fullmatch(member.name)
    if not match or not 1 <= int(match[1]) <= pictures:
        raise _odd(
            path,
            f"holds {member.name!r}, where the official archive has "
            f"jpg/image_00001.jpg to jpg/image_{pictures:05d}.jpg",
        )
    if not member.isreg():
        raise _odd(path, f"holds {member.name!r} as something else than a plain file")
    if member.size > LARGEST_MEMBER:
        raise _odd(
            path,
            f"holds {member.name!r} with {member.size:,} bytes; at most "
            f"{LARGEST_MEMBER:,} are read",
        )
    return int(match[1])


def _read(path: Path, name: str, content: bytes, size: int) -> np.ndarray:
    """A photograph's largest centred square, resized: uint8 (1, size, size, 3)."""
    from PIL import Image, ImageOps

    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
            width, height = picture.size
            if width * height > LARGEST_PICTURE:
                raise ValueError(f"{width} x {height} pixels are too many")
            square = ImageOps.fit(
                picture.convert("RGB"), (size, size), Image.Resampling.LANCZOS
            )
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise _odd(
            path, f"holds {name}, which is no whole picture ({error})"
        ) from error
    return np.asarray(square)[None]


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


# --- whether it is what was published ---------------------------------------

_ADVICE = "Delete it and fetch it again (dlib data get flowers)"


def _check_size(path: Path, file: OfficialFile) -> None:
    _check_exists(path)
    size = path.stat().st_size
    if size != file.size:
        raise DataError(
            f"{path} has {size:,} bytes, and the published one {file.size:,}. {_ADVICE}"
        )


def _check_sum(path: Path, file: OfficialFile) -> None:
    if not matches(path, file):
        raise DataError(
            f"{path} does not have the published {file.algorithm}. {_ADVICE}"
        )


def _odd(path: Path, what: str) -> DataError:
    return DataError(f"{path} {what}. {_ADVICE}")
