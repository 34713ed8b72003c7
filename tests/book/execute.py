"""Execute the chapters at the smoke budget: those that changed since the last time.

    python tests/book/execute.py LIBRARY book _smoke

The chapters are copied to ``_smoke/book`` and keep their outputs there; the
repository's notebooks stay without any. ``_smoke/executed`` keeps those that ran to
their end, each with what it depends on: its own text, LIBRARY (a checksum of the
library and of the pinned versions) and Python's version. Where none of these has
changed the kept one is taken; a clean clone executes all.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

NO_CHAPTER = ("_build", ".ipynb_checkpoints")
PYTEST = (
    *("pytest", "-q", "--nbmake", "--overwrite", "--timeout=900"),
    *("--nbmake-timeout=900", "--durations=0", "--durations-min=0"),
)


def main(library: str, book: Path, smoke: Path) -> int:
    """Copy, execute what changed, keep what was executed; the exit status."""
    shutil.rmtree(smoke / "book", ignore_errors=True)
    ignored = shutil.ignore_patterns(*NO_CHAPTER)
    shutil.copytree(book, smoke / "book", ignore=ignored)
    (smoke / ".gitignore").write_text("*\n")
    keys = {name: key_of(book / name, library) for name in chapters(book)}
    todo = [name for name in keys if not take(smoke, name, keys[name])]
    print(f"{len(keys) - len(todo)} of {len(keys)} chapters were executed before")
    if not todo:
        return 0
    status = subprocess.run(
        [sys.executable, "-m", *PYTEST, *(smoke / "book" / name for name in todo)],
        env={**os.environ, "DLIB_BUDGET": "smoke", "DLIB_PAGE": "1"},
    ).returncode
    if status == 0:
        for name in todo:
            keep(smoke, name, keys[name])
    return status


def chapters(book: Path) -> list[str]:
    """The notebooks' paths within the book."""
    paths = [path.relative_to(book) for path in book.rglob("*.ipynb")]
    kept = [path for path in paths if not set(path.parts) & set(NO_CHAPTER)]
    return sorted(path.as_posix() for path in kept)


def key_of(chapter: Path, library: str) -> str:
    """Changes with anything that the chapter's outputs depend on."""
    text = f"{library} {platform.python_version()} {Path(__file__).read_text()} "
    return hashlib.sha256(text.encode() + chapter.read_bytes()).hexdigest()


def take(smoke: Path, name: str, key: str) -> bool:
    """Put the kept outputs into the copied chapter, if they are of this key."""
    kept = smoke / "executed" / f"{name}.{key}"
    if not kept.is_file():
        return False
    shutil.copyfile(kept, smoke / "book" / name)
    return True


def keep(smoke: Path, name: str, key: str) -> None:
    """Keep an executed chapter in place of what was kept of it before."""
    kept = smoke / "executed" / f"{name}.{key}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    for older in kept.parent.glob(f"{Path(name).name}.*"):
        older.unlink()
    whole = kept.with_name(f".{kept.name}")
    shutil.copyfile(smoke / "book" / name, whole)
    whole.replace(kept)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
