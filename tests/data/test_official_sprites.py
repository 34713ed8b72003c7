"""The reader of the official Sprites, on small archives and folders; broken ones."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Sequence
from functools import cache as cache_calls
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from scipy.io import savemat

from dlib.data import DataError, official_sprites
from dlib.data.download import official_file
from dlib.data.official_sprites import FRAMES, OfficialSprites, Published
from dlib.data.sprites_space import CHARACTERS, POSES, SPACE

COUNTS = (1,) * 16 + (3,) + (2,) * 4  # frames of each animation
POSES_HERE = sum(COUNTS)
FEW = Published(6, COUNTS, (3, 1, 2))
LABELS = np.array(
    [
        [0, 3, 2, 5, 1, 0, 0],
        [0, 3, 2, 5, 1, 0, 1],
        [1, 0, 1, 2, 0, 1, 0],
        [1, 2, 0, 0, 1, 1, 1],
        [0, 1, 1, 4, 0, 0, 0],
        [1, 1, 0, 1, 0, 1, 1],
    ]
)
SPLITS: dict[str, Any] = {"trainidx": [[6, 1, 3]], "validx": [[2]], "testidx": [[4, 5]]}
HEADER = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(128)
FOLDER = "data/sprites"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# --- writing files of the official formats ----------------------------------


def pictures(character: int, poses: int = POSES_HERE) -> np.ndarray:
    """A character's frames, uint8 (poses, 3, 60, 60): each another, none symmetric."""
    out = np.zeros((poses, 3, 60, 60), np.uint8)
    out[:, 0, :10] = 200  # red above
    out[:, 1, :, :20] = 100  # green on the left
    out[:, 2, 40:, 50:] = 20 * character + 1  # blue in the lower right corner
    out[:, 2, 30, 5] = np.arange(poses)
    return out


def animations(
    character: int, counts: Sequence[int] = COUNTS, dtype: Any = np.float64
) -> list[np.ndarray]:
    """As h5py sees MATLAB's matrices: a frame a row, column after column of it."""
    frames = pictures(character, sum(counts)).transpose(0, 1, 3, 2) / 255
    rows = frames.reshape(len(frames), -1).astype(dtype)
    return np.split(rows, np.cumsum(counts)[:-1])


def mat(cells: Sequence[np.ndarray], labels: Any) -> bytes:
    """A file of MATLAB 7.3: cells are references into a group of their own."""
    out = io.BytesIO()
    with h5py.File(out, "w", userblock_size=512) as file:
        references = file.create_group("#refs#")
        for key in ("masks", "sprites"):
            data = file.create_dataset(key, (len(cells), 1), h5py.ref_dtype)
            for i, cell in enumerate(cells):
                values = cell if key == "sprites" else cell[:, :3600]
                matrix = references.create_dataset(
                    f"{key}{i}", data=values, compression="gzip", compression_opts=1
                )
                data[i, 0] = matrix.ref
        file["labels"] = labels
    content = out.getvalue()
    return HEADER + content[len(HEADER) :]


@cache_calls
def character(number: int, more: int = 0) -> bytes:
    """A whole file; ``more`` is added to the labels."""
    return mat(animations(number), LABELS[number][:, None] + float(more))


def changed(number: int, change: Any) -> bytes:
    """A character's file with a change made to it."""
    out = io.BytesIO(character(number))
    with h5py.File(out, "r+") as file:
        change(file)
    return out.getvalue()


def splits(lists: dict[str, Any] = SPLITS) -> bytes:
    out = io.BytesIO()
    savemat(out, lists)
    return out.getvalue()


Files = dict[str, bytes]


def files(more: int = 0) -> Files:
    """By name, the splits last, as in an archive in the order of names."""
    named = {f"sprites_{i}.mat": character(i, more) for i in (1, 0, 5, 2, 4, 3)}
    return {**named, "sprites_splits.mat": splits()}


Members = Sequence[tuple[tarfile.TarInfo, bytes]]


def member(name: str, content: bytes = b"", **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def archive(tmp_path: Path, named: Files | None = None, more: Members = ()) -> Path:
    """The archive of some files, ``more`` before them."""
    path = tmp_path / "data" / official_file("sprites").filename
    path.parent.mkdir(exist_ok=True)
    named = files() if named is None else named
    with tarfile.open(path, "w:gz", compresslevel=1) as out:
        out.addfile(member("data", type=tarfile.DIRTYPE))
        out.addfile(member(FOLDER, type=tarfile.DIRTYPE))
        for info, content in more:
            out.addfile(info, io.BytesIO(content))
        for name, content in named.items():
            out.addfile(member(f"{FOLDER}/{name}", content), io.BytesIO(content))
    return path


def unpacked(tmp_path: Path, named: Files | None = None) -> Path:
    """The folder of some files."""
    path = tmp_path / "data" / "sprites"
    path.mkdir(parents=True)
    for name, content in (files() if named is None else named).items():
        (path / name).write_bytes(content)
    return path


def opened(path: Path, **options: Any) -> OfficialSprites:
    return OfficialSprites(path, published=FEW, **options)


def left_over(cache: Path) -> list[Path]:
    """Files in the cache, but for the empty ones that are only locked."""
    found = [path for path in cache.rglob("*") if path.is_file()]
    return [path for path in found if path.suffix != ".lock"]


def refused(path: Path, cache: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        opened(path)
    assert str(path) in str(caught.value)
    assert official_file("sprites").url in str(caught.value), "what to do"
    assert left_over(cache) == []


# --- what is in order -------------------------------------------------------


@pytest.mark.parametrize("write", [archive, unpacked])
def test_files_give_back_what_was_written(
    tmp_path: Path, device: torch.device, cache: Path, write: Any
) -> None:
    path = write(tmp_path)
    sprites = opened(path, device=device)
    assert (len(sprites), sprites.name, sprites.source) == (
        6 * POSES_HERE, "sprites", "official",
    )  # fmt: skip
    index = torch.arange(len(sprites), device=device)
    images = sprites.images(index)
    assert images.device.type == device.type
    wanted = torch.from_numpy(np.concatenate([pictures(i) for i in range(6)]))
    assert torch.equal(images.cpu(), wanted)
    factors = sprites.factors(index).cpu()
    labels = torch.from_numpy(LABELS).repeat_interleave(POSES_HERE, 0)
    assert torch.equal(factors[:, :7], labels)
    assert factors[:, 7].tolist() == list(range(POSES_HERE)) * 6
    assert sprites.space.names == SPACE.names
    assert sprites.space.sizes == (*SPACE.sizes[:-1], POSES_HERE)
    sprites.space.check(factors)
    square = index[:6].view(2, 3)
    assert torch.equal(sprites.images(square).flatten(0, 1), images[:6])
    assert torch.equal(sprites.factors(square).flatten(0, 1).cpu(), factors[:6])
    assert sprites.images(square[:0]).shape == (0, 3, 3, 60, 60)
    assert str(path) in repr(sprites)
    assert len(left_over(cache)) == 1
    assert sprites.batch(5, torch.Generator(device).manual_seed(0)).labels is None


def test_labels_may_count_from_1(tmp_path: Path) -> None:
    sprites = opened(archive(tmp_path, files(1)))
    points = torch.arange(6) * POSES_HERE
    assert sprites.factors(points)[:, :7].tolist() == LABELS.tolist()


def test_single_precision_and_whole_labels_in_a_row(tmp_path: Path) -> None:
    """MATLAB's other types: no one has said which it is."""
    named = files()
    for i in range(3):
        cells = animations(i, dtype=np.float32)
        named[f"sprites_{i}.mat"] = mat(cells, LABELS[i][None].astype(np.uint8))
    named["sprites_splits.mat"] = splits(
        {key: np.array(value, float).T for key, value in SPLITS.items()}
    )
    sprites = opened(archive(tmp_path, named))
    wanted = torch.from_numpy(pictures(2))
    assert torch.equal(
        sprites.images(torch.arange(POSES_HERE) + 2 * POSES_HERE), wanted
    )
    assert sprites.factors(torch.tensor([POSES_HERE]))[0, :7].tolist() == [*LABELS[1]]


def test_the_official_parts(tmp_path: Path) -> None:
    sprites = opened(archive(tmp_path))
    wanted = {"train": {0, 2, 5}, "valid": {1}, "test": {3, 4}}
    for split, characters in wanted.items():
        part = sprites.published(split)  # type: ignore[arg-type]
        points = part.points(torch.arange(len(part)))
        assert len(part) == len(characters) * POSES_HERE
        assert points.tolist() == [
            c * POSES_HERE + i for c in sorted(characters) for i in range(POSES_HERE)
        ]
        drawn = part.draw(200, torch.Generator().manual_seed(0))
        assert set((drawn // POSES_HERE).tolist()) == characters
        assert repr(part).endswith(f"the official {split}")
    with pytest.raises(ValueError, match="are train, valid, test; got 'val'"):
        sprites.published("val")  # type: ignore[arg-type]


def test_parts_take_the_training_characters_first(tmp_path: Path) -> None:
    sprites = opened(archive(tmp_path))

    def points(start: float, end: float, seed: int = 0) -> list[int]:
        part = sprites.part(start, end, seed)
        found = part.points(torch.arange(len(part)))
        assert part.positions(found).tolist() == list(range(len(part)))
        return found.tolist()

    for seed in (0, 1):
        train, rest = points(0, 3 / 6, seed), points(3 / 6, 1, seed)
        assert {i // POSES_HERE for i in train} == {0, 2, 5}
        assert {i // POSES_HERE for i in rest} == {1, 3, 4}
        assert sorted(train + rest) == list(range(len(sprites)))
        assert {i // POSES_HERE for i in points(3 / 6, 4 / 6, seed)} == {1}
    assert points(0, 1) != points(0, 1, 1)


def test_poses_have_names_where_the_order_is_known(tmp_path: Path) -> None:
    """At the official size, two characters; then in another order."""
    two = Published(2, FRAMES, (1, 1, 0))
    assert sum(FRAMES) == 178 == len(POSES)
    lists = splits({"trainidx": [[1]], "validx": [[2]], "testidx": [[]]})
    with pytest.raises(DataError, match="names no character in testidx"):
        named = {"sprites_splits.mat": lists}
        OfficialSprites(archive(tmp_path, named), published=two)
    three = Published(3, FRAMES, (1, 1, 1))
    lists = splits({"trainidx": [[1]], "validx": [[2]], "testidx": [[3]]})
    for frames in (FRAMES, FRAMES[4:] + FRAMES[:4]):
        named = {
            f"sprites_{i}.mat": mat(animations(i, frames, np.float32), LABELS[i])
            for i in range(3)
        }
        path = archive(tmp_path, {**named, "sprites_splits.mat": lists})
        sprites = OfficialSprites(path, published=three)
        assert len(sprites) == 3 * 178
        assert sprites.space.sizes == SPACE.sizes
        assert torch.equal(sprites[200][0], torch.from_numpy(pictures(1, 178)[22]))
        names = sprites.space.factors[-1].labels
        assert names == (SPACE.factors[-1].labels if frames == FRAMES else ())


def test_other_members_are_passed_over(tmp_path: Path) -> None:
    """The archive holds the paper's other data sets; nothing is ever extracted."""
    names = (
        "data/cars/car_001_mesh.mat", "../../evil.mat", "/tmp/evil.mat",
        "data/shapes48.mat", "data/sprites/._sprites_0.mat", "data/sprites/notes.txt",
        "data/sprites/sprites_0.mat.bak", "data/xsprites/sprites_1.mat",
    )  # fmt: skip
    more = [(member(name, b"x"), b"x") for name in names]
    more.append((member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), b""))
    assert len(opened(archive(tmp_path, more=more))) == 6 * POSES_HERE
    assert not list(tmp_path.rglob("evil.mat"))


def test_the_second_time_nothing_is_read(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = (archive(tmp_path), unpacked(tmp_path))
    before = [opened(path) for path in paths]
    assert len(left_over(cache)) == 2
    monkeypatch.setattr(official_sprites, "read_character", None)
    monkeypatch.setattr(official_sprites, "read_splits", None)
    index = torch.arange(6 * POSES_HERE)
    for path, first in zip(paths, before, strict=True):
        again = opened(path)
        assert torch.equal(again.images(index), first.images(index))
        assert torch.equal(again.factors(index), first.factors(index))
        valid = again.published("valid")
        assert torch.equal(valid[0][0], first[POSES_HERE][0])


def test_a_file_of_the_folder_that_changes_is_read_again(
    tmp_path: Path, cache: Path
) -> None:
    path = unpacked(tmp_path)
    assert opened(path).factors(torch.tensor([0]))[0, 1] == 3
    shutil.copy(path / "sprites_4.mat", path / "sprites_0.mat")
    assert opened(path).factors(torch.tensor([0]))[0, 1] == 1
    assert len(left_over(cache)) == 1


# --- what is not ------------------------------------------------------------


def test_a_missing_file_is_named(tmp_path: Path, cache: Path) -> None:
    for name in ("nothing.tar.gz", "folder/sprites"):
        refused(tmp_path / name, cache, "no such archive or folder")
    whole = files()
    unpacked(tmp_path)
    for name in ("sprites_3.mat", "sprites_splits.mat"):
        part = {key: value for key, value in whole.items() if key != name}
        refused(archive(tmp_path, part), cache, f"has no sprites/{name}")
        folder = tmp_path / "data" / "sprites"
        (folder / name).unlink()
        refused(folder, cache, f"has no {name}")
        (folder / name).write_bytes(whole[name])


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("../sprites/sprites_0.mat", {}, "leads out of the archive"),
        ("data/../../sprites/sprites_0.mat", {}, "leads out of the archive"),
        ("/data/sprites/sprites_0.mat", {}, "leads out of the archive"),
        ("/data/sprites/sprites_splits.mat", {}, "leads out of the archive"),
        (
            f"{FOLDER}/sprites_0.mat",
            {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
            "as something else than a file",
        ),
        (
            f"{FOLDER}/sprites_splits.mat",
            {"type": tarfile.LNKTYPE, "linkname": "data/x"},
            "as something else than a file",
        ),
        (f"{FOLDER}/sprites_0.mat", {"type": tarfile.CHRTYPE}, "else than a file"),
        (f"{FOLDER}/sprites_6.mat", {}, "sprites_0.mat to sprites_5.mat"),
        (f"{FOLDER}/sprites_99999.mat", {}, "sprites_0.mat to sprites_5.mat"),
    ],
)
def test_members_that_should_not_be_there_are_refused(
    tmp_path: Path, cache: Path, name: str, fields: dict[str, Any], message: str
) -> None:
    content = b"" if fields else b"x"
    more = [(member(name, content, **fields), content)]
    refused(archive(tmp_path, more=more), cache, message)


@pytest.mark.parametrize("name", ["sprites_2.mat", "sprites_splits.mat"])
def test_a_file_that_is_there_twice_is_refused(
    tmp_path: Path, cache: Path, name: str
) -> None:
    content = files()[name]
    more = [(member(f"other/sprites/{name}", content), content)]
    refused(archive(tmp_path, more=more), cache, f"has {name} twice")


@pytest.mark.parametrize("write", [archive, unpacked])
def test_a_file_that_is_too_large_is_refused(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, write: Any
) -> None:
    monkeypatch.setattr(official_sprites, "LARGEST_MEMBER", 1000)
    refused(write(tmp_path), cache, "at most 1,000 are read")


def test_an_archive_that_ends_early_is_refused(tmp_path: Path, cache: Path) -> None:
    path = archive(tmp_path)
    content = path.read_bytes()
    for broken in (content[: len(content) // 2], content[:-9], content[:5], b"<html>"):
        path.write_bytes(broken)
        refused(path, cache, "is truncated or damaged")
    path.write_bytes(b"")
    refused(path, cache, "is truncated or damaged|has no sprites")


def _without(key: str) -> Any:
    return lambda file: file.__delitem__(key)


def _replaced(key: str, value: Any) -> Any:
    def change(file: h5py.File) -> None:
        del file[key]
        file[key] = value

    return change


def _animation(change: Any, place: int = 4) -> Any:
    """Another matrix in place of one that is referred to."""

    def changed(file: h5py.File) -> None:
        values = change(file[file["sprites"][place, 0]][()])
        file["another"] = values
        file["sprites"][place, 0] = file["another"].ref

    return changed


def _refers_to_nothing(file: h5py.File) -> None:
    file["sprites"][0, 0] = h5py.Reference()


def _refers_to_a_group(file: h5py.File) -> None:
    file["sprites"][0, 0] = file["#refs#"].ref


def _with(value: float) -> Any:
    def change(cell: np.ndarray) -> np.ndarray:
        cell[0, 77] = value
        return cell

    return _animation(change)


FIRST = LABELS[2].astype(float)  # of the character that is changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without("sprites"), "has no 'sprites'; there is #refs#, labels, masks"),
        (_without("labels"), "has no 'labels'; there is"),
        (_replaced("sprites", np.zeros((21, 1))), r"sprites of shape \(21, 1\) and ty"),
        (_refers_to_nothing, "truncated, damaged or no MATLAB"),
        (_refers_to_a_group, "has no matrix as animation 0"),
        (_animation(lambda cell: cell[:, :-1]), r"of shape \(1, 10799\)"),
        (_animation(lambda cell: cell.T), r"of shape \(10800, 1\)"),
        (_animation(lambda cell: cell[None]), r"of shape \(1, 1, 10800\)"),
        (_animation(lambda cell: (255 * cell).astype(np.uint8)), "and type uint8"),
        (_animation(lambda cell: cell.repeat(2, 0)), "animations of .* frames, where"),
        (_animation(lambda cell: cell[:0]), "animations of 0, 1, 1, .* frames, where"),
        (_with(1.01), "values from 0.0 to 1.01, where"),
        (_with(-0.01), "values from -0.01 to"),
        (_with(np.nan), "values from nan to nan"),
        (_with(np.inf), "values from 0.0 to inf"),
        (_replaced("labels", FIRST[:6]), r"labels of shape \(6,\), where .* 7 of them"),
        (_replaced("labels", FIRST + 0.5), "labels that are no whole numbers"),
        (_replaced("labels", FIRST * np.nan), "labels that are no whole numbers"),
        (_replaced("labels", FIRST + 1e300), "labels that are no whole numbers"),
        (_replaced("labels", ["a"] * 7), "labels that are no whole numbers"),
        (
            _replaced("labels", [1, 0, 1, 2, 0, 1, 2]),
            "has 2 as its label of weapon, wh",
        ),
        (
            _replaced("labels", [1, 4, 1, 2, 0, 1, 1]),
            "4 as its label of skin, .* 0 to 3",
        ),
        (_replaced("labels", [1, 0, -1, 2, 0, 1, 1]), "has -1 as its label of vest"),
    ],
)
def test_a_character_that_does_not_fit_is_refused(
    tmp_path: Path, cache: Path, change: Any, message: str
) -> None:
    named = {**files(), "sprites_2.mat": changed(2, change)}
    refused(archive(tmp_path, named), cache, f"sprites_2.mat .*{message}")


def test_a_character_that_ends_early_is_refused(tmp_path: Path, cache: Path) -> None:
    whole = character(2)
    damaged = bytearray(whole)
    damaged[len(whole) // 2 :] = bytes(len(whole) - len(whole) // 2)
    folder = unpacked(tmp_path)
    for content in (whole[:-100], whole[:1000], b"", b"<html>404", bytes(damaged)):
        named = {**files(), "sprites_2.mat": content}
        message = "sprites_2.mat (is truncated, damaged or no MATLAB|has no 'sprites')"
        refused(archive(tmp_path, named), cache, message)
        (folder / "sprites_2.mat").write_bytes(content)
        refused(folder, cache, message)


def test_characters_with_animations_in_different_orders_are_refused(
    tmp_path: Path, cache: Path
) -> None:
    other = mat(animations(2, COUNTS[::-1]), LABELS[2])
    named = {**files(), "sprites_2.mat": other}
    message = "sprites_1.mat and sprites_2.mat have their animations in different"
    refused(archive(tmp_path, named), cache, message)


def test_labels_that_count_from_0_and_from_1_are_refused(
    tmp_path: Path, cache: Path
) -> None:
    named = {**files(), "sprites_5.mat": character(5, 1)}
    refused(
        archive(tmp_path, named), cache, r"sprites_5\.mat has 2 as its label of bod"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validx": [[1]]}, "names character 1 2 times, where each of the 6 is"),
        ({"validx": [[2, 2]]}, "names character 2 2 times"),
        ({"testidx": [[4]]}, "names character 5 0 times"),
        ({"testidx": [[4, 7]]}, "names character 7, where they are numbered from 1"),
        ({"testidx": [[4, 0]]}, "names character 0, where they are numbered from 1 to"),
        ({"testidx": [[4, 5.5]]}, "testidx that are no whole numbers"),
        ({"testidx": [[4, np.nan]]}, "testidx that are no whole numbers"),
        ({"testidx": [["ab"]]}, "testidx that are no whole numbers"),
        ({"testidx": [[]]}, "names no character in testidx"),
        ({"testidx": None}, "has no 'testidx'"),
    ],
)
def test_splits_that_do_not_fit_are_refused(
    tmp_path: Path, cache: Path, change: dict[str, Any], message: str
) -> None:
    lists = {k: v for k, v in {**SPLITS, **change}.items() if v is not None}
    named = {**files(), "sprites_splits.mat": splits(lists)}
    refused(archive(tmp_path, named), cache, rf"sprites_splits\.mat .*{message}")


def test_damaged_splits_are_refused(tmp_path: Path, cache: Path) -> None:
    for content in (b"<html>404", b"", bytes(300), splits()[:150], character(0)):
        named = {**files(), "sprites_splits.mat": content}
        message = (
            "sprites_splits.mat (cannot be read as a MATLAB file|has no 'trainidx')"
        )
        refused(archive(tmp_path, named), cache, message)


def test_splits_of_other_sizes_are_refused(tmp_path: Path, cache: Path) -> None:
    lists = splits({"trainidx": [[6, 1]], "validx": [[2, 3]], "testidx": [[4, 5]]})
    message = (
        r"has \[2, 2, 2\] characters in trainidx.* where \[3, 1, 2\] are published"
    )
    refused(archive(tmp_path, {"sprites_splits.mat": lists}), cache, message)


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path)
    free = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(DataError, match=r"unpacking nips2015.* needs .* make room"):
        opened(path)
    assert left_over(cache) == []


def test_the_official_sizes_fit_the_last_row() -> None:
    assert len(FRAMES) + 8 * CHARACTERS <= 3 * 60 * 60
    assert CHARACTERS * sum(FRAMES) == 119_616
