"""Whether points are put into the groups that they are of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dlib.metrics.inputs import as_codes
from dlib.metrics.score import Score


def group_accuracy(predicted: Any, labels: Any) -> Score:
    r"""Share of points in the right group, whatever the groups are called.

    .. math::
        \max_\pi \frac1n \sum_i \mathbf 1 \{ \pi(\hat y_i) = y_i \}

    over all ways :math:`\pi` of naming the predicted groups, each name given once:
    the Hungarian method (Kuhn 1955), by scipy. Groups that were found without
    labels, as by Inoue et al.'s unsupervised header, have no names.

    Perfect groups get 1; one group for all points gets the share of the largest.

    Parameters
    ----------
    predicted : array or Tensor
        A group for each point, whole numbers from 0, shape (n,).
    labels : array or Tensor
        The right group, likewise.

    Returns
    -------
    Score
        Parts: ``confusion`` (k, k), the points of each right group (row) in each
        predicted one, the columns in the best order; ``largest``, the share of the
        largest group.

    Raises
    ------
    ValueError
        If the two are not whole numbers from 0, one each a point, or there is no
        point.

    Examples
    --------
    >>> from dlib import metrics
    >>> metrics.group_accuracy([1, 1, 0, 0], [0, 0, 1, 0]).value
    0.75
    """
    guess, right = _groups(predicted, "predicted"), _groups(labels, "labels")
    if guess.shape != right.shape:
        raise ValueError(
            "predicted and labels must have one group for each point, got "
            f"{len(guess)} and {len(right)}"
        )
    from scipy.optimize import linear_sum_assignment

    k = int(torch.stack([guess, right]).max()) + 1
    counts = torch.bincount(right * k + guess, minlength=k * k).view(k, k)
    _, order = linear_sum_assignment(counts.numpy(), maximize=True)
    confusion = counts[:, torch.from_numpy(order)]
    return Score(
        "group_accuracy",
        float(confusion.trace()) / len(right),
        {
            "confusion": confusion,
            "largest": float(counts.sum(1).max()) / len(right),
        },
    )


def cluster_accuracy(codes: Any, labels: Any, *, seed: int = 0) -> Score:
    """The same of clusters that k-means finds in the codes.

    As many clusters as there are groups; scikit-learn's KMeans, the best of 10
    starts. It asks whether a representation shows the groups to a method that never
    heard of them.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d).
    labels : array or Tensor
        The right group of each point, whole numbers from 0, shape (n,).
    seed : int
        Of the starts.

    Returns
    -------
    Score
        Parts as of :func:`group_accuracy`.

    Raises
    ------
    ValueError
        As :func:`group_accuracy`, and :func:`dlib.metrics.inputs.as_codes`.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, 100)
    >>> codes = 9 * labels[:, None] + rng.normal(size=(100, 2))
    >>> metrics.cluster_accuracy(codes, labels).value
    1.0
    """
    from sklearn.cluster import KMeans

    right = _groups(labels, "labels")
    points = as_codes(codes).values.double().cpu().numpy()
    k = int(right.max()) + 1
    found = KMeans(k, n_init=10, random_state=seed).fit_predict(points)
    score = group_accuracy(found, right)
    return Score("cluster_accuracy", score.value, score.parts)


def _groups(given: Any, name: str) -> Tensor:
    groups = torch.as_tensor(given).cpu()
    if groups.ndim != 1 or not len(groups) or groups.is_floating_point():
        raise ValueError(
            f"{name} must be whole numbers, one for each point, got shape "
            f"{tuple(groups.shape)} of {groups.dtype}"
        )
    if int(groups.min()) < 0:
        raise ValueError(f"{name} must be numbered from 0, got {int(groups.min())}")
    return groups.long()
