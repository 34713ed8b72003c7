"""The metrics of disentanglement_lib 1.5 as it computes them: loop by loop.

Written anew from the definitions and the package's choice of routines (NumPy
histograms, scikit-learn estimators, a Python loop over every pair of a code and a
factor and over every vote), so that the benchmark has something to be compared with
where the package, which needs TensorFlow 1, cannot be installed. Where it can, the
functions of the package itself are used for all but the two scores that draw their
own samples.

Everything takes ``codes`` (n, d) and ``factors`` (n, k) as NumPy arrays. Encoding is
left out on both sides: samples are drawn from the points.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
from scipy.linalg import sqrtm
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.preprocessing import label_binarize
from sklearn.svm import LinearSVC

BINS = 20
BATCH = 64
N_TRAIN, N_TEST, N_VARIANCE = 10_000, 5_000, 10_000
INACTIVE_STD = 0.05

Array = np.ndarray


def installed() -> bool:
    """Whether disentanglement_lib itself can be imported."""
    try:
        _package("utils")
    except ImportError:
        return False
    return True


def _package(module: str) -> Any:
    return importlib.import_module(f"disentanglement_lib.evaluation.metrics.{module}")


def discretise(values: Array) -> Array:
    """Equal-width bins of each column, numbered from 1."""
    binned = np.zeros(values.shape, dtype=np.int64)
    for i in range(values.shape[1]):
        edges = np.histogram(values[:, i], BINS)[1]
        binned[:, i] = np.digitize(values[:, i], edges[:-1])
    return binned


def mutual_information(binned: Array, factors: Array) -> Array:
    """(d, k), one pair at a time."""
    if installed():
        return _package("utils").discrete_mutual_info(binned.T, factors.T)
    information = np.zeros((binned.shape[1], factors.shape[1]))
    for i in range(binned.shape[1]):
        for j in range(factors.shape[1]):
            information[i, j] = mutual_info_score(factors[:, j], binned[:, i])
    return information


def mig(codes: Array, factors: Array) -> float:
    information = mutual_information(discretise(codes), factors)
    own = [mutual_info_score(column, column) for column in factors.T]
    ordered = np.sort(information, axis=0)[::-1]
    return float(np.mean((ordered[0] - ordered[1]) / own))


def modularity(codes: Array, factors: Array) -> float:
    squared = mutual_information(discretise(codes), factors) ** 2
    largest = squared.max(axis=1)
    rest = squared.sum(axis=1) - largest
    each = np.zeros(len(squared))
    informed = largest > 0
    each[informed] = 1 - rest[informed] / (largest[informed] * (squared.shape[1] - 1))
    return float(each.mean())


def explicitness(
    codes: Array, factors: Array, codes_test: Array, factors_test: Array
) -> tuple[float, float]:
    """On train and on test points."""
    mean, std = codes.mean(axis=0), codes.std(axis=0)
    x, x_test = (codes - mean) / std, (codes_test - mean) / std
    areas = np.zeros((factors.shape[1], 2))
    for j in range(factors.shape[1]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegression().fit(x, factors[:, j])
        sides = ((x, factors[:, j]), (x_test, factors_test[:, j]))
        for side, (points, labels) in enumerate(sides):
            truth = label_binarize(labels, classes=model.classes_)
            guess = model.predict_proba(points)
            if guess.shape[1] == 2:
                truth = np.hstack([1 - truth, truth])
            areas[j, side] = roc_auc_score(truth, guess)
    return float(areas[:, 0].mean()), float(areas[:, 1].mean())


def sap_discrete(
    codes: Array, factors: Array, codes_test: Array, factors_test: Array
) -> float:
    accuracy = np.zeros((codes.shape[1], factors.shape[1]))
    for i in range(codes.shape[1]):
        for j in range(factors.shape[1]):
            model = LinearSVC(C=0.01, class_weight="balanced")
            model.fit(codes[:, [i]], factors[:, j])
            guess = model.predict(codes_test[:, [i]])
            accuracy[i, j] = np.mean(guess == factors_test[:, j])
    return _gap(accuracy)


def sap_continuous(codes: Array, factors: Array) -> float:
    explained = np.zeros((codes.shape[1], factors.shape[1]))
    for i in range(codes.shape[1]):
        for j in range(factors.shape[1]):
            together = np.cov(codes[:, i], factors[:, j], ddof=1)
            if together[0, 0] > 1e-12:
                explained[i, j] = together[0, 1] ** 2 / (
                    together[0, 0] * together[1, 1]
                )
    return _gap(explained)


def _gap(matrix: Array) -> float:
    ordered = np.sort(matrix, axis=0)
    return float(np.mean(ordered[-1] - ordered[-2]))


def irs(codes: Array, factors: Array) -> float:
    codes = codes[:, codes.var(axis=0) > 0]
    groups = discretise(factors.astype(np.float64))
    furthest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    deviation = np.zeros((codes.shape[1], groups.shape[1]))
    for j in range(groups.shape[1]):
        values = np.unique(groups[:, j])
        for value in values:
            same = codes[groups[:, j] == value]
            apart = np.abs(same - same.mean(axis=0))
            deviation[:, j] += np.quantile(apart, 0.99, axis=0)
        deviation[:, j] /= len(values)
    robust = (1 - deviation / furthest[:, None]).max(axis=1)
    return float(np.average(robust, weights=furthest))


def gaussian_total_correlation(codes: Array) -> float:
    covariance = np.cov(codes.T)
    return float(
        0.5 * (np.log(np.diag(covariance)).sum() - np.linalg.slogdet(covariance)[1])
    )


def gaussian_wasserstein_correlation(codes: Array) -> float:
    covariance = np.cov(codes.T)
    independent = np.diag(np.diag(covariance))
    root = sqrtm(independent)
    both = sqrtm(root @ covariance @ root)
    return float(2 * np.trace(covariance) - 2 * np.trace(both).real)


def dci(
    codes: Array, factors: Array, codes_test: Array, factors_test: Array
) -> tuple[float, float, float, float]:
    """Disentanglement, completeness, informativeness on train and on test points."""
    importances = np.zeros((codes.shape[1], factors.shape[1]))
    train, test = [], []
    for j in range(factors.shape[1]):
        model = GradientBoostingClassifier(random_state=0)
        model.fit(codes, factors[:, j])
        importances[:, j] = np.abs(model.feature_importances_)
        train.append(np.mean(model.predict(codes) == factors[:, j]))
        test.append(np.mean(model.predict(codes_test) == factors_test[:, j]))
    d, k = importances.shape
    each_code = 1 - entropy(importances.T + 1e-11, base=k)
    each_factor = 1 - entropy(importances + 1e-11, base=d)
    share = importances / importances.sum()
    return (
        float(each_code @ share.sum(axis=1)),
        float(each_factor @ share.sum(axis=0)),
        float(np.mean(train)),
        float(np.mean(test)),
    )


class Members:
    """Which points have each value of each factor: what stands in for rendering."""

    def __init__(self, factors: Array) -> None:
        self.factors = factors
        self.of = [
            {v: np.flatnonzero(column == v) for v in np.unique(column)}
            for column in factors.T
        ]


def factor_vae(codes: Array, factors: Array, seed: int = 0) -> float:
    """Accuracy on the second set of votes."""
    random = np.random.default_rng(seed)
    members = Members(factors)
    sample = random.integers(len(codes), size=N_VARIANCE)
    variances = codes[sample].var(axis=0, ddof=1)
    active = np.flatnonzero(np.sqrt(variances) >= INACTIVE_STD)
    if len(active) == 0:
        return 0.0
    votes = []
    for count in (N_TRAIN, N_TEST):
        table = np.zeros((factors.shape[1], len(active)), dtype=np.int64)
        for _ in range(count):
            j = random.integers(factors.shape[1])
            value = factors[random.integers(len(codes)), j]
            batch = codes[random.choice(members.of[j][value], BATCH)]
            local = batch.var(axis=0, ddof=1)
            table[j, np.argmin(local[active] / variances[active])] += 1
        votes.append(table)
    winner = votes[0].argmax(axis=0)
    right = votes[1][winner, np.arange(len(active))].sum()
    return float(right / votes[1].sum())


def beta_vae(codes: Array, factors: Array, seed: int = 0) -> float:
    """Accuracy of logistic regression on the second set of difference vectors."""
    random = np.random.default_rng(seed)
    # Members of each value side by side, to draw a partner for every point at once.
    order = [column.argsort(kind="stable") for column in factors.T]
    groups = [np.unique(c, return_inverse=True, return_counts=True) for c in factors.T]
    sets = []
    for count in (N_TRAIN, N_TEST):
        points = np.zeros((count, codes.shape[1]))
        labels = np.zeros(count, dtype=np.int64)
        for i in range(count):
            j = random.integers(factors.shape[1])
            _, group, size = groups[j]
            first = random.integers(len(codes), size=BATCH)
            start = size.cumsum() - size
            g = group[first]
            second = order[j][start[g] + (random.random(BATCH) * size[g]).astype(int)]
            points[i] = np.mean(np.abs(codes[first] - codes[second]), axis=0)
            labels[i] = j
        sets.append((points, labels))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression().fit(*sets[0])
    return float(model.score(*sets[1]))
