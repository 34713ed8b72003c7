"""Mutual information gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dlib.metrics.estimators.mutual_information import BINS, mutual_information
from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.inputs import NotApplicable, instead, prepare
from dlib.metrics.score import Score


@one_thread
def mig(
    codes: Any,
    factors: Any,
    *,
    bins: int = BINS,
    names: Sequence[str] | None = None,
) -> Score:
    r"""Mutual information gap.

    .. math::
        \mathrm{MIG} = \frac1K \sum_{k} \frac{1}{H(v_k)}
        \Big( I(z_{i_k}; v_k) - \max_{i \ne i_k} I(z_i; v_k) \Big),
        \qquad i_k = \arg\max_i I(z_i; v_k)

    Eq. 6 of Chen et al., *Isolating Sources of Disentanglement in VAEs* (2018),
    with the protocol of disentanglement_lib: posterior means, 10,000 points, 20
    equal-width bins from each code's minimum to its maximum, factors not binned.
    Perfect codes of enough bins get 1, useless ones 0. Rescaling a code changes
    nothing; rotating two codes into each other does.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d), d at least 2; columns of chunks are taken one by one (for
        whole chunks see :func:`dlib.metrics.group_mig`).
    factors : array or Tensor
        Discrete, shape (n, k); may have gaps.
    bins : int
        Equal-width bins a code.
    names : sequence of str, optional
        Of the factors.

    Returns
    -------
    Score
        Parts: ``information`` (d, k) in nats, ``entropy`` (k,) in nats, ``gaps``
        (k,), the normalised gap of each factor.

    Raises
    ------
    ValueError
        If ``bins`` is below 2, or as :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If there are fewer than 5 points a bin or fewer than two codes, or if a
        factor is real-valued.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> round(metrics.mig(codes, factors).value, 2)
    0.97
    >>> turned = codes @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    >>> metrics.mig(turned, factors).value < 0.5
    True
    """
    checked, table = prepare(
        codes, factors, metric="mig", minimum=5 * bins, discrete=True, names=names
    )
    if checked.latent_dim < 2:
        raise NotApplicable(
            "mig compares the best code with the second best, so it needs at "
            f"least two codes, got 1. Metrics that take one: {instead(codes=1)}"
        )
    information, entropy = mutual_information(checked, table, bins)
    top = information.topk(2, dim=0).values
    gaps = (top[0] - top[1]) / entropy
    return Score(
        "mig",
        float(gaps.mean()),
        {"information": information, "entropy": entropy, "gaps": gaps},
    )
