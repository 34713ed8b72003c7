"""Tensors that are slow to make, kept on disk between one process and the next.

A file is complete or absent: it is written under a temporary name and then
moved into place. It carries a checksum, and one that is cut short or altered is
made again. When two processes start at once, the second waits for the first;
should waiting fail, both build, which costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from dlib.storage import (
    DamagedFile,
    cache_folder,
    load_tensors,
    make_folder,
    save_tensors,
)

log = logging.getLogger(__name__)

# Longer than a build takes on a busy machine; after it, build here as well.
SECONDS_TO_WAIT = 120.0


def load_or_build(
    name: str,
    build: Callable[[], Tensor],
    shape: tuple[int, ...],
    dtype: torch.dtype,
    folder: Path | None = None,
) -> Tensor:
    """The tensor kept under ``name``, built now if there is none in order.

    Parameters
    ----------
    name : str
        File name without its ending. It must change with whatever the content
        depends on.
    build : callable
        Makes the tensor, on the CPU.
    shape, dtype : tuple of int, torch.dtype
        What the tensor must be; a file that holds anything else is replaced.
    folder : Path, optional
        Default :func:`dlib.storage.cache_folder`.

    Returns
    -------
    Tensor
        On the CPU.

    Warns
    -----
    RuntimeWarning
        If the folder cannot be written to: the tensor is then kept in memory
        only, and the next process builds it again.
    """
    path = (folder or cache_folder()) / f"{name}.safetensors"
    kept = _read(path, shape, dtype)
    if kept is not None:
        return kept
    with contextlib.ExitStack() as stack:
        try:
            make_folder(path.parent)
            lock = FileLock(path.with_suffix(".lock"), timeout=SECONDS_TO_WAIT)
            stack.enter_context(lock)
        except Timeout:
            log.info("waited long enough for another process to make %s", path)
        except OSError as error:
            _warn(path, error)
            return build()
        # Whoever held the lock before us may have made it meanwhile.
        kept = _read(path, shape, dtype)
        if kept is not None:
            return kept
        built = build()
        try:
            save_tensors(path, {"buffer": built})
        except OSError as error:
            _warn(path, error)
    return built


def _warn(path: Path, error: Exception) -> None:
    warnings.warn(
        f"cannot keep {path.name} in {path.parent} ({error}); it stays in memory "
        "and will be built again next time. Set DLIB_CACHE to a folder that can "
        "be written to.",
        RuntimeWarning,
        stacklevel=4,
    )


def _read(path: Path, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor | None:
    """The tensor in the file, or None if it is absent or not in order."""
    try:
        tensor = load_tensors(path)[0].get("buffer")
    except FileNotFoundError:
        return None
    except (OSError, DamagedFile) as error:
        log.info("building it again: %s", error)
        return None
    if tensor is None or tuple(tensor.shape) != shape or tensor.dtype != dtype:
        log.info("%s holds another tensor than expected: building it again", path)
        return None
    return tensor
