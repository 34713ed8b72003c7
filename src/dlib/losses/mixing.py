"""Mixing codes chunk by chunk, and telling which chunk came from where.

The paper is Hu et al. (2018), *Disentangling Factors of Variation by Mixing Them*,
section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from dlib.losses.elbo import same_shape
from dlib.losses.groups import wide, widths_of_pair


def random_masks(n: int, chunks: int, generator: torch.Generator) -> Tensor:
    """Masks with each entry 0 or 1 alike: step 2 of section 3.1.

    Parameters
    ----------
    n : int
        How many masks.
    chunks : int
        Entries of each.
    generator : torch.Generator
        Of the device that the masks are wanted on.

    Returns
    -------
    Tensor
        bool (n, chunks); true where the chunk is the first picture's.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> losses.random_masks(2, 8, torch.Generator().manual_seed(0)).shape
    torch.Size([2, 8])
    """
    device = generator.device
    return torch.rand(n, chunks, generator=generator, device=device) < 0.5


def mix(first: Tensor, second: Tensor, chunks: Sequence[int], mask: Tensor) -> Tensor:
    r"""``m f1 + (1 - m) f2``: some chunks of one code, the others of another.

    Steps 2 and 5 of section 3.1: to mix is ``mix(f1, f2, chunks, m)``, to unmix
    ``mix(f3, f1, chunks, m)``. With a codec that loses nothing, unmixing gives back
    the first picture's code, whatever the mask.

    Parameters
    ----------
    first, second : Tensor
        Codes, shape (n, d).
    chunks : sequence of int
        Widths of the chunks, adding up to d.
    mask : Tensor
        bool (n, number of chunks), or (1, number of chunks) for all codes: true where
        the chunk is taken from ``first``.

    Returns
    -------
    Tensor
        Shape (n, d).

    Raises
    ------
    ValueError
        If the codes are no matrices of one shape, the widths are not positive or do
        not add up to d, or the mask is not a bool for each chunk.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> ones, twos = torch.ones(1, 3), torch.full((1, 3), 2.0)
    >>> mask = torch.tensor([[True, False]])
    >>> mixed = losses.mix(ones, twos, (2, 1), mask)
    >>> mixed, losses.mix(mixed, ones, (2, 1), mask)
    (tensor([[1., 1., 2.]]), tensor([[1., 1., 1.]]))
    """
    widths = widths_of_pair(first, second, chunks)
    shapes = (len(first), len(widths)), (1, len(widths))
    if mask.dtype != torch.bool or tuple(mask.shape) not in shapes:
        raise ValueError(
            f"the mask must be bool of shape {shapes[0]} or {shapes[1]}, got "
            f"{mask.dtype} of {tuple(mask.shape)}"
        )
    return torch.where(wide(mask, widths), first, second)


def squared_distance(pictures: Tensor, targets: Tensor) -> Tensor:
    """``|x4 - x1|^2`` of Eq. (1), summed within a picture, averaged over them.

    Parameters
    ----------
    pictures, targets : Tensor
        In [0, 1], shape (n, c, h, w).

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
    >>> zeros, halves = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.5)
    >>> losses.squared_distance(zeros, halves)  # 48 pixels, a quarter each
    tensor(12.)
    """
    same_shape(pictures, targets)
    gaps = pictures.float() - targets.float()
    return gaps.square().flatten(1).sum(1).mean()


def chunk_classification_loss(logits: Tensor, mask: Tensor) -> Tensor:
    r"""Whose chunk is it? Eq. (3), with its slip mended.

    .. math::
        -\sum_i m^i \log y^i + (1 - m^i) \log(1 - y^i)

    The paper prints ``log(y)`` twice. As printed the mask drops out, the sum is
    ``-sum log(y)``, and a classifier that answers "the first" whatever it sees has a
    loss of 0. "We use the cross entropy loss for classification", says the paper.

    Parameters
    ----------
    logits : Tensor
        Shape (n, number of chunks); y are their sigmoids.
    mask : Tensor
        Of the same shape, bool: true where the chunk was the first picture's.

    Returns
    -------
    Tensor
        One number, in nats: summed over chunks, averaged over pictures. Guessing
        costs log 2 for each chunk.

    Raises
    ------
    ValueError
        If the shapes differ, or the mask is not bool.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> mask = torch.tensor([[True, False]])
    >>> losses.chunk_classification_loss(torch.zeros(1, 2), mask)  # 2 log 2
    tensor(1.3863)
    """
    if logits.shape != mask.shape or mask.dtype != torch.bool:
        raise ValueError(
            "logits and mask must have one shape, and the mask be bool, got "
            f"{tuple(logits.shape)} and {mask.dtype} of {tuple(mask.shape)}"
        )
    logits = logits.float()
    wrong = functional.binary_cross_entropy_with_logits(
        logits, mask.to(logits.dtype), reduction="sum"
    )
    return wrong / len(logits)
