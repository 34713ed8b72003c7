"""Readers of the official files of dSprites, 3DShapes and MPI3D.

Those of dSprites and 3DShapes are compressed in blocks that hold a few pixels of
thousands of pictures (the HDF5 files: 15,000 pictures of 3DShapes, 23,040 of
dSprites), so reading one picture means unpacking hundreds of megabytes. Such a file
is therefore unpacked once, block by block, into a plain array in the cache folder,
one row to a picture: bits for dSprites (377 MB), bytes for 3DShapes (5.9 GB) and
MPI3D (12.7 GB). The array is memory-mapped, which threads, forked workers and several
processes can share. An npz whose pictures are stored as they are, without
compression, is memory-mapped where it lies.

Nothing is ever unpickled: of the npz, whose ``metadata`` is a pickle, only the
picture and label members are opened.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from filelock import FileLock
from numpy.lib import format as npy
from torch import Tensor
from tqdm.auto import tqdm

from dlib.data import dsprites, mpi3d, shapes3d
from dlib.data.dataset import Grid
from dlib.data.download import DataError, check_room, disk_error
from dlib.data.factors import FactorSpace
from dlib.data.load import SIZE
from dlib.storage import cache_folder

log = logging.getLogger("dlib.data")

SLAB = 1 << 13  # pictures read at a time where the file does not say better


class OfficialDSprites(Grid):
    """dSprites (Matthey et al. 2017), looked up in the official file.

    The file's constant first factor, colour, is left out, so that factors are
    those of :class:`dlib.data.dsprites.TwinDSprites`.

    Parameters
    ----------
    path : path
        The ``.npz`` or ``.hdf5`` file.
    device : torch.device or str
        Where pictures are delivered. Bits are moved there, and unpacked there.
    space : FactorSpace
        What the file is checked against.

    Raises
    ------
    DataError
        If the file is missing, truncated, of another kind, lacks a member, has
        another shape or order than ``space``, or cannot be unpacked for want of
        room.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        device: torch.device | str = "cpu",
        space: FactorSpace = dsprites.SPACE,
    ) -> None:
        super().__init__("dsprites", "official", space, 1, SIZE, device)
        self.path = Path(path)
        if self.path.suffix == ".npz":
            contents, labels = _open_npz(self.path, "imgs"), "latents_classes"
        else:
            contents, labels = _open_hdf5(self.path, "imgs"), "latents/classes"
        with contents as file:
            _check_pictures(file, (len(space), SIZE, SIZE))
            self._rows = _Rows(_unpack(file, space, labels, constants=1, bits=True))
        shifts = torch.arange(7, -1, -1, dtype=torch.uint8)
        self._shifts = shifts.to(self.device)

    def _render(self, factors: Tensor) -> Tensor:
        packed = self._rows.take(self.space.to_index(factors)).to(self.device)
        bits = (packed[:, :, None] >> self._shifts) & 1  # (n, 512, 8)
        return (bits * 255).view(-1, 1, SIZE, SIZE)

    def __repr__(self) -> str:
        return f"{super().__repr__()}, from {self.path}"


class OfficialShapes3D(Grid):
    """3DShapes (Burgess and Kim 2018), looked up in the official file.

    Parameters
    ----------
    path : path
        The ``.h5`` file.
    device : torch.device or str
        Where pictures are delivered.
    space : FactorSpace
        What the file is checked against.

    Raises
    ------
    DataError
        As :class:`OfficialDSprites` does.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        device: torch.device | str = "cpu",
        space: FactorSpace = shapes3d.SPACE,
    ) -> None:
        super().__init__("shapes3d", "official", space, 3, SIZE, device)
        self.path = Path(path)
        with _open_hdf5(self.path, "images") as file:
            _check_pictures(file, (len(space), SIZE, SIZE, 3))
            self._rows = _Rows(_unpack(file, space, "labels", constants=0, bits=False))

    def _render(self, factors: Tensor) -> Tensor:
        rows = self._rows.take(self.space.to_index(factors)).to(self.device)
        return rows.view(-1, SIZE, SIZE, 3).permute(0, 3, 1, 2).contiguous()

    def __repr__(self) -> str:
        return f"{super().__repr__()}, from {self.path}"


class OfficialMPI3D(Grid):
    """MPI3D (Gondal et al. 2019), looked up in the official file.

    The toy, realistic and real files have one format: pictures in the order of the
    factors, and no labels to check that order by.

    Parameters
    ----------
    path : path
        The ``.npz`` file.
    device : torch.device or str
        Where pictures are delivered.
    space : FactorSpace
        What the file is checked against.

    Raises
    ------
    DataError
        If the file is missing, truncated, of another kind, lacks its pictures, has
        another number of them than ``space``, or cannot be unpacked for want of room.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        device: torch.device | str = "cpu",
        space: FactorSpace = mpi3d.SPACE,
    ) -> None:
        super().__init__("mpi3d", "official", space, 3, SIZE, device)
        self.path = Path(path)
        with _open_npz(self.path, "images") as file:
            _check_pictures(file, (len(space), SIZE, SIZE, 3))
            place = file.place() if isinstance(file, _Npz) else None
            if place is None:
                self._rows = _Rows(_unpack(file, space, None, constants=0, bits=False))
            else:
                row = _row_bytes(file.shape, bits=False)
                self._rows = _Rows(self.path, (place, (len(space), row)))

    def _render(self, factors: Tensor) -> Tensor:
        rows = self._rows.take(self.space.to_index(factors)).to(self.device)
        return rows.view(-1, SIZE, SIZE, 3).permute(0, 3, 1, 2).contiguous()

    def __repr__(self) -> str:
        return f"{super().__repr__()}, from {self.path}"


class _Rows:
    """Rows of a memory-mapped array, which is opened in each process anew.

    A spawned worker gets a copy by pickling, and a pickled memory map would carry
    the whole array.

    Parameters
    ----------
    path : Path
        An npy file of rows; or any file, if there is a place.
    place : (int, (int, int)), optional
        Where in the file the rows begin, in bytes, and their number and width.
    """

    def __init__(
        self, path: Path, place: tuple[int, tuple[int, int]] | None = None
    ) -> None:
        self.path, self.place = path, place
        self._array: np.ndarray | None = None

    def take(self, index: Tensor) -> Tensor:
        """Rows at ``index``, (n,), on the CPU: uint8 (n, bytes of a picture)."""
        if self._array is None:
            if self.place is None:
                self._array = np.load(self.path, mmap_mode="r", allow_pickle=False)
            else:
                offset, shape = self.place
                self._array = np.memmap(self.path, np.uint8, "r", offset, shape)
        return torch.from_numpy(self._array[index.cpu().numpy()])

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "place": self.place, "_array": None}


class _Contents:
    """An open official file: its pictures' shape and type, and ways to read it."""

    # Of the unpacked array's name, where a file can be read in several ways.
    variant = ""

    def __init__(self, path: Path, pictures: str, shape: tuple[int, ...], dtype: Any):
        self.path = path
        self.pictures = pictures
        self.shape = shape
        self.dtype = np.dtype(dtype)

    def state(self) -> str:
        """What changes when the file does: the unpacked array is then made anew."""
        status = self.path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"

    def slabs(self) -> Iterator[np.ndarray]:
        """All pictures in order, some thousands at a time."""
        raise TypeError(f"{type(self).__name__} must define slabs")

    def placed(self) -> Iterator[tuple[int, np.ndarray]]:
        """All pictures, some at a time, each time with the number of the first."""
        first = 0
        for slab in self.slabs():
            yield first, slab
            first += len(slab)

    def labels(self, key: str) -> np.ndarray:
        """The whole array called ``key``."""
        raise TypeError(f"{type(self).__name__} must define labels")


class _Npz(_Contents):
    def __init__(self, path: Path, pictures: str, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        with self._member(path, pictures) as member:
            shape, dtype = _read_header(member, path, pictures)
        super().__init__(path, pictures, shape, dtype)

    def _member(self, path: Path, key: str) -> Any:
        if f"{key}.npy" not in self.archive.namelist():
            keys = [name.removesuffix(".npy") for name in self.archive.namelist()]
            raise _missing(path, key, keys)
        return self.archive.open(f"{key}.npy")

    def slabs(self) -> Iterator[np.ndarray]:
        with self._member(self.path, self.pictures) as member:
            shape, dtype = _read_header(member, self.path, self.pictures)
            left, picture = shape[0], int(np.prod(shape[1:]))
            while left:
                n = min(left, SLAB)
                raw = member.read(n * picture * dtype.itemsize)
                if len(raw) < n * picture * dtype.itemsize:
                    raise zipfile.BadZipFile(f"{self.pictures} ends early")
                yield np.frombuffer(raw, dtype).reshape(n, *shape[1:])
                left -= n
            # The checksum is looked at where the member ends, and not before.
            member.read(1)

    def place(self) -> int | None:
        """Byte of the file at which the pictures begin, if they are stored as are.

        Raises
        ------
        DataError
            If the file ends before they do.
        """
        info = self.archive.getinfo(f"{self.pictures}.npy")
        if info.compress_type != zipfile.ZIP_STORED:
            return None
        with open(self.path, "rb") as file:
            # A member's own header repeats its name, and has an extra field of its
            # own length: both lengths are its last numbers.
            file.seek(info.header_offset + 26)
            name, extra = struct.unpack("<HH", file.read(4))
            file.seek(name + extra, os.SEEK_CUR)
            _read_header(file, self.path, self.pictures)
            start = file.tell()
        end = start + int(np.prod(self.shape))
        if end > self.path.stat().st_size:
            raise _broken(self.path, "its pictures end early")
        return start

    def labels(self, key: str) -> np.ndarray:
        with self._member(self.path, key) as member:
            try:
                return npy.read_array(member, allow_pickle=False)
            except ValueError as error:
                raise DataError(
                    f"{self.path}: {key} is not a plain array of numbers ({error})"
                ) from error


class _Hdf5(_Contents):
    def __init__(self, path: Path, pictures: str, file: h5py.File) -> None:
        self.file = file
        data = self._data(path, pictures)
        super().__init__(path, pictures, data.shape, data.dtype)

    def _data(self, path: Path, key: str) -> h5py.Dataset:
        data = self.file.get(key)
        if not isinstance(data, h5py.Dataset):
            keys: list[str] = []
            self.file.visit(keys.append)
            raise _missing(path, key, keys)
        return data

    def slabs(self) -> Iterator[np.ndarray]:
        data = self._data(self.path, self.pictures)
        # Whole blocks of the file, so that each is unpacked exactly once.
        block = data.chunks[0] if data.chunks else SLAB
        step = block * max(1, SLAB // block)
        for start in range(0, len(data), step):
            yield data[start : start + step]

    def labels(self, key: str) -> np.ndarray:
        return self._data(self.path, key)[()]


@contextmanager
def _open_npz(path: Path, pictures: str) -> Iterator[_Contents]:
    _check_exists(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield _Npz(path, pictures, archive)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        if _beginning(path) != b"PK\x03\x04":
            raise _wrong_kind(path, "an npz (zip) file") from error
        why = "its end is missing" if "not a zip" in str(error) else str(error)
        raise _broken(path, why) from error


@contextmanager
def _open_hdf5(path: Path, pictures: str) -> Iterator[_Contents]:
    _check_exists(path)
    if not h5py.is_hdf5(path):
        raise _wrong_kind(path, "an HDF5 file")
    try:
        # No lock: the file is only read, and network folders refuse locks.
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise _broken(path, str(error)) from error
    with file:
        try:
            yield _Hdf5(path, pictures, file)
        except OSError as error:
            raise _broken(path, str(error)) from error


def _read_header(
    member: Any, path: Path, key: str
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of an npy stream, which is left at its first value."""
    try:
        version = npy.read_magic(member)
        read = {
            (1, 0): npy.read_array_header_1_0,
            (2, 0): npy.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read(member)
    except (ValueError, KeyError, struct.error) as error:
        raise DataError(f"{path}: {key} is not a numpy array ({error})") from error
    if fortran or dtype.hasobject:
        order = "Fortran" if fortran else "C"
        raise DataError(
            f"{path}: {key} is stored in {order} order as {dtype}; the official file "
            "has C order and uint8"
        )
    return shape, dtype


def _check_exists(path: Path) -> None:
    if not path.is_file():
        raise DataError(
            f"there is no file {path}; `dlib data get` fetches the official ones"
        )


def _check_pictures(file: _Contents, shape: tuple[int, ...]) -> None:
    if file.shape != shape or file.dtype != np.uint8:
        raise DataError(
            f"{file.path}: {file.pictures} has shape {file.shape} and type "
            f"{file.dtype}, where the official file has {shape} and uint8; is it "
            "the file of another data set?"
        )


def _check_labels(
    path: Path, key: str, labels: np.ndarray, space: FactorSpace, constants: int
) -> None:
    """Raise unless row i of the labels is point i of the space's grid.

    The labels' own units do not matter: only which value follows which.
    """
    expected = (len(space), constants + len(space.sizes))
    if labels.shape != expected:
        raise DataError(
            f"{path}: {key} has shape {labels.shape}, where the official file has "
            f"{expected}"
        )
    grid = space.grid().numpy()
    for column, name in enumerate(space.names):
        _, index = np.unique(labels[:, constants + column], return_inverse=True)
        if not np.array_equal(index.reshape(-1), grid[:, column]):
            raise DataError(
                f"{path}: {key} does not run through {name} in the official order "
                f"({space}, the last fastest)"
            )


def _unpack(
    file: _Contents,
    space: FactorSpace,
    labels: str | None,
    constants: int,
    bits: bool,
) -> Path:
    """Write a file's pictures as rows into the cache, unless they are there.

    Memory stays at a few hundred megabytes. The rows appear under their own name
    only when they are complete; of two processes that start at once, the second
    waits for the first.
    """
    folder = cache_folder() / "unpacked"
    place = f"{file.path.stem}{file.variant}-{_digest(str(file.path.resolve()))}"
    state = _digest(f"{file.state()} {space.sizes}")
    target = folder / f"{place}-{state}.npy"
    if _is_whole(target, file.shape, bits):
        return target
    if labels is not None:
        _check_labels(file.path, labels, file.labels(labels), space, constants)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{place}.lock"):
            if not _is_whole(target, file.shape, bits):
                _write_rows(file, folder / f"{place}.partial", target, bits)
                for older in folder.glob(f"{place}-*.npy"):
                    if older != target:
                        older.unlink(missing_ok=True)
    except OSError as error:
        # A read error of HDF5 has no number; it is for the file's opener to explain.
        if error.errno is None:
            raise
        raise disk_error(error, folder, f"unpack {file.path.name}") from error
    return target


def _row_bytes(shape: tuple[int, ...], bits: bool) -> int:
    return int(np.prod(shape[1:])) // (8 if bits else 1)


def _is_whole(target: Path, shape: tuple[int, ...], bits: bool) -> bool:
    """Whether the rows are there and, after a power cut, all of them."""
    if not target.is_file():
        return False
    return target.stat().st_size > shape[0] * _row_bytes(shape, bits)


def _write_rows(file: _Contents, partial: Path, target: Path, bits: bool) -> None:
    n, row = file.shape[0], _row_bytes(file.shape, bits)
    partial.unlink(missing_ok=True)  # of a process that was killed
    check_room(partial.parent, n * row, f"unpacking {file.path.name}")
    bar = tqdm(
        desc=f"unpacking {file.path.name}, once",
        total=n,
        unit=" images",
        unit_scale=True,
        leave=False,
    )
    try:
        # Written, not mapped: a full disk is then an error and not a crash.
        with bar, open(partial, "wb") as out:
            npy.write_array_header_1_0(
                out, {"descr": "|u1", "fortran_order": False, "shape": (n, row)}
            )
            start = out.tell()
            for first, slab in file.placed():
                rows = slab.reshape(len(slab), -1)
                if bits:
                    if rows.max(initial=0) > 1:
                        raise DataError(
                            f"{file.path}: {file.pictures} has values up to "
                            f"{rows.max()}, where the official file has 0 and 1"
                        )
                    rows = np.packbits(rows, axis=1)
                out.seek(start + first * row)
                out.write(np.ascontiguousarray(rows).data)
                bar.update(len(slab))
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    log.info("unpacked %s into %s", file.path, target)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _beginning(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(4)


def _missing(path: Path, key: str, keys: list[str]) -> DataError:
    there = ", ".join(keys) or "nothing"
    return DataError(
        f"{path} has no {key!r}; there is {there}. Is it the file of another data set?"
    )


def _wrong_kind(path: Path, kind: str) -> DataError:
    return DataError(
        f"{path} is not {kind}: it has {path.stat().st_size:,} bytes and begins with "
        f"{_beginning(path)!r}. Delete it and fetch it again (dlib data get)"
    )


def _broken(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} is truncated or damaged ({why}). Delete it and fetch it again "
        "(dlib data get)"
    )
