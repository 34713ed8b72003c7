"""Keep what a training step frees, for the next step to use again.

On the CPU torch allocates with ``malloc``, and glibc gives large blocks back to
the kernel as soon as they are freed. A training step frees all of its activations
and gradients and asks for as much again a moment later, and the kernel must find
and clear every page anew: at 64x64 pictures this is a third of the step. Told to
keep what is freed, a process uses its pages again; in return it stays as large as
it has ever been, until it ends.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os

log = logging.getLogger("dlib")

# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# Blocks below it come from the heap, whose pages can be kept; glibc takes no more.
LARGEST = 32 * 2**20
NEVER = -1


def keep_freed_memory() -> bool:
    """Let this process keep large blocks that it frees, where glibc is its C library.

    Done once in a process; further calls change nothing. ``DLIB_KEEP_MEMORY=0``
    turns it off, for instance where many processes share a small memory.

    Returns
    -------
    bool
        Whether freed memory is kept: False with another C library (musl, macOS,
        Windows), or where it was turned off.
    """
    if os.environ.get("DLIB_KEEP_MEMORY") == "0":
        return False
    return _tell_malloc()


@functools.cache
def _tell_malloc() -> bool:
    if not _is_glibc():
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError) as error:
        log.info("memory that is freed is not kept: %s", error)
        return False
    mallopt.argtypes, mallopt.restype = [ctypes.c_int, ctypes.c_int], ctypes.c_int
    # 1 is success. The second is of no use without the first.
    return bool(
        mallopt(M_MMAP_THRESHOLD, LARGEST) == 1
        and mallopt(M_TRIM_THRESHOLD, NEVER) == 1
    )


def _is_glibc() -> bool:
    """Whether the C library says so itself: musl has a ``mallopt`` of another kind."""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, OSError, ValueError):  # Windows, musl, macOS
        return False
