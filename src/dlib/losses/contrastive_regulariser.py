"""InfoGAN-CR's regulariser: which latent do two pictures share?

Lin, Thekumparampil, Fanti and Oh, *InfoGAN-CR and ModelCentrality* (ICML 2020).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class CoupledCodes(NamedTuple):
    """Pairs of codes that share one latent and differ in all others.

    Attributes
    ----------
    first, second : Tensor
        Shape (n, d) each, in [-1, 1].
    shared : Tensor
        Which latent each pair shares, int64 (n,).
    """

    first: Tensor
    second: Tensor
    shared: Tensor


def coupled_codes(
    n: int, latent_dim: int, gap: float, generator: torch.Generator
) -> CoupledCodes:
    """Draw pairs of codes that a picture's classifier has to see through.

    The shared latent is drawn uniformly, and so is its value, in [-1, 1]. The two
    values of every other latent are uniform too, given that they are at least ``gap``
    apart: the wider the gap, the easier it is to see which latents moved. (Both are
    drawn from [-1 + gap/2, 1 - gap/2]; then the larger moves up, and the smaller down,
    by gap/2. This maps either half of the smaller square onto a corner of the larger
    one, without rejection.)

    Parameters
    ----------
    n : int
        Pairs.
    latent_dim : int
        Numbers in a code, at least 2.
    gap : float
        At least 0 and less than 2.
    generator : torch.Generator
        The codes are on its device.

    Returns
    -------
    CoupledCodes

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> pairs = losses.coupled_codes(100, 3, 1.5, torch.Generator().manual_seed(0))
    >>> apart = (pairs.first - pairs.second).abs()
    >>> torch.equal(apart.argmin(1), pairs.shared), int((apart >= 1.49).sum())
    (True, 200)
    """
    if n < 1 or latent_dim < 2:
        raise ValueError(
            "pairs share one latent and differ in others: at least one pair of at "
            f"least two latents is needed, got n = {n} and latent_dim = {latent_dim}"
        )
    if not 0 <= gap < 2:  # so that NaN is refused too
        raise ValueError(
            f"codes lie in [-1, 1], so a gap is at least 0 and less than 2; got {gap}"
        )
    device = generator.device
    first, second = (1 - gap / 2) * uniform(2, n, latent_dim, generator=generator)
    away = torch.where(first > second, gap / 2, -gap / 2)
    shared = torch.randint(latent_dim, (n,), generator=generator, device=device)
    named = torch.arange(latent_dim, device=device) == shared[:, None]
    same = uniform(n, 1, generator=generator)
    return CoupledCodes(
        torch.where(named, same, first + away),
        torch.where(named, same, second - away),
        shared,
    )


def uniform(*shape: int, generator: torch.Generator) -> Tensor:
    """Numbers in [-1, 1], on the generator's device: what codes and noise are."""
    return 2 * torch.rand(shape, generator=generator, device=generator.device) - 1


def contrastive_regulariser(logits: Tensor, shared: Tensor) -> Tensor:
    """Cross-entropy of naming the latent that each pair of pictures shares.

    Minus the L_c(G, H) of Lin et al. (2020), ``E[log H_i(x, x')]`` where i is the
    latent that x and x' share: the generator and the classifier H both minimise it.

    Parameters
    ----------
    logits : Tensor
        Of the classifier, one for each latent, shape (n, d).
    shared : Tensor
        Which latent each pair shares, int64 (n,).

    Returns
    -------
    Tensor
        One number, in nats. A classifier that knows nothing pays log d.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> losses.contrastive_regulariser(torch.zeros(4, 5), torch.arange(4))  # log 5
    tensor(1.6094)
    """
    if logits.ndim != 2 or shared.shape != logits.shape[:1]:
        raise ValueError(
            "logits must have shape (n, d) and shared (n,), got "
            f"{tuple(logits.shape)} and {tuple(shared.shape)}"
        )
    return functional.cross_entropy(logits.float(), shared)
