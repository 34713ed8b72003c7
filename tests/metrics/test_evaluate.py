"""Everything at once: codes shared, noise beside, reasons given."""

from __future__ import annotations

import json

import matplotlib as mpl
import numpy as np
import pytest
import torch
import toy
from torch import Tensor, nn
from toy import SPACE

from dlib import metrics
from dlib.data.dataset import Dataset
from dlib.models.method import Posterior

mpl.use("Agg")
FAST = ("mig", "sap", "irs", "modularity", "gaussian_total_correlation")


class Dots(Dataset):
    """Pictures whose first three pixels are the factors."""

    def __init__(self) -> None:
        super().__init__("dots", "twin", SPACE, 1, 2)
        self.rendered = 0

    def _render(self, factors: Tensor) -> Tensor:
        self.rendered += len(factors)
        pixels = nn.functional.pad(factors * 20, (0, 1))
        return pixels.view(-1, 1, 2, 2).to(torch.uint8)


class Reader(nn.Module):
    """Reads the pixels: perfect codes."""

    latent_dim = 4

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(20.0))

    def encode(self, images: Tensor) -> Posterior:
        assert not torch.is_grad_enabled() and not self.training
        mean = images.flatten(1) * self.scale
        # A fourth code of noise that is the same for the same picture.
        mean = torch.cat([mean[:, :3], torch.sin(99 * mean.sum(1, keepdim=True))], 1)
        return Posterior(mean, torch.zeros_like(mean))

    def decode(self, codes: Tensor) -> Tensor:
        pixels = torch.cat([codes[:, :3] / self.scale, torch.zeros(len(codes), 1)], 1)
        return pixels.view(-1, 1, 2, 2)


def test_each_image_is_encoded_once_for_all_metrics() -> None:
    data, method = Dots(), Reader().train()
    report = metrics.evaluate(
        method,
        data,
        which=(*FAST, "z_diff", "reconstruction"),
        n=400,
        n_test=100,
        noise_floor=False,
        progress=False,
    )
    assert data.rendered == 500
    assert method.training
    assert report["mig"].value > 0.9
    assert report["z_diff"].value > 0.95
    assert report["reconstruction"].value < 1e-12
    assert list(report.scores) == [*FAST, "z_diff", "reconstruction"]


def test_the_whole_grid_is_encoded_at_most_once() -> None:
    data = Dots()
    report = metrics.evaluate(
        Reader(),
        data,
        which=("z_diff", "factor_vae"),
        n=100,
        n_test=50,
        draw_from="grid",
        noise_floor=False,
        progress=False,
    )
    assert data.rendered <= 150 + len(SPACE)
    assert report["factor_vae"].value > 0.95
    assert report.protocol["samples from"] == "grid"


def test_a_part_of_the_grid_has_no_whole_grid_to_draw_from() -> None:
    with pytest.raises(ValueError, match="needs the whole grid, and this is a part"):
        metrics.evaluate(Reader(), Dots().split()[1], ("mig",), draw_from="grid")
    report = metrics.evaluate(
        Reader(),
        Dots().split((0.6, 0.4))[1],
        ("mig",),
        n=400,
        n_test=10,
        progress=False,
    )
    assert report["mig"].value > 0.6


def test_a_seed_decides_everything() -> None:
    first, again, other = (
        metrics.evaluate(
            Reader(), Dots(), FAST, n=200, n_test=10, seed=s, progress=False
        ).to_dict()
        for s in (1, 1, 2)
    )
    assert first == again
    assert first["scores"] != other["scores"]


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
    report = metrics.evaluate_codes(
        codes, table, codes[:200], table[:200], noise_floor=False, progress=False
    )
    assert not report.skipped
    assert {"dci", "infomec", "explicitness", "factor_vae"} <= set(report.scores)
    assert json.loads(report.to_json())["scores"]["mig"]["value"] == report["mig"].value
    for name in ("mig", "z_diff", "factor_vae", "dci"):
        assert report[name].value > 0.8, name


def test_what_cannot_be_computed_is_skipped_with_its_reason() -> None:
    rng = np.random.default_rng(0)
    table = rng.normal(size=(300, 2))
    report = metrics.evaluate_codes(
        rng.normal(size=(300, 3)), table, noise_floor=False, progress=False
    )
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
    with pytest.raises(ValueError, match="mig counts how often"):
        metrics.evaluate_codes(
            rng.normal(size=(300, 3)), rng.normal(size=(300, 2)), which="mig"
        )


def test_gaps_skip_what_draws_its_own_samples_unless_a_grid_is_given() -> None:
    table = toy.factors(400)
    table[0, 0] = -1
    codes = toy.axis_codes(table)
    options = {"which": ("z_diff",), "noise_floor": False, "progress": False}
    with pytest.raises(ValueError, match="no value may be missing"):
        metrics.evaluate_codes(codes, table, **options)
    grid = metrics.Grid(lambda f: f.float(), SPACE)
    report = metrics.evaluate_codes(codes, table, sample=grid, **options)
    assert report["z_diff"].value > 0.97


def test_unknown_names_list_those_there_are() -> None:
    codes, table = toy.noise_codes(), toy.factors()
    with pytest.raises(ValueError, match="no metric is called 'migg'; there are mig, "):
        metrics.evaluate_codes(codes, table, which=("mig", "migg"))
    with pytest.raises(ValueError, match="group_mig must be told which chunk"):
        metrics.evaluate_codes(codes, table, which="group_mig")
    with pytest.raises(ValueError, match="n and n_test must be at least 2"):
        metrics.evaluate(Reader(), Dots(), ("mig",), n=0)
    with pytest.raises(ValueError, match="reconstruction needs the method"):
        metrics.evaluate_codes(codes, table, which="reconstruction")
    with pytest.raises(ValueError, match="draw_from must be points or grid"):
        metrics.evaluate(Reader(), Dots(), ("mig",), draw_from="air")
    with pytest.raises(
        ValueError, match="both codes_test and factors_test, or neither"
    ):
        metrics.evaluate_codes(codes, table, codes)


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
