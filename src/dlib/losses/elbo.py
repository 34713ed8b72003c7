"""The two halves of the evidence lower bound, Kumar et al. (2018), Eq. (1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def bernoulli_nll(logits: Tensor, images: Tensor) -> Tensor:
    """Negative log-likelihood of pictures whose pixels are coins.

    ``-sum_p x_p log s(l_p) + (1 - x_p) log(1 - s(l_p))`` with the logistic
    function s. For grey pixels between 0 and 1 this is the usual cross-entropy,
    which is no longer a likelihood but has the same minimum.

    Parameters
    ----------
    logits : Tensor
        Decoder output before the sigmoid, shape (n, c, h, w).
    images : Tensor
        The pictures, in [0, 1], same shape.

    Returns
    -------
    Tensor
        One number per picture, in nats, shape (n,): a sum over pixels.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> logits = torch.zeros(2, 1, 2, 2)  # each pixel a fair coin: log 2 nats
    >>> losses.bernoulli_nll(logits, torch.ones(2, 1, 2, 2))
    tensor([2.7726, 2.7726])
    """
    same_shape(logits, images)
    nll = functional.binary_cross_entropy_with_logits(
        logits.float(), images.float(), reduction="none"
    )
    return nll.flatten(1).sum(1)


def gaussian_nll(mean: Tensor, images: Tensor, scale: float = 1.0) -> Tensor:
    """Negative log-likelihood under pixels ``N(mean, scale^2)``.

    ``sum_p (x_p - m_p)^2 / (2 scale^2) + log(scale) + log(2 pi) / 2``.

    Parameters
    ----------
    mean : Tensor
        The decoder's picture, shape (n, c, h, w).
    images : Tensor
        Same shape.
    scale : float
        Standard deviation of a pixel, in the pictures' unit.

    Returns
    -------
    Tensor
        One number per picture, in nats, shape (n,): a sum over pixels.

    Raises
    ------
    ValueError
        If the shapes differ or ``scale`` is not positive.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> images = torch.ones(2, 1, 2, 2)
    >>> losses.gaussian_nll(images, images) - losses.gaussian_nll(images - 1, images)
    tensor([-2., -2.])
    """
    same_shape(mean, images)
    if scale <= 0:
        raise ValueError(f"scale must be positive, got {scale}")
    squared = (mean.float() - images.float()).square() / (2 * scale**2)
    constant = math.log(scale) + 0.5 * math.log(2 * math.pi)
    return (squared + constant).flatten(1).sum(1)


def kl_to_standard_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL divergence of each ``N(mean, exp(logvar))`` from ``N(0, 1)``.

    ``(mean^2 + exp(logvar) - logvar - 1) / 2``, Kingma & Welling (2013),
    appendix B; the bracket of Kumar et al. (2018), Eq. (9).

    Parameters
    ----------
    mean, logvar : Tensor
        Shape (n, latent_dim).

    Returns
    -------
    Tensor
        One number per picture and latent, in nats, shape (n, latent_dim). Sum
        over the second axis for a picture's divergence.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> mean, logvar = torch.tensor([[0.0, 2.0]]), torch.zeros(1, 2)
    >>> losses.kl_to_standard_normal(mean, logvar)
    tensor([[0., 2.]])
    """
    same_shape(mean, logvar)
    mean, logvar = mean.float(), logvar.float()
    return 0.5 * (mean.square() + torch.expm1(logvar) - logvar)


def same_shape(given: Tensor, wanted: Tensor) -> None:
    """Raise ValueError unless two arguments have one shape: torch would broadcast."""
    if given.shape != wanted.shape:
        raise ValueError(
            "both arguments must have the same shape, got "
            f"{tuple(given.shape)} and {tuple(wanted.shape)}"
        )
