"""Sweeps on this machine: killed and gone on, failures named, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from dlib.recipes.experiment import Experiment, expand, read
from dlib.runs import fit_or_load, shipped
from dlib.sweeps import sweep
from dlib.sweeps.job import Job, steps_done

TOML = """
title = "Toy"
citation = "nobody"
[groups.table]
title = "A toy sweep"
metrics = ["mig"]
[groups.table.smoke]
points = [300, 200]
[groups.table.smoke.recipe]
steps = {steps}
batch_size = 8
precision = "32-true"
"data.size" = 16
[groups.table.book]
[groups.table.paper]
[groups.table.lines.vae]
title = "VAE"
recipe = {{ method = "vae" }}
[groups.table.lines.beta_vae]
title = "β-VAE"
recipe = {{ method = "beta_vae" }}
"""


@pytest.fixture(autouse=True)
def nothing_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "shipped")


def toy(tmp_path: Path, steps: int = 60) -> Experiment:
    path = tmp_path / "toy.toml"
    path.write_text(TOML.format(steps=steps))
    return expand(read(path), "toy", "table", "smoke")


def test_every_run_is_finished_once(tmp_path: Path) -> None:
    experiment, root = toy(tmp_path), tmp_path / "runs"
    outcome = sweep(experiment, jobs=2, root=root, device="cpu", progress=False)
    names = [entry.name for entry in experiment.entries]
    assert sorted(outcome.trained) == sorted(names)
    assert (outcome.found, outcome.failed) == ([], {})
    times = {p.name: p.stat().st_mtime_ns for p in root.glob("*.safetensors")}
    again = sweep(experiment, jobs=2, root=root, device="cpu", progress=False)
    assert (again.found, again.trained) == (names, [])
    assert times == {p.name: p.stat().st_mtime_ns for p in root.glob("*.safetensors")}
    run = fit_or_load(experiment.entries[0].recipe, train=False, root=root)
    assert run.found == "cache" and "mig" in run.metrics
    log = (root / "logs" / f"{run.recipe.hash}.log").read_text()
    assert "60 of 60" in log and "finished: " in log


def test_a_run_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    experiment, root = toy(tmp_path), tmp_path / "runs"
    root.mkdir()
    bad = experiment.entries[0]
    # Its checkpoint is of something else.
    (root / f"{bad.recipe.hash}.checkpoint").write_text("no checkpoint")
    outcome = sweep(experiment, jobs=2, root=root, device="cpu", progress=False)
    assert list(outcome.failed) == [bad.name] and len(outcome.trained) == 1
    said = outcome.failed[bad.name]
    log = root / "logs" / f"{bad.recipe.hash}.log"
    assert "not a checkpoint" in said and str(log) in said
    assert "Traceback" in log.read_text()


def test_a_run_whose_process_dies_does_not_stop_the_others(
    tmp_path: Path, monkeypatch
) -> None:
    experiment, root = toy(tmp_path), tmp_path / "runs"
    doomed = experiment.entries[1]
    # A process that finds this module first is killed at its start.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys, threading, time\n"
        "def look():\n"
        f"    log = {str(root / 'logs' / (doomed.recipe.hash + '.log'))!r}\n"
        "    while True:\n"
        "        time.sleep(0.02)\n"
        "        try:\n"
        "            if f'process {os.getpid()}\\n' in open(log).read():\n"
        "                os.kill(os.getpid(), 9)\n"
        "        except OSError:\n"
        "            pass\n"
        "threading.Thread(target=look, daemon=True).start()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    outcome = sweep(experiment, jobs=2, root=root, device="cpu", progress=False)
    assert list(outcome.failed) == [doomed.name] and len(outcome.trained) == 1


COMMAND = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import signal
from test_local import toy
from dlib.runs import shipped
from dlib.sweeps import sweep
shipped.SHIPPED = Path(sys.argv[2]) / "shipped"
signal.signal(signal.SIGTERM, signal.default_int_handler)
sweep(toy(Path(sys.argv[2]), int(sys.argv[3])), jobs=1, root=sys.argv[4],
      device="cpu", progress=False)
"""


def start(tmp_path: Path, root: Path, steps: int) -> subprocess.Popen:
    here = str(Path(__file__).parent)
    arguments = [here, str(tmp_path), str(steps), str(root)]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stderr=subprocess.DEVNULL
    )


def test_a_killed_sweep_goes_on_where_it_stood(tmp_path: Path) -> None:
    steps, root = 800, tmp_path / "runs"
    experiment = toy(tmp_path, steps)
    first = experiment.entries[0].recipe
    log = root / "logs" / f"{first.hash}.log"
    process = start(tmp_path, root, steps)
    try:
        until = time.monotonic() + 120
        while not log.exists() or " of 800" not in log.read_text():
            assert time.monotonic() < until, "the sweep never got under way"
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) != 0
    finally:
        process.kill()
    checkpoint = root / f"{first.hash}.checkpoint"
    assert checkpoint.exists() and "stopped after step" in log.read_text()
    resumed = sweep(
        experiment, experiment.entries[:1], jobs=1, root=root, device="cpu",
        progress=False,
    )  # fmt: skip
    assert resumed.trained == [experiment.entries[0].name]
    assert not checkpoint.exists()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the sweep's processes have: sums differ by threads
    try:
        other = tmp_path / "other"
        whole = fit_or_load(first, root=other, device="cpu", progress=False)
    finally:
        torch.set_num_threads(threads)
    again = fit_or_load(first, train=False, root=root)
    for name, value in whole.trained.state_dict().items():
        assert value.equal(again.trained.state_dict()[name]), name


def test_two_sweeps_on_one_store_don_t_harm_each_other(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    processes = [start(tmp_path, root, 60) for _ in range(2)]
    assert [process.wait(200) for process in processes] == [0, 0]
    experiment = toy(tmp_path)
    for entry in experiment.entries:
        record = json.loads((root / f"{entry.recipe.hash}.json").read_text())
        assert record["report"]["scores"]["mig"]
        log = (root / "logs" / f"{entry.recipe.hash}.log").read_text()
        assert log.count("trained just now") <= 1
    assert not list(root.glob("*.checkpoint"))


def test_a_log_that_is_being_written_stays(tmp_path: Path) -> None:
    """It may be that of another sweep, which has the run under way."""
    experiment, root = toy(tmp_path), tmp_path / "runs"
    entry = experiment.entries[0]
    log = root / "logs" / f"{entry.recipe.hash}.log"
    log.parent.mkdir(parents=True)
    with open(log, "a", buffering=1) as other:
        other.write("vae in process 1\nx vae: 50 of 60, 1 s left\n")
        sweep(
            experiment, [entry], jobs=1, root=root, device="cpu", progress=False
        )  # fmt: skip
        other.write("still here\n")
    text = log.read_text()
    assert text.startswith("vae in process 1") and text.endswith("still here\n")
    assert "trained just now" in text


def test_progress_is_read_off_the_log(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    job = Job("a", {"steps": 1500}, (), (1, 1), "cpu", "", 1, str(log))
    assert steps_done(job) == 0
    log.write_text("a in process 3\nx a: 150 of 1,500, 9 s left (nll 3)\n")
    assert steps_done(job) == 150
    with open(log, "a") as more:
        more.write("x a: 1,500 of 1,500\nencoding: 700 of 900, 1 s left\n")
    assert steps_done(job) == 1500


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "slurm"}, "engine must be one of local, ray, got 'slurm'"),
        ({"jobs": 0}, "jobs and threads must be positive"),
        ({"threads": 0}, "jobs and threads must be positive"),
        ({"gpus": -1}, "gpus not negative"),
    ],
)
def test_options_without_sense_are_refused(
    tmp_path: Path, options: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        sweep(toy(tmp_path), root=tmp_path, **options)


def test_a_store_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("not a folder")
    with pytest.raises(OSError, match="runs"):
        sweep(toy(tmp_path), root=tmp_path / "runs", progress=False)
    assert os.path.isfile(tmp_path / "runs")
