"""Total correlation, estimated three ways, and the terms that it is one of.

Chen, Li, Grosse and Duvenaud (2018) estimate the density of q(z) from a minibatch;
Kim and Mnih (2018) ask a discriminator.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

Sampling = Literal["weighted", "stratified"]


class Decomposition(NamedTuple):
    """The KL term of the ELBO in three parts: Chen et al. (2018), Eq. (2).

    Each is one number, in nats; with the same estimate of q(z) in all three, they
    add up to the one-sample estimate of the KL term.

    Attributes
    ----------
    mutual_information : Tensor
        ``KL(q(z, x) || q(z) p(x))``: what codes tell of the picture.
    total_correlation : Tensor
        ``KL(q(z) || prod_j q(z_j))``: how far latents are from independence.
    dimension_kl : Tensor
        ``sum_j KL(q(z_j) || p(z_j))``: how far each is from the prior.
    """

    mutual_information: Tensor
    total_correlation: Tensor
    dimension_kl: Tensor


def decompose_kl(
    codes: Tensor,
    mean: Tensor,
    logvar: Tensor,
    population: int,
    sampling: Sampling = "weighted",
) -> Decomposition:
    """Estimate the three parts of the KL term from a minibatch.

    ``q(z)`` is a mixture of as many Gaussians as there are pictures, N; a minibatch
    of n shows n of them. *Weighted* sampling, Chen et al. (2018), section 3.1::

        log q(z_i) ~ log sum_j q(z_i | x_j) - log(n N)

    *Stratified* sampling, their appendix C, weighs the picture that z_i came from
    by 1/N and the n - 1 others by (1 - 1/N) / (n - 1), which makes the sum an
    unbiased estimate of q(z_i); its logarithm is still biased. The same for each
    latent alone. (The authors give one of the others less weight than the rest, and
    many copies the wrong one; equal weights have the same expectation.)

    Parameters
    ----------
    codes : Tensor
        One sample of each posterior, shape (n, d), n at least 2.
    mean, logvar : Tensor
        Of the posteriors, shape (n, d).
    population : int
        N, the number of pictures in the data set.
    sampling : {"weighted", "stratified"}

    Returns
    -------
    Decomposition

    Raises
    ------
    ValueError
        If the shapes differ, there are fewer than two rows, the population is
        smaller than the batch, or the sampling is unknown.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> mean, logvar = torch.tensor([[-1.0], [1.0]]), torch.full((2, 1), -20.0)
    >>> parts = losses.decompose_kl(mean, mean, logvar, population=2)
    >>> round(float(parts.mutual_information), 4)  # two pictures, told apart: log 4
    1.3863
    >>> parts = losses.decompose_kl(mean, mean, logvar, 2, "stratified")
    >>> round(float(parts.mutual_information), 4)  # ... and log 2 without bias
    0.6931
    """
    _check(codes, mean, logvar, population, sampling)
    n = len(codes)
    codes, mean, logvar = codes.float(), mean.float(), logvar.float()
    # (n, n, d): the log-density of code i, latent k, under the posterior of j
    pairs = gaussian_log_density(codes[:, None], mean[None], logvar[None])
    if sampling == "weighted":
        weights = torch.full((n, n), -math.log(n * population), device=codes.device)
    else:
        weights = _stratified(n, population, codes.device)
    given = gaussian_log_density(codes, mean, logvar).sum(1)
    joint = torch.logsumexp(weights + pairs.sum(2), dim=1)
    margins = torch.logsumexp(weights[:, :, None] + pairs, dim=1).sum(1)
    prior = gaussian_log_density(
        codes, torch.zeros_like(codes), torch.zeros_like(codes)
    ).sum(1)
    return Decomposition(
        (given - joint).mean(), (joint - margins).mean(), (margins - prior).mean()
    )


def total_correlation(
    codes: Tensor,
    mean: Tensor,
    logvar: Tensor,
    population: int,
    sampling: Sampling = "weighted",
) -> Tensor:
    """Total correlation of q(z), from a minibatch: the middle of :func:`decompose_kl`.

    The weighted estimate depends on the population by ``(d - 1) log N``, a constant:
    copies that leave N out have the same gradient and a value that means nothing.
    The stratified one sees N in its gradient too.

    Parameters
    ----------
    codes, mean, logvar, population, sampling
        As of :func:`decompose_kl`.

    Returns
    -------
    Tensor
        One number, in nats; it can be negative.

    Raises
    ------
    ValueError
        As :func:`decompose_kl`.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> mean = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    >>> tight = torch.full((2, 2), -20.0)  # one bit, said twice
    >>> tc = losses.total_correlation(mean, mean, tight, 2, "stratified")
    >>> round(float(tc), 4)
    0.6931
    """
    return decompose_kl(codes, mean, logvar, population, sampling).total_correlation


def permute_codes(codes: Tensor, generator: torch.Generator) -> Tensor:
    """Shuffle each latent over the batch by itself: samples of prod_j q(z_j).

    Algorithm 1 of Kim and Mnih (2018).

    Parameters
    ----------
    codes : Tensor
        Shape (n, d).
    generator : torch.Generator
        On the codes' device.

    Returns
    -------
    Tensor
        Shape (n, d): the same columns, each in an order of its own.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> codes = torch.arange(6.0).view(3, 2)
    >>> shuffled = losses.permute_codes(codes, torch.Generator().manual_seed(0))
    >>> torch.equal(shuffled.sort(0).values, codes)
    True
    """
    order = torch.rand(codes.shape, generator=generator, device=codes.device)
    return codes.gather(0, order.argsort(0))


def density_ratio(logits: Tensor) -> Tensor:
    """Total correlation as a discriminator has it: Kim and Mnih (2018), Eq. (3).

    ``E_q(z)[log D(z) / (1 - D(z))]``, where D is the probability that a code came
    from q(z) and not from the product of its margins. With two logits, (joint,
    permuted), that is their difference. It is the total correlation where the
    discriminator is perfect, less where it is not; negative where it takes joint
    codes for permuted ones.

    Parameters
    ----------
    logits : Tensor
        Of samples of q(z), shape (n, 2): column 0 is "joint".

    Returns
    -------
    Tensor
        One number, in nats.

    Raises
    ------
    ValueError
        If the shape is another.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> losses.density_ratio(torch.tensor([[2.0, 1.0], [0.0, 1.0]]))
    tensor(0.)
    """
    _check_logits(logits)
    return (logits[:, 0] - logits[:, 1]).float().mean()


def discriminator_loss(joint: Tensor, permuted: Tensor) -> Tensor:
    """Cross-entropy of telling joint codes from permuted ones, each weighing half.

    Algorithm 2 of Kim and Mnih (2018). A discriminator that knows nothing pays
    log 2.

    Parameters
    ----------
    joint, permuted : Tensor
        Logits of the two kinds of codes, shape (n, 2) each; column 0 is "joint".

    Returns
    -------
    Tensor
        One number, in nats.

    Raises
    ------
    ValueError
        If a shape is another.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> losses.discriminator_loss(torch.zeros(4, 2), torch.zeros(4, 2))
    tensor(0.6931)
    """
    _check_logits(joint)
    _check_logits(permuted)
    right = joint.new_zeros(len(joint), dtype=torch.long)
    wrong = permuted.new_ones(len(permuted), dtype=torch.long)
    return 0.5 * (
        functional.cross_entropy(joint.float(), right)
        + functional.cross_entropy(permuted.float(), wrong)
    )


def gaussian_log_density(points: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """Logarithm of ``N(points; mean, exp(logvar))``, number by number.

    Parameters
    ----------
    points, mean, logvar : Tensor
        Shapes that broadcast.

    Returns
    -------
    Tensor
        In nats, the broadcast shape.
    """
    squared = (points - mean).square() * (-logvar).exp()
    return -0.5 * (squared + logvar + math.log(2 * math.pi))


def _stratified(n: int, population: int, device: torch.device) -> Tensor:
    """Logarithms of the weights, (n, n): each row adds up to one.

    For code i, its own picture has the probability 1/N that it has in q(z); the
    n - 1 others stand for the N - 1 that they were drawn from.
    """
    own = 1 / population
    weights = torch.full((n, n), (1 - own) / (n - 1), device=device)
    return weights.fill_diagonal_(own).log()


def _check(
    codes: Tensor, mean: Tensor, logvar: Tensor, population: int, sampling: str
) -> None:
    if not codes.shape == mean.shape == logvar.shape:
        raise ValueError(
            "codes, mean and logvar must have the same shape, got "
            f"{tuple(codes.shape)}, {tuple(mean.shape)} and {tuple(logvar.shape)}"
        )
    if codes.ndim != 2 or len(codes) < 2:
        raise ValueError(
            "an estimate from a batch needs a matrix with at least two rows, got "
            f"shape {tuple(codes.shape)}"
        )
    if population < len(codes):
        raise ValueError(
            f"population is the number of pictures in the data set, at least the "
            f"batch's {len(codes)}; got {population}"
        )
    if sampling not in ("weighted", "stratified"):
        raise ValueError(
            f'sampling must be "weighted" or "stratified", got {sampling!r}'
        )


def _check_logits(logits: Tensor) -> None:
    if logits.ndim != 2 or logits.shape[1] != 2:
        raise ValueError(
            f"logits must have shape (n, 2), joint and permuted; got "
            f"{tuple(logits.shape)}"
        )
