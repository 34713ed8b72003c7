"""Separated attribute predictability."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from dlib.metrics.estimators.linear_svm import fit_single_code_svm
from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.estimators.thresholds import balanced_accuracy_of_thresholds
from dlib.metrics.inputs import (
    Codes,
    Factors,
    NotApplicable,
    instead,
    prepare,
    prepare_test,
    require_discrete,
    require_varying,
)
from dlib.metrics.score import Score

Variant = Literal["paper", "reference_discrete", "reference_continuous", "logistic"]
Classes = Literal["categorical", "all"]

# C of each classifier, where none is given: the reference's, and scikit-learn's.
REGULARISATION = {"reference_discrete": 0.01, "logistic": 1.0}


@one_thread
def sap(
    codes: Any,
    factors: Any,
    codes_test: Any = None,
    factors_test: Any = None,
    *,
    variant: Variant = "paper",
    kinds: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    inactive_std: float = 0.05,
    thresholds: int | None = None,
    regularisation: float | None = None,
    classes: Classes = "categorical",
) -> Score:
    r"""Separated attribute predictability: best minus second-best predictor.

    .. math::
        \mathrm{SAP} = \frac1k \sum_j \big( S_{(1)j} - S_{(2)j} \big)

    where :math:`S_{ij}` says how well code i alone predicts factor j, and (1),
    (2) are the two best codes for j. Section 3 of Kumar, Sattigeri and
    Balakrishnan, *Variational Inference of Disentangled Latent Concepts from
    Unlabeled Observations* (2018).

    ``variant="paper"``, on one set of points (the paper: the test examples).
    For a continuous factor :math:`S_{ij}` is R² of a line,
    :math:`\mathrm{Cov}(z_i, v_j)^2 / (\sigma_i \sigma_j)^2`. For a categorical
    one, thresholds on the code are chosen to minimise the balanced error and
    :math:`S_{ij}` is the balanced accuracy. The paper does not say how many
    thresholds: here at most one fewer than there are classes, each interval
    standing for the class that serves best (found exactly, see
    :mod:`dlib.metrics.estimators.thresholds`). Inactive codes get 0.

    ``variant="reference_continuous"`` is disentanglement_lib's: R² for every
    factor, zero for codes of variance below 1e-12.
    ``variant="reference_discrete"`` is its other one: accuracy on test points of
    ``LinearSVC(C=0.01, class_weight="balanced")`` fitted on training points
    (10,000 and 5,000). It depends on the codes' scale: multiplying all codes by
    0.01 changes it.

    ``variant="logistic"`` is what *Unsupervised disentanglement learning by
    intervention* (anonymous, under review), appendix D, says in one sentence: the
    classifier of discrete factors is a logistic regression. :math:`S_{ij}` is the
    accuracy on test points of scikit-learn's (multinomial, C = 1, 100 iterations of
    L-BFGS) for a categorical factor, and R² on test points of least squares, no less
    than 0, for a continuous one; or, with ``classes="all"``, the accuracy for each:
    ten hues on a circle are a factor that no line follows. Code i may be a chunk,
    whose columns are given together, each standardised; a chunk without an active
    column gets 0, not the accuracy of the commonest class, as in ``"paper"``.

    Perfect codes get 1 from R² on a linear code, less from class accuracies,
    whose second-best is never below chance; useless codes get 0. A factor held
    twice counts 0 however well it is held.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d), d at least 2. Only ``"logistic"`` takes chunks as wholes.
    factors : array or Tensor
        Shape (n, k); may have gaps, may be real-valued where regressed.
    codes_test, factors_test : optional
        For ``"reference_discrete"`` and ``"logistic"`` only, which need them.
    variant : {"paper", "reference_discrete", "reference_continuous", "logistic"}
        Which definition.
    kinds : sequence of {"continuous", "categorical"}, optional
        Of the factors, for ``"paper"`` and ``"logistic"``: ``dataset.space.kinds``.
        Without, whole numbers are taken for classes.
    names : sequence of str, optional
        Of the factors.
    inactive_std : float
        Codes of smaller standard deviation are inactive (``"paper"``, ``"logistic"``).
    thresholds : int, optional
        At most so many a code, instead of classes - 1 (``"paper"``).
    regularisation : float, optional
        C of the support vector machine (``"reference_discrete"``: 0.01) or of the
        logistic regression (``"logistic"``: 1).
    classes : {"categorical", "all"}
        Whose values are classes: factors of that kind, or every factor's
        (``"logistic"``).

    Returns
    -------
    Score
        Parts: ``matrix`` (d, k), the paper's S (a row a chunk for ``"logistic"``);
        ``gaps`` (k,).

    Raises
    ------
    ValueError
        If the variant is unknown, ``thresholds`` is below 1 or ``regularisation``
        not above 0, ``classes`` is unknown or the variant has no use for it, test
        points are missing or superfluous, or as
        :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If there are fewer than 20 points or two codes (chunks for ``"logistic"``), or
        a factor is real-valued and the variant is ``"reference_discrete"`` or all are
        to be classes, or has one value only in the points to fit on and the variant
        is ``"logistic"``.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> kinds = ["continuous", "continuous"]
    >>> round(metrics.sap(codes, factors, kinds=kinds).value, 2)
    0.99
    >>> round(metrics.sap(codes, factors).value, 2)  # as classes: chance is not 0
    0.69
    """
    if variant not in get_args(Variant):
        raise ValueError(
            f"variant must be one of {', '.join(get_args(Variant))}; got {variant!r}"
        )
    if thresholds is not None and thresholds < 1:
        raise ValueError(f"thresholds must be at least 1, got {thresholds}")
    if classes not in get_args(Classes):
        raise ValueError(
            f"classes must be one of {', '.join(get_args(Classes))}; got {classes!r}"
        )
    if classes == "all" and variant != "logistic":
        raise ValueError(
            f"classes='all' is for the logistic variant, got {variant!r}; "
            "reference_discrete takes every factor's values for classes, and 'paper' "
            "those of kinds='categorical'"
        )
    if regularisation is None:
        regularisation = REGULARISATION.get(variant, 1.0)
    if regularisation <= 0:
        raise ValueError(f"regularisation must be above 0, got {regularisation}")
    train, table = prepare(
        codes, factors, metric="sap", minimum=20, names=names, kinds=kinds
    )
    count = len(train.chunks) if variant == "logistic" else train.latent_dim
    if count < 2:
        raise NotApplicable(
            "sap compares the best code with the second best, so it needs at "
            f"least two codes, got {count}. Metrics that take one: {instead(codes=1)}"
        )
    if variant == "reference_discrete":
        require_discrete(table, "sap (reference_discrete)")
        test, table_test = prepare_test(
            train, table, codes_test, factors_test, metric="sap (reference_discrete)"
        )
        matrix = _svm_accuracy(train, table, test, table_test, regularisation)
    elif variant == "logistic":
        require_varying(table, "sap (logistic)")
        test, table_test = prepare_test(
            train, table, codes_test, factors_test, metric="sap (logistic)"
        )
        if classes == "all":
            require_discrete(table, "sap (logistic, all as classes)")
        classified = [classes == "all" or k == "categorical" for k in table.kinds]
        matrix = _logistic(
            train, table, test, table_test, regularisation, inactive_std, classified
        )
    else:
        if codes_test is not None or factors_test is not None:
            raise ValueError(
                f"sap's {variant!r} variant scores the points it is given and has no "
                "use for codes_test; give it the test points as codes and factors"
            )
        matrix = squared_correlation(train, table)
        if variant == "paper":
            matrix = _with_classes(matrix, train, table, thresholds, inactive_std)
    top = matrix.topk(2, dim=0).values
    gaps = top[0] - top[1]
    return Score("sap", float(gaps.mean()), {"matrix": matrix, "gaps": gaps})


def squared_correlation(codes: Codes, factors: Factors) -> Tensor:
    """R² of a line from every code to every factor, (d, k), over known points.

    Codes of variance at most 1e-12 get 0, as in the reference.
    """
    known = factors.known.to(codes.values.dtype)  # (n, k)
    count = known.sum(dim=0)
    # Centred on the whole table first: sums of squares then keep their digits.
    z = codes.values - codes.values.mean(dim=0)
    v = factors.values.nan_to_num(0.0) * known
    v = (v - v.sum(dim=0) / count) * known
    mean_z = z.T @ known / count  # (d, k): each factor has its own known points
    covariance = z.T @ v / count - mean_z * v.sum(dim=0) / count
    variance_z = (z**2).T @ known / count - mean_z**2
    variance_v = (v**2).sum(dim=0) / count
    r2 = covariance**2 / (variance_z * variance_v)
    unbiased = variance_z * count / (count - 1)
    return torch.where(unbiased > 1e-12, r2, 0.0)


def _with_classes(
    matrix: Tensor,
    codes: Codes,
    factors: Factors,
    thresholds: int | None,
    inactive_std: float,
) -> Tensor:
    """The paper's S: thresholds for classes, and zeros for inactive codes."""
    for j, kind in enumerate(factors.kinds):
        if kind == "categorical":
            rows = factors.known[:, j]
            matrix[:, j] = balanced_accuracy_of_thresholds(
                codes.values[rows],
                factors.labels[rows, j],
                factors.sizes[j],
                thresholds,
            ).to(matrix.dtype)
    matrix[_inactive(codes, inactive_std)] = 0.0
    return matrix


def _inactive(codes: Codes, inactive_std: float) -> Tensor:
    """Bool (d,): columns that hardly vary; all of them is worth a warning."""
    inactive = codes.values.std(dim=0) < inactive_std
    if bool(inactive.all()):
        warnings.warn(
            f"no code has a standard deviation of {inactive_std} or more, so SAP "
            "counts them all inactive and is 0; lower inactive_std if the codes "
            "are meant to be this small",
            UserWarning,
            stacklevel=5,
        )
    return inactive


def _logistic(
    train: Codes,
    factors: Factors,
    test: Codes,
    factors_test: Factors,
    regularisation: float,
    inactive_std: float,
    classified: Sequence[bool],
) -> Tensor:
    """Accuracy or R² on test points of a linear model of one chunk, (chunks, k)."""
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from threadpoolctl import threadpool_limits

    inactive = _inactive(train, inactive_std)
    mean, std = train.values.mean(dim=0), train.values.std(dim=0, correction=0)
    scale = torch.where(std > 0, std, 1.0)
    points = [((codes.values - mean) / scale).cpu().numpy() for codes in (train, test)]
    matrix = torch.zeros(len(train.chunks), len(factors.names), dtype=torch.float64)
    # One thread: for products this small two take several times the CPU time.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # 100 iterations, converged or not
        for j, is_class in enumerate(classified):
            known = [f.known[:, j].cpu().numpy() for f in (factors, factors_test)]
            answers = [
                f.values[f.known[:, j], j].cpu().numpy()
                for f in (factors, factors_test)
            ]
            for i, (first, end) in enumerate(train.chunks):
                if bool(inactive[first:end].all()):
                    continue
                fit, score = (
                    p[k, first:end] for p, k in zip(points, known, strict=True)
                )
                model = (
                    LogisticRegression(C=regularisation)
                    if is_class
                    else LinearRegression()
                )
                found = model.fit(fit, answers[0]).score(score, answers[1])
                matrix[i, j] = max(0.0, float(found))
    return matrix.to(train.values)


def _svm_accuracy(
    train: Codes,
    factors: Factors,
    test: Codes,
    factors_test: Factors,
    regularisation: float,
) -> Tensor:
    """Test accuracy of a linear SVM on one code, (d, k)."""
    columns = []
    for j, classes in enumerate(factors.classes):
        rows = factors.known[:, j]
        slope, intercept = fit_single_code_svm(
            train.values[rows], factors.labels[rows, j], len(classes), regularisation
        )
        rows = factors_test.known[:, j]
        z = test.values[rows]
        decision = z[:, :, None] * slope + intercept  # (points, d, classes)
        predicted = classes[decision.argmax(dim=2)]
        right = predicted == factors_test.values[rows, j][:, None]
        columns.append(right.to(train.values.dtype).mean(dim=0))
    return torch.stack(columns, dim=1)
