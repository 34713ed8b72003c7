"""SAP in its three definitions, each against a plain loop."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
import torch
import toy
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from dlib import metrics
from dlib.metrics.estimators.linear_svm import fit_single_code_svm
from dlib.metrics.estimators.thresholds import (
    balanced_accuracy_of_thresholds,
    candidate_cuts,
)


def gap(matrix: np.ndarray) -> float:
    ordered = np.sort(matrix, axis=0)
    return float((ordered[-1] - ordered[-2]).mean())


def best_by_trying_everything(x: np.ndarray, y: np.ndarray, thresholds: int) -> float:
    """Every set of thresholds, every assignment of classes to intervals."""
    values, classes = np.unique(x), np.unique(y)
    middles = (values[1:] + values[:-1]) / 2
    best = 0.0
    for m in range(thresholds + 1):
        for cut in combinations(middles, m):
            interval = np.digitize(x, cut)
            for owner in product(classes, repeat=m + 1):
                said = np.array(owner)[interval]
                right = [np.mean(said[y == c] == c) for c in classes]
                best = max(best, float(np.mean(right)))
    return best


def test_continuous_is_the_squared_correlation(device: torch.device) -> None:
    table = toy.factors()
    codes = toy.mixed_codes(table)
    plain = np.corrcoef(codes.astype(float), table, rowvar=False)[:5, 5:] ** 2
    for variant in ("paper", "reference_continuous"):
        score = metrics.sap(
            torch.from_numpy(codes).to(device),
            table,
            variant=variant,
            kinds=["continuous"] * 3,
        )
        assert np.allclose(score["matrix"].cpu(), plain, atol=1e-9)
        assert score.value == pytest.approx(gap(plain), abs=1e-9)


def test_missing_values_and_real_values_are_regressed_where_known() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 2)) + 1000.0  # far from zero, on purpose
    codes = values @ rng.normal(size=(2, 3))
    values[::5, 1] = np.nan
    score = metrics.sap(codes, values)
    known = ~np.isnan(values[:, 1])
    for i in range(3):
        r = np.corrcoef(codes[known, i], values[known, 1])[0, 1]
        assert float(score["matrix"][i, 1]) == pytest.approx(r**2, abs=1e-8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("classes", [2, 3])
def test_thresholds_are_the_best_there_are(seed: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=11), 1)  # ties, which no threshold can split
    y = np.concatenate([np.arange(classes), rng.integers(0, classes, 11 - classes)])
    found = balanced_accuracy_of_thresholds(
        torch.from_numpy(x)[:, None], torch.from_numpy(y), classes
    )
    expected = best_by_trying_everything(x, y, classes - 1)
    assert float(found) == pytest.approx(expected)


def test_many_points_and_classes_are_cut_at_quantiles() -> None:
    assert len(candidate_cuts(10_000, 3)) == 10_001
    cuts = candidate_cuts(10_000, 40)
    assert len(cuts) == 1_001 and cuts[0] == 0 and cuts[-1] == 10_000


def test_a_categorical_factor_is_classified_and_classes_may_be_in_any_order() -> None:
    rng = np.random.default_rng(0)
    shape = rng.integers(0, 3, 900)
    # The middle of the code is class 2: a line would see nothing of that.
    codes = np.stack([np.array([-1.0, 1.0, 0.0])[shape], rng.normal(size=900)], 1)
    score = metrics.sap(codes, shape, kinds=["categorical"])
    assert float(score["matrix"][0, 0]) == pytest.approx(1.0)
    assert 1 / 3 <= float(score["matrix"][1, 0]) < 0.45


def test_inactive_codes_count_nothing_in_the_papers_definition() -> None:
    table = toy.factors()
    codes = toy.axis_codes(table)
    codes[:, 0] *= 0.001
    score = metrics.sap(codes, table, kinds=["continuous"] * 3)
    assert score["matrix"][0].abs().max() == 0
    kept = metrics.sap(codes, table, kinds=["continuous"] * 3, inactive_std=0.0)
    assert float(kept["matrix"][0, 0]) > 0.9
    with pytest.warns(UserWarning, match="counts them all inactive"):
        assert metrics.sap(codes * 0.001, table).value == 0


def test_discrete_is_scikit_learns_svm_on_one_code() -> None:
    table, table_test = toy.factors(600), toy.factors(300, seed=9)
    codes, codes_test = toy.mixed_codes(table), toy.mixed_codes(table_test)
    plain = np.zeros((5, 3))
    for i in range(5):
        for j in range(3):
            svm = LinearSVC(C=0.01, class_weight="balanced")
            svm.fit(codes[:, [i]], table[:, j])
            plain[i, j] = np.mean(svm.predict(codes_test[:, [i]]) == table_test[:, j])
    score = metrics.sap(
        codes, table, codes_test, table_test, variant="reference_discrete"
    )
    assert np.abs(score["matrix"].numpy() - plain).max() < 0.01
    assert score.value == pytest.approx(gap(plain), abs=0.005)


@pytest.mark.parametrize("classes", [2, 4])
def test_svm_reaches_liblinears_minimum(classes: int, device: torch.device) -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, classes, 400)
    x = rng.normal(size=(400, 3)) * [1, 0.01, 30] + 0.3 * y[:, None]
    w, b = fit_single_code_svm(
        torch.from_numpy(x).to(device), torch.from_numpy(y).to(device), classes
    )
    for i in range(3):
        svm = LinearSVC(C=0.01, class_weight="balanced", tol=1e-10, max_iter=100_000)
        svm.fit(x[:, [i]], y)
        ours = np.stack([w[i].cpu(), b[i].cpu()])
        theirs = np.stack([svm.coef_[:, 0], svm.intercept_])
        assert np.allclose(ours[:, 1:] if classes == 2 else ours, theirs, atol=1e-4)


def test_the_codes_scale_moves_the_discrete_score() -> None:
    # A trap of the reference's, kept: it is what published numbers have.
    table = toy.factors(3_000)
    codes = toy.axis_codes(table)
    one, small = (
        metrics.sap(c, table, c, table, variant="reference_discrete").value
        for c in (codes, codes * 0.01)
    )
    assert abs(one - small) > 0.02


def logistic(codes, table, codes_test, table_test, **options) -> metrics.Score:
    return metrics.sap(
        codes, table, codes_test, table_test, variant="logistic", **options
    )


def test_logistic_is_scikit_learns_regression_on_one_code(device: torch.device) -> None:
    table, table_test = toy.factors(300), toy.factors(150, seed=9)
    codes, codes_test = toy.mixed_codes(table), toy.mixed_codes(table_test)
    kinds = ["categorical", "categorical", "continuous"]
    mean, std = codes.mean(0), codes.std(0)
    x, x_test = (codes - mean) / std, (codes_test - mean) / std
    plain = np.zeros((5, 3))
    for i in range(5):
        for j, kind in enumerate(kinds):
            model = LogisticRegression() if kind[1] == "a" else LinearRegression()
            model.fit(x[:, [i]], table[:, j])
            plain[i, j] = max(0, model.score(x_test[:, [i]], table_test[:, j]))
    on = [torch.from_numpy(c).to(device) for c in (codes, codes_test)]
    score = logistic(on[0], table, on[1], table_test, kinds=kinds)
    assert np.abs(score["matrix"].cpu().numpy() - plain).max() < 0.01
    assert score.value == pytest.approx(gap(plain), abs=0.005)
    order = [3, 1, 4, 0, 2]
    moved = logistic(on[0][:, order], table, on[1][:, order], table_test, kinds=kinds)
    assert moved.value == pytest.approx(score.value)


def test_logistic_gives_a_chunk_its_columns_together() -> None:
    table, table_test = toy.factors(400)[:, :2], toy.factors(200, seed=9)[:, :2]
    chunks = []
    for t in (table, table_test):
        angle = 2 * np.pi * t[:, 0] / 3  # three classes on a circle: two numbers
        circle = np.stack([np.cos(angle), np.sin(angle)], 1)
        chunks.append([circle, np.stack([t[:, 1], 0 * t[:, 1] + 1e-3 * t[:, 0]], 1)])
    kinds = ["categorical", "continuous"]
    score = logistic(chunks[0], table, chunks[1], table_test, kinds=kinds)
    matrix = score["matrix"].numpy()
    assert matrix.shape == (2, 2)
    assert matrix[0, 0] == matrix[1, 1] == pytest.approx(1)
    columns = [np.concatenate(c, 1) for c in chunks]
    alone = logistic(columns[0], table, columns[1], table_test, kinds=kinds)
    assert alone["matrix"].shape == (4, 2)
    assert float(alone["matrix"][0, 0]) < 0.9  # the cosine alone: two classes in one
    assert alone["matrix"][3].abs().max() == 0  # inactive: 0, and not chance


def test_all_as_classes_reads_a_circle_that_no_line_follows() -> None:
    table, table_test = (np.arange(n)[:, None] % 8 for n in (400, 200))
    chunks = []
    for t in (table, table_test):
        angle = 2 * np.pi * t[:, 0] / 8
        chunks.append([np.stack([np.cos(angle), np.sin(angle)], 1), 0.0 * angle])
    line = logistic(chunks[0], table, chunks[1], table_test, kinds=["continuous"])
    told = logistic(
        chunks[0], table, chunks[1], table_test, kinds=["continuous"], classes="all"
    )
    assert line.value < 0.7 and told.value == pytest.approx(1)
    # Classes by kind are what they were.
    both = [
        logistic(chunks[0], table, chunks[1], table_test, kinds=["categorical"], **o)
        for o in ({}, {"classes": "all"})
    ]
    assert both[0].value == both[1].value


def test_logistic_is_less_than_one_for_perfect_codes_and_chance_for_useless() -> None:
    table, table_test = toy.factors(900), toy.factors(450, seed=9)
    perfect = logistic(toy.axis_codes(table), table, toy.axis_codes(table_test),
                       table_test)  # fmt: skip
    chance = np.mean([1 / size for size in toy.SIZES])
    assert perfect.value == pytest.approx(1 - chance, abs=0.1)
    noise = logistic(toy.noise_codes(900), table, toy.noise_codes(450, 4), table_test)
    assert noise.value < 0.05


def test_logistic_skips_gaps_and_takes_kinds_from_evaluate() -> None:
    table = toy.factors(600).astype(float)
    codes = toy.axis_codes(table)
    table[::7, 1] = np.nan
    kinds = ["categorical", "continuous", "continuous"]
    report = metrics.evaluate_codes(
        codes, table, which="sap_logistic", kinds=kinds, progress=False,
        noise_floor=False,
    )  # fmt: skip
    assert report["sap_logistic"].value > 0.8


def test_wrong_use_of_logistic_is_explained() -> None:
    codes, table = toy.noise_codes(), toy.factors()
    with pytest.raises(ValueError, match=r"sap \(logistic\) needs test points"):
        metrics.sap(codes, table, variant="logistic")
    with pytest.raises(metrics.NotApplicable, match="at least two codes, got 1"):
        logistic([codes], table, [codes], table)
    with pytest.raises(metrics.NotApplicable, match="one value only"):
        logistic(codes, 0 * table, codes, table)
    with pytest.raises(ValueError, match="regularisation must be above 0"):
        logistic(codes, table, codes, table, regularisation=0.0)
    with pytest.raises(ValueError, match="one of categorical, all; got 'some'"):
        logistic(codes, table, codes, table, classes="some")
    with pytest.raises(ValueError, match="for the logistic variant, got 'paper'"):
        metrics.sap(codes, table, classes="all")
    with pytest.raises(metrics.NotApplicable, match="real-valued"):
        logistic(codes, table + codes[:, :3], codes, table, classes="all")


def test_wrong_use_is_explained() -> None:
    codes, table = toy.noise_codes(), toy.factors()
    with pytest.raises(ValueError, match="variant must be one of paper"):
        metrics.sap(codes, table, variant="best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs test points"):
        metrics.sap(codes, table, variant="reference_discrete")
    with pytest.raises(ValueError, match="has no use for codes_test"):
        metrics.sap(codes, table, codes, table)
    with pytest.raises(ValueError, match="at least two codes"):
        metrics.sap(codes[:, :1], table)
    with pytest.raises(ValueError, match="sap needs at least 20 points"):
        metrics.sap(codes[:10], table[:10])


@pytest.mark.parametrize("option", [{"thresholds": 0}, {"regularisation": 0.0}])
def test_options_without_a_meaning_are_refused(option: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be a"):
        metrics.sap(toy.noise_codes(), toy.factors(), **option)
