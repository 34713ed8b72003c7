"""The reader of Sprites: characters of an archive, or of the folder unpacked of it.

The archive, which holds the other data sets of its paper too, is read once from its
beginning to its end, and nothing is extracted: one character's file at a time goes
through memory into its rows of an array in the cache folder (1.3 GB). What is known of
the characters is only complete when all were read; it becomes the array's last row, so
that pictures and labels appear together or not at all, and the archive is not read
again for the labels.

No checksum of the archive is published, so all that is read is looked at.
"""

from __future__ import annotations

import os
import re
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dlib.data.dataset import Dataset
from dlib.data.download import DataError, official_file
from dlib.data.factors import Factor, FactorSpace
from dlib.data.listed import Listed
from dlib.data.official import _Contents, _digest, _Rows, _unpack
from dlib.data.order import BlockOrder
from dlib.data.sprites_mat import (
    LABELS,
    SIZE,
    SPLITS,
    VALUES,
    read_character,
    read_splits,
)
from dlib.data.sprites_space import ACTIONS, CHARACTERS, HURT, SPACE, VIEWS
from dlib.data.sprites_space import SPLITS as SIZES

# Whatever stands before the folder: what is wrong with it is said, not passed over.
MEMBER = re.compile(r"(?:.*/)?sprites/sprites_(0|[1-9][0-9]{0,5}|splits)\.mat")
LARGEST_MEMBER = 1 << 26  # bytes of a file; a character has some 20 MB, not packed

Split = Literal["train", "valid", "test"]


class Published(NamedTuple):
    """What the files are held to."""

    characters: int
    frames: tuple[int, ...]  # of each animation
    splits: tuple[int, ...]  # characters to train, to validate and to test on


FRAMES = (*(n for n in ACTIONS.values() for _ in VIEWS), HURT)
PUBLISHED = Published(CHARACTERS, FRAMES, tuple(SIZES.values()))


class OfficialSprites(Dataset):
    """Sprites (Reed et al. 2015), from the official files.

    672 characters, each in the 178 frames of 21 animations. Point ``i`` is frame
    ``i % 178`` of the file ``sprites_{i // 178}.mat``.

    The first seven factors are the file's labels, which all its frames share: the
    weapon's stands beside frames that show none. They count from 0; whether the files
    do so or count from 1 is told by whether any label of any file is 0. The pose is the
    frame's place in the file. Poses have names (``space.factors[-1].labels``) where the
    animations' lengths follow one another as in a sheet of the Pixel Cup; in another
    order, what a pose shows would be a guess.

    Parts are cut so that the official training characters come first, then those to
    validate and those to test on: ``part(0, 500 / 672)`` has the first and no other.

    Parameters
    ----------
    path : path
        ``nips2015-analogy-data.tar.gz``; or a folder with its files ``sprites_0.mat``
        to ``sprites_671.mat`` and ``sprites_splits.mat``.
    device : torch.device or str
        Where pictures are delivered.
    published : Published
        What the files are checked against.

    Raises
    ------
    DataError
        If the archive, the folder or a file in it is missing, damaged, there twice, too
        large or no plain file; a character has other animations, values outside 0 to 1
        or labels outside their factors; the splits do not name each character once,
        or as many as are published; or there is no room in the cache folder.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        device: torch.device | str = "cpu",
        published: Published = PUBLISHED,
    ) -> None:
        self.path = Path(path)
        kind = _Folder if self.path.is_dir() else _Archive
        self._rows = _Rows(
            _unpack(kind(self.path, published), SPACE, None, constants=0, bits=False)
        )
        n, self._frames = published.characters, sum(published.frames)
        self._length = n * self._frames
        known = self._rows.take(torch.tensor([self._length]))[0].numpy()
        counts, labels, split = _unpacked(known, published)
        space = _space(tuple(counts.tolist()))
        super().__init__("sprites", "official", space, 3, SIZE, device)
        self._labels = torch.from_numpy(labels.astype(np.int64)).to(self.device)
        of_point = torch.from_numpy(split).repeat_interleave(self._frames)
        self._splits = {
            name: (of_point == place).nonzero().view(-1)
            for place, name in enumerate(SPLITS)
        }

    def __len__(self) -> int:
        return self._length

    def images(self, index: Tensor) -> Tensor:
        rows = self._rows.take(index.reshape(-1)).to(self.device)
        return rows.view(*index.shape, 3, SIZE, SIZE)

    def factors(self, index: Tensor) -> Tensor:
        pose = (index % self._frames)[..., None]
        return torch.cat([self._labels[index // self._frames], pose], -1)

    def random_order(self, seed: int) -> BlockOrder:
        """The official training characters' points first, then valid, then test."""
        return _SplitOrder(list(self._splits.values()), seed)

    def published(self, split: Split) -> Dataset:
        """All frames of the characters of an official split, in the order of points.

        Parameters
        ----------
        split : {"train", "valid", "test"}
            500, 72 and 100 characters.

        Raises
        ------
        ValueError
            If there is no such split.
        """
        if split not in self._splits:
            raise ValueError(
                f"the official parts are {', '.join(SPLITS)}; got {split!r}"
            )
        return Listed(self, self._splits[split], f"the official {split}")

    def __repr__(self) -> str:
        return f"{super().__repr__()}, from {self.path}"


class _SplitOrder(BlockOrder):
    """Blocks of points, named one by one, each in a random order of its own."""

    def __init__(self, blocks: list[Tensor], seed: int) -> None:
        super().__init__([len(block) for block in blocks], seed)
        self._forward = torch.cat(blocks)[self.points(torch.arange(self.n))]


def _space(counts: tuple[int, ...]) -> FactorSpace:
    """The factors; poses without names unless each animation is where it should be."""
    if counts == FRAMES:
        return SPACE
    numbers = tuple(float(i) for i in range(sum(counts)))
    return FactorSpace([*SPACE.factors[:-1], Factor("pose", numbers, "categorical")])


# --- the row of what is known -----------------------------------------------


def _row(counts: Sequence[int], labels: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Frames of each animation, then labels and split of each character."""
    known = np.concatenate([labels, split[:, None]], 1)
    row = np.zeros(VALUES, np.uint8)
    values = np.concatenate([np.asarray(counts), known.reshape(-1)])
    row[: len(values)] = values
    return row.reshape(1, 3, SIZE, SIZE)


def _unpacked(
    row: np.ndarray, published: Published
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What :func:`_row` was given: (animations,), (characters, 7), (characters,)."""
    animations, width = len(published.frames), LABELS + 1
    known = row[animations : animations + published.characters * width]
    known = known.reshape(published.characters, width)
    return row[:animations], known[:, :LABELS], known[:, LABELS]


# --- the files --------------------------------------------------------------


class _Files(_Contents):
    """Pictures of all characters, in the files' order, and the row of what is known."""

    variant = "-sprites"

    def __init__(self, path: Path, published: Published) -> None:
        rows = published.characters * sum(published.frames) + 1
        super().__init__(path, "sprites", (rows, 3, SIZE, SIZE), np.uint8)
        self.published = published

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """The number in each file's name, or "splits", and what is in it."""
        raise TypeError(f"{type(self).__name__} must define contents")

    def placed(self) -> Iterator[tuple[int, np.ndarray]]:
        characters, frames, _ = self.published
        labels = np.full((characters, LABELS), -1)
        orders: dict[tuple[int, ...], str] = {}
        split = None
        for number, content in self.contents():
            name = _name(number)
            try:
                if number == "splits":
                    split = read_splits(content, self.published.splits)
                    continue
                read = read_character(content, frames)
            except DataError as error:
                raise _odd(self.path, f"{name} {error}") from error
            labels[int(number)] = read.labels
            orders.setdefault(read.counts, name)
            if len(orders) > 1:
                raise _odd(
                    self.path,
                    f"{' and '.join(orders.values())} have their animations in "
                    "different orders",
                )
            yield int(number) * sum(frames), read.pictures
        assert split is not None  # contents gave all there are
        labels = _counted_from_0(self.path, labels)
        yield self.shape[0] - 1, _row(next(iter(orders)), labels, split)


class _Archive(_Files):
    def state(self) -> str:
        if not self.path.is_file():
            raise _absent(self.path, "no such archive or folder")
        return super().state()

    def contents(self) -> Iterator[tuple[str, bytes]]:
        seen: set[str] = set()
        try:
            with tarfile.open(self.path, "r:gz") as archive:
                for member in archive:
                    number = _number(self.path, member, self.published.characters)
                    if number is None:
                        continue
                    if number in seen:
                        raise _odd(self.path, f"it has {_name(number)} twice")
                    file = archive.extractfile(member)
                    assert file is not None  # it is a regular file
                    yield number, file.read()
                    seen.add(number)
                # gzip looks at its own checksum where it ends, behind the last member.
                while archive.fileobj and archive.fileobj.read(1 << 20):
                    pass
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            # What the disk refuses has a number; what is wrong with the file has none.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise _odd(self.path, f"it is truncated or damaged ({error})") from error
        for number in _numbers(self.published.characters):
            if number not in seen:
                raise _absent(self.path, f"it has no sprites/{_name(number)}")


class _Folder(_Files):
    def state(self) -> str:
        # The folder's own date is not that of the files in it.
        files = sorted(self.path.glob("sprites_*.mat"))
        found = [(path.name, path.stat()) for path in files]
        return _digest(repr([(n, s.st_size, s.st_mtime_ns) for n, s in found]))

    def contents(self) -> Iterator[tuple[str, bytes]]:
        # Before the first is read, which takes a while.
        for number in _numbers(self.published.characters):
            path = self.path / _name(number)
            if not path.is_file():
                raise _absent(self.path, f"it has no {path.name}")
            _check_size(self.path, path.name, path.stat().st_size)
        for number in _numbers(self.published.characters):
            try:
                content = (self.path / _name(number)).read_bytes()
            except OSError as error:
                raise _odd(
                    self.path, f"{_name(number)} cannot be read: {error.strerror}"
                ) from error
            yield number, content


def _numbers(characters: int) -> list[str]:
    # The splits first: a fault of theirs is then found at once, in a folder.
    return ["splits", *(str(i) for i in range(characters))]


def _name(number: str) -> str:
    return f"sprites_{number}.mat"


def _number(path: Path, member: tarfile.TarInfo, characters: int) -> str | None:
    """The number of a character's file, or "splits"; nothing for any other member."""
    match = MEMBER.fullmatch(member.name)
    if not match:
        return None
    if member.name.startswith("/") or ".." in member.name.split("/"):
        raise _odd(path, f"it holds {member.name!r}, which leads out of the archive")
    if not member.isreg():
        raise _odd(path, f"it holds {member.name!r} as something else than a file")
    if match[1] not in _numbers(characters):
        raise _odd(
            path,
            f"it holds {member.name!r}, where the official one has {_name('0')} to "
            f"{_name(str(characters - 1))}",
        )
    _check_size(path, member.name, member.size)
    return match[1]


def _check_size(path: Path, name: str, size: int) -> None:
    if size > LARGEST_MEMBER:
        raise _odd(
            path, f"{name} has {size:,} bytes; at most {LARGEST_MEMBER:,} are read"
        )


def _counted_from_0(path: Path, labels: np.ndarray) -> np.ndarray:
    """Labels from 0, (characters, 7), of those that count from 0 or from 1."""
    first = 0 if (labels == 0).any() else 1
    counted = labels - first
    wrong = (counted < 0) | (counted >= SPACE.sizes[:LABELS])
    if wrong.any():
        number, column = np.argwhere(wrong)[0].tolist()
        last = first + SPACE.sizes[column] - 1
        raise _odd(
            path,
            f"{_name(number)} has {labels[number, column]} as its label of "
            f"{SPACE.names[column]}, where {first} to {last} are expected",
        )
    return counted


def _odd(path: Path, what: str) -> DataError:
    return DataError(
        f"{path}: {what}. It is not as we know its authors to publish it: get it again "
        f"from {official_file('sprites').url}, or unpack it again; if it still is so, "
        "this reader, which was written without the file at hand, may be wrong"
    )


def _absent(path: Path, what: str) -> DataError:
    file = official_file("sprites")
    return DataError(
        f"{path}: {what}. Name {file.filename} ({file.url}), or the folder "
        f"{Path(file.unpacked).parent} that it unpacks to, with all files in it"
    )
