"""What pictures that share some factors do to each other's posteriors.

Bouchacourt, Tomioka and Nowozin (2018), ML-VAE; Hosoya (2019), GVAE; Locatello et al.
(2020), the adaptive variants; Tran et al., *Weakly-supervised group disentanglement
using total correlation*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def product_of_gaussians(mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """One posterior for k pictures, as ML-VAE has it: the product of theirs.

    ``1/v = sum_j 1/v_j`` and ``m = v sum_j m_j / v_j``, as Bouchacourt et al. (2018)
    accumulate a group's evidence. Of two pictures the variance is
    ``v1 v2 / (v1 + v2)``: the more pictures, the surer. Three libraries have twice that
    (:func:`harmonic_gaussian`).

    Parameters
    ----------
    mean, logvar : Tensor
        Of the pictures' posteriors, shape (n, k, d).

    Returns
    -------
    mean, logvar : Tensor
        Shape (n, d).

    Raises
    ------
    ValueError
        If the shapes differ or are not (n, k, d) with k at least 1.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> mean, logvar = torch.tensor([[[0.0], [3.0]]]), torch.tensor([[[1.0], [0.25]]])
    >>> mean, logvar = losses.product_of_gaussians(mean, logvar.log())
    >>> [round(float(value), 2) for value in (mean, logvar.exp())]  # precisions 1, 4
    [2.4, 0.2]
    """
    mean, logvar = _checked(mean, logvar)
    # Shares of the precision, and its logarithm, without the precision: no overflow.
    weights = (-logvar).softmax(1)
    return (weights * mean).sum(1), -(-logvar).logsumexp(1)


def harmonic_gaussian(mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """The product's mean, with k times the product's variance.

    Of two pictures ``2 v1 v2 / (v1 + v2)``, the harmonic mean of the variances: what
    three libraries call ML-VAE, that of Ada-ML-VAE's authors among them. It lies
    between the pictures' smallest and largest variance, so that pictures which agree
    keep theirs.

    Parameters
    ----------
    mean, logvar : Tensor
        Of the pictures' posteriors, shape (n, k, d).

    Returns
    -------
    mean, logvar : Tensor
        Shape (n, d).

    Raises
    ------
    ValueError
        As :func:`product_of_gaussians`.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> mean, logvar = torch.zeros(1, 2, 1), torch.tensor([[[1.0], [0.25]]]).log()
    >>> round(float(losses.harmonic_gaussian(mean, logvar)[1].exp()), 2)
    0.4
    """
    combined, logvar_of_product = product_of_gaussians(mean, logvar)
    return combined, logvar_of_product + math.log(mean.shape[1])


def average_of_gaussians(mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """One posterior for k pictures, as GVAE has it: averaged means and variances.

    ``m = mean_j m_j`` and ``v = mean_j v_j``: Hosoya (2019). A mixture of the
    posteriors would have the spread of their means in its variance too.

    Parameters
    ----------
    mean, logvar : Tensor
        Of the pictures' posteriors, shape (n, k, d).

    Returns
    -------
    mean, logvar : Tensor
        Shape (n, d).

    Raises
    ------
    ValueError
        As :func:`product_of_gaussians`.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> mean, logvar = torch.tensor([[[0.0], [3.0]]]), torch.tensor([[[1.0], [0.25]]])
    >>> mean, logvar = losses.average_of_gaussians(mean, logvar.log())
    >>> [float(mean), round(float(logvar.exp()), 3)]
    [1.5, 0.625]
    """
    mean, logvar = _checked(mean, logvar)
    return mean.mean(1), logvar.logsumexp(1) - math.log(logvar.shape[1])


def gaussian_kl(
    mean: Tensor, logvar: Tensor, other_mean: Tensor, other_logvar: Tensor
) -> Tensor:
    """KL divergence of one Gaussian from another, number by number.

    ``(v / v' + (m' - m)^2 / v' - 1 + log v' - log v) / 2``: what the last term of Tran
    et al., Eq. (3), is made of, and how Locatello et al. (2020) tell which latents two
    pictures share.

    Parameters
    ----------
    mean, logvar : Tensor
        Of the one.
    other_mean, other_logvar : Tensor
        Of the other; the same shape.

    Returns
    -------
    Tensor
        In nats, the same shape; sum over latents for the divergence of codes.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> zero = torch.zeros(1)
    >>> losses.gaussian_kl(zero, zero, zero + 2, zero)  # two deviations apart
    tensor([2.])
    """
    given = (mean, logvar, other_mean, other_logvar)
    if len({part.shape for part in given}) > 1:
        shapes = ", ".join(str(tuple(part.shape)) for part in given)
        raise ValueError(
            "mean, logvar, other_mean and other_logvar must have one shape, got "
            f"{shapes}"
        )
    mean, logvar, other_mean, other_logvar = (part.float() for part in given)
    apart = (other_mean - mean).square() * (-other_logvar).exp()
    change = logvar - other_logvar
    # expm1: near-equal variances would else cancel to less than nothing.
    return 0.5 * (torch.expm1(change) - change + apart)


def permute_groups(
    codes: Tensor, widths: Sequence[int], generator: torch.Generator
) -> Tensor:
    """Shuffle each group of latents over the batch by itself, its latents together.

    Samples of a product of the groups' distributions, out of samples of the joint
    one: what a discriminator has to tell apart for the total correlation *between*
    groups. With widths of one it is :func:`dlib.losses.permute_codes`. The three
    factorisations of Tran et al., section 3, of 3 + 2 latents: ``(3, 2)`` between the
    groups; ``(3, 1, 1)`` within the second too; ``(1, 1, 1, 1, 1)`` within both.

    Parameters
    ----------
    codes : Tensor
        Shape (n, d).
    widths : sequence of int
        Of the groups, in order, adding up to d.
    generator : torch.Generator
        On the codes' device.

    Returns
    -------
    Tensor
        Shape (n, d).

    Raises
    ------
    ValueError
        If the codes are no matrix, or the widths are not positive or do not add up to
        its columns.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> codes = torch.arange(4.0)[:, None].repeat(1, 3)  # three latents, all alike
    >>> moved = losses.permute_groups(codes, (2, 1), torch.Generator().manual_seed(0))
    >>> torch.equal(moved[:, 0], moved[:, 1]), torch.equal(moved[:, 0], moved[:, 2])
    (True, False)
    """
    widths = [int(width) for width in widths]
    if codes.ndim != 2 or min(widths, default=0) < 1 or sum(widths) != codes.shape[1]:
        raise ValueError(
            "widths must be positive and add up to the codes' latents, got "
            f"{tuple(widths)} for codes of shape {tuple(codes.shape)}"
        )
    shape = (len(codes), len(widths))
    order = torch.rand(shape, generator=generator, device=codes.device).argsort(0)
    return codes.gather(0, wide(order, widths))


def wide(columns: Tensor, widths: Sequence[int]) -> Tensor:
    """Each column as often as its group has latents, (n, sum of widths).

    Written with slices, which, unlike an index, need nothing from the host.
    """
    parts = [columns[:, g : g + 1].expand(-1, w) for g, w in enumerate(widths)]
    return torch.cat(parts, dim=1)


def widths_of_pair(first: Tensor, second: Tensor, chunks: Sequence[int]) -> list[int]:
    """Widths of the chunks that two matrices of codes, (n, d), are both cut into.

    Raises
    ------
    ValueError
        If the codes are no matrices of one shape, or the widths are not positive or do
        not add up to d.
    """
    widths = [int(width) for width in chunks]
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(
            "codes must be two matrices of one shape, got "
            f"{tuple(first.shape)} and {tuple(second.shape)}"
        )
    if min(widths, default=0) < 1 or sum(widths) != first.shape[1]:
        raise ValueError(
            f"chunks must be positive widths that add up to {first.shape[1]}, got "
            f"{tuple(widths)}"
        )
    return widths


def _checked(mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    """In single precision, if they are posteriors of groups of pictures."""
    if mean.shape != logvar.shape or mean.ndim != 3 or mean.shape[1] < 1:
        raise ValueError(
            "means and log-variances of groups of pictures must both have shape "
            f"(n, k, d), got {tuple(mean.shape)} and {tuple(logvar.shape)}"
        )
    return mean.float(), logvar.float()
