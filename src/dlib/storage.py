"""Where files are kept, and how they are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``$DLIB_CACHE``, or the user's cache folder for this library."""
    given = os.environ.get("DLIB_CACHE")
    return (
        Path(given).expanduser()
        if given
        else Path(platformdirs.user_cache_dir("dlib-book"))
    )


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
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)  # mkstemp's files are private
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
