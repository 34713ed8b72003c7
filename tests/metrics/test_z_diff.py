"""Z-diff: the points it makes, the accuracy it gives."""

from __future__ import annotations

import pytest
import torch
import toy
from toy import SPACE

from dlib import metrics
from dlib.metrics.z_diff import difference_points

SMALL = {"n_train": 400, "n_test": 200}


def test_points_are_mean_absolute_differences_of_pairs() -> None:
    population = metrics.Grid(lambda f: f.float(), SPACE)
    points, factor = difference_points(
        population, 300, 16, torch.Generator().manual_seed(0)
    )
    # The shared factor differs nowhere, the others somewhere.
    shared = points.gather(1, factor[:, None])
    assert float(shared.max()) == 0
    assert ((points == 0).sum(dim=1) == 1).float().mean() > 0.99
    # E|a - b| of two uniform values in 0..s-1 is (s^2 - 1) / 3s.
    for j, size in enumerate(toy.SIZES):
        mean = float(points[factor != j, j].mean())
        assert mean == pytest.approx((size**2 - 1) / (3 * size), rel=0.05)


@pytest.mark.parametrize("classifier", ["svm", "logistic"])
def test_perfect_codes_get_one_and_noise_chance(classifier: str) -> None:
    table = toy.factors(1_000)
    options = {"classifier": classifier, **SMALL}
    good = metrics.z_diff(toy.axis_codes(table), table, **options)
    noise = metrics.z_diff(toy.noise_codes(1_000), table, **options)
    assert good.value > 0.97
    assert noise.value == pytest.approx(1 / 3, abs=0.12)
    assert int(good["confusion"].sum()) == SMALL["n_test"]


def test_grid_callable_and_table_agree() -> None:
    weights = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))

    def codes_of(factors: torch.Tensor) -> torch.Tensor:
        return factors.float() @ weights / 4

    table = toy.factors(2_000)
    values = [
        metrics.z_diff(codes_of, space=SPACE, **SMALL).value,
        metrics.z_diff(metrics.Grid(codes_of, SPACE), **SMALL).value,
        metrics.z_diff(codes_of(torch.from_numpy(table)), table, **SMALL).value,
    ]
    assert values[0] == values[1]
    assert values[2] == pytest.approx(values[0], abs=0.05)


def test_a_seed_decides() -> None:
    table = toy.factors()
    codes = toy.mixed_codes(table)
    first, again, other = (
        metrics.z_diff(codes, table, seed=s, **SMALL).value for s in (1, 1, 2)
    )
    assert first == again != other


def test_wrong_use_is_explained() -> None:
    codes, table = toy.noise_codes(), toy.factors()
    with pytest.raises(ValueError, match="classifier must be svm or logistic"):
        metrics.z_diff(codes, table, classifier="tree")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="give it factors beside the codes"):
        metrics.z_diff(codes)
    with pytest.raises(ValueError, match=r"pass space=dataset\.space"):
        metrics.z_diff(lambda f: f.float())
    with pytest.raises(ValueError, match="at least two, got 1"):
        metrics.z_diff(codes, table[:, :1])
    with pytest.raises(ValueError, match=r"at least 60 training points \(n_train\)"):
        metrics.z_diff(codes, table, n_train=30)
    with pytest.raises(ValueError, match="pairs must be at least 1, got 0"):
        metrics.z_diff(codes, table, pairs=0)
    with pytest.raises(ValueError, match=r"regularisation must be above 0, got 0"):
        metrics.z_diff(codes, table, regularisation=0)
    with pytest.raises(ValueError, match=r"test on the factors and codes that it fits"):
        metrics.z_diff(codes, table, codes[:, :3], table)


@pytest.mark.parametrize("metric", [metrics.z_diff, metrics.factor_vae])
def test_points_to_test_on_come_from_elsewhere(metric: object) -> None:
    table = toy.factors(1_000)
    codes, noise = toy.axis_codes(table), toy.noise_codes(1_000)
    for fit, test, (train_accuracy, value) in (
        (codes, codes, (1, 1)),
        (codes, noise, (1, 1 / 3)),
        (noise, codes, (1 / 3, 1 / 3)),
    ):
        score = metric(fit, table, test, table, **SMALL)  # type: ignore[operator]
        assert score["train_accuracy"] == pytest.approx(train_accuracy, abs=0.17)
        assert score.value == pytest.approx(value, abs=0.2)
    grids = [metrics.Grid(lambda f: f.float(), SPACE) for _ in range(2)]
    score = metric(  # type: ignore[operator]
        grids[0], ["f5", "f3"], grids[1], ["f5", "f3"], **SMALL
    )
    assert score.value > 0.95 and grids[1].encoded > 1


def test_a_choice_of_factors_changes_the_classes() -> None:
    grid = metrics.Grid(lambda f: f.float(), SPACE)
    whole = metrics.z_diff(grid, **SMALL)
    some = metrics.z_diff(grid, ["f8", "f3"], **SMALL)
    assert whole["confusion"].shape == (3, 3) and some["confusion"].shape == (2, 2)
    # Alone with its factor, a code tells: nothing is left to be taken for it.
    one = metrics.Grid(lambda f: f[:, 2:].float(), SPACE)
    assert metrics.z_diff(one, ["f8", "f3"], **SMALL).value > 0.95
    assert metrics.z_diff(one, **SMALL).value < 0.8
