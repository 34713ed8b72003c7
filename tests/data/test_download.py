"""Fetching, against a small server on this machine that can misbehave."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from dlib.data import download
from dlib.data.download import (
    FILES,
    DataError,
    OfficialFile,
    data_folder,
    fetch,
    find,
    matches,
    official_file,
    official_names,
    place,
)

CONTENT = bytes(range(256)) * 4096  # 1 MiB
FILE = OfficialFile(
    "dsprites",
    "npz",
    "sprites.npz",
    "http://localhost:9/sprites.npz",
    "sha256:" + hashlib.sha256(CONTENT).hexdigest(),
    len(CONTENT),
)


class Server:
    """Serves CONTENT; what goes wrong is set on it.

    ``breaks`` is how many replies stop half-way, ``ranges`` whether it can go on
    from the middle, ``changes`` whether what follows the middle is other content,
    ``status`` what it answers instead, ``busy`` how often it answers 503 first.
    """

    def __init__(self) -> None:
        self.content = CONTENT
        self.breaks = 0
        self.ranges = True
        self.changes = False
        self.status = 200
        self.busy = 0
        self.asked: list[str | None] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.asked.append(wanted)
        if self.busy or self.status != 200:
            request.send_error(503 if self.busy else self.status)
            self.busy = max(0, self.busy - 1)
            return
        start = int(wanted[6:-1]) if wanted and self.ranges else 0
        body = self.content[start:]
        if start:
            request.send_response(206)
            last = len(self.content) - 1
            request.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
            if self.changes:
                self.changes = False
                body = body[::-1]
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.breaks:
            self.breaks -= 1
            body = body[: len(body) // 2]
        request.wfile.write(body)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the machine's would stand between the tests and their server."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("DLIB_MIRROR", raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "WAITS", (0.0, 0.0, 0.0))
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def fetched(server: Server, folder: Path) -> Path:
    return fetch(FILE, folder, mirror=server.url, progress=False)


def test_fetch_and_fetch_again(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    path = fetched(server, folder)
    assert path == folder / "sprites.npz"
    assert path.read_bytes() == CONTENT
    assert list(folder.iterdir()) == [path]
    assert path.stat().st_mode & 0o444 == 0o444, "others must be able to read it"
    fetched(server, folder)
    assert server.asked == [None], "a file that is there is not fetched again"


def test_progress_shows_the_time_left(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(FILE, tmp_path, mirror=server.url)
    printed = capsys.readouterr()
    assert "sprites.npz: 100%" in printed.err
    assert "1.05M/1.05M [00:00<00:00" in printed.err
    assert printed.out == ""


def test_a_wrong_file_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "sprites.npz").write_bytes(b"half of it")
    assert fetched(server, tmp_path).read_bytes() == CONTENT


def test_broken_connection_is_taken_up_where_it_broke(
    server: Server, tmp_path: Path
) -> None:
    server.breaks = 2
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert server.asked == [None, f"bytes={half}-", f"bytes={half + half // 2}-"]


def test_server_without_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    server.breaks, server.ranges = 1, False
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_file_that_changed_between_two_halves_starts_again(
    server: Server, tmp_path: Path
) -> None:
    server.breaks, server.changes = 1, True
    assert fetched(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={len(CONTENT) // 2}-", None]


def test_busy_server_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.busy = 2
    assert fetched(server, tmp_path).read_bytes() == CONTENT


def test_connection_that_always_breaks(server: Server, tmp_path: Path) -> None:
    server.breaks = 99
    with pytest.raises(DataError, match=r"broke 4 times, .* nothing was kept"):
        fetched(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:1000], b"", b"<html>"])
def test_wrong_checksum(server: Server, tmp_path: Path, content: bytes) -> None:
    server.content = content
    with pytest.raises(
        DataError, match=r"is not the published sprites\.npz: its sha256"
    ):
        fetched(server, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(server.asked) == 1, "the same bytes would come again"


def test_failure_keeps_what_was_there(server: Server, tmp_path: Path) -> None:
    kept = tmp_path / "sprites.npz"
    kept.write_bytes(b"my own")
    server.content = b"wrong"
    with pytest.raises(DataError):
        fetched(server, tmp_path)
    assert kept.read_bytes() == b"my own"
    assert list(tmp_path.iterdir()) == [kept]


@pytest.mark.parametrize(
    ("status", "advice", "tries"),
    [(403, "set DLIB_MIRROR", 1), (404, "set DLIB_MIRROR", 1), (500, "later", 4)],
)
def test_server_that_refuses(
    server: Server, tmp_path: Path, status: int, advice: str, tries: int
) -> None:
    server.status = status
    with pytest.raises(DataError, match=f"the server answered {status} .*{advice}"):
        fetched(server, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(server.asked) == tries


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DataError, match=r"cannot reach .*: the connection was refused"):
        fetch(FILE, tmp_path, mirror=f"http://127.0.0.1:{port}", progress=False)

    def unresolved(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    with pytest.raises(DataError, match="its name cannot be resolved"):
        fetch(FILE, tmp_path, mirror="http://no.such.host.invalid", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_server_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", (0.2, 0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(DataError, match="it did not answer in time"):
            fetch(FILE, tmp_path, mirror=url, progress=False)


@pytest.mark.parametrize("mirror", ["nowhere", "gopher://nowhere", "http://"])
def test_mirror_that_is_no_address(tmp_path: Path, mirror: str) -> None:
    with pytest.raises(DataError, match="DLIB_MIRROR must begin with http"):
        fetch(FILE, tmp_path, mirror=mirror, progress=False)


def test_no_room(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=len(CONTENT) // 2)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(DataError, match=r"needs 1\.0 MB, and .* has 0\.5 MB free"):
        fetched(server, tmp_path)
    assert server.asked == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_disk_that_fails_half_way(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    message: str,
) -> None:
    def failing_open(path: str, mode: str) -> object:
        file = open(path, mode)
        write = file.write

        class Failing:
            def __enter__(self) -> Failing:
                return self

            def __exit__(self, *error: object) -> None:
                file.close()

            def __getattr__(self, name: str) -> object:
                return getattr(file, name)

            def write(self, piece: bytes) -> None:
                if file.tell() > len(CONTENT) // 2:
                    raise OSError(number, os.strerror(number))
                write(piece)

        return Failing()

    monkeypatch.setattr(download, "open", failing_open, raising=False)
    with pytest.raises(DataError, match=f"cannot store sprites.npz .*{message}"):
        fetched(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written_to(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="leads through a file; name a folder"):
        fetched(server, tmp_path / "file")
    with pytest.raises(DataError, match="leads through a file; name a folder"):
        fetched(server, tmp_path / "file" / "folder")

    def refused(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Simulated: a test that runs as root may write anywhere.
    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(DataError, match="the folder cannot be written to"):
        fetched(server, tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_interrupt_leaves_nothing(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download._Download, "_receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetched(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_fetch(
    server: Server, tmp_path: Path
) -> None:
    for name, age in (("old", 2 * download.STALE), ("young", 60.0)):
        folder = tmp_path / f"{download.PARTIAL}{name}"
        folder.mkdir()
        (folder / "tmp").write_bytes(b"half")
        then = time.time() - age
        os.utime(folder / "tmp", (then, then))
        os.utime(folder, (then, then))
    fetched(server, tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"{download.PARTIAL}young", "sprites.npz"]


def test_mirror_from_the_environment(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLIB_MIRROR", f"{server.url}/some/folder/")
    assert fetch(FILE, tmp_path, progress=False).read_bytes() == CONTENT


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLIB_DATA", raising=False)
    assert data_folder() == tmp_path / "cache" / "official"
    monkeypatch.setenv("DLIB_DATA", str(tmp_path / "data"))
    assert data_folder() == tmp_path / "data"
    assert data_folder(tmp_path / "root") == tmp_path / "root"


def test_find(tmp_path: Path) -> None:
    assert find("dsprites", tmp_path) is None
    npz, hdf5 = (official_file("dsprites", kind) for kind in ("npz", "hdf5"))
    (tmp_path / hdf5.filename).touch()
    assert find("dsprites", tmp_path) == tmp_path / hdf5.filename
    (tmp_path / npz.filename).touch()
    assert find("dsprites", tmp_path) == tmp_path / npz.filename
    assert find("shapes3d", tmp_path) is None


def test_a_file_without_a_checksum_is_not_fetched(
    server: Server, tmp_path: Path
) -> None:
    """But it is found where it was put by hand, as it is or unpacked."""
    file = official_file("sprites")
    assert file.checksum is None and file.algorithm == ""
    folder = tmp_path / "data"
    with pytest.raises(DataError, match=r"no checksum of .* is published") as caught:
        fetch(file, folder, mirror=server.url, progress=False)
    message = str(caught.value)
    assert file.url in message and f"put it into {folder}" in message
    assert str(folder / "sprites") in message, "the folder does as well"
    assert server.asked == [] and not folder.exists()

    assert find("sprites", folder) is None and place(file, folder) is None
    (folder / "sprites").mkdir(parents=True)
    (folder / "sprites" / "sprites_0.mat").touch()
    assert find("sprites", folder) is None
    (folder / "sprites" / "sprites_splits.mat").touch()
    assert find("sprites", folder) == folder / "sprites" == fetch(file, folder)
    (folder / file.filename).touch()
    assert find("sprites", folder) == folder / file.filename == fetch(file, folder)
    assert not matches(folder / file.filename, file)


def test_unknown_names_and_formats() -> None:
    with pytest.raises(
        DataError, match="'imagenet'; there are dsprites, shapes3d, mpi3d"
    ):
        official_file("imagenet")
    with pytest.raises(
        DataError, match="'imagenet'; there are dsprites, shapes3d, mpi3d"
    ):
        find("imagenet")
    with pytest.raises(DataError, match="dsprites is published as npz and hdf5, not"):
        official_file("dsprites", "zip")
    with pytest.raises(DataError, match="shapes3d is published as hdf5, not as 'npz'"):
        official_file("shapes3d", "npz")


def test_published_files_are_complete() -> None:
    assert official_names() == (
        "dsprites", "shapes3d", "mpi3d", "mnist", "flowers", "sprites", "celeba",
        "chairs",
    )  # fmt: skip
    unchecked = {"sprites", "chairs"}
    lengths = {"md5": 32, "sha256": 64}
    for file in FILES:
        # Google's addresses have a number in place of the name.
        numbered = file.name == "celeba" and "/download?id=0B7EVK8r0v71p" in file.url
        assert numbered or file.url.endswith(f"/{file.filename}")
        if file.checksum is None:
            assert file.name in unchecked and file.size == 0
            continue
        algorithm, digest = file.checksum.split(":")
        assert len(digest) == lengths[algorithm] and file.algorithm == algorithm
        assert file.url.startswith("https://") and file.size > 0
