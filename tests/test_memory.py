"""What a step frees is used again, where glibc can be told so."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys

import pytest

from dlib import memory

# A step's worth of blocks, freed together and asked for again: pages that the
# kernel had to provide (minor faults), for each of ten steps.
SCRIPT = """
import ctypes, json, resource
from dlib.memory import keep_freed_memory
told = [keep_freed_memory(), keep_freed_memory()]
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
size = 10 * 2**20
def step():
    blocks = [libc.malloc(size) for _ in range(8)]
    for block in blocks:
        libc.memset(block, 1, size)
    for block in reversed(blocks):
        libc.free(block)
step(); step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(json.dumps([told, faults / 10]))
"""


def steps(**environment: str) -> tuple[list[bool], float]:
    """What was returned, and faults a step, in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    told, faults = json.loads(ended.stdout)
    return told, faults


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has not asked yet, and nothing is turned off."""
    monkeypatch.delenv("DLIB_KEEP_MEMORY", raising=False)
    memory._tell_malloc.cache_clear()


@pytest.mark.skipif(not memory._is_glibc(), reason="not glibc: nothing is kept")
def test_pages_are_used_again() -> None:
    told, faults = steps(DLIB_KEEP_MEMORY="1")
    told_off, faults_off = steps(DLIB_KEEP_MEMORY="0")
    assert told == [True, True] and told_off == [False, False]
    # 80 MB are 20,480 pages of 4 kB, or 40 where the kernel gives huge ones.
    assert faults < 1 and faults_off >= 40


def test_another_library_is_left_alone(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_library(name: str | None) -> None:
        raise AssertionError("nothing of another C library must be called")

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    for confstr in (_refuses, lambda name: None):  # macOS and musl, and an empty one
        monkeypatch.setattr(os, "confstr", confstr, raising=False)
        memory._tell_malloc.cache_clear()
        assert memory.keep_freed_memory() is False
    monkeypatch.delattr(os, "confstr", raising=False)  # Windows
    memory._tell_malloc.cache_clear()
    assert memory.keep_freed_memory() is False


def _refuses(name: str) -> str:
    raise ValueError("unrecognized configuration name")


def test_a_library_that_cannot_be_opened_or_refuses(
    fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_is_glibc", lambda: True)

    def cannot(name: str | None) -> None:
        raise OSError("static binary")

    def refuses(name: str | None) -> object:
        def mallopt(option: int, value: int) -> int:
            asked.append(option)
            return 0

        return type("Library", (), {"mallopt": staticmethod(mallopt)})

    asked: list[int] = []
    monkeypatch.setattr(ctypes, "CDLL", cannot)
    assert memory.keep_freed_memory() is False
    memory._tell_malloc.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", refuses)
    assert memory.keep_freed_memory() is False
    assert asked == [memory.M_MMAP_THRESHOLD]
    memory._tell_malloc.cache_clear()


def test_off_means_off(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_tell_malloc", lambda: pytest.fail("was asked"))
    monkeypatch.setenv("DLIB_KEEP_MEMORY", "0")
    assert memory.keep_freed_memory() is False
