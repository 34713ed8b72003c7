"""Explicitness."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.inputs import (
    halves,
    prepare,
    prepare_test,
    require_known,
    require_varying,
)
from dlib.metrics.score import Score


@one_thread
def explicitness(
    codes: Any,
    factors: Any,
    codes_test: Any = None,
    factors_test: Any = None,
    *,
    regularisation: float = 1.0,
    names: Sequence[str] | None = None,
    seed: int = 0,
) -> Score:
    r"""How well a linear classifier on all codes tells a factor's values.

    .. math::
        \mathrm{explicitness} = \frac1k \sum_j \frac1{|V_j|} \sum_{v \in V_j}
        \mathrm{AUC}_{jv}

    where :math:`\mathrm{AUC}_{jv}` is the area under the ROC curve of "factor j
    has value v", scored by multinomial logistic regression on standardised codes.
    Section 3 of Ridgeway and Mozer (2018), in disentanglement_lib's scale: chance
    is 0.5 (the paper rescales to 0 by 2 AUC - 1). 10,000 training and 5,000 test
    points, C = 1.

    Perfect codes get close to 1 (values in the middle of a one-dimensional code
    are not linearly separable from the rest), useless ones 0.5. It is blind to
    entanglement: rotated codes score the same.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d). Constant codes are left out.
    factors : array or Tensor
        Discrete, shape (n, k); may have gaps.
    codes_test, factors_test : optional
        Test points. Without, a third of the points given, drawn by the seed.
    regularisation : float
        C of the logistic regression.
    names : sequence of str, optional
        Of the factors.
    seed : int
        Of the choice of test points.

    Returns
    -------
    Score
        On test points. Parts: ``train``, ``factors`` (k,) and ``factors_train``
        (k,), the mean area of each factor.

    Raises
    ------
    ValueError
        As :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If there are fewer than 30 points, or a factor is real-valued, has one
        value only among the training points or none among the test points.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> round(metrics.explicitness(codes, factors).value, 2)
    1.0
    >>> noise = rng.normal(size=(600, 2))
    >>> round(metrics.explicitness(noise, factors).value, 1)
    0.5
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    train, table = prepare(
        codes, factors, metric="explicitness", minimum=30, discrete=True, names=names
    )
    if codes_test is None and factors_test is None:
        train, table, test, table_test = halves(train, table, seed)
        require_varying(table, "explicitness")
        require_known(table_test)
    else:
        test, table_test = prepare_test(
            train, table, codes_test, factors_test, metric="explicitness", minimum=10
        )
    mean, std = train.values.mean(dim=0), train.values.std(dim=0, correction=0)
    active = ~train.constant
    scale = torch.where(active, std, 1.0)
    points = [
        ((c.values - mean) / scale)[:, active].float().cpu().numpy()
        for c in (train, test)
    ]
    areas = torch.full((2, len(table.names)), 0.5, dtype=torch.float64)
    for j in range(len(table.names)):
        known = [t.known[:, j].cpu().numpy() for t in (table, table_test)]
        answers = [
            t.values[t.known[:, j], j].cpu().numpy() for t in (table, table_test)
        ]
        if points[0].shape[1] == 0:
            continue  # every code is constant: chance
        # One thread: for products this small two take several times the CPU time.
        with warnings.catch_warnings(), threadpool_limits(1):
            # The reference stops after 100 iterations too, converged or not.
            warnings.simplefilter("ignore")
            model = LogisticRegression(C=regularisation).fit(
                points[0][known[0]], answers[0]
            )
            # Decision values rank as probabilities do only within a point, so
            # the probabilities it is.
            chances = [
                model.predict_proba(p[k]) for p, k in zip(points, known, strict=True)
            ]
        for side in range(2):
            areas[side, j] = mean_area(
                torch.from_numpy(chances[side]),
                torch.from_numpy(answers[side]),
                model.classes_,
            )
    return Score(
        "explicitness",
        float(areas[1].mean()),
        {
            "train": float(areas[0].mean()),
            "factors": areas[1],
            "factors_train": areas[0],
        },
    )


def mean_area(scores: Tensor, answers: Tensor, classes: np.ndarray) -> float:
    """Mean area under the ROC curve, one class against the rest.

    Parameters
    ----------
    scores : Tensor
        Shape (n, classes): the larger, the likelier.
    answers : Tensor
        Shape (n,): the true class.
    classes : array
        What the columns stand for. A class that no point or every point has is
        left out.

    Returns
    -------
    float
        0.5 if no class is left.
    """
    columns = scores.T.contiguous()  # (classes, n)
    ordered = columns.sort(dim=1).values
    # Mean rank of ties: half way between the first and the last of them.
    rank = 0.5 * (
        torch.searchsorted(ordered, columns, right=True)
        + torch.searchsorted(ordered, columns)
        + 1
    )
    positive = answers[None, :] == torch.as_tensor(classes).to(answers)[:, None]
    ones = positive.sum(dim=1).double()
    zeros = positive.shape[1] - ones
    usable = (ones > 0) & (zeros > 0)
    area = ((rank * positive).sum(dim=1) - ones * (ones + 1) / 2) / (ones * zeros)
    return float(area[usable].mean()) if bool(usable.any()) else 0.5
