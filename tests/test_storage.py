"""Files are written whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dlib.storage import cache_folder, write_whole


def test_the_environment_names_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


def test_the_cache_has_a_place_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of the other project that is called dlib."""
    monkeypatch.delenv("DLIB_CACHE", raising=False)
    assert "dlib-book" in cache_folder().parts
    assert cache_folder().is_absolute()


def test_a_file_is_written_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file.txt"
    write_whole(path, lambda temporary: temporary.write_text("whole"))
    assert path.read_text() == "whole"
    assert os.listdir(path.parent) == ["file.txt"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_the_writer_works_beside_the_file(tmp_path: Path) -> None:
    """A rename is only whole within one file system."""
    path = tmp_path / "file.txt"
    seen: list[Path] = []
    write_whole(path, seen.append)
    assert seen[0].parent == tmp_path and seen[0] != path


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("existed", [True, False])
def test_a_failed_write_leaves_what_was(
    tmp_path: Path, error: BaseException, existed: bool
) -> None:
    path = tmp_path / "file.txt"
    if existed:
        path.write_text("old")

    def write(temporary: Path) -> None:
        temporary.write_text("ha")
        raise error

    with pytest.raises(type(error)):
        write_whole(path, write)
    assert os.listdir(tmp_path) == (["file.txt"] if existed else [])
    if existed:
        assert path.read_text() == "old"


def test_a_reader_sees_the_old_file_until_the_new_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write(temporary: Path) -> None:
        temporary.write_text("half")
        assert path.read_text() == "old"
        temporary.write_text("whole")

    write_whole(path, write)
    assert path.read_text() == "whole"


def test_being_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from dlib.storage import write_whole\n"
        "def write(temporary):\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_whole(Path(sys.argv[1]), write)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(path)], timeout=120)
    assert ended.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
