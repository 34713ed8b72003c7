"""Group mutual information gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from dlib.metrics.estimators.mutual_information import BINS, mutual_information
from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.inputs import Codes, Factors, NotApplicable, prepare
from dlib.metrics.score import Score


@one_thread
def group_mig(
    codes: Any,
    factors: Any,
    groups: Sequence[int] | Mapping[str, int],
    *,
    bins: int = BINS,
    names: Sequence[str] | None = None,
) -> Score:
    r"""Mutual information gap between groups of codes.

    .. math::
        \frac{1}{K} \sum_{k=1}^K \frac{1}{H(v_k)} \Big(
        \max I(z_{i = f_g(v_k)}; v_k) - \max I(z_{i \ne f_g(v_k)}; v_k) \Big)

    where :math:`f_g` maps each factor to the group of codes that ought to hold it:
    the best code inside the group against the best code outside. Section 4 of Tran
    et al., *Weakly-Supervised Group Disentanglement Using Total Correlation*, where
    the definition stands in the text without an equation number; binned as MIG is
    (20 equal-width bins, 10,000 points).

    Perfect groups get 1, useless codes 0, and codes that sit in the wrong group a
    negative score, down to -1. Rotating codes within a group lowers it only as far
    as the best single code loses information.

    Parameters
    ----------
    codes : list of chunks
        Each a group (n, group_dim), at least two.
    factors : array or Tensor
        Discrete, shape (n, k); may have gaps.
    groups : sequence of int, or mapping of str to int
        The chunk of each factor; by name where ``names`` are known. A factor that
        the mapping leaves out is not scored; -1 in a sequence does the same.
    bins : int
        Equal-width bins a code.
    names : sequence of str, optional
        Of the factors.

    Returns
    -------
    Score
        Parts: ``information`` (d, k) in nats, ``entropy`` (k,), ``gaps`` (k,), NaN
        for factors that are not scored.

    Raises
    ------
    ValueError
        If ``groups`` does not fit the factors or the chunks, nothing is scored, or
        as :func:`dlib.metrics.mig`.
    NotApplicable
        If there are fewer than two chunks, or as :func:`dlib.metrics.mig`.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> chunks = [codes[:, :1], codes[:, 1:]]
    >>> round(metrics.group_mig(chunks, factors, [0, 1]).value, 2)
    0.97
    >>> round(metrics.group_mig(chunks, factors, [1, 0]).value, 2)
    -0.97
    """
    checked, table = prepare(
        codes,
        factors,
        metric="group_mig",
        minimum=5 * bins,
        discrete=True,
        names=names,
    )
    if len(checked.chunks) < 2:
        raise NotApplicable(
            "group_mig compares groups of codes: give codes as a list of at least "
            "two chunks"
        )
    group = _groups(groups, checked, table)
    information, entropy = mutual_information(checked, table, bins)
    gaps = torch.full_like(entropy, torch.nan)
    for j, chunk in enumerate(group):
        if chunk < 0:
            continue
        start, end = checked.chunks[chunk]
        inside = torch.zeros(checked.latent_dim, dtype=torch.bool)
        inside[start:end] = True
        inside = inside.to(checked.device)
        column = information[:, j]
        gaps[j] = (column[inside].max() - column[~inside].max()) / entropy[j]
    return Score(
        "group_mig",
        float(gaps.nanmean()),
        {"information": information, "entropy": entropy, "gaps": gaps},
    )


def _groups(
    groups: Sequence[int] | Mapping[str, int], codes: Codes, factors: Factors
) -> list[int]:
    """The chunk of each factor, -1 where it is not scored."""
    if isinstance(groups, Mapping):
        for name in groups:
            if name not in factors.names:
                raise ValueError(
                    f"groups names {name!r}, and the factors are "
                    f"{', '.join(factors.names)}"
                )
        chosen = [groups.get(name, -1) for name in factors.names]
    else:
        chosen = list(groups)
    if not all(float(g).is_integer() for g in chosen):
        raise ValueError(f"groups must be whole numbers, got {chosen}")
    chosen = [int(g) for g in chosen]
    if len(chosen) != len(factors.names):
        raise ValueError(
            f"groups must give a chunk for each of the {len(factors.names)} factors, "
            f"got {len(chosen)}"
        )
    count = len(codes.chunks)
    if min(chosen) < -1 or max(chosen) >= count:
        raise ValueError(
            f"groups must be chunks 0 to {count - 1}, or -1 for none; got {chosen}"
        )
    if max(chosen) < 0:
        raise ValueError("groups gives no factor a chunk, so there is nothing to score")
    return chosen
