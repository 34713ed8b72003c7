"""Sweeps on Ray: a cluster of this machine with two workers, of which one dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from test_local import toy

from dlib.runs import fit_or_load, shipped
from dlib.sweeps import sweep

ray = pytest.importorskip("ray", reason="Ray is not installed: dlib-book[ray]")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=100_000_000,
    )
    yield
    ray.shutdown()


@pytest.fixture(autouse=True)
def nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "shipped")


def kill_when_under_way(log: Path, killed: list[int]) -> None:
    """Kill the process that a log names, once it has trained for a while."""
    until = time.monotonic() + 150
    while time.monotonic() < until:
        time.sleep(0.05)
        text = log.read_text() if log.exists() else ""
        if " of 800" in text:
            process = int(text.split("in process ")[1].split()[0])
            os.kill(process, signal.SIGKILL)
            killed.append(process)
            return


def test_a_worker_that_dies_is_replaced_and_its_run_finished(tmp_path: Path) -> None:
    experiment, root = toy(tmp_path, steps=800), tmp_path / "runs"
    entries = experiment.entries[:2]
    log = root / "logs" / f"{entries[0].recipe.hash}.log"
    killed: list[int] = []
    watcher = threading.Thread(target=kill_when_under_way, args=(log, killed))
    watcher.start()
    outcome = sweep(
        experiment, entries, engine="ray", root=root, device="cpu", progress=False
    )
    watcher.join()
    assert len(killed) == 1
    assert sorted(outcome.trained) == sorted(entry.name for entry in entries)
    assert not outcome.failed
    text = log.read_text()
    assert text.count("in process ") == 2  # another worker took it up
    assert f"in process {killed[0]}" in text
    for entry in entries:
        run = fit_or_load(entry.recipe, train=False, root=root)
        assert run.history.steps[-1] == 800 and "mig" in run.metrics
    again = sweep(experiment, entries, engine="ray", root=root, progress=False)
    assert again.found == [entry.name for entry in entries]


def test_a_run_that_fails_is_named_with_its_log(tmp_path: Path) -> None:
    experiment, root = toy(tmp_path, steps=60), tmp_path / "runs"
    root.mkdir()
    bad, good = experiment.entries[:2]
    (root / f"{bad.recipe.hash}.checkpoint").write_text("no checkpoint")
    outcome = sweep(
        experiment, [bad, good], engine="ray", root=root, device="cpu", progress=False
    )
    assert outcome.trained == [good.name]
    assert "not a checkpoint" in outcome.failed[bad.name]
    assert f"{bad.recipe.hash}.log" in outcome.failed[bad.name]
