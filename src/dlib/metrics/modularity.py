"""Modularity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from dlib.metrics.estimators.mutual_information import BINS, mutual_information
from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.inputs import NotApplicable, instead, prepare
from dlib.metrics.score import Score


@one_thread
def modularity(
    codes: Any,
    factors: Any,
    *,
    bins: int = BINS,
    names: Sequence[str] | None = None,
) -> Score:
    r"""How far each code keeps to one factor.

    With :math:`m_{ij} = I(z_i; v_j)` and :math:`\theta_i = \max_j m_{ij}`,

    .. math::
        \mathrm{modularity} = \frac1d \sum_i \Big( 1 -
        \frac{\sum_j m_{ij}^2 - \theta_i^2}{\theta_i^2 (k - 1)} \Big)

    Section 3 of Ridgeway and Mozer, *Learning Deep Disentangled Embeddings with
    the F-Statistic Loss* (2018): the squared distance from the template that has
    one factor only. Protocol of disentanglement_lib: 10,000 points, 20 equal-width
    bins a code; a code without any information gets 0.

    Perfect codes get 1. It is blind to how much is known: codes of noise score
    0.6 to 0.8, because chance makes one factor the largest. Read it beside its
    noise floor.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d).
    factors : array or Tensor
        Discrete, shape (n, k), k at least 2; may have gaps.
    bins : int
        Equal-width bins a code.
    names : sequence of str, optional
        Of the factors.

    Returns
    -------
    Score
        Parts: ``information`` (d, k) in nats, ``codes`` (d,), each code's own.

    Raises
    ------
    ValueError
        If ``bins`` is below 2, or as :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If there is one factor only, there are fewer than 5 points a bin or a factor
        is real-valued.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> round(metrics.modularity(codes, factors).value, 2)
    1.0
    >>> noise = rng.normal(size=(600, 2))
    >>> metrics.modularity(noise, factors).value > 0.2  # read it beside its floor
    True
    """
    checked, table = prepare(
        codes,
        factors,
        metric="modularity",
        minimum=5 * bins,
        discrete=True,
        names=names,
    )
    count = len(table.names)
    if count < 2:
        raise NotApplicable(
            "modularity compares factors with each other, so it needs at least "
            f"two, got 1. Metrics that take one: {instead(factors=1)}"
        )
    information, _ = mutual_information(checked, table, bins)
    squared = information**2
    largest = squared.amax(dim=1)
    # A constant code has no information but for rounding.
    informative = (largest > 0) & ~checked.constant
    spread = (squared.sum(dim=1) - largest) / (
        torch.where(informative, largest, 1.0) * (count - 1)
    )
    each = torch.where(informative, 1 - spread, 0.0)
    return Score(
        "modularity", float(each.mean()), {"information": information, "codes": each}
    )
