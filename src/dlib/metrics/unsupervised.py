"""Scores of the codes alone: no factors needed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dlib.metrics.estimators.mutual_information import (
    BINS,
    digitise,
    information_of,
    joint_counts,
)
from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.inputs import Codes, NotApplicable, as_codes, require_points
from dlib.metrics.score import Score


def gaussian_total_correlation(codes: Any) -> Score:
    r"""Total correlation of the Gaussian with the codes' covariance.

    .. math::
        \mathrm{TC} = \mathrm{KL}\big( \mathcal N(0, \Sigma) \,\|\,
        \mathcal N(0, \mathrm{diag}\, \Sigma) \big)
        = \tfrac12 \Big( \sum_i \log \Sigma_{ii} - \log \det \Sigma \Big)

    in nats; Σ with n - 1, as in disentanglement_lib (10,000 points). Uncorrelated
    codes get 0; a duplicated code infinity. It says nothing about any factor:
    codes of noise get the ideal 0. Rescaling codes changes nothing.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d), n > d. Constant codes are left out.

    Returns
    -------
    Score
        Parts: ``covariance`` (d, d).

    Raises
    ------
    ValueError
        As :func:`dlib.metrics.inputs.as_codes`.
    NotApplicable
        If there are not more points than codes.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.normal(size=(1_000, 3))
    >>> metrics.gaussian_total_correlation(codes).value < 0.01
    True
    >>> codes[:, 2] = codes[:, 0] + codes[:, 1] + 0.1 * codes[:, 2]
    >>> round(metrics.gaussian_total_correlation(codes).value, 1)
    2.6
    """
    covariance, active = _covariance(codes, "gaussian_total_correlation")
    kept = covariance[active][:, active]
    logarithms = kept.diagonal().log().sum()
    value = 0.5 * (logarithms - torch.linalg.slogdet(kept).logabsdet)
    return Score("gaussian_total_correlation", float(value), {"covariance": covariance})


def gaussian_wasserstein_correlation(codes: Any) -> Score:
    r"""Squared 2-Wasserstein distance of that Gaussian from its margins' product.

    .. math::
        W = 2\, \mathrm{tr}\, \Sigma - 2\, \mathrm{tr}
        \big( (D^{1/2} \Sigma D^{1/2})^{1/2} \big), \qquad D = \mathrm{diag}\,\Sigma

    As disentanglement_lib (10,000 points), whose square root of DΣ has the same
    trace. Uncorrelated codes get 0, and so does noise. It grows with the square of
    the codes' scale; ``normalised`` divides by tr Σ.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d), n > d.

    Returns
    -------
    Score
        Parts: ``covariance`` (d, d), ``normalised``.

    Raises
    ------
    ValueError
        As :func:`dlib.metrics.inputs.as_codes`.
    NotApplicable
        If there are not more points than codes.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.normal(size=(1_000, 3))
    >>> metrics.gaussian_wasserstein_correlation(codes).value < 0.01
    True
    """
    covariance, _ = _covariance(codes, "gaussian_wasserstein_correlation")
    root = covariance.diagonal().sqrt()
    # Symmetric and similar to D Sigma, so that its eigenvalues are real.
    eigenvalues = torch.linalg.eigvalsh(root[:, None] * covariance * root)
    trace = float(covariance.trace())
    value = 2 * trace - 2 * float(eigenvalues.clamp_min(0.0).sqrt().sum())
    return Score(
        "gaussian_wasserstein_correlation",
        value,
        {
            "covariance": covariance,
            "normalised": value / trace if trace > 0 else 0.0,
        },
    )


@one_thread
def mean_code_mi(codes: Any, *, bins: int = BINS) -> Score:
    r"""Mean mutual information between two different codes.

    .. math::
        \frac{1}{d (d - 1)} \sum_{i \ne i'} I(z_i; z_{i'})

    in nats, both codes in 20 equal-width bins; disentanglement_lib's
    ``mutual_info_score`` (10,000 points). Independent codes get 0 but for the
    estimator's bias of about (bins - 1)^2 / 2n, which noise gets too.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d), d at least 2.
    bins : int
        Equal-width bins a code.

    Returns
    -------
    Score
        Parts: ``information`` (d, d), zero on the diagonal.

    Raises
    ------
    ValueError
        If ``bins`` is below 2, or as :func:`dlib.metrics.inputs.as_codes`.
    NotApplicable
        If there are fewer than two codes or 5 points a bin.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> codes = rng.normal(size=(1_000, 3))
    >>> metrics.mean_code_mi(codes).value < 0.2  # the estimator's bias
    True
    >>> metrics.mean_code_mi(np.repeat(codes[:, :1], 3, axis=1)).value > 2
    True
    """
    checked = as_codes(codes)
    require_points(checked.n, 5 * bins, "mean_code_mi")
    d = checked.latent_dim
    if d < 2:
        raise NotApplicable(
            "mean_code_mi compares codes, so it needs at least two, got 1"
        )
    binned = digitise(checked, bins)
    information, _ = information_of(joint_counts(binned, bins, binned))
    information = information.fill_diagonal_(0.0)
    return Score(
        "mean_code_mi",
        float(information.sum()) / (d * (d - 1)),
        {"information": information},
    )


def _covariance(codes: Any, metric: str) -> tuple[Tensor, Tensor]:
    """Covariance (d, d) with n - 1, and which codes are not constant (d,)."""
    checked: Codes = as_codes(codes)
    require_points(checked.n, checked.latent_dim + 1, metric)
    centred = checked.values - checked.values.mean(dim=0)
    return centred.T @ centred / (checked.n - 1), ~checked.constant
