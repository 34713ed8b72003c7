"""The reader of the official 3D Chairs, on small archives; and broken ones."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterable, Sequence
from functools import cache as cache_calls
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from dlib.data import DataError, official_chairs
from dlib.data.download import fetch, find, official_file
from dlib.data.official_chairs import PUBLISHED, OfficialChairs, Published, _Archive

MODELS = ("1a2b8749", "fe0", "0c55ad")  # in no order
FEW = Published(3, 4, (20, 30))
DEGREES = (0, 90, 180, 270)
VIEWS = 8
FOLDER = "rendered_chairs"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# --- writing archives of the official format --------------------------------


def saved(pixels: np.ndarray, format: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format)
    return out.getvalue()


def pixels(model: int, azimuth: int, elevation: int, side: int = 64) -> np.ndarray:
    """A picture, uint8 (side, side, 3): each another, white but for its middle."""
    out = np.full((side, side, 3), 255, np.uint8)
    inside = slice(side // 4, side // 2)
    out[inside, side // 8 : side // 4] = (60 * model, DEGREES.index(azimuth) * 50, 9)
    out[inside, side // 4 : side // 2] = (5 * elevation, 40, 200)
    return out


@cache_calls
def picture(model: int, azimuth: int, elevation: int) -> bytes:
    return saved(pixels(model, azimuth, elevation))


def member(name: str, content: bytes = b"", **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


Members = Sequence[tuple[tarfile.TarInfo, bytes]]


def named(name: str, content: bytes = b"", **fields: Any) -> Members:
    return [(member(name, content, **fields), content)]


def place(model: int, azimuth: int, elevation: int) -> str:
    """A picture's name: its number passes over one that there is not."""
    number = DEGREES.index(azimuth) + (5 if elevation == 30 else 0)
    image = f"image_{number:03d}_p{elevation:03d}_t{azimuth:03d}_r096.png"
    return f"{FOLDER}/{MODELS[model]}/renders/{image}"


def views(models: Iterable[int] = range(3)) -> dict[str, bytes]:
    """By name, the views in no order: of the second model and the first in turns."""
    order = [(e, a, m) for e in (20, 30) for a in (180, 0, 270, 90) for m in models]
    order = [x for x in order if x[2] != 2] + [x for x in order if x[2] == 2]
    return {place(m, a, e): picture(m, a, e) for e, a, m in order}


def archive(
    tmp_path: Path, files: dict[str, bytes] | None = None, more: Members = ()
) -> Path:
    """The archive of some files, ``more`` before them."""
    path = tmp_path / "data" / official_file("chairs").filename
    path.parent.mkdir(exist_ok=True)
    files = views() if files is None else files
    with tarfile.open(path, "w") as out:
        out.addfile(member(FOLDER, type=tarfile.DIRTYPE))
        for info, content in more:
            out.addfile(info, io.BytesIO(content))
        for name, content in files.items():
            out.addfile(member(name, content), io.BytesIO(content))
    return path


def opened(path: Path, size: int = 16, **options: Any) -> OfficialChairs:
    return OfficialChairs(path, size, published=FEW, **options)


def left_over(cache: Path) -> list[Path]:
    """Files in the cache, but for the empty ones that are only locked."""
    found = [path for path in cache.rglob("*") if path.is_file()]
    return [path for path in found if path.suffix != ".lock"]


def refused(path: Path, cache: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        opened(path)
    assert str(path) in str(caught.value)
    assert official_file("chairs").url in str(caught.value), "what to do"
    assert left_over(cache) == []


# --- what is in order -------------------------------------------------------


def grey(model: int, azimuth: int, elevation: int, size: int = 16) -> torch.Tensor:
    """What is to be seen of a view, float (size, size): means of squares."""
    red, green, blue = torch.from_numpy(pixels(model, azimuth, elevation)).unbind(-1)
    whole = 0.299 * red + 0.587 * green + 0.114 * blue
    each = 64 // size
    return whole.view(size, each, size, each).mean((1, 3))


def test_files_give_back_what_was_written(
    tmp_path: Path, device: torch.device, cache: Path
) -> None:
    path = archive(tmp_path)
    chairs = opened(path, device=device)
    assert (len(chairs), chairs.name, chairs.source) == (24, "chairs", "official")
    index = torch.arange(24, device=device)
    images = chairs.images(index)
    assert images.shape == (24, 1, 16, 16) and images.device.type == device.type
    # Models in the order in which the archive has them, which is no other order.
    wanted = torch.stack(
        [grey(m, a, e) for m in (0, 1, 2) for a in DEGREES for e in (20, 30)]
    )
    assert (images[:, 0].cpu() - wanted).abs().max() <= 1.5
    factors = chairs.factors(index)
    assert torch.equal(factors, chairs.space.grid(device))
    assert chairs.space.names == ("model", "azimuth", "elevation")
    model, azimuth, elevation = chairs.space.factors
    assert model.kind == "categorical" and model.size == 3
    assert azimuth.values == DEGREES and azimuth.kind == "continuous"
    assert elevation.values == (20, 30) and elevation.kind == "continuous"
    assert torch.equal(chairs.render(factors[5:9]), images[5:9])
    assert torch.equal(chairs[13][0], images[13])
    square = index[:6].view(2, 3)
    assert torch.equal(chairs.images(square).flatten(0, 1), images[:6])
    assert chairs.images(square[:0]).shape == (0, 3, 1, 16, 16)
    assert str(path) in repr(chairs)
    assert len(left_over(cache)) == 1
    assert chairs.batch(5, torch.Generator(device).manual_seed(0)).labels is None


def test_models_are_in_the_order_of_the_archive(tmp_path: Path) -> None:
    chairs = opened(archive(tmp_path, {**views([2]), **views([1]), **views([0])}))
    first = torch.stack([chairs.images(torch.tensor(i * VIEWS))[0] for i in range(3)])
    wanted = torch.stack([grey(m, 0, 20) for m in (2, 1, 0)])
    assert (first - wanted).abs().max() <= 1.5


def test_white_stays_white(tmp_path: Path) -> None:
    """At no size are there rings around a chair."""
    path = archive(tmp_path)
    for size in (16, 24):
        images = opened(path, size).images(torch.arange(24))[:, 0]
        # Above, below and on either side of what is in the middle of the picture.
        assert (images[:, : size // 4] == 255).all()
        assert (images[:, size // 2 :] == 255).all()
        assert (images[:, :, : size // 8] == 255).all()
        assert (images[:, :, size // 2 :] == 255).all()
        assert (images.flatten(1).amin(1) < 160).all()


def test_the_official_archive() -> None:
    """Azimuths as other programs that read it have them."""
    azimuths = [
        0, 11, 23, 34, 46, 58, 69, 81, 92, 104, 116, 127, 139, 150, 162, 174, 185,
        197, 209, 220, 232, 243, 255, 267, 278, 290, 301, 313, 325, 336, 348,
    ]  # fmt: skip
    archive = _Archive(Path("rendered_chairs.tar"), 64, PUBLISHED)
    assert archive.views == [(a, e) for a in azimuths for e in (20, 30)]
    assert archive.shape == (86_366, 64, 64, 1)


def test_parts_have_all_views_of_a_model_or_none(tmp_path: Path) -> None:
    chairs = opened(archive(tmp_path))

    def points(start: float, end: float, seed: int = 0) -> list[int]:
        part = chairs.part(start, end, seed)
        found = part.points(torch.arange(len(part)))
        assert part.positions(found).tolist() == list(range(len(part)))
        return found.tolist()

    for seed in range(4):
        # 80% of three models are two: the archive's first.
        assert sorted(points(0, 0.8, seed)) == list(range(16))
        assert points(0.8, 1, seed) == list(range(16, 24))
        assert sorted(points(0, 1, seed)) == list(range(24))
        for start, end in ((0, 1 / 3), (1 / 3, 2 / 3), (0.4, 0.7)):
            some = points(start, end, seed)
            model = some[0] // VIEWS
            assert some == list(range(model * VIEWS, (model + 1) * VIEWS))
    assert len({tuple(points(0, 0.4, seed)) for seed in range(8)}) == 2
    part = chairs.part(0, 0.8)
    drawn = part.draw(200, torch.Generator().manual_seed(0))
    assert set(drawn.tolist()) == set(range(16))


def test_other_members_are_passed_over(tmp_path: Path) -> None:
    """And nothing is ever extracted."""
    names = (
        f"{FOLDER}/all_chair_names.mat", "../../evil.mat", "/tmp/evil.png",
        f"{FOLDER}/{MODELS[0]}/notes.txt", f"{FOLDER}/{MODELS[0]}/renders/._x.png",
        f"{FOLDER}/{MODELS[0]}/masks/image_000_p020_t000_r096.png",
        f"x{FOLDER}/fff/renders/image_000_p020_t000_r096.png",
    )  # fmt: skip
    more = [pair for name in names for pair in named(name, b"x")]
    more += named(f"{FOLDER}/{MODELS[1]}/renders", type=tarfile.DIRTYPE)
    more += named("link", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    assert len(opened(archive(tmp_path, more=more))) == 24
    assert not list(tmp_path.rglob("evil*")) and not list(tmp_path.rglob("*.png"))


def test_a_folder_may_stand_before_the_names(tmp_path: Path) -> None:
    for before in ("./", "data/willow/"):
        files = {before + name: content for name, content in views().items()}
        assert len(opened(archive(tmp_path, files))) == 24


def test_sizes_are_kept_beside_each_other(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path)
    before = [opened(path, size)[7][0] for size in (16, 24)]
    assert [image.shape for image in before] == [(1, 16, 16), (1, 24, 24)]
    assert len(left_over(cache)) == 2
    # Neither is read again.
    monkeypatch.setattr(official_chairs.tarfile, "open", None)
    for size, image in zip((16, 24), before, strict=True):
        assert torch.equal(opened(path, size)[7][0], image)


def test_an_archive_that_changes_is_read_again(tmp_path: Path, cache: Path) -> None:
    path = archive(tmp_path)
    before = opened(path)[0][0]
    archive(tmp_path, {**views([2]), **views([1]), **views([0])})
    assert not torch.equal(opened(path)[0][0], before)
    assert len(left_over(cache)) == 1


def test_it_is_found_where_it_was_put(tmp_path: Path) -> None:
    file = official_file("chairs")
    with pytest.raises(DataError, match=r"no checksum of .* is published") as caught:
        fetch(file, tmp_path / "data")
    message = str(caught.value)
    assert file.url in message and f"put it into {tmp_path / 'data'}" in message
    path = archive(tmp_path)
    assert find("chairs", path.parent) == path == fetch(file, path.parent)


# --- what is not ------------------------------------------------------------


def test_a_missing_archive_is_named(tmp_path: Path, cache: Path) -> None:
    refused(tmp_path / "rendered_chairs.tar", cache, "there is no archive")
    refused(tmp_path, cache, "there is no archive")


FIRST = place(0, 0, 20)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (named(f"../{FIRST}", b"x"), "leads out of the archive"),
        (named(f"data/../../{FIRST}", b"x"), "leads out of the archive"),
        (named(FIRST.replace(MODELS[0], ".."), b"x"), "leads out of the archive"),
        (named(f"/{FIRST}", b"x"), "leads out of the archive"),
        (
            named(FIRST, type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            "as something else than a plain file",
        ),
        (
            named(FIRST, type=tarfile.LNKTYPE, linkname="x"),
            "as something else than a plain file",
        ),
        (named(FIRST, type=tarfile.CHRTYPE), "as something else than a plain file"),
        (named(FIRST, bytes((1 << 24) + 1)), "at most 16,777,216 are read"),
        (
            named(FIRST.replace("t000", "t011"), b"x"),
            r"azimuths \(t\) are 0, 90, 180, 270 and elevations \(p\) 20, 30",
        ),
        (named(FIRST.replace("p020", "p040"), b"x"), r"elevations \(p\) 20, 30"),
        (named(FIRST, picture(0, 0, 20)), f"has '{FIRST}' twice"),
        (named(f"more/{FIRST}", picture(0, 0, 20)), f"has '{FIRST}' twice"),
        (
            named(FIRST.replace("image_000", "image_099"), picture(0, 0, 20)),
            f"has '{FIRST}' twice",
        ),
        (
            named(FIRST.replace(MODELS[0], "ddd"), picture(0, 0, 20)),
            "holds .* of one model more than the 3 that are expected",
        ),
    ],
)
def test_members_that_should_not_be_there_are_refused(
    tmp_path: Path, cache: Path, more: Members, message: str
) -> None:
    refused(archive(tmp_path, more=more), cache, message)
    assert not list(tmp_path.rglob("*.png"))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {k: v for k, v in views().items() if k != place(1, 90, 30)},
            "has 23 of 24 views; .* is that from azimuth 90 and elevation 30 of fe0",
        ),
        (views([0, 1]), "has 16 of 24 views; .* elevation 20 of one more model"),
        ({}, "has 0 of 24 views"),
    ],
)
def test_views_that_are_missing_are_told_of(
    tmp_path: Path, cache: Path, files: dict[str, bytes], message: str
) -> None:
    refused(archive(tmp_path, files), cache, message)


WHOLE = picture(2, 180, 30)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[: len(WHOLE) // 2], ""),
        (WHOLE[:50], ""),
        (WHOLE[:60] + bytes(10) + WHOLE[70:], ""),
        (b"<html>404", "cannot identify"),
        (b"", "cannot identify"),
        (saved(pixels(2, 180, 30), "JPEG"), "cannot identify"),
        (saved(pixels(2, 180, 30)[:-1]), "it has 64 x 63 pixels"),
        (saved(np.zeros((5000, 5000), np.uint8)), "5000 x 5000 pixels are too many"),
    ],
)
def test_pictures_that_cannot_be_read_are_refused(
    tmp_path: Path, cache: Path, content: bytes, message: str
) -> None:
    name = place(2, 180, 30)
    path = archive(tmp_path, {**views(), name: content})
    refused(
        path, cache, rf"holds {name}, which is no whole square picture \(.*{message}"
    )


def test_an_archive_that_ends_early_is_refused(tmp_path: Path, cache: Path) -> None:
    path = archive(tmp_path)
    content = path.read_bytes()
    for end in (len(content) // 2, len(content) // 2 // 512 * 512, 1024, 600, 512, 5):
        path.write_bytes(content[:end])
        refused(path, cache, "is truncated or damaged|of 24 views; the first that is")
    with tarfile.open(path, "w:gz"):
        pass
    for other in (path.read_bytes(), b"<html>404", b"", bytes(99), WHOLE):
        path.write_bytes(other)
        refused(path, cache, "is truncated or damaged")


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path)
    free = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(DataError, match=r"unpacking rendered_chairs\.tar needs .*room"):
        opened(path)
    assert left_over(cache) == []
