"""dlib data: what is printed, and the exit codes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner, Result

from dlib.cli.data import app
from dlib.data import download
from dlib.data.download import OfficialFile

CONTENT = b"what the publisher wrote" * 50_000
SMALL = OfficialFile(
    "dsprites",
    "npz",
    "sprites.npz",
    "http://localhost:9/sprites.npz",
    "sha256:" + hashlib.sha256(CONTENT).hexdigest(),
    len(CONTENT),
)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder, with one small official file in the world."""
    monkeypatch.setattr(download, "FILES", (SMALL,))
    monkeypatch.setenv("DLIB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("DLIB_MIRROR", raising=False)
    return tmp_path / "data"


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a server on this machine serves, and DLIB_MIRROR names."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / SMALL.filename).write_bytes(CONTENT)
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("DLIB_MIRROR", f"http://127.0.0.1:{server.server_port}")
    yield folder
    server.shutdown()
    server.server_close()


def test_get_list_check_where(data: Path, served: Path) -> None:
    assert "not here" in run("list").stdout
    assert "no file: the twin" in run("where").stdout

    result = run("get", "dsprites")
    path = data / "sprites.npz"
    assert result.exit_code == 0
    assert result.stdout == f"{path} (1.2 MB), checksum right\n"
    assert path.read_bytes() == CONTENT

    assert "1.2 MB  here" in run("list").stdout
    assert str(path) in run("where").stdout
    assert run("check").stdout == f"{path}: checksum right\n"
    assert run("check", "dsprites").exit_code == 0


def test_a_data_set_of_several_files_is_fetched_whole(
    data: Path, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(b"labels").hexdigest()
    files = (
        replace(SMALL, name="mnist", format="idx", filename="images.gz"),
        replace(
            SMALL, name="mnist", format="idx", filename="labels.gz", size=6,
            checksum=f"sha256:{digest}",
        ),
    )  # fmt: skip
    monkeypatch.setattr(download, "FILES", files)
    (served / "images.gz").write_bytes(CONTENT)
    assert run("get", "mnist").exit_code == 1  # the second is not served yet
    assert download.find("mnist") is None
    assert "no file: the sample" in run("where").stdout
    (served / "labels.gz").write_bytes(b"labels")
    result = run("get", "mnist")
    assert result.exit_code == 0 and result.stdout.count("checksum right") == 2
    assert download.find("mnist") == data / "images.gz"
    assert run("check", "mnist").stdout.count("checksum right") == 2


def test_a_file_without_a_checksum_is_put_there_by_hand(
    data: Path, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = replace(SMALL, checksum=None, size=0, unpacked="some/splits.mat")
    monkeypatch.setattr(download, "FILES", (file,))
    result = run("get", "dsprites")
    assert result.exit_code == 1
    assert f"Error: no checksum of {file.filename} is published" in result.stderr
    assert file.url in result.stderr and not data.exists()
    listed = run("list").stdout
    assert "?  not here" in listed and f"by hand from {file.url}" in listed
    assert run("check").exit_code == 1

    unchecked = "no checksum is published to check it by\n"
    (data / "some").mkdir(parents=True)
    (data / "some" / "splits.mat").touch()
    assert "?  here" in run("list").stdout
    assert str(data / "some") in run("where").stdout
    assert run("get", "dsprites").stdout == f"{data / 'some'}, {unchecked}"
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout == f"{data / 'some'}: {unchecked}"
    path = data / file.filename
    path.write_bytes(CONTENT)
    assert run("get", "dsprites").stdout == f"{path} (1.2 MB), {unchecked}"
    assert run("check", "dsprites").stdout == f"{path}: {unchecked}"


def test_root_option(data: Path, served: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert run("get", "dsprites", "--root", str(other)).exit_code == 0
    assert (other / "sprites.npz").is_file()
    assert not data.exists()
    assert "not here" in run("list").stdout
    assert "not here" not in run("list", "--root", str(other)).stdout
    assert f"official files: {other}" in run("where", "--root", str(other)).stdout


def test_check_finds_a_changed_file(data: Path) -> None:
    data.mkdir()
    (data / "sprites.npz").write_bytes(CONTENT[:-1])
    result = run("check")
    assert result.exit_code == 1
    assert "checksum WRONG" in result.stdout
    assert "Error: sprites.npz: not as published" in result.stderr


def test_check_without_a_file(data: Path) -> None:
    result = run("check")
    assert result.exit_code == 1
    assert f"no official file of dsprites in {data}" in result.stderr


@pytest.mark.parametrize("order", ["get", "check"])
def test_unknown_name(order: str) -> None:
    result = run(order, "imagenet")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: no official data set 'imagenet'; there are dsprites, shapes3d, mpi3d, "
        "mnist, flowers, sprites, celeba, chairs\n"
    )


def test_unknown_format() -> None:
    result = run("get", "shapes3d", "--format", "npz")
    assert result.exit_code == 2
    assert "shapes3d is published as hdf5, not as 'npz'" in result.stderr


def test_failures_are_one_line_and_leave_nothing(
    data: Path, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (served / SMALL.filename).write_bytes(b"something else")
    result = run("get", "dsprites")
    assert result.exit_code == 1
    assert "is not the published sprites.npz" in result.stderr
    assert list(data.iterdir()) == []

    (served / SMALL.filename).unlink()
    result = run("get", "dsprites")
    assert result.exit_code == 1
    assert "the server answered 404" in result.stderr
    assert list(data.iterdir()) == []

    monkeypatch.setenv("DLIB_MIRROR", "http://127.0.0.1:9")
    result = run("get", "dsprites")
    assert result.exit_code == 1
    assert "cannot reach http://127.0.0.1:9/sprites.npz" in result.stderr
    assert list(data.iterdir()) == []
