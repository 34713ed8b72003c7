"""Groups without names, compared with those that have some."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dlib import metrics
from dlib.data import Merged, TwinDSprites, TwinShapes3D
from dlib.metrics import NotApplicable


def test_names_of_groups_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 300)
    for _ in range(5):
        renamed = rng.permutation(4)[labels]
        assert metrics.group_accuracy(renamed, labels).value == 1.0


def test_the_best_naming_is_found() -> None:
    """A greedy choice would give group 0 its most frequent guess, and lose."""
    labels = [0] * 10 + [1] * 10
    guess = [0] * 6 + [1] * 4 + [0] * 9 + [1]
    score = metrics.group_accuracy(guess, labels)
    assert score.value == pytest.approx((4 + 9) / 20)
    assert score["confusion"].tolist() == [[4, 6], [1, 9]]


def test_one_group_for_all_gets_the_largest_share() -> None:
    labels = torch.tensor([0, 1, 1, 1])
    score = metrics.group_accuracy(torch.zeros(4, dtype=torch.long), labels)
    assert score.value == score["largest"] == 0.75


def test_noise_gets_a_little_more_than_chance() -> None:
    rng = np.random.default_rng(0)
    score = metrics.group_accuracy(*rng.integers(0, 3, (2, 6000)))
    assert 1 / 3 < score.value < 0.36


def test_more_guesses_than_groups_leave_some_over() -> None:
    score = metrics.group_accuracy([0, 1, 2, 3], [0, 0, 1, 1])
    assert score.value == 0.5 and score["confusion"].shape == (4, 4)


def test_k_means_finds_groups_that_lie_apart_and_no_others() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    apart = 9 * np.eye(3)[labels] + rng.normal(size=(300, 3))
    assert metrics.cluster_accuracy(apart, labels).value == 1.0
    mixed = metrics.cluster_accuracy(rng.normal(size=(300, 3)), labels)
    assert mixed.value < 0.5 and mixed.name == "cluster_accuracy"


@pytest.mark.parametrize(
    ("guess", "labels", "message"),
    [
        ([0, 1], [0], "one group for each point, got 2 and 1"),
        ([0.5], [0], "predicted must be whole numbers"),
        ([0], [[0]], r"labels must be whole numbers.*\(1, 1\)"),
        ([], [], "whole numbers"),
        ([-1], [0], "numbered from 0, got -1"),
    ],
)
def test_bad_groups_are_refused(guess: list, labels: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metrics.group_accuracy(guess, labels)


class Codes(torch.nn.Module):
    """Encodes a picture's mean brightness, and the same with a sign, as two codes."""

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        mean = images.mean((1, 2, 3))
        return torch.stack([mean, -mean], dim=1)


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> Merged:
    kept = tmp_path_factory.mktemp("cache")
    return Merged([TwinDSprites(16), TwinShapes3D(16, root=kept)])


def test_domains_are_scored_one_by_one(domains: Merged) -> None:
    """As if the domain's points and factors had been all there was."""
    entries = [("mig", {"domain": d}) for d in ("each", "dsprites", "shapes3d")]
    report = metrics.evaluate(
        Codes(), domains, entries, n=2000, n_test=1000, progress=False
    )
    each = report["mig(domain=each)"]
    alone = [report[f"mig(domain={d})"] for d in ("dsprites", "shapes3d")]
    assert each.value == pytest.approx(sum(s.value for s in alone) / 2)
    assert each["dsprites"] == alone[0].value
    assert len(alone[0]["gaps"]) == 5 and len(alone[1]["gaps"]) == 6
    assert each.noise_floor is not None

    fit, _ = metrics.evaluate.__globals__["draw_points"](domains, 2000, 1000, 0)
    mine = fit[domains.labels(fit) == 0]
    images = domains.images(mine).float() / 255
    by_hand = metrics.mig(Codes().encode(images), domains.factors(mine)[:, :5].double())
    assert by_hand.value == pytest.approx(alone[0].value, abs=1e-6)


def test_data_that_is_not_merged_is_one_domain() -> None:
    entries = ["mig", ("mig", {"domain": "dsprites"}), ("mig", {"domain": "each"})]
    report = metrics.evaluate(
        Codes(), TwinDSprites(16), entries, n=500, n_test=200, progress=False
    )
    values = {score.value for score in report.scores.values()}
    assert len(report.scores) == 3 and len(values) == 1


def test_a_split_metric_has_domains_too(domains: Merged) -> None:
    entry = ("explicitness", {"domain": "shapes3d", "factors": ["shapes3d.scale"]})
    report = metrics.evaluate(
        Codes(), domains, [entry], n=900, n_test=500, progress=False
    )
    (score,) = report.scores.values()
    assert 0 <= score.value <= 1


def test_what_has_no_domains_or_groups_says_so(domains: Merged) -> None:
    small = {"n": 300, "n_test": 200, "progress": False}
    with pytest.raises(ValueError, match="no domain 'cars'; there are dsprites, sha"):
        metrics.evaluate(Codes(), domains, [("mig", {"domain": "cars"})], **small)
    sprites = TwinDSprites(16)
    with pytest.raises(ValueError, match="no domain 'cars'; there are dsprites, and"):
        metrics.evaluate(Codes(), sprites, [("mig", {"domain": "cars"})], **small)
    with pytest.raises(ValueError, match="'shape' is of none: leave"):
        metrics.evaluate_codes(
            torch.rand(50, 2),
            sprites.space.grid()[:50],
            which=[("mig", {"domain": "each"})],
            space=sprites.space,
        )
    with pytest.raises(NotApplicable, match="this data has none"):
        metrics.evaluate(Codes(), sprites, ["cluster_accuracy"], **small)
    with pytest.raises(NotApplicable, match="a method that predicts"):
        metrics.evaluate(Codes(), domains, ["group_accuracy"], **small)
    with pytest.raises(ValueError, match="needs the method and its data"):
        metrics.evaluate_codes(torch.rand(50, 2), torch.arange(50) % 2,
                               which=["group_accuracy"])  # fmt: skip
