"""The reader of the official CelebA, on small files of its formats; and broken ones."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache as cache_calls
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from dlib.data import DataError, official_celeba
from dlib.data.download import OfficialFile, fetch, official_files
from dlib.data.faces_space import OFFICIAL
from dlib.data.official_celeba import PUBLISHED, OfficialCelebA, Published

N = 6
NAMES = [f"{i + 1:06d}.jpg" for i in range(N)]
FOLDER = "img_align_celeba/"
FILES = official_files("celeba")
ARCHIVE, ATTRIBUTES, PARTITION = FILES
VALUES = np.random.default_rng(0).integers(0, 2, (N, 40))
PARTS = (0, 2, 0, 1, 2, 0)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# --- writing files of the official formats ----------------------------------


def saved(pixels: np.ndarray, format: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format, quality=95, subsampling=0)
    return out.getvalue()


@cache_calls
def photograph(number: int, width: int = 178, height: int = 218) -> bytes:
    """A JPEG: another colour for each number, a little lighter to the right."""
    pixels = np.full((height, width, 3), (30 * number, 100, 200 - 30 * number))
    pixels += np.arange(width)[None, :, None] // 8
    return saved(pixels.astype(np.uint8))


Members = Sequence[tuple[str, bytes]]


def photographs(numbers: Iterable[int] = (1, 2, 5, 4, 3, 6)) -> Members:
    """The folder, and photographs in no order."""
    named = [(f"{FOLDER}{number:06d}.jpg", photograph(number)) for number in numbers]
    return [(FOLDER, b""), *named]


def with_one(number: int, content: bytes) -> Members:
    """The photographs, one of them another."""
    name = f"{FOLDER}{number:06d}.jpg"
    return [(n, content if n == name else c) for n, c in photographs()]


def attributes(
    values: Any = 2 * VALUES - 1,
    names: Sequence[str] = NAMES,
    attributes: Sequence[str] = OFFICIAL,
    count: object = N,
) -> str:
    """As the official file's size has it: lines end as on Windows, each value but the
    first takes two places, and the names end in a blank.
    """
    lines = [
        " ".join([name, str(first), *(f"{value:>2}" for value in rest)])
        for name, (first, *rest) in zip(names, values, strict=False)
    ]
    return "\r\n".join([str(count), " ".join(attributes) + " ", *lines, ""])


def partition(parts: Sequence[object] = PARTS, names: Sequence[str] = NAMES) -> str:
    pairs = zip(names, parts, strict=False)
    return "".join(f"{name} {part}\r\n" for name, part in pairs)


def published(folder: Path) -> Published:
    """The files that are there, as if they were what was published."""

    def now(file: OfficialFile) -> OfficialFile:
        path = folder / file.filename
        content = path.read_bytes() if path.is_file() else b""
        digest = hashlib.md5(content).hexdigest()
        return replace(file, checksum=f"md5:{digest}", size=len(content))

    return Published(tuple(now(file) for file in FILES), N)


def write(
    folder: Path,
    members: Members | None = None,
    known: str | bytes | None = None,
    parts: str | None = None,
) -> Path:
    """Three files in the official formats."""
    folder.mkdir(exist_ok=True)
    path = folder / ARCHIVE.filename
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in photographs() if members is None else members:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    known = attributes() if known is None else known
    known = known if isinstance(known, bytes) else known.encode()
    (folder / ATTRIBUTES.filename).write_bytes(known)
    text = partition() if parts is None else parts
    (folder / PARTITION.filename).write_bytes(text.encode())
    return path


def opened(path: Path, size: int = 16, **options: Any) -> OfficialCelebA:
    return OfficialCelebA(path, size, published=published(path.parent), **options)


def left_over(cache: Path) -> list[Path]:
    """Files in the cache, but for the empty ones that are only locked."""
    files = [path for path in cache.rglob("*") if path.is_file()]
    return [path for path in files if path.suffix != ".lock"]


def refused(path: Path, cache: Path, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        opened(path)
    assert str(path.parent) in str(caught.value)
    assert "fetch it again (dlib data get celeba)" in str(caught.value)
    assert left_over(cache) == []


# --- what is in order -------------------------------------------------------


def test_files_give_back_what_was_written(
    tmp_path: Path, device: torch.device, cache: Path
) -> None:
    path = write(tmp_path / "data")
    faces = opened(path, device=device)
    assert (len(faces), faces.name, faces.source) == (N, "celeba", "official")
    index = torch.arange(N, device=device)
    images = faces.images(index)
    assert images.shape == (N, 3, 16, 16) and images.device.type == device.type
    for i in range(N):
        whole = Image.open(io.BytesIO(photograph(i + 1)))
        square = whole.crop((15, 35, 163, 183))
        wanted = np.array(square.resize((16, 16), Image.Resampling.LANCZOS))
        assert np.array_equal(images[i].permute(1, 2, 0).cpu().numpy(), wanted)
    known = faces.factors(index)
    assert known.dtype == torch.int64 and known.device.type == device.type
    assert known.tolist() == VALUES.tolist()
    assert faces.space.names == OFFICIAL and len(faces.space.names) == 40
    for factor in faces.space.factors:
        assert (factor.kind, factor.labels) == ("categorical", ("no", "yes"))
    batch = faces.batch(5, torch.Generator(device).manual_seed(0))
    assert batch.labels is None and batch.images.shape == (5, 3, 16, 16)
    pairs = index.view(2, 3)
    assert torch.equal(faces.images(pairs).flatten(0, 1), images)
    assert torch.equal(faces.factors(pairs).flatten(0, 1), known)
    assert faces.images(pairs[:0]).shape == (0, 3, 3, 16, 16)
    assert faces.factors(pairs[:0]).shape == (0, 3, 40)
    assert str(path) in repr(faces)
    assert len(left_over(cache)) == 1


def test_what_is_kept_is_the_centred_square(tmp_path: Path) -> None:
    """Rows 35 to 182 and columns 15 to 162, and nothing of what is around them."""
    pixels = np.full((218, 178, 3), 255, np.uint8)
    pixels[35:183, 15:163] = 0
    members = [(f"{FOLDER}000001.jpg", saved(pixels)), *photographs(range(2, N + 1))]
    path = write(tmp_path, members)
    kept = Image.open(io.BytesIO(saved(pixels))).crop((15, 35, 163, 183))
    whole = opened(path, 148)[0][0].permute(1, 2, 0).numpy()
    assert np.array_equal(whole, np.array(kept)) and whole.mean() < 5
    # The filter sees nothing of the white around it either.
    small = opened(path, 37)[0][0].permute(1, 2, 0).numpy()
    assert np.array_equal(small, kept.resize((37, 37), Image.Resampling.LANCZOS))


def test_the_official_parts(tmp_path: Path) -> None:
    faces = opened(write(tmp_path))
    wanted = {"train": [0, 2, 5], "valid": [3], "test": [1, 4]}
    for split, points in wanted.items():
        part = faces.published(split)  # type: ignore[arg-type]
        assert part.points(torch.arange(len(part))).tolist() == points
        drawn = part.draw(50, torch.Generator().manual_seed(0))
        assert set(drawn.tolist()) == set(points)
        assert repr(part).endswith(f"the official {split}")
    image, factors = faces.published("test")[1]
    assert torch.equal(image, faces[4][0]) and factors.tolist() == VALUES[4].tolist()
    with pytest.raises(ValueError, match="are train, valid, test; got 'val'"):
        faces.published("val")  # type: ignore[arg-type]


def test_partners_share_attributes(tmp_path: Path) -> None:
    faces = opened(write(tmp_path))
    index = torch.arange(N)
    generator = torch.Generator().manual_seed(0)
    for columns in ([], [20], list(range(40))):
        other = faces.sharing(index, columns, generator)
        same = faces.factors(other)[:, columns] == faces.factors(index)[:, columns]
        assert same.all()
    assert [len(part) for part in faces.split((0.5, 0.5))] == [3, 3]


def test_sizes_are_kept_beside_each_other(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "data")
    assert opened(path, 16).images(torch.arange(2)).shape == (2, 3, 16, 16)
    assert opened(path, 24).images(torch.arange(2)).shape == (2, 3, 24, 24)
    assert len(left_over(cache)) == 2
    # Neither is read again.
    monkeypatch.setattr(official_celeba.zipfile, "ZipFile", None)
    for size in (16, 24):
        assert opened(path, size)[0][0].shape == (3, size, size)


@pytest.mark.parametrize("end", ["\n", "  \r\n"])
def test_lines_may_end_in_another_way(tmp_path: Path, end: str) -> None:
    lists = [text.replace("\r\n", end) for text in (attributes(), partition())]
    faces = opened(write(tmp_path, None, *lists))
    assert faces.factors(torch.arange(N)).tolist() == VALUES.tolist()
    assert faces.published("test").points(torch.arange(2)).tolist() == [1, 4]


def test_the_official_files() -> None:
    """Their sizes are those of the format, as it is written here."""
    assert PUBLISHED == (FILES, 202_599)
    head = len(attributes(names=[], count=202_599))
    # The first attribute, which 22,516 faces have, takes a place less where it is 1.
    assert ATTRIBUTES.size == head + 202_599 * 132 - 22_516 == 26_721_026
    assert PARTITION.size == len(partition()) // N * 202_599 == 2_836_386
    assert ARCHIVE.size == 1_443_490_838


# --- what is not ------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(
    tmp_path: Path, cache: Path, file: OfficialFile
) -> None:
    path = write(tmp_path / "data")
    files = published(path.parent)
    (path.parent / file.filename).unlink()
    with pytest.raises(DataError, match=rf"there is no .*{file.filename}.*data get"):
        OfficialCelebA(path, 16, published=files)
    assert left_over(cache) == []


@pytest.mark.parametrize("file", FILES)
def test_other_files_than_the_published_ones_are_refused(
    tmp_path: Path, cache: Path, file: OfficialFile
) -> None:
    path = write(tmp_path / "data")
    files = published(path.parent)
    changed = path.parent / file.filename
    content = changed.read_bytes()
    for bad, message in (
        (content[:-20], "bytes, and the published one"),
        (content[:-1] + bytes([content[-1] ^ 1]), "not have the published md5"),
    ):
        changed.write_bytes(bad)
        again = rf"{message}.*again \(dlib data get celeba"
        with pytest.raises(DataError, match=again):
            OfficialCelebA(path, 16, published=files)
    assert left_over(cache) == []
    changed.write_bytes(content)
    assert len(OfficialCelebA(path, 16, published=files)) == N


def extra(name: str, content: bytes = b"x") -> Members:
    """The photographs, and a member among them."""
    head, *rest = photographs()
    return [head, (name, content), *rest]


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (extra("../x.jpg"), r"holds '\.\./x\.jpg', where the official"),
        (extra(f"{FOLDER}../../000001.jpg"), "holds .* where the official"),
        (extra(f"/{FOLDER}000001.jpg"), f"holds '/{FOLDER}000001.jpg', where"),
        (extra(f"{FOLDER}000000.jpg"), "where the official archive has"),
        (extra(f"{FOLDER}000007.jpg"), f"to {FOLDER}000006.jpg"),
        (extra(f"{FOLDER}1.jpg"), "where the official archive has"),
        (extra("other/", b""), "holds 'other/', where the official"),
        (photographs((1, 2, 3, 4, 6)), "has 5 of 6 photographs; .* is 000005.jpg"),
        ([(FOLDER, b"")], "has 0 of 6 photographs; .* is 000001.jpg"),
        ([], "has 0 of 6 photographs"),
    ],
)
def test_members_that_are_no_photographs_are_refused(
    tmp_path: Path, cache: Path, members: Members, message: str
) -> None:
    refused(write(tmp_path / "data", members), cache, message)
    assert not list(tmp_path.rglob("*.jpg"))


def test_a_photograph_that_is_there_twice_is_refused(
    tmp_path: Path, cache: Path
) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write(tmp_path / "data", photographs((1, 2, 3, 3, 4, 5, 6)))
    refused(path, cache, "has 'img_align_celeba/000003.jpg' twice")


def test_a_link_is_no_photograph(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "data", photographs(range(2, N + 1)))
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo(f"{FOLDER}000001.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    refused(path, cache, "000001.jpg, which is no whole picture")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (photograph(3)[: len(photograph(3)) // 2], "truncated"),
        (photograph(3)[:-300], "truncated"),
        (b"<html>404", "cannot identify"),
        (b"", "cannot identify"),
        (saved(np.zeros((218, 178, 3), np.uint8), "PNG"), "cannot identify"),
        (photograph(3, 177, 218), "it has 177 x 218"),
        (photograph(3, 218, 178), "it has 218 x 178"),
        (photograph(3, 400, 300), "400 x 300 pixels are too many"),
    ],
)
def test_photographs_that_cannot_be_read_are_refused(
    tmp_path: Path, cache: Path, content: bytes, message: str
) -> None:
    path = write(tmp_path / "data", with_one(3, content))
    refused(
        path,
        cache,
        rf"{FOLDER}000003\.jpg, which is no whole picture of 178 x 218 pixels "
        rf"\(.*{message}",
    )


def test_a_member_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, cache: Path
) -> None:
    path = write(tmp_path / "data", with_one(4, bytes(1 << 21)))
    assert path.stat().st_size < 1 << 17
    refused(path, cache, "000004.jpg' with 2,097,152 bytes; at most 1,048,576 are read")


def test_a_zip_that_is_damaged_is_refused(tmp_path: Path, cache: Path) -> None:
    path = write(tmp_path / "data")
    content = path.read_bytes()
    middle = len(content) // 2
    changed = content[:middle] + bytes(64) + content[middle + 64 :]
    cut = content[:middle]
    for broken in (changed, cut, content[:-9], content[:5], b"<html>404", b""):
        path.write_bytes(broken)
        refused(path, cache, "is truncated or damaged")


def test_a_zip_that_is_packed_in_another_way_is_refused(
    tmp_path: Path, cache: Path
) -> None:
    path = write(tmp_path / "data")
    content = path.read_bytes()
    last = content.rindex(b"PK\x01\x02")  # the header of the last member
    # Of it: the version that is needed, a bit that says encrypted, and the packing.
    for place, value in ((6, 99), (8, 1), (10, 77)):
        changed = bytearray(content)
        changed[last + place] = value
        path.write_bytes(changed)
        refused(path, cache, "is truncated or damaged")


OTHER_ORDER = [*OFFICIAL[1::-1], *OFFICIAL[2:]]
WRONG = np.where(np.arange(N * 40).reshape(N, 40) == 83, 2, 2 * VALUES - 1)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (attributes(names=NAMES[:-1]), "lists 5 photographs, and there are 6 of them"),
        (attributes(names=[]), "lists 0 photographs"),
        (attributes(count=N + 1), "begins with '7', where .* 6, is expected"),
        (attributes(names=NAMES[::-1]), "lists '000006.jpg' in place 1, where '000001"),
        (attributes(names=[*NAMES[:2], *NAMES[:4]]), "lists '000001.jpg' in place 3"),
        (attributes(names=[NAMES[0] + "x" * 9, *NAMES[1:]]), "in place 1"),
        (attributes(attributes=OTHER_ORDER), "'Arched_Eyebrows' as the name of attrib"),
        (
            attributes(attributes=OFFICIAL[:-1]),
            "has 'nothing' as the name of attribute 40, where 'Young' is expected",
        ),
        (
            attributes(attributes=[*OFFICIAL, "Tired"]),
            "has 'Tired' as the name of attribute 41, where 'nothing' is expected",
        ),
        (attributes(WRONG), "has the value 2 for 000003.jpg, where one of -1, 1 is"),
        (attributes(VALUES), "has the value 0 for 00000.*, where one of -1, 1 is"),
        (attributes(2 * VALUES[:, :-1] - 1), "the name and 40 whole number.* row"),
        (attributes(np.full((N, 41), 1)), "the name and 40 whole number"),
        (attributes(np.full((N, 40), 0.5)), "the name and 40 whole number"),
        (attributes(np.full((N, 40), 300)), "the name and 40 whole number"),
        (attributes(np.full((N, 40), "yes")), "the name and 40 whole number"),
        (attributes()[:-20], "the name and 40 whole number"),
        ("", "begins with '', where the number of photographs, 6, is"),
        ("6\n", "has 'nothing' as the name of attribute 1, where '5_o_Clock_Shadow'"),
        ("<html>404", "begins with '<html>404'"),
        (b"6\n\xff\xfe", "is not plain text"),
    ],
)
def test_attributes_that_do_not_fit_are_refused(
    tmp_path: Path, cache: Path, known: str | bytes, message: str
) -> None:
    path = write(tmp_path / "data", known=known)
    refused(path, cache, rf"list_attr_celeba\.txt .*{message}")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (partition(PARTS[:-1]), "lists 5 photographs, and there are 6 of them"),
        (partition([*PARTS, 0], [*NAMES, "000007.jpg"]), "lists 7 photographs"),
        (partition([0, 3, 0, 1, 2, 0]), "value 3 for 000002.jpg, where one of 0, 1, 2"),
        (partition([0, -1, 0, 1, 2, 0]), "has the value -1 for 000002.jpg"),
        (partition(["train"] * N), "the name and 1 whole number"),
        (partition(names=[*NAMES[1:], NAMES[0]]), "lists '000002.jpg' in place 1"),
        ("", "lists 0 photographs"),
    ],
)
def test_partitions_that_do_not_fit_are_refused(
    tmp_path: Path, cache: Path, parts: str, message: str
) -> None:
    path = write(tmp_path / "data", parts=parts)
    refused(path, cache, rf"list_eval_partition\.txt .*{message}")


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "data")
    free = shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(
        DataError, match=r"unpacking img_align_celeba\.zip needs .*room"
    ):
        opened(path)
    assert left_over(cache) == []


# --- fetching it ------------------------------------------------------------


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that answers everything with a web page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!DOCTYPE html><title>Google Drive - Quota exceeded</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("DLIB_MIRROR", raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_page_in_place_of_the_file_is_told_of(
    page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    # Its end is the query, and no name of a file: Google's addresses are like that.
    file = replace(PARTITION, url=f"{page}/download?id=x&confirm=t")
    with pytest.raises(DataError, match="it is a web page: open it in a brow") as error:
        fetch(file, folder)
    message = str(error.value)
    assert file.url in message and "not the published list_eval_partition" in message
    assert "fetch the file by other means and put it into the data folder" in message
    assert list(folder.iterdir()) == []
    assert "list_eval_partition.txt:" in capsys.readouterr().err
