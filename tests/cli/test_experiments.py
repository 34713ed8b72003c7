"""The shell: what a person types, and what comes back."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dlib import recipes
from dlib.cli import app
from dlib.metrics import Report, Score, label_of
from dlib.runs import Run, fit_or_load, runs_folder, shipped, store
from dlib.training import History

shell = CliRunner()


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path))
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "shipped")
    return tmp_path


def finished(budget: str = "smoke", group: str = "sweep", count: int | None = None):
    """Runs that look finished: untrained weights and made-up scores."""
    experiment = recipes.load("dip_vae", group, budget)
    protocol = {"points": list(experiment.points), "seed": 0, "protocol": 2}
    for i, entry in enumerate(experiment.entries[:count]):
        labels = map(label_of, entry.metrics)
        scores = {m: Score(m, 0.1 + 0.01 * i) for m in labels}
        record = {
            "minutes": 1.5,
            "machine": "a test",
            "versions": {"twins": entry.recipe.data.versions},
            "measured": protocol,
        }
        run = Run(
            entry.recipe,
            entry.recipe.build(),
            History([10], {"nll": [1.0]}),
            Report(entry.name, scores, protocol={"protocol": 2}),
            record,
            "trained",
        )
        store.save(run, runs_folder())
    return experiment


def test_help_lists_the_commands() -> None:
    result = shell.invoke(app, ["--help"])
    assert result.exit_code == 0
    for command in (
        "run", "sweep", "table", "claims", "estimate", "runs", "data", "score",
    ):  # fmt: skip
        assert command in result.output


def test_run_trains_and_then_loads() -> None:
    command = ["run", "dip_vae", "--group", "sweep", "--budget", "smoke"]
    command += ["--only", "beta_vae-1"]
    first, again = shell.invoke(app, command), shell.invoke(app, command)
    assert first.exit_code == 0, first.output
    assert "trained just now" in first.output
    assert "cache" in again.output


def test_sweep_finds_what_is_finished() -> None:
    finished()
    handler = signal.getsignal(signal.SIGTERM)
    command = ["sweep", "dip_vae", "--group", "sweep", "--budget", "smoke"]
    result = shell.invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "0 finished now, 6 before" in result.output
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_sweep_with_a_failure_exits_with_one() -> None:
    experiment = finished(count=5)
    entry = experiment.entries[5]
    place = runs_folder() / f"{entry.recipe.hash}.checkpoint"
    place.write_text("no checkpoint")
    command = ["sweep", "dip_vae", "--group", "sweep", "--budget", "smoke"]
    result = shell.invoke(app, command)
    assert result.exit_code == 1
    assert f"{entry.name} failed" in result.output and ".log" in result.output


def test_table_prints_what_is_finished_and_never_trains() -> None:
    experiment = finished(group="table", count=5)
    result = shell.invoke(app, ["table", "dip_vae", "--budget", "smoke"])
    assert result.exit_code == 1
    assert "0.8130" in result.output and "0.1000" in result.output
    last = experiment.entries[-1]
    assert last.name in result.output and "–" in result.output
    assert "dlib sweep dip_vae --group table --budget smoke" in result.output
    assert not (runs_folder() / f"{last.recipe.hash}.json").exists()
    finished(group="table")
    result = shell.invoke(app, ["table", "dip_vae", "--budget", "smoke"])
    assert result.exit_code == 0 and "not finished" not in result.output


def test_several_seeds_are_a_median_and_a_range(monkeypatch) -> None:
    finished("book")
    command = ["table", "dip_vae", "--group", "sweep", "--budget", "book"]
    result = shell.invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "0.1050 (0.1000 to 0.1100)" in result.output  # the first two runs


def test_claims_are_printed_with_their_verdicts() -> None:
    finished()
    finished(group="table")
    result = shell.invoke(app, ["claims", "dip_vae", "--budget", "smoke"])
    assert result.exit_code == 0, result.output
    assert "gives much higher Z-diff score" in result.output
    assert "too close to call" in result.output and "of 1 seeds" in result.output


def test_claims_without_runs_say_what_makes_them() -> None:
    result = shell.invoke(app, ["claims", "dip_vae", "--budget", "book"])
    assert result.exit_code == 2
    assert "dlib sweep dip_vae" in result.output


def test_estimate_measures_and_counts(monkeypatch) -> None:
    monkeypatch.setattr("dlib.estimate.SECONDS", 0.05)
    command = ["estimate", "dip_vae", "--group", "sweep", "--budget", "smoke"]
    result = shell.invoke(app, [*command, "--jobs", "2"])
    assert result.exit_code == 0, result.output
    assert "beta_vae, conv 1x32x32, batch 16, 32-true" in result.output
    assert "one after the other" in result.output
    assert not runs_folder().exists()  # nothing is kept


def test_runs_are_listed_shown_and_pruned() -> None:
    experiment = finished()
    first = experiment.entries[0]
    listed = shell.invoke(app, ["runs", "ls"])
    assert listed.exit_code == 0 and "6 runs" in listed.output
    assert f"dip_vae/sweep/{first.name} (smoke)" in listed.output
    shown = shell.invoke(app, ["runs", "show", first.recipe.hash[:6]])
    assert shown.exit_code == 0, shown.output
    assert '"steps": 10' in shown.output and "a test" in shown.output
    assert "z_diff" in shown.output
    # A run that no experiment names, and what a stopped training of it left.
    odd = first.recipe.model_copy(update={"seed": 77})
    fit_or_load(odd, progress=False)
    (runs_folder() / f"{odd.hash}.checkpoint").write_text("")
    kept = runs_folder() / f"{first.recipe.hash}.checkpoint"
    kept.write_text("under way")
    would = shell.invoke(app, ["runs", "prune"])
    assert "3 files" in would.output and odd.hash in would.output
    assert (runs_folder() / f"{odd.hash}.json").exists()
    shell.invoke(app, ["runs", "prune", "--yes"])
    assert not (runs_folder() / f"{odd.hash}.json").exists()
    assert kept.exists() and (runs_folder() / f"{first.recipe.hash}.json").exists()
    shell.invoke(app, ["runs", "prune", "--all", "--yes"])
    assert not list(runs_folder().glob("*.safetensors"))


def test_a_hash_that_is_not_one_run_s_is_refused() -> None:
    result = shell.invoke(app, ["runs", "show", "zz"])
    assert result.exit_code == 2 and "these do: none" in result.output


def test_a_sweep_ships_what_it_finished(own_store: Path) -> None:
    finished()
    (own_store / "shipped").mkdir()
    command = ["sweep", "dip_vae", "--group", "sweep", "--budget", "smoke", "--ship"]
    result = shell.invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "6 runs stored in the package" in result.output
    names = sorted(p.name for p in (own_store / "shipped").iterdir())
    assert names == ["dip_vae.codes.safetensors", "dip_vae.json"]
    # Once more for the one that lacks a metric, and for no other.
    path = own_store / "shipped" / "dip_vae.json"
    stored = json.loads(path.read_text())
    del next(iter(stored["runs"].values()))["report"]["scores"]["mig"]
    path.write_text(json.dumps(stored))
    shipped._records.cache_clear()
    again = shell.invoke(app, command)
    assert "1 runs stored in the package" in again.output, again.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "dip"], "no experiment 'dip'"),
        (["run", "dip_vae", "--group", "figure"], "no group 'figure'"),
        (["sweep", "dip_vae", "--budget", "huge"], "budget must be one of"),
        (["sweep", "dip_vae", "--only", "gan"], "no run 'gan'"),
        (["sweep", "dip_vae", "--engine", "slurm"], "engine must be one of"),
        (["sweep", "dip_vae", "--jobs", "0"], "must be positive"),
        (["table", "dip"], "no experiment 'dip'"),
        (["claims", "dip"], "no experiment 'dip'"),
        (["estimate", "dip"], "no experiment 'dip'"),
    ],
)
def test_mistakes_are_answered_in_a_line(arguments: list[str], message: str) -> None:
    result = shell.invoke(app, arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
