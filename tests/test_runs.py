"""Runs: the hash, the store, resuming, and damage."""

import json

import pytest
import torch
from pydantic import ValidationError

from dlib import runs
from dlib.runs import Recipe, fit_or_load, save

TINY = Recipe(method="vae", size=16, steps=20, batch_size=8, precision="32-true")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))


def test_the_hash_follows_every_field():
    changed = [
        TINY.model_copy(update=update)
        for update in (
            {"seed": 1},
            {"steps": 21},
            {"options": {"beta": 2.0}},
            {"precision": "bf16-mixed"},
            {"train_fraction": 0.7},
        )
    ]
    hashes = {recipe.hash for recipe in [TINY, *changed]}
    assert len(hashes) == 6
    assert TINY.model_copy().hash == TINY.hash


def test_a_recipe_refuses_what_it_does_not_know():
    with pytest.raises(ValidationError, match="lambda"):
        Recipe(method="vae", **{"lambda": 3})
    with pytest.raises(ValidationError, match="gan"):
        Recipe(method="gan")
    with pytest.raises(ValidationError, match="steps"):
        Recipe(method="vae", steps=0)
    with pytest.raises(ValueError, match=r"options of vae.*beta"):
        Recipe(method="vae", options={"beta": 2.0}, size=16).build()


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    first = TINY.build().state_dict()
    torch.manual_seed(2)
    again = TINY.build().state_dict()
    other = TINY.model_copy(update={"seed": 1}).build().state_dict()
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not all(torch.equal(first[k], other[k]) for k in first)


def test_trained_once_and_loaded_after():
    first = fit_or_load(TINY, progress=False)
    again = fit_or_load(TINY, progress=False)
    assert (first.found, again.found) == ("trained", "cache")
    assert "trained just now" in str(first) and "cache" in str(again)
    state = again.trained.state_dict()
    for name, value in first.trained.state_dict().items():
        assert torch.equal(value, state[name])
    assert again.history.steps == [20]
    assert again.record["versions"]["torch"] == torch.__version__
    leftovers = [p.name for p in (runs.cache_folder() / "runs").iterdir()]
    assert sorted(leftovers) == [f"{TINY.hash}.json", f"{TINY.hash}.safetensors"]


def test_a_killed_run_goes_on_where_it_stood(monkeypatch):
    recipe = TINY.model_copy(update={"steps": 150})
    whole = fit_or_load(recipe, root=runs.cache_folder() / "whole", progress=False)

    real = runs.fit
    seen = []

    def killed(method, dataset, **options):
        options["checkpoint_every"] = 50
        if not seen:
            seen.append(1)
            real(method, dataset, **{**options, "steps": 100})
            raise KeyboardInterrupt
        return real(method, dataset, **options)

    monkeypatch.setattr(runs, "fit", killed)
    with pytest.raises(KeyboardInterrupt):
        fit_or_load(recipe, progress=False)
    resumed = fit_or_load(recipe, progress=False)
    assert resumed.history.steps == [50, 100, 150]
    for name, value in whole.trained.state_dict().items():
        assert torch.equal(value, resumed.trained.state_dict()[name])


def test_metrics_are_measured_once_and_kept(monkeypatch):
    calls = []

    def measure(run, names, **_):
        calls.append(names)
        return {name: 0.5 for name in names}

    monkeypatch.setattr(runs, "measure", measure)
    first = fit_or_load(TINY, metrics=["mig"], progress=False)
    again = fit_or_load(TINY, metrics=["mig"], progress=False)
    more = fit_or_load(TINY, metrics=["mig", "sap"], progress=False)
    assert calls == [["mig"], ["sap"]]
    assert first.metrics == again.metrics == {"mig": 0.5}
    assert more.metrics == {"mig": 0.5, "sap": 0.5}


def test_a_record_without_weights(tmp_path, monkeypatch):
    run = fit_or_load(TINY, root=tmp_path / "elsewhere", progress=False)
    shipped = tmp_path / "shipped"
    save(run, shipped, weights=False)
    monkeypatch.setattr(runs, "SHIPPED", shipped)
    found = fit_or_load(TINY, weights=False)
    assert found.found == "shipped" and found.method is None
    with pytest.raises(ValueError, match="weights=True"):
        _ = found.trained
    assert fit_or_load(TINY, progress=False).found == "trained"


def test_half_precision_is_half_the_size(tmp_path):
    run = fit_or_load(TINY, progress=False)
    save(run, tmp_path / "half", half=True)
    save(run, tmp_path / "whole")
    name = f"{TINY.hash}.safetensors"
    half, whole = (tmp_path / f / name for f in ("half", "whole"))
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    again = fit_or_load(TINY, root=tmp_path / "half").trained.state_dict()
    for key, value in run.trained.state_dict().items():
        assert again[key].dtype == torch.float32
        torch.testing.assert_close(again[key], value, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("damage", ["no weights", "cut", "no json", "no key"])
def test_damage_is_named(damage):
    fit_or_load(TINY, progress=False)
    record = runs.cache_folder() / "runs" / f"{TINY.hash}.json"
    weights = record.with_suffix(".safetensors")
    if damage == "no weights":
        weights.unlink()
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:100])
    elif damage == "no json":
        record.write_text("{")
    else:
        content = json.loads(record.read_text())
        del content["history"]
        record.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"{TINY.hash}.*remove it"):
        fit_or_load(TINY, progress=False)


def test_long_histories_are_thinned(tmp_path):
    run = fit_or_load(TINY, progress=False)
    run.history.steps = list(range(1, 1001))
    run.history.terms = {"nll": [float(i) for i in range(1, 1001)]}
    save(run, tmp_path)
    kept = fit_or_load(TINY, root=tmp_path).history
    assert len(kept.steps) == runs.POINTS
    assert kept.steps[-1] == 1000 and kept.terms["nll"][-1] == 1000.0


def test_every_shipped_run_is_small_and_whole():
    records = sorted(runs.SHIPPED.glob("*.json"))
    for record in records:
        content = json.loads(record.read_text())
        recipe = Recipe.model_validate(content["recipe"])
        assert recipe.hash == content["hash"] == record.stem
        assert content["metrics"] and content["minutes"] > 0
        weights = record.with_suffix(".safetensors")
        assert weights.exists() == content["weights"]
        if content["weights"]:
            assert weights.stat().st_size < 2_500_000
    orphans = {p.stem for p in runs.SHIPPED.glob("*.safetensors")}
    assert orphans <= {p.stem for p in records}
