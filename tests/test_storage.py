"""Files are written whole or not at all."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from dlib.storage import (
    DamagedFile,
    cache_folder,
    load_tensors,
    make_folder,
    save_tensors,
    write_whole,
)


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


@pytest.mark.parametrize("below", [".", "runs", "a/b"])
def test_a_cache_folder_that_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    cache = tmp_path / "cache"
    cache.write_text("in the way")
    monkeypatch.setenv("DLIB_CACHE", str(cache))
    with pytest.raises(NotADirectoryError) as caught:
        write_whole(cache / below / "file", lambda path: path.write_text("x"))
    message = str(caught.value)
    assert f"cannot make the folder {cache / below}" in message
    assert f"{cache} is a file" in message and "DLIB_CACHE" in message
    assert cache.read_text() == "in the way"


def test_another_folder_that_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotADirectoryError, match="name another folder") as caught:
        make_folder(tmp_path / "file")
    assert "DLIB_CACHE" not in str(caught.value)
    assert make_folder(tmp_path / "a" / "b").is_dir()


def many_tensors() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(4, 6, generator=generator)
    picture = torch.randn(2, 3, 4, 4, generator=generator)
    return {
        "matrix": matrix,
        "transposed": matrix.T,  # shares the matrix's memory
        "row": matrix[1],
        "expanded": torch.tensor([1.0, 2.0]).expand(3, 2),
        "channels last": picture.to(memory_format=torch.channels_last),
        "weight": torch.nn.Parameter(torch.ones(3)),
        "scalar": torch.tensor(2.5, dtype=torch.float64),
        "count": torch.tensor(7),
        "empty": torch.zeros(0, 4),
        "half": torch.randn(5, generator=generator).to(torch.bfloat16),
        "integers": torch.tensor([-(2**63), 2**63 - 1]),
        "mask": torch.tensor([True, False, True]),
        "bytes": torch.arange(256).to(torch.uint8),
        "not numbers": torch.tensor([math.nan, math.inf, -0.0]),
        "größe": torch.tensor([1, 2], dtype=torch.int16),
    }


def test_tensors_and_texts_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "new" / "many.safetensors"
    given, texts = many_tensors(), {"state": '{"step": 3}\n', "name": "β-VAE"}
    save_tensors(path, given, texts)
    tensors, metadata = load_tensors(path)
    assert metadata == texts
    assert set(tensors) == set(given)
    for name, value in given.items():
        read = tensors[name]
        assert read.dtype == value.dtype and read.shape == value.shape, name
        # Bit for bit: a NaN is not equal to itself, and -0 is equal to 0.
        ours = read.contiguous().flatten().view(torch.uint8)
        theirs = value.detach().contiguous().flatten().view(torch.uint8)
        assert torch.equal(ours, theirs), name
        assert read.is_contiguous()
    assert os.listdir(path.parent) == [path.name]


def test_others_can_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    save_tensors(path, {"a": torch.arange(3)}, {"note": "read me"})
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["note"] == "read me"
        assert file.get_tensor("a").tolist() == [0, 1, 2]


def test_the_same_content_is_the_same_file(tmp_path: Path) -> None:
    texts = {name: name for name in "qwertyuiop"}
    paths = [tmp_path / name for name in ("one", "two", "three")]
    for path, names in zip(
        paths, (texts, dict(sorted(texts.items())), texts), strict=True
    ):
        save_tensors(path, many_tensors(), names)
    assert len({path.read_bytes() for path in paths}) == 1


def test_what_was_read_may_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "file"
    save_tensors(path, {"a": torch.zeros(3)})
    tensors, metadata = load_tensors(path)
    assert metadata == {}
    tensors["a"] += 1
    assert load_tensors(path)[0]["a"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("flip", [0x01, 0x20, 0xFF])
def test_every_flipped_byte_is_noticed(tmp_path: Path, flip: int) -> None:
    """Of the length, the names, the shapes, the types, the texts and the data."""
    path = tmp_path / "file.safetensors"
    save_tensors(
        path, {"a": torch.tensor([1.0, 2.0]), "b": torch.ones(2, 1)}, {"n": "1"}
    )
    whole = path.read_bytes()
    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= flip
        path.write_bytes(altered)
        with pytest.raises(DamagedFile) as caught:
            load_tensors(path)
        assert f"{path} is damaged" in str(caught.value)
        assert "remove it" in str(caught.value)


def test_a_file_cut_anywhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    save_tensors(path, {"a": torch.tensor([1.0, 2.0]), "e": torch.zeros(0)})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedFile, match="remove it"):
            load_tensors(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(DamagedFile, match="does not match its checksum"):
        load_tensors(path)


@pytest.mark.parametrize(
    "content",
    [
        b"not a tensor" * 9,
        b"PK\x03\x04" + bytes(60),
        (2).to_bytes(8, "little") + b"[]",
        (22).to_bytes(8, "little") + b'{"__metadata__": [3]} ',
        (2).to_bytes(8, "little") + b"\xff\xff",
    ],
    ids=["text", "zip", "list", "metadata", "bytes"],
)
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes(content)
    with pytest.raises(DamagedFile, match="no safetensors file"):
        load_tensors(path)


@pytest.mark.parametrize("metadata", [None, {"note": "theirs"}])
def test_a_file_without_a_checksum_is_refused(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    path = tmp_path / "file.safetensors"
    save_file({"a": torch.zeros(3)}, path, metadata)
    with pytest.raises(DamagedFile, match="no checksum"):
        load_tensors(path)


def test_an_absent_file_and_a_name_that_is_taken(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_tensors(tmp_path / "absent")
    with pytest.raises(ValueError, match="must not have the name 'sha256'"):
        save_tensors(tmp_path / "file", {}, {"sha256": "mine"})
    assert os.listdir(tmp_path) == []


def test_the_library_starts_without_torch() -> None:
    """The command line needs folders before it needs tensors."""
    script = "import sys; import dlib.storage; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
