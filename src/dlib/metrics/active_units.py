"""How many latents say anything."""

from __future__ import annotations

from typing import Any

from dlib.metrics.inputs import as_codes
from dlib.metrics.score import Score


def active_units(codes: Any, *, threshold: float = 0.01) -> Score:
    r"""The number of latents whose code varies over the data.

    .. math::
        \#\{\, i : \mathrm{Var}_{p(x)}[\mu_i(x)] > 0.01 \,\}

    Burda, Grosse and Salakhutdinov, *Importance weighted autoencoders* (2016),
    section 5, whose threshold this is. It is no score of disentanglement: a latent
    that is not counted has fallen silent.

    Codes of n latents get between 0 and n; noise with a variance of one gets n.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Posterior means, shape (n, d).
    threshold : float
        Above which variance a latent counts.

    Returns
    -------
    Score
        Parts: ``variances`` (d,).

    Raises
    ------
    ValueError
        If ``threshold`` is negative, or as :func:`dlib.metrics.inputs.as_codes`.

    Examples
    --------
    >>> import torch
    >>> from dlib import metrics
    >>> codes = torch.tensor([[1.0, 0.0], [-1.0, 0.1]])
    >>> metrics.active_units(codes).value
    1.0
    """
    if not threshold >= 0:
        raise ValueError(f"threshold must not be negative, got {threshold}")
    values = as_codes(codes).values.double()
    variances = values.var(0, unbiased=False)
    return Score(
        "active_units", float((variances > threshold).sum()), {"variances": variances}
    )
