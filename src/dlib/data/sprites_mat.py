"""Reading the MATLAB files of Sprites: a character's pictures and labels, the splits.

A character's file is of MATLAB 7.3, which is HDF5. Its ``sprites`` is a cell array of
21 animations, each a matrix of frames; ``labels`` are seven whole numbers, and what
else it holds (the masks) is not read. The splits are a file of an older MATLAB.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlib.data.download import DataError

if TYPE_CHECKING:
    import h5py

SIZE = 60  # pixels
VALUES = 3 * SIZE * SIZE  # of a frame
LABELS = 7  # body, skin, vest, hair, arm, leg, weapon
SPLITS = {"train": "trainidx", "valid": "validx", "test": "testidx"}


class Character(NamedTuple):
    """What a file says of a character."""

    pictures: np.ndarray  # uint8 (frames, 3, 60, 60), animation after animation
    counts: tuple[int, ...]  # frames of each animation
    labels: np.ndarray  # int64 (7,), as they are in the file


def read_character(content: bytes, frames: tuple[int, ...]) -> Character:
    """The pictures and labels of one character.

    Parameters
    ----------
    content : bytes
        Of the file.
    frames : tuple of int
        How many frames the animations must have, in any order. No more is unpacked.

    Raises
    ------
    DataError
        If the file is cut short, damaged or of another kind; a data set is missing or
        of another shape or type; a value is no number from 0 to 1, or a label not
        whole. The message goes on where the name of the file ends.
    """
    import h5py

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            cells = _animations(file, len(frames))
            counts = tuple(len(cell) for cell in cells)
            if sorted(counts) != sorted(frames):
                raise DataError(
                    f"has animations of {_listed(counts)} frames, where the official "
                    f"ones have {_listed(frames)}, in some order"
                )
            pictures = np.concatenate([_pictures(cell[()]) for cell in cells])
            data = _data(file, "labels")
            if data.size != LABELS:
                raise DataError(
                    f"has labels of shape {data.shape}, where the official file has "
                    f"{LABELS} of them"
                )
            return Character(pictures, counts, _whole(data[()], "labels"))
    except DataError:
        raise
    except Exception as error:
        # HDF5 meets a damaged file with whatever went wrong inside it.
        raise DataError(
            f"is truncated, damaged or no MATLAB 7.3 file ({error})"
        ) from error


def read_splits(content: bytes, sizes: Sequence[int]) -> np.ndarray:
    """Which split each character is in, as a place in ``SPLITS``: uint8 (characters,).

    Parameters
    ----------
    content : bytes
        Of ``sprites_splits.mat``, which numbers characters from 1.
    sizes : sequence of int
        How many characters each split has, in the order of ``SPLITS``.

    Raises
    ------
    DataError
        If the file cannot be read, lacks one of the three lists or has an empty one,
        or they do not name each character once, or have other sizes. The message goes
        on where the name of the file ends.
    """
    characters = sum(sizes)
    lists = [_matrix(content, key) for key in SPLITS.values()]
    named = np.concatenate(lists)
    outside = named[(named < 1) | (named > characters)]
    if len(outside):
        raise DataError(
            f"names character {outside[0]}, where they are numbered from 1 to "
            f"{characters}"
        )
    times = np.bincount(named - 1, minlength=characters)
    if (times != 1).any():
        odd = int((times != 1).argmax())
        raise DataError(
            f"names character {odd + 1} {times[odd]} times, where each of the "
            f"{characters} is named once in {', '.join(SPLITS.values())}"
        )
    counts = [len(numbers) for numbers in lists]
    if counts != list(sizes):
        raise DataError(
            f"has {counts} characters in {', '.join(SPLITS.values())}, where "
            f"{list(sizes)} are published"
        )
    out = np.empty(characters, np.uint8)
    for place, numbers in enumerate(lists):
        out[numbers - 1] = place
    return out


def _animations(file: h5py.File, number: int) -> list[h5py.Dataset]:
    """The matrices that the cells of ``sprites`` refer to, none of them read."""
    import h5py

    data = _data(file, "sprites")
    if h5py.check_ref_dtype(data.dtype) is not h5py.Reference or data.size != number:
        raise DataError(
            f"has sprites of shape {data.shape} and type {data.dtype}, where the "
            f"official file has {number} cells"
        )
    cells = []
    for place, reference in enumerate(data[()].reshape(-1)):
        cell = file[reference]
        if not isinstance(cell, h5py.Dataset):
            raise DataError(f"has no matrix as animation {place}")
        if cell.ndim != 2 or cell.shape[1] != VALUES or cell.dtype.kind != "f":
            raise DataError(
                f"has an animation of shape {cell.shape} and type {cell.dtype}, where "
                f"the official ones have (frames, {VALUES}) and numbers from 0 to 1"
            )
        cells.append(cell)
    return cells


def _pictures(values: np.ndarray) -> np.ndarray:
    """Frames as pictures, uint8 (frames, 3, 60, 60)."""
    # Not the other way round: a value that is no number is in no order.
    if not ((values >= 0) & (values <= 1)).all():
        raise DataError(
            f"has values from {values.min()} to {values.max()}, where pictures are "
            "numbers from 0 to 1"
        )
    pixels = np.rint(values * 255).astype(np.uint8)
    # MATLAB stores column after column.
    return pixels.reshape(-1, 3, SIZE, SIZE).transpose(0, 1, 3, 2)


def _data(file: h5py.File, key: str) -> h5py.Dataset:
    import h5py

    data = file.get(key)
    if not isinstance(data, h5py.Dataset):
        raise DataError(f"has no {key!r}; there is {', '.join(file) or 'nothing'}")
    return data


def _matrix(content: bytes, key: str) -> np.ndarray:
    """A row of whole numbers, int64, of an older MATLAB file."""
    from scipy.io import loadmat

    try:
        values = loadmat(io.BytesIO(content), variable_names=[key])[key]
    except KeyError as error:
        raise DataError(f"has no {key!r}") from error
    except Exception as error:
        # SciPy's parser meets a damaged file with whatever went wrong inside it.
        raise DataError(f"cannot be read as a MATLAB file ({error})") from error
    if not values.size:
        raise DataError(f"names no character in {key}")
    return _whole(values, key)


def _whole(values: Any, what: str) -> np.ndarray:
    """Numbers as int64 on one axis; MATLAB's are mostly floats."""
    values = np.asarray(values).reshape(-1)
    numbers = values.dtype.kind in "iuf"
    # Before they become integers: a float may be too large for one.
    if not numbers or not ((values == np.rint(values)) & (abs(values) < 1e9)).all():
        raise DataError(f"has {what} that are no whole numbers: {values[:LABELS]}")
    return values.astype(np.int64)


def _listed(counts: tuple[int, ...]) -> str:
    return ", ".join(str(count) for count in sorted(counts))
