"""Linear classification of binary attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from dlib.metrics.inputs import (
    NotApplicable,
    halves,
    instead,
    prepare,
    prepare_test,
    require_known,
    require_varying,
)
from dlib.metrics.score import Score


def attribute_classifier(
    codes: Any,
    factors: Any,
    codes_test: Any = None,
    factors_test: Any = None,
    *,
    normalise: bool = False,
    names: Sequence[str] | None = None,
    seed: int = 0,
) -> Score:
    r"""Accuracy of a linear classifier along the difference of class means.

    .. math::
        \hat y = \mathrm{sign}(w^\top z + b), \qquad
        w = \frac{1}{|\{y_i = 1\}|} \sum_{y_i = 1} z_i
          - \frac{1}{|\{y_i = 0\}|} \sum_{y_i = 0} z_i

    with b the minimiser of the mean hinge loss :math:`\max(0, 1 - y_i (w^\top z_i
    + b))` on training points. Table 2 of Kumar et al. (2018), and Eq. 5 of Hu et
    al., *Disentangling Factors of Variation by Mixing Them* (2018), the latter on
    codes of unit variance (``normalise=True``). The loss is convex and piecewise
    linear in b, so the minimum is found exactly.

    Perfect codes get 1, useless ones at best the share of the commoner class. It
    is blind to entanglement: a rotation changes nothing.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d).
    factors : array or Tensor
        Binary attributes, shape (n, k): two values each; may have gaps.
    codes_test, factors_test : optional
        Test points. Without, a third of the points given, drawn by the seed.
    normalise : bool
        Whether to divide each code by its standard deviation in training.
    names : sequence of str, optional
        Of the attributes.
    seed : int
        Of the choice of test points.

    Returns
    -------
    Score
        Mean test accuracy. Parts: ``accuracy`` (k,), ``direction`` (d, k), ``bias``
        (k,), ``commoner`` (k,), the accuracy of always saying the commoner value.

    Raises
    ------
    ValueError
        If an attribute has other values among the test points, or as
        :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If there are fewer than 30 points, an attribute has not two values, both of
        them among the training points, or none is known among the test points.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 2, (600, 2))
    >>> codes = factors + 0.3 * rng.normal(size=(600, 2))
    >>> metrics.attribute_classifier(codes, factors).value > 0.8
    True
    >>> turned = codes @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    >>> metrics.attribute_classifier(turned, factors).value > 0.8  # blind to that
    True
    """
    train, table = prepare(
        codes, factors, metric="attribute_classifier", minimum=30, names=names
    )
    for label, size in zip(table.names, table.sizes, strict=True):
        if size != 2:
            raise NotApplicable(
                f"attribute_classifier takes attributes with two values, and {label} "
                f"has {size}. For factors of more values: {instead()}; explicitness "
                "is a linear classifier on all codes too"
            )
    classes = table.classes
    if codes_test is None and factors_test is None:
        train, table, test, table_test = halves(train, table, seed)
        require_varying(table, "attribute_classifier")
        require_known(table_test)
    else:
        test, table_test = prepare_test(
            train,
            table,
            codes_test,
            factors_test,
            metric="attribute_classifier",
            minimum=10,
        )
        for j, label in enumerate(table.names):
            other = table_test.values[table_test.known[:, j], j]
            other = other[~torch.isin(other, classes[j])]
            if len(other):
                raise ValueError(
                    f"{label} has values among the test points that no training "
                    f"point has, such as {float(other[0]):g}"
                )
    scale = torch.ones_like(train.values[0])
    if normalise:
        scale = torch.where(train.constant, 1.0, train.values.std(dim=0))
    columns = []
    for j in range(len(table.names)):
        rows = table.known[:, j]
        z, positive = train.values[rows] / scale, table.values[rows, j] == classes[j][1]
        direction = z[positive].mean(dim=0) - z[~positive].mean(dim=0)
        bias = hinge_bias(z @ direction, positive)
        rows = table_test.known[:, j]
        answer = table_test.values[rows, j] == classes[j][1]
        said = (test.values[rows] / scale) @ direction + bias > 0
        right = (said == answer).double().mean()
        share = answer.double().mean()
        columns.append((right, direction, bias, torch.maximum(share, 1 - share)))
    accuracy, directions, biases, commoner = zip(*columns, strict=True)
    return Score(
        "attribute_classifier",
        float(torch.stack(accuracy).mean()),
        {
            "accuracy": torch.stack(accuracy),
            "direction": torch.stack(directions, dim=1),
            "bias": torch.stack(biases),
            "commoner": torch.stack(commoner),
        },
    )


def hinge_bias(projections: Tensor, positive: Tensor) -> Tensor:
    """The b that minimises the sum of max(0, 1 - y (p + b)), exactly.

    The loss has corners at b = 1 - p for the positive and b = -1 - p for the
    negative points. Its slope at b is the number of negative corners below b less
    the number of positive corners above, and grows by one at each corner, so the
    minimum is where the slope first stops being negative. Where a whole interval
    is minimal, its middle is taken.

    Parameters
    ----------
    projections : Tensor
        p, shape (n,).
    positive : Tensor
        Bool (n,): whether y is +1; both must occur.

    Returns
    -------
    Tensor
        Scalar.
    """
    corners = torch.where(positive, 1 - projections, -1 - projections).sort().values
    # Slope left of all corners: -(number of positives); +1 at each corner.
    ones = int(positive.sum())
    return (corners[ones - 1] + corners[min(ones, len(corners) - 1)]) / 2
