"""Everything at once: codes shared, noise beside, reasons given."""

from __future__ import annotations

import dataclasses
import json

import matplotlib as mpl
import numpy as np
import pytest
import torch
import toy
from torch import Tensor, nn

from dlib import metrics
from dlib.data import (
    Correlated,
    Dataset,
    Factor,
    FactorSpace,
    Grid,
    Merged,
    Pairs,
    Pictures,
)
from dlib.metrics.evaluate import draw_points

mpl.use("Agg")
FAST = ("mig", "sap", "irs", "modularity", "gaussian_total_correlation")
SPACE = FactorSpace([Factor(f"f{s}", tuple(range(s))) for s in (3, 5, 8, 10)])
QUIET = {"noise_floor": False, "progress": False}


class Dots(Grid):
    """Pictures whose four pixels are the factors."""

    def __init__(self, name: str = "dots") -> None:
        super().__init__(name, "twin", SPACE, 1, 2)
        self.rendered = 0

    def _render(self, factors: Tensor) -> Tensor:
        self.rendered += len(factors)
        return (factors * 20).view(-1, 1, 2, 2).to(torch.uint8)


class Reader(nn.Module):
    """Reads the pixels: perfect codes."""

    latent_dim = 5
    chunks = (1, 1, 1, 1, 1)

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(20.0))

    def encode(self, images: Tensor) -> Tensor:
        assert not torch.is_grad_enabled() and not self.training
        codes = images.flatten(1) * self.scale
        # A fifth code of noise that is the same for the same picture.
        return torch.cat([codes, torch.sin(99 * codes.sum(1, keepdim=True))], 1)

    def decode(self, codes: Tensor) -> Tensor:
        return (codes[:, :4] / self.scale).view(-1, 1, 2, 2)


# --- points ------------------------------------------------------------------


def test_each_image_is_encoded_once_for_all_metrics() -> None:
    data, method = Dots(), Reader().train()
    wanted = (
        *FAST,
        "z_diff",
        "reconstruction",
        ("reconstruction", {"kind": "squared"}),
    )
    report = metrics.evaluate(
        method, data, wanted, n=400, n_test=200, batch_size=150, **QUIET
    )
    assert data.rendered == 600
    assert method.training
    assert report["mig"].value > 0.9
    assert report["z_diff"].value > 0.95
    assert report["reconstruction"].value < 1e-12
    assert list(report.scores) == [
        *FAST, "z_diff", "reconstruction", "reconstruction(kind=squared)"
    ]  # fmt: skip
    assert report["reconstruction(kind=squared)"].name == "reconstruction(kind=squared)"


def test_only_points_to_fit_on_are_decoded() -> None:
    method, decoded = Reader(), []
    decode = method.decode
    method.decode = lambda z: decoded.append(len(z)) or decode(z)  # type: ignore
    metrics.evaluate(
        method, Dots(), "reconstruction", n=70, n_test=50, batch_size=32, **QUIET
    )
    assert decoded == [32, 32, 6]


def test_translation_is_that_of_the_pictures_to_fit_on() -> None:
    method, data = Reader(), Dots()
    fast = {"pairs": 5, "steps": 2, "draws": 1}
    relative = ("translation", {**fast, "value": "relative"})
    report = metrics.evaluate(
        method, data, [("translation", fast), "mig", relative], n=110, n_test=50,
        seed=3, **QUIET,
    )  # fmt: skip
    one, mig, other = report.scores
    assert one == "translation(draws=1, pairs=5, steps=2)" and mig == "mig"
    images = data.images(draw_points(data, 110, 50, 3)[0])
    alone = metrics.translation(method, images, **fast, seed=3)
    assert report[one].value == pytest.approx(alone.value)
    assert report[other].value == pytest.approx(alone["relative"])
    with pytest.raises(metrics.NotApplicable, match="at least 66 pictures"):
        metrics.evaluate(method, data, "translation", n=50, n_test=50, **QUIET)


def pictures(n: int = 600) -> Pictures:
    """Noise, and factors that have nothing to do with it."""
    random = torch.Generator().manual_seed(0)
    images = torch.randint(256, (n, 1, 6, 6), generator=random).to(torch.uint8)
    space = FactorSpace([Factor(name, tuple(range(5))) for name in ("a", "b", "c")])
    return Pictures(images, torch.randint(5, (n, 3), generator=random), space)


CORRELATED = Correlated(Dots(), ("f3", "f5"), 0.1 + torch.eye(3, 5))


@pytest.mark.parametrize(
    "dataset", [pictures(), Dots(), Dots().part(0.2, 0.9), CORRELATED], ids=str
)
@pytest.mark.parametrize("seed", [0, 1])
def test_no_point_is_fitted_on_and_tested_on(dataset: Dataset, seed: int) -> None:
    fit, test = draw_points(dataset, 1000, 500, seed)
    assert not set(fit.tolist()) & set(test.tolist())
    again = draw_points(dataset, 1000, 500, seed)
    assert torch.equal(fit, again[0]) and torch.equal(test, again[1])
    # By the law: the diagonal comes eleven times as often as anything else.
    if dataset is CORRELATED:
        factors = dataset.factors(fit)
        equal = (factors[:, 0] == factors[:, 1]).float().mean()
        assert float(equal) == pytest.approx(3.3 / 4.5, abs=0.1)


def test_all_points_are_taken_once_and_in_order_where_there_are_no_more() -> None:
    data = pictures()
    fit, test = draw_points(data, 10_000, 5_000, 3)
    assert torch.equal(fit, data.part(0, 2 / 3, 3).points(torch.arange(400)))
    assert len(test) == 200 and len(torch.cat([fit, test]).unique()) == 600
    # One more point than asked for, and they are drawn.
    drawn = draw_points(data, 399, 199, 3)[0]
    assert len(drawn) == 399 > len(drawn.unique())
    report = metrics.evaluate(Linear(), data, "mig", **QUIET)
    assert {k: report.protocol[k] for k in ("n", "n_train", "n_test")} == {
        "n": 400, "n_train": 400, "n_test": 200
    }  # fmt: skip
    assert report.protocol["protocol"] == metrics.PROTOCOL


class Linear(nn.Module):
    """Six random directions of the pixels."""

    latent_dim = 6

    def __init__(self) -> None:
        super().__init__()
        random = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter(torch.randn(36, 6, generator=random))

    def encode(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight


def test_random_codes_of_few_pictures_know_nothing_that_was_not_fitted() -> None:
    report = metrics.evaluate(
        Linear(), pictures(), ("dci", "explicitness", "z_diff"), **QUIET
    )
    dci = report["dci"]
    assert dci["informativeness_train"] > 0.8
    assert dci["informativeness_test"] == pytest.approx(1 / 5, abs=0.06)
    assert report["explicitness"].value == pytest.approx(0.5, abs=0.05)
    assert report["z_diff"].value == pytest.approx(1 / 3, abs=0.1)


def test_the_whole_grid_is_encoded_at_most_once() -> None:
    data = Dots()
    report = metrics.evaluate(
        Reader(),
        data,
        which=("z_diff", "factor_vae", ("z_diff", {"factors": ["f8", "f10"]})),
        n=100,
        n_test=50,
        draw_from="grid",
        **QUIET,
    )
    assert data.rendered <= 150 + len(data)
    assert report["factor_vae"].value > 0.95
    assert report["z_diff(factors=[f8, f10])"]["confusion"].shape == (2, 2)
    assert report.protocol["samples from"] == "grid"


def test_a_part_of_the_grid_has_no_whole_grid_to_draw_from() -> None:
    part = Dots().split((0.6, 0.4))[1]
    for data in (part, CORRELATED, pictures()):
        with pytest.raises(ValueError, match="the whole grid, and this is a part of"):
            metrics.evaluate(Reader(), data, ("mig",), draw_from="grid")
    report = metrics.evaluate(Reader(), part, ("mig",), n=400, n_test=10, **QUIET)
    assert report["mig"].value > 0.6


def test_pictures_that_are_drawn_together_have_no_code_each() -> None:
    with pytest.raises(ValueError, match="Pairs draws several together"):
        metrics.evaluate(Reader(), Pairs(Dots(), ["f3"]), ("mig",))


def test_a_seed_decides_everything() -> None:
    first, again, other = (
        dataclasses.replace(
            metrics.evaluate(
                Reader(), Dots(), FAST, n=200, n_test=10, seed=s, progress=False
            ),
            seconds={},
        ).to_dict()
        for s in (1, 1, 2)
    )
    assert first == again
    assert first["scores"] != other["scores"]


def test_factors_that_a_domain_does_not_have_are_missing() -> None:
    data = Merged([Dots("one"), Dots("other")])
    both = ("mig", ("mig", {"factors": ["one.f3", "other.f10"]}))
    report = metrics.evaluate(Reader(), data, both, n=2_000, n_test=500, **QUIET)
    assert report["mig"]["gaps"].shape == (8,)
    # Within a domain the codes are as good as ever.
    assert float(report["mig"]["gaps"].min()) > 0.8
    assert report["mig(factors=[one.f3, other.f10])"]["gaps"].tolist() == pytest.approx(
        report["mig"]["gaps"][[0, 7]].tolist()
    )
    with pytest.raises(metrics.NotApplicable, match="no value may be missing"):
        metrics.evaluate(Reader(), data, ("z_diff",), n=200, n_test=100, **QUIET)


# --- codes in chunks ---------------------------------------------------------


class Chunked(Reader):
    chunks = (2, 3)


def test_codes_come_to_the_metrics_in_the_methods_chunks() -> None:
    groups = {"f3": 0, "f5": 0, "f8": 1, "f10": 1}
    which = ["mig", ("retrieval", {"queries": 20}), ("group_mig", {"groups": groups})]
    found, columns = (
        metrics.evaluate(method, Dots(), some, n=300, n_test=100, **QUIET)
        for method, some in ((Chunked(), which), (Reader(), which[:2]))
    )
    label = metrics.label_of(which[2])
    assert label == "group_mig(groups={f3: 0, f5: 0, f8: 1, f10: 1})"
    assert found[label].value > 0.9
    assert found["retrieval(queries=20)"]["matrix"].shape == (2, 4)
    assert columns["retrieval(queries=20)"]["matrix"].shape == (5, 4)
    assert found["mig"].value == columns["mig"].value


def test_a_method_without_chunks_has_one_a_column_and_wrong_ones_are_named() -> None:
    method = Linear()  # has none
    report = metrics.evaluate(method, pictures(), ("retrieval",), **QUIET)
    assert report["retrieval"]["matrix"].shape == (6, 3)
    method.chunks = (2, 2)
    with pytest.raises(ValueError, match=r"chunks \(2, 2\) must add up.*codes, 6"):
        metrics.evaluate(method, pictures(), ("mig",), **QUIET)


# --- what is asked for -------------------------------------------------------


def test_options_reach_the_metric_and_both_protocols_are_in_the_report() -> None:
    table = toy.factors(400)
    codes = toy.mixed_codes(table)
    depths = ("dci_forest", {"max_depth": [4, 2, None]})
    report = metrics.evaluate_codes(
        codes, table, which=["dci_forest", depths, ("sap_discrete", {})], **QUIET
    )
    assert list(report.scores) == [
        "dci_forest",
        "dci_forest(max_depth=[4, 2, None])",
        "sap_discrete",
    ]
    expected = metrics.dci(codes, table, predictor="forest", max_depth=[4, 2, None])
    assert report["dci_forest(max_depth=[4, 2, None])"].value == expected.value
    assert report["dci_forest"].value != expected.value
    assert "dci_forest(max_depth=[4, 2, None])" in repr(report)
    # One pair alone, and twice the same.
    alone = metrics.evaluate_codes(codes, table, which=depths, **QUIET)
    twice = metrics.evaluate_codes(codes, table, which=[depths, depths], **QUIET)
    assert list(alone.scores) == list(twice.scores) == [metrics.label_of(depths)]


def test_z_diff_of_some_factors() -> None:
    table = toy.factors(600)
    codes = toy.axis_codes(table)
    codes[:, ::2] = toy.noise_codes(600)[:, ::2]  # which know the size and no more
    some = ("z_diff", {"factors": ["size", "x"]})
    options = {"names": ["shape", "size", "x"], **QUIET}
    report = metrics.evaluate_codes(codes, table, which=["z_diff", some], **options)
    assert report["z_diff(factors=[size, x])"].value > 0.97 > report["z_diff"].value
    table[0, 0] = -1  # a gap in a factor that is not asked about
    with pytest.warns(UserWarning, match="-1 is taken for a missing value"):
        metrics.evaluate_codes(codes, table, which=[some], **options)
    grid = metrics.Grid(lambda f: f.float(), toy.SPACE)
    some = ("z_diff", {"factors": ["f5", "f3"]})
    report = metrics.evaluate_codes(
        codes, toy.factors(600), which=[some], sample=grid, **QUIET
    )
    assert report["z_diff(factors=[f5, f3])"]["confusion"].shape == (2, 2)


def test_unknown_names_and_options_list_those_there_are() -> None:
    codes, table = toy.noise_codes(), toy.factors()

    def refused(which: object, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            metrics.evaluate_codes(codes, table, which=which, **QUIET)

    refused(("mig", "migg"), "no metric is called 'migg'; there are mig, ")
    refused("group_mig", r"group_mig needs the option groups: give the pair \(\"gro")
    refused([("mig", {"bin": 3})], "mig has no option 'bin'; it has bins, factors")
    refused([("gaussian_total_correlation", {"a": 1})], "no option 'a'; it has none")
    refused([("sap", {"variant": "reference_discrete"})], "sap has no option 'variant'")
    refused([("dci_forest", {"max_depth": [4, 2]})], "each of the 3 factors, got 2")
    refused([("z_diff", {"factors": ["hue"]})], "no factor is called 'hue'; there are")
    refused([("mig", 3)], "by its name, or by a pair of the name and its options")
    refused("reconstruction", "reconstruction needs the method")
    with pytest.raises(ValueError, match="n and n_test must be at least 2"):
        metrics.evaluate(Reader(), Dots(), ("mig",), n=0)
    with pytest.raises(ValueError, match="draw_from must be points or grid"):
        metrics.evaluate(Reader(), Dots(), ("mig",), draw_from="air")
    with pytest.raises(ValueError, match="kind must be squared or bernoulli"):
        metrics.evaluate(Reader(), Dots(), ("reconstruction", {"kind": "l1"}))
    with pytest.raises(
        ValueError, match="both codes_test and factors_test, or neither"
    ):
        metrics.evaluate_codes(codes, table, codes)


# --- noise, and what cannot be computed --------------------------------------


def test_noise_stands_beside_every_score() -> None:
    table = toy.factors(400)
    report = metrics.evaluate_codes(
        toy.axis_codes(table), table, which=FAST, progress=False
    )
    frame = report.to_frame()
    assert (frame["noise_floor"].notna()).all()
    assert (
        frame.loc["mig", "noise_floor"] < 0.1 < frame.loc["modularity", "noise_floor"]
    )
    assert "noise floor" in repr(report) and "<th>noise floor</th>" in (
        report._repr_html_()
    )
    axes = report.plot().axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == list(FAST[:4])


def test_everything_at_once() -> None:
    table = toy.factors(400)
    codes = toy.axis_codes(table)
    report = metrics.evaluate_codes(codes, table, codes[:200], table[:200], **QUIET)
    assert not report.skipped
    everything = {m.name for m in metrics.METRICS.values() if m.in_all}
    assert everything - set(report.scores) == {"reconstruction"}
    assert json.loads(report.to_json())["scores"]["mig"]["value"] == report["mig"].value
    for name in ("mig", "z_diff", "factor_vae", "dci"):
        assert report[name].value > 0.8, name


def test_what_cannot_be_computed_is_skipped_with_its_reason() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(300, 2))
    report = metrics.evaluate_codes(rng.normal(size=(300, 3)), table, **QUIET)
    assert {"sap", "irs", "gaussian_total_correlation"} <= set(report.scores)
    assert {"mig", "z_diff", "factor_vae", "explicitness"} <= set(report.skipped)
    assert "real-valued" in report.skipped["mig"]
    assert "mig: skipped, mig counts" in repr(report)
    assert "skipped: mig counts" in report._repr_html_()
    assert report.to_frame().loc["mig", "skipped"] == report.skipped["mig"]
    with pytest.raises(KeyError, match="mig was skipped"):
        report["mig"]
    with pytest.raises(KeyError, match="no reconstruction in this report"):
        report["reconstruction"]


def test_what_was_asked_for_by_name_is_an_error_instead() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(metrics.NotApplicable, match="mig counts how often"):
        metrics.evaluate_codes(
            rng.normal(size=(300, 3)), rng.normal(size=(300, 2)), which="mig"
        )


_OTHERS = ["factor 0", "factor 2"]


@pytest.mark.parametrize(
    ("known", "values", "split"),
    [(0, 1, False), (1, 1, True), (2, 2, False), (3, 7, True), (12, 7, False)],
)
def test_a_factor_that_is_hardly_ever_known_stops_nothing(
    known: int, values: int, split: bool
) -> None:
    table = toy.factors(300).astype(float)
    codes = toy.axis_codes(table)
    table[:, 1] = np.nan
    places = np.random.default_rng(known).permutation(300)[:known]
    table[places, 1] = np.arange(known) % values
    points = (codes, table, codes[:100], table[:100]) if split else (codes, table)
    report = metrics.evaluate_codes(*points, **QUIET)
    assert {"mean_code_mi", "gaussian_total_correlation"} <= set(report.scores)
    assert "z_diff" in report.skipped
    assert all(np.isfinite(score.value) for score in report.scores.values())
    if min(known, values) < 2:
        assert "mig" in report.skipped and "dci" in report.skipped
    # Nor does it stop what is asked about the others.
    some = [("mig", {"factors": _OTHERS}), ("explicitness", {"factors": _OTHERS})]
    assert len(metrics.evaluate_codes(*points, which=some, **QUIET).scores) == 2


@pytest.mark.parametrize("known", [0, 1, 4])
def test_a_factor_that_is_hardly_ever_known_in_the_data_set(known: int) -> None:
    data = pictures()
    data._factors[known:, 0] = -1
    report = metrics.evaluate(Coder(), data, **QUIET)
    assert "reconstruction" in report.scores and "z_diff" in report.skipped
    if known < 2:
        assert "a " in report.skipped["mig"]


class Coder(Linear):
    def decode(self, codes: Tensor) -> Tensor:
        return torch.zeros(len(codes), 1, 6, 6)


def test_an_error_that_is_not_about_the_data_is_not_swallowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(codes: object, factors: object) -> metrics.Score:
        raise ValueError("a mistake in the metric")

    entry = dataclasses.replace(metrics.METRICS["mig"], function=broken)
    monkeypatch.setitem(metrics.METRICS, "mig", entry)
    with pytest.raises(ValueError, match="a mistake in the metric"):
        metrics.evaluate_codes(toy.noise_codes(), toy.factors(), **QUIET)


def test_gaps_skip_what_draws_its_own_samples_unless_a_grid_is_given() -> None:
    table = toy.factors(400)
    table[0, 0] = -1
    codes = toy.axis_codes(table)
    options = {"which": ("z_diff",), **QUIET}
    with pytest.raises(ValueError, match="no value may be missing"):
        metrics.evaluate_codes(codes, table, **options)
    grid = metrics.Grid(lambda f: f.float(), toy.SPACE)
    report = metrics.evaluate_codes(codes, table, sample=grid, **options)
    assert report["z_diff"].value > 0.97


def test_a_diverged_encoder_is_named() -> None:
    method = Reader()
    method.scale.data.fill_(torch.nan)
    with pytest.raises(ValueError, match="A diverged encoder"):
        metrics.evaluate(method, Dots(), ("mig",), n=100, n_test=10, progress=False)


def test_codes_on_any_device(device: torch.device) -> None:
    table = toy.factors(400)
    codes = toy.axis_codes(table)
    here = metrics.evaluate_codes(
        torch.from_numpy(codes).to(device), table, which=FAST, progress=False
    )
    there = metrics.evaluate_codes(codes, table, which=FAST, progress=False)
    for name in FAST:
        assert here[name].value == pytest.approx(there[name].value, abs=1e-8)
        assert here[name].noise_floor == pytest.approx(there[name].noise_floor)
