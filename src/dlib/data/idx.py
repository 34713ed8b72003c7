"""Reading idx files, the format in which MNIST is published."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import torch
from torch import Tensor

from dlib.data.download import DataError

UNSIGNED_BYTE = 0x08  # the code of a type, the third byte of the file


def read_idx(path: Path, shape: tuple[int, ...]) -> Tensor:
    """The values of an idx file of unsigned bytes.

    Such a file has two zero bytes, a byte for the type of its values and one for the
    number of its dimensions, each dimension's size in four bytes, the highest first,
    and then the values, the last dimension fastest.

    Parameters
    ----------
    path : Path
        The file, as it is or packed by gzip, whatever its name.
    shape : tuple of int
        What its header must say. So no more is read than was asked for.

    Returns
    -------
    Tensor
        ``uint8`` of that shape, on the CPU.

    Raises
    ------
    DataError
        If there is no such file or it cannot be read; it is of another kind, type or
        shape; or it has fewer bytes than it says, more, or damaged ones.
    """
    if not path.is_file():
        raise DataError(
            f"there is no file {path}; `dlib data get mnist` fetches the official ones"
        )
    size = math.prod(shape)
    try:
        with _open(path) as file:
            _check_header(path, file, shape)
            # One more than there should be: it shows whether the file ends there,
            # and gzip looks at its checksum only at the end.
            values = file.read(size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _broken(path, str(error)) from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    if len(values) != size:
        end = "later" if len(values) > size else f"after {len(values):,}"
        raise _broken(path, f"it should end after {size:,} values, and ends {end}")
    return torch.frombuffer(bytearray(values), dtype=torch.uint8).view(shape)


def _open(path: Path) -> BinaryIO:
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path)) if packed else open(path, "rb")


def _check_header(path: Path, file: BinaryIO, shape: tuple[int, ...]) -> None:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(
            f"{path} is not an idx file: it begins with {magic!r}, and an idx file "
            "with two zero bytes. Delete it and fetch it again (dlib data get mnist)"
        )
    if magic[2] != UNSIGNED_BYTE:
        raise DataError(
            f"{path} has values of type {magic[2]:#04x}, where the official file has "
            f"unsigned bytes, {UNSIGNED_BYTE:#04x}"
        )
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise _broken(path, "its header ends early")
    found = struct.unpack(f">{magic[3]}I", sizes)
    if found != shape:
        raise DataError(
            f"{path} has shape {found}, where the official file has {shape}; is it "
            "another file of the four, or of another data set?"
        )


def _broken(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} is truncated or damaged ({why}). Delete it and fetch it again "
        "(dlib data get mnist)"
    )
