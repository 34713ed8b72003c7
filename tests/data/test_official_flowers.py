"""The reader of the official flowers, on small archives; and broken ones."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat

from dlib.data import DataError, load, official_flowers
from dlib.data.download import OfficialFile, official_files
from dlib.data.official_flowers import OfficialFlowers, Published

N = 7
LABELS = np.array([[3, 1, 2, 2, 3, 1, 1]], np.uint8)
SPLITS = {"trnid": [[2, 7]], "valid": [[5]], "tstid": [[1, 3, 4, 6]]}
FILES = official_files("flowers")
ARCHIVE, IMAGELABELS, SETID = FILES


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def photograph(number: int, width: int = 96, height: int = 64) -> bytes:
    """A JPEG: one colour in its largest square, another on either side.

    They meet where its blocks of 8 x 8 pixels do, or they would mix.
    """
    pixels = np.full((height, width, 3), 255, np.uint8)
    left = (width - height) // 2
    pixels[:, left : left + height] = (20 * number, 100, 200 - 20 * number)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def member(name: str, content: bytes = b"", **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


Members = Iterable[tuple[tarfile.TarInfo, bytes]]


def photographs(numbers: Iterable[int] = (4, 1, 7, 2, 3, 6, 5)) -> Members:
    """As in the official archive: a folder, and photographs in no order."""
    yield member("jpg", type=tarfile.DIRTYPE), b""
    for number in numbers:
        content = photograph(number)
        yield member(f"jpg/image_{number:05d}.jpg", content), content


def published(folder: Path) -> Published:
    """The files that are there, as if they were what was published."""

    def now(file: OfficialFile) -> OfficialFile:
        path = folder / file.filename
        content = path.read_bytes() if path.is_file() else b""
        digest = hashlib.md5(content).hexdigest()
        return replace(file, checksum=f"md5:{digest}", size=len(content))

    return Published(tuple(now(file) for file in FILES), N, 3)


def write(
    folder: Path,
    members: Members | None = None,
    labels: np.ndarray | None = LABELS,
    splits: dict[str, Any] | None = None,
) -> Path:
    """Three files in the official formats."""
    folder.mkdir(exist_ok=True)
    path = folder / ARCHIVE.filename
    with tarfile.open(path, "w:gz") as archive:
        for info, content in photographs() if members is None else members:
            archive.addfile(info, io.BytesIO(content))
    if labels is not None:
        savemat(folder / IMAGELABELS.filename, {"labels": labels})
    savemat(folder / SETID.filename, SPLITS if splits is None else splits)
    return path


def opened(path: Path, size: int = 16, **options: Any) -> OfficialFlowers:
    return OfficialFlowers(path, size, published=published(path.parent), **options)


def left_over(cache: Path) -> list[Path]:
    """Files in the cache, but for the empty ones that are only locked."""
    files = [path for path in cache.rglob("*") if path.is_file()]
    return [path for path in files if path.suffix != ".lock"]


def refused(path: Path, cache: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        opened(path)
    assert "fetch it again (dlib data get" in str(caught.value)
    assert left_over(cache) == []


# --- what is in order -------------------------------------------------------


def test_files_give_back_what_was_written(
    tmp_path: Path, device: torch.device, cache: Path
) -> None:
    path = write(tmp_path / "data")
    flowers = opened(path, device=device)
    assert (len(flowers), flowers.name, flowers.source) == (7, "flowers", "official")
    images = flowers.images(torch.arange(N, device=device))
    assert images.shape == (N, 3, 16, 16) and images.device.type == device.type
    # The white on either side is cropped, and each is in its own place.
    wanted = torch.tensor([[20 * i, 100, 200 - 20 * i] for i in range(1, N + 1)])
    difference = (images.cpu() - wanted[:, :, None, None]).abs()
    # The filter looks a little beyond the square's edge.
    assert difference.max() < 20 and difference[:, :, :, 2:-2].max() <= 4
    species = flowers.factors(torch.arange(N, device=device))
    assert species[:, 0].tolist() == [2, 0, 1, 1, 2, 0, 0]
    assert flowers.space.names == ("species",)
    assert flowers.space.factors[0].values == (1, 2, 3)
    batch = flowers.batch(5, torch.Generator(device).manual_seed(0))
    assert batch.labels is not None and batch.images.shape == (5, 3, 16, 16)
    square = torch.arange(6, device=device).view(2, 3)
    assert torch.equal(flowers.images(square).flatten(0, 1), images[:6])
    assert flowers.factors(square).shape == (2, 3, 1)
    assert flowers.images(square[:0]).shape == (0, 3, 3, 16, 16)
    assert str(path) in repr(flowers)
    assert len(left_over(cache)) == 1


def test_the_official_parts(tmp_path: Path) -> None:
    flowers = opened(write(tmp_path))
    parts = {name: flowers.published(name) for name in ("train", "valid", "test")}
    assert {name: len(part) for name, part in parts.items()} == {
        "train": 2, "valid": 1, "test": 4,
    }  # fmt: skip
    test = parts["test"]
    assert test.points(torch.arange(4)).tolist() == [0, 2, 3, 5]
    assert test.positions(torch.arange(7)).tolist() == [0, -1, 1, 2, -1, 3, -1]
    image, factors = test[3]
    assert torch.equal(image, flowers[5][0]) and factors.tolist() == [0]
    generator = torch.Generator().manual_seed(0)
    index = test.draw(50, generator)
    assert set(index.tolist()) == {0, 2, 3, 5}
    other = test.sharing(index, [0], generator)
    assert torch.equal(test.factors(other), test.factors(index))
    assert (test.positions(other) >= 0).all()
    assert repr(test).endswith("the official test")
    assert [len(part) for part in test.split((0.5, 0.5))] == [2, 2]
    with pytest.raises(ValueError, match="are train, valid, test; got 'val'"):
        flowers.published("val")  # type: ignore[arg-type]


def test_sizes_are_kept_beside_each_other(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "data")
    assert opened(path, 16).images(torch.arange(2)).shape == (2, 3, 16, 16)
    assert opened(path, 24).images(torch.arange(2)).shape == (2, 3, 24, 24)
    assert len(left_over(cache)) == 2
    # Neither is read again.
    monkeypatch.setattr(official_flowers.tarfile, "open", None)
    for size in (16, 24):
        assert opened(path, size)[0][0].shape == (3, size, size)


def test_load_finds_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "data")
    defaults = (64, "cpu", published(path.parent))
    monkeypatch.setattr(OfficialFlowers.__init__, "__defaults__", defaults)
    for size in (64, 32):
        flowers = load("flowers", size=size, root=path.parent)
        assert (flowers.source, flowers.size, len(flowers)) == ("official", size, N)
    assert load("flowers", root=path.parent).size == 64
    assert load("flowers", root=tmp_path, size=16).source == "twin"
    for file in (IMAGELABELS, SETID):
        (path.parent / file.filename).unlink()
    assert load("flowers", root=path.parent).source == "twin"
    with pytest.raises(
        DataError, match=r"no imagelabels\.mat, setid\.mat in .*get flowers.*twin"
    ):
        load("flowers", source="official", root=path.parent)


# --- what is not ------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(
    tmp_path: Path, cache: Path, file: OfficialFile
) -> None:
    path = write(tmp_path / "data")
    files = published(path.parent)
    (path.parent / file.filename).unlink()
    with pytest.raises(DataError, match=rf"there is no .*{file.filename}.*data get"):
        OfficialFlowers(path, 16, published=files)
    assert left_over(cache) == []


@pytest.mark.parametrize("file", FILES)
def test_other_files_than_the_published_ones_are_refused(
    tmp_path: Path, cache: Path, file: OfficialFile
) -> None:
    path = write(tmp_path / "data")
    files = published(path.parent)
    changed = path.parent / file.filename
    content = changed.read_bytes()
    changed.write_bytes(content[:-20])
    with pytest.raises(DataError, match=r"bytes, and the published one .*again"):
        OfficialFlowers(path, 16, published=files)
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match=r"not have the published md5.*again"):
        OfficialFlowers(path, 16, published=files)
    assert left_over(cache) == []
    changed.write_bytes(content)
    assert len(OfficialFlowers(path, 16, published=files)) == N


def extra(name: str, content: bytes = b"", **fields: Any) -> Members:
    """The photographs, and a member among them."""
    head, *rest = photographs()
    return [head, (member(name, content, **fields), content), *rest]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (extra("../../evil.jpg", b"x"), r"holds '\.\./\.\./evil\.jpg', where"),
        (extra("jpg/../../image_00001.jpg", b"x"), "holds .* where the official"),
        (extra("/jpg/image_00001.jpg", b"x"), "holds '/jpg/image_00001.jpg', where"),
        (extra("jpg/image_00008.jpg", b"x"), "to jpg/image_00007.jpg"),
        (extra("jpg/image_00000.jpg", b"x"), "holds 'jpg/image_00000.jpg', where"),
        (extra("jpg/image_00001.jpg\n", b"x"), "where the official archive has"),
        (extra("other", type=tarfile.DIRTYPE), "holds 'other', where the official"),
        (
            extra("jpg/image_00002.jpg", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            "as something else than a plain file",
        ),
        (
            extra("jpg/image_00002.jpg", type=tarfile.LNKTYPE, linkname="jpg/x"),
            "as something else than a plain file",
        ),
        (
            extra("jpg/image_00002.jpg", type=tarfile.CHRTYPE),
            "as something else than a plain file",
        ),
        (extra("jpg/image_00004.jpg", photograph(4)), "00004.jpg' twice"),
        (list(photographs((1, 2, 3, 5, 6, 7))), "6 of 7 .* image_00004.jpg"),
        (list(photographs(())), "has 0 of 7 photographs"),
    ],
)
def test_members_that_are_no_photographs_are_refused(
    tmp_path: Path, cache: Path, members: Members, message: str
) -> None:
    refused(write(tmp_path / "data", members), cache, message)
    assert not (tmp_path / "evil.jpg").exists()


def test_photographs_that_cannot_be_read_are_refused(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = photograph(1)
    png = io.BytesIO()
    Image.new("RGB", (9, 9)).save(png, "PNG")
    for content in (whole[: len(whole) // 2], b"<html>404", b"", png.getvalue()):
        name = "jpg/image_00001.jpg"
        rest = list(photographs((2, 3, 4, 5, 6, 7)))
        members = [*rest, (member(name, content), content)]
        refused(write(tmp_path / "data", members), cache, f"{name}, which is no whole")
    path = write(tmp_path / "data")
    monkeypatch.setattr(official_flowers, "LARGEST_PICTURE", 5000)
    refused(path, cache, "96 x 64 pixels are too many")
    monkeypatch.setattr(official_flowers, "LARGEST_MEMBER", 100)
    refused(path, cache, "at most 100 are read")


def test_an_archive_that_ends_early_is_refused(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "data")
    content = path.read_bytes()
    for broken in (content[: len(content) // 2], content[:5], b"<html>404", b""):
        path.write_bytes(broken)
        refused(path, cache, "is truncated or damaged|photographs")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": LABELS[:, :-1]}, "has 6 labels, and there are 7 photographs"),
        ({"labels": LABELS + 1}, "labels from 2 to 4, where species .* 1 to 3"),
        ({"labels": LABELS - 1}, "labels from 0 to 2"),
        ({"labels": LABELS / 1.5}, "labels is float64, and whole numbers"),
        ({"labels": np.array([["a"] * N])}, "and whole numbers were expected"),
        ({"splits": {**SPLITS, "valid": [[2]]}}, "do not name each of the 7"),
        ({"splits": {**SPLITS, "valid": [[8]]}}, "trnid, valid, tstid do not"),
        ({"splits": {"trnid": [[1]]}}, "has no 'valid'"),
    ],
)
def test_labels_and_splits_that_do_not_fit_are_refused(
    tmp_path: Path, cache: Path, change: dict[str, Any], message: str
) -> None:
    refused(write(tmp_path / "data", **change), cache, message)


def test_a_damaged_matlab_file_is_refused(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "data")
    for content in (b"<html>404", b"", bytes(300)):
        (path.parent / "imagelabels.mat").write_bytes(content)
        refused(path, cache, "cannot be read as a MATLAB file|has no 'labels'")


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "data")
    free = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(
        DataError, match=r"unpacking 102flowers\.tgz needs .* make room"
    ):
        opened(path)
    assert left_over(cache) == []
