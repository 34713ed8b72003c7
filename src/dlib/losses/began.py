"""Boundary equilibrium: a discriminator that is an autoencoder.

Berthelot, Schumm and Metz (2017), *BEGAN: Boundary Equilibrium Generative Adversarial
Networks* (https://arxiv.org/abs/1703.10717), section 3.3.
"""

from __future__ import annotations

from torch import Tensor

from dlib.losses.elbo import same_shape


def autoencoding_error(pictures: Tensor, autoencoded: Tensor) -> Tensor:
    """``L(v) = |v - D(v)|``: how far pictures come back from the discriminator.

    Parameters
    ----------
    pictures, autoencoded : Tensor
        In [0, 1], shape (n, c, h, w).

    Returns
    -------
    Tensor
        One number: absolute differences, summed within a picture (their mean in the
        paper's code), averaged over them.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> halves = torch.full((2, 1, 2, 2), 0.5)
    >>> losses.autoencoding_error(torch.zeros(2, 1, 2, 2), halves)
    tensor(2.)
    """
    same_shape(pictures, autoencoded)
    gaps = pictures.float() - autoencoded.float()
    return gaps.abs().flatten(1).sum(1).mean()


def next_balance(
    balance: Tensor, real: Tensor, fake: Tensor, gamma: float, rate: float
) -> Tensor:
    """``k_{t+1} = k_t + lambda_k (gamma L(x) - L(G(z)))``, kept between 0 and 1.

    The discriminator minimises ``L(x) - k_t L(G(z))``, the generator ``L(G(z))``;
    k is moved until the errors are in the ratio gamma.

    Parameters
    ----------
    balance : Tensor
        k_t, one number.
    real, fake : Tensor
        ``L(x)`` and ``L(G(z))``, one number each.
    gamma : float
        The ratio that is aimed at, ``E[L(G(z))] / E[L(x)]``.
    rate : float
        lambda_k: 0.001 in the paper, of errors that are means over pixels; of sums,
        that divided by the number of pixels.

    Returns
    -------
    Tensor
        k_{t+1}, without a gradient.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> k, real = torch.tensor(0.0), torch.tensor(2.0)
    >>> losses.next_balance(k, real, torch.tensor(0.5), gamma=0.5, rate=0.1)
    tensor(0.0500)
    >>> losses.next_balance(k, real, torch.tensor(1.5), gamma=0.5, rate=0.1)
    tensor(0.)
    """
    gap = gamma * real.detach() - fake.detach()
    return (balance + rate * gap).clamp(0, 1)
