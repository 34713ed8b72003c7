"""Shipped runs: small, whole, measured on what is shipped, and under the limit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from test_recipe import TINY, changed

import dlib
from dlib import models, recipes, runs
from dlib.models import VAE
from dlib.recipes.experiment import expand, find
from dlib.runs import MissingRun, Recipe, fit_or_load, score_codes, shipped
from dlib.runs.shipped import narrow, pack, without_bulk, write
from dlib.storage import load_tensors

REAL = Path(dlib.__file__).parent / "shipped"
POINTS = (500, 500)
METRICS = ["mig", "reconstruction"]


def packed(recipe: Recipe, **options):
    run = fit_or_load(recipe, progress=False)
    given = {"weights": True, "progress": False, **options}
    return pack(run, METRICS, POINTS, **given)


def folder(tmp_path: Path) -> Path:
    return tmp_path / "shipped"


def test_a_shipped_run_is_read_as_it_was_measured(tmp_path: Path) -> None:
    write("toy", [packed(TINY)], {TINY.hash})
    run = fit_or_load(TINY, metrics=METRICS, points=POINTS, root=tmp_path / "other")
    assert run.found == "shipped" and set(run.metrics) == set(METRICS)
    again = runs.Run(TINY, run.method, run.history, None, {}, "trained")
    runs.measure(again, METRICS, POINTS, progress=False)
    assert again.metrics == pytest.approx(run.metrics, rel=1e-6)
    files = sorted(p.name for p in folder(tmp_path).iterdir())
    assert files == [f"{TINY.hash}.safetensors", "toy.json"]


def test_eight_bits_are_a_quarter_of_the_size(tmp_path: Path) -> None:
    run = fit_or_load(TINY, progress=False)
    write("toy", [packed(TINY)], {TINY.hash})
    name = f"{TINY.hash}.safetensors"
    whole = runs.runs_folder() / name
    small = folder(tmp_path) / name
    assert small.stat().st_size < 0.3 * whole.stat().st_size
    again = fit_or_load(TINY, root=tmp_path / "other").trained.state_dict()
    for key, value in run.trained.state_dict().items():
        assert again[key].dtype == torch.float32
        if value.ndim < 2:
            torch.testing.assert_close(again[key], value, rtol=1e-3, atol=1e-6)
            continue
        step = value.flatten(1).abs().amax(1) / 127
        off = (again[key] - value).flatten(1).abs().amax(1)
        assert bool((off <= 0.501 * step).all())


def test_large_parts_of_scores_stay_behind() -> None:
    score = {
        "value": 1.0,
        "parts": {"few": [[1.0] * 400] * 2, "many": [[1.0] * 401] * 2},
    }
    record = {"hash": "a", "report": {"title": "", "scores": {"sap": score}}}
    kept = without_bulk(record)
    assert list(kept["report"]["scores"]["sap"]["parts"]) == ["few"]
    assert kept["report"]["scores"]["sap"]["value"] == 1.0 and kept["hash"] == "a"
    assert list(score["parts"]) == ["few", "many"]


def test_a_record_without_weights_has_codes(tmp_path: Path) -> None:
    parcel = packed(TINY, weights=False, codes=900)
    write("toy", [parcel], {TINY.hash})
    elsewhere = tmp_path / "other"
    run = fit_or_load(TINY, metrics=METRICS, points=POINTS, weights=False,
                      train=False, root=elsewhere)  # fmt: skip
    assert run.found == "shipped" and run.method is None
    with pytest.raises(MissingRun):
        fit_or_load(TINY, train=False, root=elsewhere)
    with pytest.raises(MissingRun):  # a metric it lacks can't be measured either
        fit_or_load(TINY, metrics=["sap"], points=POINTS, weights=False,
                    train=False, root=elsewhere)  # fmt: skip
    report = score_codes(TINY, ["sap", "mig"])
    assert set(report.scores) == {"sap", "mig"} and report.protocol["n"] == 900
    tensors, _ = load_tensors(folder(tmp_path) / "toy.codes.safetensors")
    codes, index = tensors[f"{TINY.hash}.codes"], tensors[f"{TINY.hash}.index"]
    assert codes.shape == (900, 10) and codes.dtype == torch.float16
    assert len(index.unique()) == 900 and index.dtype == torch.int32
    assert bool(TINY.parts()[1].holds(index).all())


def test_codes_that_are_not_there_are_said_so() -> None:
    with pytest.raises(ValueError, match=f"no codes of the run {TINY.hash}"):
        score_codes(TINY, ["mig"])


def test_experiments_share_a_file_and_old_runs_go(tmp_path: Path) -> None:
    second = changed(seed=1)
    write("toy", [packed(TINY), packed(second)], {TINY.hash, second.hash})
    third = changed(seed=2)
    write("toy", [packed(third)], {second.hash, third.hash})
    content = json.loads((folder(tmp_path) / "toy.json").read_text())
    assert set(content["runs"]) == {second.hash, third.hash}
    weights = {p.stem for p in folder(tmp_path).glob("*.safetensors")}
    assert weights == {second.hash, third.hash}


class Averaging(VAE):
    """With batch norm, and an auxiliary network that encoding does not need."""

    def __init__(self, networks) -> None:
        super().__init__(networks)
        self.encoder = torch.nn.Sequential(torch.nn.BatchNorm2d(1), networks.encoder)
        self.critic = torch.nn.Linear(10, 1)


def test_only_what_encoding_needs_is_shipped_and_counts_stay_whole(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setitem(models.METHODS, "averaging", Averaging)
    recipe = changed(method="averaging")
    trained = fit_or_load(recipe, progress=False).trained.state_dict()
    write("toy", [packed(recipe)], {recipe.hash})
    tensors, _ = load_tensors(folder(tmp_path) / f"{recipe.hash}.safetensors")
    assert not any(name.startswith("critic") for name in tensors)
    count = tensors["encoder.0.num_batches_tracked"]
    assert count.dtype == torch.int64 and int(count) == 20
    again = fit_or_load(recipe, root=tmp_path / "other").trained.state_dict()
    name = "encoder.0.running_var"
    torch.testing.assert_close(again[name], trained[name], rtol=1e-3, atol=0)
    assert int(again["encoder.0.num_batches_tracked"]) == 20


@pytest.mark.parametrize("last", [2**31 - 1, 2**31])
def test_points_are_shipped_in_as_few_bits_as_hold_them(last: int) -> None:
    index = torch.tensor([0, last])
    narrowed = narrow(index)
    assert torch.equal(narrowed.long(), index)
    assert narrowed.element_size() == (4 if last < 2**31 else 8)


def test_an_interrupted_shipping_leaves_no_half_of_a_run(
    tmp_path: Path, monkeypatch
) -> None:
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("dlib.runs.run.measure", stop)
    with pytest.raises(KeyboardInterrupt):
        packed(TINY)
    assert not list(folder(tmp_path).iterdir())


def test_too_much_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(shipped, "LIMIT", 1000)
    with pytest.raises(ValueError, match="ship fewer weights"):
        write("toy", [packed(TINY)], {TINY.hash})


# What is really shipped.


def real() -> dict[str, dict]:
    return {
        name: record
        for path in sorted(REAL.glob("*.json"))
        for name, record in json.loads(path.read_text())["runs"].items()
    }


def test_all_shipped_runs_together_stay_under_40_mb() -> None:
    total = sum(path.stat().st_size for path in REAL.iterdir())
    assert total < shipped.LIMIT == 40_000_000
    for path in REAL.glob("*.safetensors"):
        assert path.stat().st_size < 2_500_000, path.name


def test_every_shipped_run_is_whole() -> None:
    records = real()
    assert records
    for name, record in records.items():
        given = record["recipe"]["options"].items()
        options = {k: v for k, v in given if v is not None}
        recipe = Recipe.model_validate({**record["recipe"], "options": options})
        assert recipe.hash == name == record["hash"]
        # An option that the record lacks is younger than the run: see is_stale.
        whole = {**recipe.usual(), **record["recipe"]["options"]}
        assert recipe.complete() == {**record["recipe"], "options": whole}
        assert record["report"]["scores"] and record["minutes"] > 0
        protocol = record["report"]["protocol"]["protocol"]
        assert record["measured"]["protocol"] == protocol
        assert (REAL / f"{name}.safetensors").exists() == record["weights"]
    tensors = {p.name.split(".")[0] for p in REAL.glob("*.safetensors")}
    assert tensors - {p.stem for p in REAL.glob("*.json")} <= set(records)


def test_every_run_of_the_book_is_shipped_and_no_other(monkeypatch) -> None:
    monkeypatch.setattr(shipped, "SHIPPED", REAL)
    wanted = set()
    for name in recipes.names():
        file = find(name)
        for group in file.groups:
            experiment = expand(file, name, group, "book")
            for entry in experiment.entries:
                wanted.add(entry.recipe.hash)
                run = experiment.run(entry)
                assert run.found == "shipped", entry.name
                assert (run.method is not None) == experiment.weights
    assert set(real()) == wanted
