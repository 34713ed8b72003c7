"""The readers, on small files in the official formats."""

from __future__ import annotations

import errno
import multiprocessing
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import Pool
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from dlib.data import official
from dlib.data.download import DataError
from dlib.data.dsprites import SPACE as DSPRITES_SPACE
from dlib.data.dsprites import TwinDSprites
from dlib.data.factors import Factor, FactorSpace
from dlib.data.official import OfficialDSprites, OfficialShapes3D
from dlib.data.shapes3d import SPACE as SHAPES3D_SPACE


def thin(space: FactorSpace, sizes: tuple[int, ...]) -> FactorSpace:
    """The same factors with fewer values."""
    return FactorSpace(
        [
            Factor(f.name, f.values[:n], f.kind, f.labels[:n])
            for f, n in zip(space.factors, sizes, strict=True)
        ]
    )


SPRITES = thin(DSPRITES_SPACE, (3, 2, 4, 2, 3))
SHAPES = thin(SHAPES3D_SPACE, (2, 2, 2, 2, 2, 3))


class Unpickled:
    """Notices being unpickled, as the official npz's metadata would be."""

    seen = False

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return _notice, ()


def _notice() -> None:
    Unpickled.seen = True


def sprite_arrays() -> dict[str, np.ndarray]:
    grid = SPRITES.grid()
    images = TwinDSprites().render(grid)[:, 0].numpy() // 255
    constant = np.zeros((len(grid), 1), np.int64)
    classes = np.concatenate([constant, grid.numpy()], axis=1)
    return {"imgs": images, "latents_classes": classes}


def write_sprites(path: Path, **changes: np.ndarray | None) -> Path:
    """A dSprites file in the format of the path's suffix; None drops an array."""
    arrays = {**sprite_arrays(), **changes}
    kept = {key: value for key, value in arrays.items() if value is not None}
    if path.suffix == ".npz":
        metadata = np.array({"x": Unpickled()}, dtype=object)
        np.savez_compressed(path, metadata=metadata, **kept)
    else:
        with h5py.File(path, "w") as file:
            for key, value in kept.items():
                # The official file's blocks hold a few pixels of many pictures.
                chunks = (50, 2, 4) if key == "imgs" and value.ndim == 3 else None
                file.create_dataset(
                    key.replace("latents_", "latents/"),
                    data=value,
                    chunks=chunks,
                    compression="gzip",
                )
    return path


def shapes_images() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (len(SHAPES), 64, 64, 3), dtype=np.uint8)


def write_shapes(path: Path, images: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, chunks=(30, 4, 4, 1))
        values = SHAPES.to_values(SHAPES.grid()).double().numpy()
        file.create_dataset("labels", data=values)
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def left_over(cache: Path) -> list[Path]:
    """Files in the cache, but for the empty ones that are only locked."""
    files = [path for path in cache.rglob("*") if path.is_file()]
    return [path for path in files if path.suffix != ".lock"]


@pytest.mark.parametrize("suffix", [".npz", ".hdf5"])
def test_dsprites_file_gives_back_what_was_written(
    tmp_path: Path, suffix: str, device: torch.device
) -> None:
    path = write_sprites(tmp_path / f"sprites{suffix}")
    dataset = OfficialDSprites(path, device, SPRITES)
    generator = torch.Generator(device).manual_seed(0)
    images, factors = dataset.sample(200, generator)
    assert images.dtype == torch.uint8
    assert images.shape == (200, 1, 64, 64)
    assert images.device.type == device.type
    assert set(images.unique().tolist()) == {0, 255}
    # The thinned space has the first values of each factor, so indices agree.
    assert torch.equal(images.cpu(), TwinDSprites().render(factors.cpu()))
    assert dataset.source == "official"
    assert "official" in repr(dataset)
    assert str(path) in repr(dataset)


def test_shapes3d_file_gives_back_what_was_written(
    tmp_path: Path, device: torch.device
) -> None:
    written = shapes_images()
    path = write_shapes(tmp_path / "shapes.h5", written)
    dataset = OfficialShapes3D(path, device, SHAPES)
    images = dataset.render(SHAPES.grid(device).flip(0))
    expected = torch.from_numpy(written).permute(0, 3, 1, 2).flip(0)
    assert torch.equal(images.cpu(), expected)
    image, factors = dataset[7]
    assert torch.equal(image.cpu(), expected.flip(0)[7])
    assert SHAPES.to_index(factors[None]).item() == 7


def test_spaces_are_those_of_the_published_files() -> None:
    assert DSPRITES_SPACE.names == ("shape", "scale", "orientation", "posX", "posY")
    assert len(DSPRITES_SPACE) == 737_280
    assert SHAPES3D_SPACE.sizes == (10, 10, 10, 8, 4, 15)
    assert len(SHAPES3D_SPACE) == 480_000


def test_metadata_is_never_unpickled(tmp_path: Path) -> None:
    path = write_sprites(tmp_path / "sprites.npz")
    pickle.loads(pickle.dumps(Unpickled()))
    assert Unpickled.seen, "the bait does not work"
    Unpickled.seen = False
    OfficialDSprites(path, space=SPRITES).render(SPRITES.grid())
    assert not Unpickled.seen


def test_pickled_pictures_are_refused(tmp_path: Path) -> None:
    path = write_sprites(tmp_path / "s.npz", imgs=np.array([Unpickled()], object))
    Unpickled.seen = False
    with pytest.raises(DataError, match="imgs is stored in C order as object"):
        OfficialDSprites(path, space=SPRITES)
    assert not Unpickled.seen
    labels = np.array([Unpickled()], object)
    path = write_sprites(tmp_path / "t.npz", latents_classes=labels)
    Unpickled.seen = False
    with pytest.raises(DataError, match="latents_classes is not a plain array"):
        OfficialDSprites(path, space=SPRITES)
    assert not Unpickled.seen


def test_unpacked_once_and_again_when_the_file_changes(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sprites(tmp_path / "sprites.npz")
    OfficialDSprites(path, space=SPRITES)
    first = left_over(cache)
    assert len(first) == 1
    calls = []
    slabs = official._Npz.slabs
    monkeypatch.setattr(
        official._Npz, "slabs", lambda self: calls.append(self) or slabs(self)
    )
    OfficialDSprites(path, space=SPRITES)
    assert calls == []
    write_sprites(path, imgs=1 - sprite_arrays()["imgs"])
    inverse = OfficialDSprites(path, space=SPRITES).render(SPRITES.grid())
    assert len(calls) == 1
    assert torch.equal(255 - inverse, TwinDSprites().render(SPRITES.grid()))
    assert len(left_over(cache)) == 1, "the rows of the older file must go"


def test_what_a_killed_process_left_goes(tmp_path: Path, cache: Path) -> None:
    path = write_sprites(tmp_path / "sprites.npz")
    OfficialDSprites(path, space=SPRITES)
    (rows,) = left_over(cache)
    left = rows.with_name(rows.name.rsplit("-", 1)[0] + ".partial")
    rows.rename(left)
    dataset = OfficialDSprites(path, space=SPRITES)
    assert left_over(cache) == [rows]
    assert torch.equal(
        dataset.render(SPRITES.grid()), TwinDSprites().render(SPRITES.grid())
    )


def test_rows_cut_short_are_written_again(tmp_path: Path, cache: Path) -> None:
    path = write_sprites(tmp_path / "sprites.npz")
    OfficialDSprites(path, space=SPRITES)
    (rows,) = left_over(cache)
    rows.write_bytes(rows.read_bytes()[:1000])
    images = OfficialDSprites(path, space=SPRITES).render(SPRITES.grid())
    assert torch.equal(images, TwinDSprites().render(SPRITES.grid()))


def forked(workers: int) -> Pool:
    """Forked workers with one thread each, as torch's data loader has them.

    A fork does not inherit the parent's threads: a parallel loop in the child
    would wait for them for ever.
    """
    context = multiprocessing.get_context("fork")
    return context.Pool(workers, torch.set_num_threads, (1,))


def _checksum(path: Path) -> int:
    dataset = OfficialDSprites(path, space=SPRITES)
    return int(dataset.render(SPRITES.grid()).long().sum())


def test_two_processes_may_start_at_once(tmp_path: Path, cache: Path) -> None:
    path = write_sprites(tmp_path / "sprites.npz")
    expected = int(TwinDSprites().render(SPRITES.grid()).long().sum())
    with forked(3) as pool:
        assert pool.map(_checksum, [path] * 3, chunksize=1) == [expected] * 3
    assert len(left_over(cache)) == 1


def test_slabs_meet_exactly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(official, "SLAB", 17)
    for suffix in (".npz", ".hdf5"):
        path = write_sprites(tmp_path / f"sprites{suffix}")
        images = OfficialDSprites(path, space=SPRITES).render(SPRITES.grid())
        assert torch.equal(images, TwinDSprites().render(SPRITES.grid()))


def _sum_of(dataset: OfficialShapes3D, row: int) -> int:
    return int(dataset[row][0].long().sum())


def test_threads_forks_and_spawns_see_the_same_pictures(tmp_path: Path) -> None:
    written = shapes_images()
    dataset = OfficialShapes3D(
        write_shapes(tmp_path / "shapes.h5", written), space=SHAPES
    )
    expected = [int(image.astype(np.int64).sum()) for image in written]
    rows = range(len(SHAPES))
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda row: _sum_of(dataset, row), rows)) == expected
    jobs = [(dataset, row) for row in range(4)]
    with forked(2) as pool:
        assert pool.starmap(_sum_of, jobs) == expected[:4]
    # A spawned worker gets a pickled copy: the path, and not the whole array.
    assert len(pickle.dumps(dataset)) < 20_000
    copy = pickle.loads(pickle.dumps(dataset))
    assert _sum_of(copy, 3) == expected[3]


def test_no_official_file_is_held_open(tmp_path: Path) -> None:
    path = write_shapes(tmp_path / "shapes.h5", shapes_images())
    dataset = OfficialShapes3D(path, space=SHAPES)
    before = dataset.render(SHAPES.grid())
    path.unlink()
    assert torch.equal(dataset.render(SHAPES.grid()), before)


# What can be wrong with a file.


def test_missing_file(tmp_path: Path) -> None:
    for path in (tmp_path / "no.npz", tmp_path / "no.hdf5", tmp_path):
        with pytest.raises(DataError, match=r"there is no file .*dlib data get"):
            OfficialDSprites(path, space=SPRITES)


@pytest.mark.parametrize("suffix", [".npz", ".hdf5"])
@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>" * 9, b"version https://"])
def test_not_such_a_file_at_all(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"sprites{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"is not an? .* file: it has .* begins with"):
        OfficialDSprites(path, space=SPRITES)


@pytest.mark.parametrize("suffix", [".npz", ".hdf5"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_truncated_file(tmp_path: Path, cache: Path, suffix: str, share: float) -> None:
    path = write_sprites(tmp_path / f"sprites{suffix}")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match=r"truncated or damaged .* fetch it again"):
        OfficialDSprites(path, space=SPRITES)
    assert left_over(cache) == []


def test_damaged_npz(tmp_path: Path, cache: Path) -> None:
    path = write_sprites(tmp_path / "sprites.npz")
    content = bytearray(path.read_bytes())
    member = content.index(b"imgs.npy")
    content[member + 400] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match="truncated or damaged"):
        OfficialDSprites(path, space=SPRITES)
    assert left_over(cache) == []


def test_damaged_hdf5(tmp_path: Path, cache: Path) -> None:
    path = write_sprites(tmp_path / "sprites.hdf5")
    with h5py.File(path) as file:
        where = file["imgs"].id.get_chunk_info(3)
    content = bytearray(path.read_bytes())
    middle = where.byte_offset + where.size // 2
    content[middle : middle + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with pytest.raises(DataError, match="truncated or damaged"):
        OfficialDSprites(path, space=SPRITES)
    assert left_over(cache) == []


@pytest.mark.parametrize("suffix", [".npz", ".hdf5"])
def test_missing_key(tmp_path: Path, suffix: str) -> None:
    path = write_sprites(tmp_path / f"a{suffix}", imgs=None)
    with pytest.raises(DataError, match=r"has no 'imgs'; there is .*latents"):
        OfficialDSprites(path, space=SPRITES)
    path = write_sprites(tmp_path / f"b{suffix}", latents_classes=None)
    with pytest.raises(DataError, match=r"has no 'latents.classes'; there is .*imgs"):
        OfficialDSprites(path, space=SPRITES)


@pytest.mark.parametrize("suffix", [".npz", ".hdf5"])
def test_wrong_shape_or_type(tmp_path: Path, cache: Path, suffix: str) -> None:
    images = sprite_arrays()["imgs"]
    for wrong in (images[:-1], images[:, :32], images.astype(np.float32)):
        path = write_sprites(tmp_path / f"sprites{suffix}", imgs=wrong)
        with pytest.raises(DataError, match=r"imgs has shape .* where the official"):
            OfficialDSprites(path, space=SPRITES)
    assert left_over(cache) == []


def test_file_of_another_data_set(tmp_path: Path) -> None:
    path = write_sprites(tmp_path / "sprites.hdf5")
    with pytest.raises(DataError, match=r"has no 'images'; there is .*another data"):
        OfficialShapes3D(path, space=SHAPES)


def test_labels_of_another_shape_or_order(tmp_path: Path, cache: Path) -> None:
    classes = sprite_arrays()["latents_classes"]
    path = write_sprites(tmp_path / "a.npz", latents_classes=classes[:, 1:])
    with pytest.raises(DataError, match=r"latents_classes has shape \(144, 5\)"):
        OfficialDSprites(path, space=SPRITES)
    swapped = classes[:, [0, 1, 2, 3, 5, 4]]
    path = write_sprites(tmp_path / "b.npz", latents_classes=swapped)
    with pytest.raises(DataError, match="does not run through posX in the official"):
        OfficialDSprites(path, space=SPRITES)
    assert left_over(cache) == []


def test_pictures_that_are_not_bits(tmp_path: Path, cache: Path) -> None:
    path = write_sprites(tmp_path / "s.npz", imgs=sprite_arrays()["imgs"] * 255)
    with pytest.raises(DataError, match="values up to 255, where the official file"):
        OfficialDSprites(path, space=SPRITES)
    assert left_over(cache) == []


def test_no_room_to_unpack(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sprites(tmp_path / "sprites.npz")
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: usage)
        with pytest.raises(DataError, match=r"needs 0\.1 MB, and .* has 0\.0 MB free"):
            OfficialDSprites(path, space=SPRITES)

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(official.npy, "write_array_header_1_0", full)
        with pytest.raises(DataError, match=r"cannot unpack .* the disk is full"):
            OfficialDSprites(path, space=SPRITES)
    assert left_over(cache) == []
    assert len(OfficialDSprites(path, space=SPRITES)) == len(SPRITES)


def test_cache_folder_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_sprites(tmp_path / "sprites.npz")
    monkeypatch.setenv("DLIB_CACHE", str(path / "cache"))
    with pytest.raises(DataError, match="leads through a file; name a folder"):
        OfficialDSprites(path, space=SPRITES)
