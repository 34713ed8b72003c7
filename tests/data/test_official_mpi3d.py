"""The reader of MPI3D: a full-sized file within little memory, and broken ones."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib import format as npy

from dlib.data import load
from dlib.data.download import DataError
from dlib.data.factors import Factor, FactorSpace
from dlib.data.mpi3d import SPACE
from dlib.data.official import OfficialMPI3D

SIZES = (2, 3, 1, 2, 1, 3, 2)
THIN = FactorSpace(
    [
        Factor(f.name, f.values[:n], f.kind, f.labels[:n])
        for f, n in zip(SPACE.factors, SIZES, strict=True)
    ]
)
ROW = 64 * 64 * 3


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pictures() -> np.ndarray:
    shape = (len(THIN), 64, 64, 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def sparse(path: Path, rows: dict[int, np.ndarray]) -> Path:
    """A stored npz of all 1,036,800 pictures, of which only ``rows`` are written.

    The others are a hole in the file: it says 12.7 GB and takes some kilobytes.
    """
    shape = (len(SPACE), 64, 64, 3)
    info = zipfile.ZipInfo("images.npy")
    info.CRC = info.header_offset = 0  # the checksum is never looked at
    with open(path, "w+b") as file:
        place = len(info.FileHeader(zip64=True))
        file.seek(place)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(file, header)
        first = file.tell()
        for index, row in rows.items():
            file.seek(first + index * ROW)
            file.write(row.tobytes())
        end = first + len(SPACE) * ROW
        info.file_size = info.compress_size = end - place
        file.seek(0)
        file.write(info.FileHeader(zip64=True))
        file.seek(end)
        with zipfile.ZipFile(file, "w") as archive:  # writes its directory here
            archive.filelist.append(info)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_file_gives_back_what_was_written(
    tmp_path: Path, save: object, cache: Path, device: torch.device
) -> None:
    written = pictures()
    path = tmp_path / "mpi3d_toy.npz"
    save(path, images=written)  # type: ignore[operator]
    dataset = OfficialMPI3D(path, device, THIN)
    images = dataset.render(THIN.grid(device).flip(0))
    expected = torch.from_numpy(written).permute(0, 3, 1, 2).flip(0)
    assert torch.equal(images.cpu(), expected)
    assert (dataset.name, dataset.source) == ("mpi3d", "official")
    # What is stored as it is needs no copy.
    copies = [p for p in cache.rglob("*.npy") if p.is_file()]
    assert len(copies) == (save is np.savez_compressed)


def test_load_finds_the_file(tmp_path: Path) -> None:
    row = pictures()[0]
    sparse(tmp_path / "mpi3d_toy.npz", {5: row})
    dataset = load("mpi3d", root=tmp_path)
    assert dataset.source == "official" and len(dataset) == 1_036_800
    image, _ = dataset[5]
    assert torch.equal(image, torch.from_numpy(row).permute(2, 0, 1))
    assert load("mpi3d", root=tmp_path / "nowhere").source == "twin"


def test_a_full_sized_file_is_read_with_little_memory(tmp_path: Path) -> None:
    """In a process of its own, whose peak counts torch and Python too.

    Linux hands the peak that ``getrusage`` tells on to a child; VmHWM starts anew.
    """
    if not Path("/proc/self/status").is_file():
        pytest.skip("no /proc here: a process's own peak is not to be had")
    last = len(SPACE) - 1
    row = pictures()[1]
    path = sparse(tmp_path / "mpi3d_toy.npz", {0: row, last: row[::-1]})
    assert path.stat().st_size > 12_740_000_000
    code = f"""
import torch
from dlib.data.official import OfficialMPI3D
dataset = OfficialMPI3D({str(path)!r})
images, factors = dataset.sample(2_000, torch.Generator().manual_seed(0))
ends = dataset.images(torch.tensor([0, {last}])).sum((1, 2, 3))
print(len(images), *ends.tolist())
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) // 1024)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    shown, megabytes = ran.stdout.splitlines()
    total = int(row.sum(dtype=np.int64))
    assert shown == f"2000 {total} {total}"
    print(f"peak memory of the reading process: {megabytes} MB")
    assert int(megabytes) < 1000


def test_a_file_that_ends_early_is_refused(tmp_path: Path) -> None:
    path = sparse(tmp_path / "mpi3d_toy.npz", {})
    with open(path, "r+b") as file:
        file.truncate(5_000_000_000)
    with pytest.raises(DataError, match="is truncated or damaged"):
        OfficialMPI3D(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mpi3d_toy.npz"
    with pytest.raises(DataError, match="there is no file"):
        OfficialMPI3D(path)
    path.write_bytes(b"<html>404")
    with pytest.raises(DataError, match=r"is not an npz \(zip\) file"):
        OfficialMPI3D(path)
    np.savez(path, imgs=pictures())
    with pytest.raises(DataError, match="has no 'images'; there is imgs"):
        OfficialMPI3D(path, space=THIN)
    # disentanglement_lib's "mpi3d_toy" is the challenge's file of 460,800 pictures.
    np.savez(path, images=pictures()[:-1])
    with pytest.raises(DataError, match=r"shape \(71, 64, 64, 3\)"):
        OfficialMPI3D(path, space=THIN)
    np.savez(path, images=pictures().astype(np.float32))
    with pytest.raises(DataError, match="type float32, where the official file has"):
        OfficialMPI3D(path, space=THIN)


def test_a_directory_that_says_more_than_the_file_has_is_refused(
    tmp_path: Path,
) -> None:
    """The archive's directory is whole, and pictures before it are missing."""
    path = tmp_path / "mpi3d_toy.npz"
    written = pictures()
    np.savez(path, images=written)
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("images.npy")
    with open(path, "wb") as file:
        file.write(info.FileHeader())
        header = {"descr": "|u1", "fortran_order": False, "shape": written.shape}
        npy.write_array_header_1_0(file, header)
        file.write(written[:3].tobytes())
        with zipfile.ZipFile(file, "w") as archive:
            archive.filelist.append(info)
    with pytest.raises(DataError, match="its pictures end early"):
        OfficialMPI3D(path, space=THIN)
