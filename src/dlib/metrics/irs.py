"""Interventional robustness score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from dlib.metrics.estimators.mutual_information import BINS, digitise
from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.inputs import Codes, prepare
from dlib.metrics.score import Score


@one_thread
def irs(
    codes: Any,
    factors: Any,
    *,
    bins: int = BINS,
    quantile: float = 0.99,
    names: Sequence[str] | None = None,
) -> Score:
    r"""Interventional robustness score.

    How little a code moves, at worst, when everything but one factor is changed:

    .. math::
        \mathrm{IRS}_{ij} = 1 - \frac{ \mathbb{E}_{v_j}
        \big[ Q_{0.99} \, |z_i - \mathbb{E}[z_i \mid v_j]| \big] }
        { \max | z_i - \mathbb{E} z_i | }

    and the score is the mean over codes of :math:`\max_j \mathrm{IRS}_{ij}`,
    weighted by the codes' largest deviation. Section 4 of Suter et al., *Robustly
    Disentangled Causal Mechanisms* (2019), with disentanglement_lib's protocol:
    10,000 points, factors in 20 equal-width bins, the 0.99 quantile where the
    paper has the maximum (``quantile=1.0``).

    Perfect codes get 1. Useless ones do not get 0: noise scores about 0.35, since
    the quantile is less than the maximum. Constant codes are left out. The
    published code counts active codes by adding up their values; ``active`` here
    is their number, and the score is not affected.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d).
    factors : array or Tensor
        Shape (n, k), discrete or real-valued (both are binned); may have gaps.
    bins : int
        Equal-width bins a factor.
    quantile : float
        Between 0 and 1.
    names : sequence of str, optional
        Of the factors.

    Returns
    -------
    Score
        Parts: ``matrix`` (d, k), zero for constant codes; ``codes`` (d,), each
        code's score; ``weights`` (d,), the largest deviations; ``parents`` (d,),
        the factor each code is robust with; ``active``.

    Raises
    ------
    ValueError
        If ``quantile`` is outside 0 to 1, ``bins`` below 2, or as
        :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If there are fewer than 5 points a bin.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> score = metrics.irs(codes, factors)
    >>> round(score.value, 2), score["parents"].tolist()
    (0.86, [0, 1])
    """
    if not 0 <= quantile <= 1:
        raise ValueError(f"quantile must be between 0 and 1, got {quantile}")
    checked, table = prepare(
        codes, factors, metric="irs", minimum=5 * bins, names=names
    )
    z = checked.values
    weights = (z - z.mean(dim=0)).abs().amax(dim=0)  # (d,)
    columns = []
    for j in range(len(table.names)):
        rows = table.known[:, j]
        values = Codes(table.values[rows, j : j + 1], ((0, 1),), torch.float64)
        group = digitise(values, bins)[:, 0]
        columns.append(_worst_deviation(z[rows], group, quantile).mean(dim=0))
    deviation = torch.stack(columns, dim=1)  # (d, k)
    active = ~checked.constant
    scale = torch.where(active, weights, 1.0)[:, None]
    matrix = torch.where(active[:, None], 1 - deviation / scale, 0.0)
    best, parents = matrix.max(dim=1)
    weights = weights * active
    total = float(weights.sum())
    value = float((best * weights).sum()) / total if total > 0 else 0.0
    return Score(
        "irs",
        value,
        {
            "matrix": matrix,
            "codes": best,
            "weights": weights,
            "parents": parents,
            "active": float(active.sum()),
        },
    )


def _worst_deviation(values: Tensor, group: Tensor, quantile: float) -> Tensor:
    """Quantile of |value - group mean| within each group present, (groups, d)."""
    group = group.unique(return_inverse=True)[1]
    count = torch.bincount(group)
    mean = torch.zeros(len(count), values.shape[1], dtype=values.dtype).to(values)
    mean = mean.index_add(0, group, values) / count[:, None]
    distance = (values - mean[group]).abs()
    # By group and, within it, by distance: the quantile is then a lookup. One sort
    # does both when the groups' distances are set apart.
    apart = 2 * distance.max() * group[:, None]
    distance = (distance + apart).T.contiguous().sort(dim=1).values.T
    distance = distance - apart.sort(dim=0).values
    start = count.cumsum(0) - count
    position = quantile * (count - 1).to(values.dtype)
    below = position.floor()
    above = position.ceil()
    low, high = distance[start + below.long()], distance[start + above.long()]
    return low + (high - low) * (position - below)[:, None]
