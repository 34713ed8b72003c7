"""DIP-VAE's penalties: moments of the inferred prior, held to N(0, I).

Kumar, Sattigeri and Balakrishnan (2018), Eqs. (5) to (7).
"""

from __future__ import annotations

import torch
from torch import Tensor


def covariance(mean: Tensor) -> Tensor:
    """Covariance of the posterior means over a batch, ``Cov_p(x)[mu(x)]``.

    The second term of Kumar et al. (2018), Eq. (5), estimated on the batch
    (divided by n, as an expectation over the batch is).

    Parameters
    ----------
    mean : Tensor
        Posterior means, shape (n, latent_dim), n at least 2.

    Returns
    -------
    Tensor
        Shape (latent_dim, latent_dim).

    Raises
    ------
    ValueError
        If the batch has fewer than two rows, or is not a matrix.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> losses.covariance(torch.tensor([[1.0, 2.0], [-1.0, -2.0]]))
    tensor([[1., 2.],
            [2., 4.]])
    """
    if mean.ndim != 2 or len(mean) < 2:
        raise ValueError(
            "a covariance needs a matrix with at least two rows, got shape "
            f"{tuple(mean.shape)}"
        )
    centred = mean.float() - mean.float().mean(0)
    # Under autocast a product would be rounded to half precision.
    with torch.autocast(mean.device.type, enabled=False):
        return centred.T @ centred / len(mean)


def inferred_prior_covariance(mean: Tensor, logvar: Tensor) -> Tensor:
    """Covariance of the inferred prior q(z), by the law of total covariance.

    ``Cov_q(z)[z] = E_p(x)[diag(exp(logvar(x)))] + Cov_p(x)[mu(x)]``: Kumar et
    al. (2018), Eq. (5), for diagonal posteriors. The first term is the *mean*
    over pictures of their variances and lands on the diagonal only. Widely
    copied code sums it, or adds one scalar to every entry.

    Parameters
    ----------
    mean, logvar : Tensor
        Shape (n, latent_dim), n at least 2.

    Returns
    -------
    Tensor
        Shape (latent_dim, latent_dim).

    Raises
    ------
    ValueError
        If the shapes differ or the batch has fewer than two rows.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> mean = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])
    >>> losses.inferred_prior_covariance(mean, torch.zeros(2, 2))
    tensor([[2., 2.],
            [2., 5.]])
    """
    if mean.shape != logvar.shape:
        raise ValueError(
            "mean and logvar must have the same shape, got "
            f"{tuple(mean.shape)} and {tuple(logvar.shape)}"
        )
    return covariance(mean) + torch.diag(logvar.float().exp().mean(0))


def dip_penalty(
    matrix: Tensor, lambda_od: float, lambda_d: float
) -> tuple[Tensor, Tensor]:
    """Weighted squared distance of a covariance matrix from the identity.

    ``lambda_od * sum_{i != j} C_ij^2`` and ``lambda_d * sum_i (C_ii - 1)^2``:
    the two penalties of Kumar et al. (2018), Eq. (6) when ``matrix`` is
    :func:`covariance` (DIP-VAE-I) and Eq. (7) when it is
    :func:`inferred_prior_covariance` (DIP-VAE-II).

    Parameters
    ----------
    matrix : Tensor
        Shape (latent_dim, latent_dim).
    lambda_od, lambda_d : float
        Weights of the off-diagonal and of the diagonal part, not negative.

    Returns
    -------
    off_diagonal, diagonal : Tensor
        Two numbers; their sum is the penalty.

    Raises
    ------
    ValueError
        If the matrix is not square or a weight is negative.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> matrix = torch.tensor([[1.0, 0.5], [0.5, 3.0]])
    >>> losses.dip_penalty(matrix, lambda_od=10.0, lambda_d=5.0)
    (tensor(5.), tensor(20.))
    """
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a square matrix is needed, got {tuple(matrix.shape)}")
    for name, weight in (("lambda_od", lambda_od), ("lambda_d", lambda_d)):
        if not weight >= 0:  # so that NaN is refused too
            raise ValueError(f"{name} must not be negative, got {weight}")
    diagonal = matrix.diagonal()
    off_diagonal = matrix - torch.diag(diagonal)
    return (
        lambda_od * off_diagonal.square().sum(),
        lambda_d * (diagonal - 1).square().sum(),
    )


def third_central_moment_penalty(mean: Tensor, logvar: Tensor) -> Tensor:
    """Squared norm of the third central moments of the inferred prior q(z).

    ``sum_i (E_q(z)[(z_i - m_i)^3])^2`` with ``m = E[z]``; they vanish for a
    Gaussian. The expectation over each posterior is taken in closed form,
    ``E_p(x)[(mu_i - m_i)^3 + 3 (mu_i - m_i) sigma_i^2]``: the law of total
    cumulance, as Eq. (5) is the law of total covariance. The same moments of
    *sampled* codes have so much noise in a batch of 64 that, at the paper's
    weight of 200, a network learns nothing.

    Kumar et al. (2018) penalise "the l2-norm of third order central moments"
    with a weight of 200 on 2D Shapes (section 4) without writing the formula.
    We take the moments of each latent, not the mixed ones, and the squared norm,
    as in Eqs. (6) and (7).

    Parameters
    ----------
    mean, logvar : Tensor
        Shape (n, latent_dim).

    Returns
    -------
    Tensor
        One number.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> mean, sharp = torch.tensor([[0.0], [0.0], [3.0]]), torch.full((3, 1), -40.0)
    >>> losses.third_central_moment_penalty(mean, sharp)  # (8 - 1 - 1)^2 / 3^2
    tensor(4.)
    """
    if mean.shape != logvar.shape:
        raise ValueError(
            "mean and logvar must have the same shape, got "
            f"{tuple(mean.shape)} and {tuple(logvar.shape)}"
        )
    centred = mean.float() - mean.float().mean(0)
    moments = (centred.pow(3) + 3 * centred * logvar.float().exp()).mean(0)
    return moments.square().sum()
