"""Where files are kept, and how they are written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

if TYPE_CHECKING:
    from torch import Tensor

CHECKSUM = "sha256"  # its name in a tensor file's metadata


class DamagedFile(ValueError):
    """A file that is not what was written; the message says what to do."""


def cache_folder() -> Path:
    """``$DLIB_CACHE``, or the user's cache folder for this library."""
    given = os.environ.get("DLIB_CACHE")
    return (
        Path(given).expanduser()
        if given
        else Path(platformdirs.user_cache_dir("dlib-book"))
    )


def make_folder(folder: Path) -> Path:
    """Make a folder, and those above it, unless it is there.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    NotADirectoryError
        If a file is in its place, or in that of a folder above it; the message
        says which, and what to do.
    OSError
        If it cannot be made for another reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        places = (folder, *folder.parents)
        file = next((place for place in places if place.is_file()), folder)
        ours = folder.is_relative_to(cache_folder())
        advice = "set DLIB_CACHE to a folder" if ours else "name another folder"
        raise NotADirectoryError(
            f"cannot make the folder {folder}: {file} is a file; move it away, or "
            f"{advice}"
        ) from error
    return folder


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary neighbour of ``path``, then rename it.

    A reader sees the old file or the new one, never half of one; a failed
    write leaves nothing behind.

    Parameters
    ----------
    path : Path
        The file to be. Its folder is made if need be.
    write : callable
        Is given the temporary path.

    Raises
    ------
    OSError
        If the folder cannot be made, as :func:`make_folder`, or the file not
        written.
    """
    make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)  # mkstemp's files are private
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors and texts to a safetensors file, with a checksum of both.

    The file is written whole or not at all. Its bytes are a function of what it
    holds: saved again, it is the same file.

    Parameters
    ----------
    path : Path
        The file to be.
    tensors : mapping of str to Tensor
        On any device, of any layout and shape; those that share memory are
        stored apart.
    metadata : mapping of str to str, optional
        Texts to keep beside them. The name ``"sha256"`` is taken.

    Raises
    ------
    ValueError
        If the metadata has a name that is taken.
    OSError
        As :func:`write_whole`.
    """
    import torch
    from safetensors.torch import save

    texts = dict(sorted((metadata or {}).items()))
    if CHECKSUM in texts:
        raise ValueError(f"the metadata must not have the name {CHECKSUM!r}: rename it")
    apart = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in tensors.items()
    }
    header, content = _parts(save(apart))
    # Not by safetensors, which writes them in an order that differs by the call.
    header["__metadata__"] = texts
    header["__metadata__"] = {**texts, CHECKSUM: _digest(header, content)}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    whole = b"".join((len(text).to_bytes(8, "little"), text, content))
    write_whole(path, lambda temporary: temporary.write_bytes(whole))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read what :func:`save_tensors` wrote, its checksum checked.

    Returns
    -------
    tensors : dict of str to Tensor
        On the CPU, in memory of their own.
    metadata : dict of str to str

    Raises
    ------
    DamagedFile
        If a byte is another than was written, some are missing, or the file is
        of another kind or has no checksum.
    OSError
        If there is no such file, or it cannot be read.
    """
    from safetensors.torch import load

    whole = path.read_bytes()
    try:
        header, content = _parts(whole)
        texts = dict(header.get("__metadata__", {}))
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(path, "it is no safetensors file, or cut short") from error
    expected = texts.pop(CHECKSUM, None)
    if expected is None:
        raise _damaged(path, "it has no checksum: something else wrote it")
    if expected != _digest({**header, "__metadata__": texts}, content):
        raise _damaged(path, "it does not match its checksum")
    return load(whole), texts


def _parts(whole: bytes) -> tuple[dict[str, Any], memoryview]:
    """A safetensors file's header, and the bytes that follow it."""
    end = 8 + int.from_bytes(whole[:8], "little")
    return json.loads(whole[8:end]), memoryview(whole)[end:]


def _digest(header: dict[str, Any], content: memoryview) -> str:
    """Of names, shapes, types, texts and bytes; the header is without a checksum."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    digest.update(content)
    return digest.hexdigest()


def _damaged(path: Path, why: str) -> DamagedFile:
    return DamagedFile(
        f"{path} is damaged: {why}; remove it, and it will be made again"
    )
