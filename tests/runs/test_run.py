"""Runs: trained once, resumed, measured, missed."""

from __future__ import annotations

import json
import threading

import pytest
import torch
from test_recipe import TINY, changed

from dlib import runs
from dlib.metrics import Report, Score
from dlib.runs import MissingRun, fit_or_load, is_finished, runs_folder, store
from dlib.runs import run as module

POINTS = (500, 500)


def test_trained_once_and_loaded_after() -> None:
    first = fit_or_load(TINY, progress=False)
    again = fit_or_load(TINY, progress=False)
    assert (first.found, again.found) == ("trained", "cache")
    assert "trained just now" in str(first) and "cache" in str(again)
    state = again.trained.state_dict()
    for name, value in first.trained.state_dict().items():
        assert torch.equal(value, state[name])
    assert again.history.steps == [20]
    assert again.record["versions"]["torch"] == torch.__version__
    assert again.record["versions"]["twins"] == {"dsprites": 1}
    leftovers = [p.name for p in runs_folder().iterdir()]
    assert sorted(leftovers) == [f"{TINY.hash}.json", f"{TINY.hash}.safetensors"]


def test_what_is_missing_is_an_error_where_nothing_may_be_trained() -> None:
    with pytest.raises(MissingRun, match=TINY.hash):
        fit_or_load(TINY, train=False)
    assert not runs_folder().exists()


def test_a_killed_run_goes_on_where_it_stood(monkeypatch, tmp_path) -> None:
    recipe = changed(steps=150)
    whole = fit_or_load(recipe, root=tmp_path / "whole", progress=False)
    real, seen = module.fit, []

    def killed(method, dataset, **options):
        options["checkpoint_every"] = 50
        if not seen:
            seen.append(1)
            real(method, dataset, **{**options, "steps": 100})
            raise KeyboardInterrupt
        return real(method, dataset, **options)

    monkeypatch.setattr(module, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        fit_or_load(recipe, progress=False)
    resumed = fit_or_load(recipe, progress=False)
    assert resumed.history.steps == [50, 100, 150]
    for name, value in whole.trained.state_dict().items():
        assert torch.equal(value, resumed.trained.state_dict()[name])


def test_two_at_once_train_once(monkeypatch) -> None:
    real, trained = module.fit, []

    def counting(*args, **options):
        trained.append(1)
        return real(*args, **options)

    monkeypatch.setattr(module, "fit", counting)
    found: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(fit_or_load(TINY, progress=False).found)
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trained) == 1 and sorted(found) == ["cache", "trained"]


def scores(calls: list):
    """An ``evaluate`` that only notes what it is asked for."""

    def evaluate(method, dataset, which, **options):
        calls.append((list(which), options["n"]))
        return Report("t", {name: Score(name, 0.5) for name in which})

    return evaluate


def test_metrics_are_measured_once_and_kept(monkeypatch) -> None:
    calls: list = []
    monkeypatch.setattr("dlib.metrics.evaluate", scores(calls))
    options = {"points": POINTS, "progress": False}
    first = fit_or_load(TINY, metrics=["mig"], **options)
    again = fit_or_load(TINY, metrics=["mig"], **options)
    more = fit_or_load(TINY, metrics=["mig", "sap"], **options)
    assert calls == [(["mig"], 500), (["sap"], 500)]
    assert first.metrics == again.metrics == {"mig": 0.5}
    assert more.metrics == {"mig": 0.5, "sap": 0.5}
    assert is_finished(TINY, ["sap", "mig"], POINTS, None)
    assert not is_finished(TINY, ["dci"], POINTS, None)


@pytest.mark.parametrize("what", ["points", "protocol"])
def test_what_was_measured_otherwise_makes_room(monkeypatch, what: str) -> None:
    calls: list = []
    monkeypatch.setattr("dlib.metrics.evaluate", scores(calls))
    fit_or_load(TINY, metrics=["mig", "sap"], points=POINTS, progress=False)
    points = POINTS
    if what == "points":
        points = (600, 500)
    else:
        monkeypatch.setattr("dlib.metrics.PROTOCOL", 99)
    run = fit_or_load(TINY, metrics=["mig"], points=points, progress=False)
    assert calls[1][0] == ["mig"] and set(run.metrics) == {"mig"}


def test_the_whole_report_is_kept() -> None:
    run = fit_or_load(TINY, metrics=["mig", "sap"], points=POINTS, progress=False)
    again = fit_or_load(TINY, metrics=["mig"], points=POINTS, weights=False)
    assert again.method is None and again.report is not None
    assert again.report["mig"].noise_floor is not None
    assert again.report["sap"].value == pytest.approx(run.metrics["sap"])
    assert again.report.protocol["n"] == 500
    part = next(iter(run.report["mig"].parts))
    torch.testing.assert_close(
        torch.as_tensor(again.report["mig"][part]),
        torch.as_tensor(run.report["mig"][part]).to(
            torch.as_tensor(again.report["mig"][part]).dtype
        ),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip


def test_a_record_that_has_come_to_mean_something_else_is_passed_over(
    monkeypatch, caplog
) -> None:
    fit_or_load(TINY, progress=False)
    place = runs_folder() / f"{TINY.hash}.json"
    record = json.loads(place.read_text())
    record["recipe"]["learning_rate"] = 0.5  # as if the default had been that
    place.write_text(json.dumps(record))
    with pytest.raises(MissingRun):
        fit_or_load(TINY, train=False)
    assert "learning_rate" in caplog.text and place.name in caplog.text
    assert fit_or_load(TINY, progress=False).found == "trained"


def test_an_option_younger_than_a_record_does_not_make_it_old() -> None:
    fit_or_load(TINY, progress=False)
    place = runs_folder() / f"{TINY.hash}.json"
    record = json.loads(place.read_text())
    options = record["recipe"]["options"]
    del options["likelihood"]
    place.write_text(json.dumps(record))
    assert fit_or_load(TINY, train=False).found == "cache"
    options["gone"] = 1  # but one that is no more does
    place.write_text(json.dumps(record))
    with pytest.raises(MissingRun):
        fit_or_load(TINY, train=False)


def test_a_twin_that_looks_different_makes_a_record_old(caplog) -> None:
    fit_or_load(TINY, progress=False)
    place = runs_folder() / f"{TINY.hash}.json"
    record = json.loads(place.read_text())
    record["versions"]["twins"] = {"dsprites": 0}
    place.write_text(json.dumps(record))
    with pytest.raises(MissingRun):
        fit_or_load(TINY, train=False)
    assert "how the twins look" in caplog.text


@pytest.mark.parametrize(
    "damage", ["no weights", "cut", "flipped", "no json", "no key", "other weights"]
)
def test_damage_is_named(damage: str) -> None:
    fit_or_load(TINY, progress=False)
    record = runs_folder() / f"{TINY.hash}.json"
    weights = record.with_suffix(".safetensors")
    if damage == "no weights":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:100])
    elif damage == "flipped":
        content = bytearray(weights.read_bytes())
        content[-1000] ^= 1
        weights.write_bytes(content)
    elif damage == "no json":
        record.write_text("{")
    elif damage == "no key":
        content = json.loads(record.read_text())
        del content["history"]
        record.write_text(json.dumps(content))
    else:
        other = fit_or_load(changed(latent_dim=4), progress=False)
        place = runs_folder() / f"{other.recipe.hash}.safetensors"
        weights.write_bytes(place.read_bytes())
    with pytest.raises(ValueError, match=rf"(?s){TINY.hash}.*remove it"):
        fit_or_load(TINY, progress=False)


def test_without_weights_there_is_no_method(tmp_path) -> None:
    fit_or_load(TINY, progress=False)
    run = fit_or_load(TINY, weights=False)
    with pytest.raises(ValueError, match="weights=True"):
        _ = run.trained


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 399, 1000, 1001])
def test_thinned_histories_keep_the_last_window(count: int) -> None:
    steps = [50 * (i + 1) for i in range(count)]
    terms = {"nll": [float(i) for i in range(count)], "late": [None] * count}
    kept = store.thin(runs.run.History(steps, terms))
    assert len(kept.steps) <= store.WINDOWS
    assert kept.steps[-1:] == steps[-1:]
    assert kept.terms["nll"][-1:] == terms["nll"][-1:]
    assert kept.terms["late"] == [None] * len(kept.steps)
    assert count < 200 or len(kept.steps) > store.WINDOWS // 2 - 1
