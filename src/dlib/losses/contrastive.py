"""How a header learns which group of factors a picture is of.

Inoue, Yamada, Kawakami and Sato, *Disentangling latent groups of factors*, Eqs. (3)
and (4).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def contrastive_loss(embeddings: Tensor, augmented: Tensor, scale: float) -> Tensor:
    """Find each picture's altered version among all others: Inoue et al., Eq. (3).

    ``-log exp(s sim(h, h')) / sum_{r in B, r != h} exp(s sim(h, r))``, averaged over
    the pictures, with the cosine similarity. B holds the embeddings of all pictures
    and of all altered ones: 2n, of which 2n - 1 are other than h. As printed, only
    pictures ask and altered ones do not; SimCLR lets both.

    Parameters
    ----------
    embeddings, augmented : Tensor
        Of the pictures and, row by row, of their altered versions, shape (n, d).
    scale : float
        The paper's tau, which multiplies; elsewhere a temperature of 1 / tau
        divides.

    Returns
    -------
    Tensor
        One number, in nats. Embeddings that are all alike pay log(2n - 1).

    Raises
    ------
    ValueError
        If the shapes differ, are not (n, d) with n at least 2, or the scale is not
        positive.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> same = torch.ones(2, 3)
    >>> losses.contrastive_loss(same, same, scale=10.0)  # log 3
    tensor(1.0986)
    >>> apart = torch.eye(2)
    >>> loss = losses.contrastive_loss(apart, apart, scale=10.0)
    >>> round(float(loss), 4)
    0.0001
    """
    if embeddings.shape != augmented.shape or embeddings.ndim != 2:
        raise ValueError(
            "embeddings and augmented must both have shape (n, d), got "
            f"{tuple(embeddings.shape)} and {tuple(augmented.shape)}"
        )
    n = len(embeddings)
    if n < 2:
        raise ValueError(f"a comparison needs at least two pictures, got {n}")
    _check_scale(scale)
    similar = cosine_similarity(embeddings, torch.cat([embeddings, augmented]))
    itself = torch.eye(n, 2 * n, dtype=torch.bool, device=embeddings.device)
    logits = (scale * similar).masked_fill(itself, -torch.inf)
    answers = torch.arange(n, 2 * n, device=embeddings.device)
    return functional.cross_entropy(logits, answers)


def cosface_loss(
    embeddings: Tensor,
    prototypes: Tensor,
    labels: Tensor,
    scale: float,
    margin: float,
) -> Tensor:
    """Be nearer to the right prototype by a margin: Inoue et al., Eq. (4).

    Cross-entropy of ``scale * (sim(h, f_k) - margin * [k is right])`` with the
    cosine similarity: CosFace, Wang et al. (2018).

    Parameters
    ----------
    embeddings : Tensor
        Shape (n, d).
    prototypes : Tensor
        One for each group, shape (k, d).
    labels : Tensor
        Each picture's group, int64 (n,).
    scale, margin : float
        The paper's tau and m.

    Returns
    -------
    Tensor
        One number, in nats.

    Raises
    ------
    ValueError
        If the widths differ, there is not one label for each embedding, the scale
        is not positive, or the margin negative.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> h, right = torch.eye(2), torch.tensor([0, 1])
    >>> losses.cosface_loss(h, torch.ones(2, 2), right, scale=10.0, margin=0.0)
    tensor(0.6931)
    """
    if embeddings.ndim != 2 or embeddings.shape[1:] != prototypes.shape[1:]:
        raise ValueError(
            "embeddings and prototypes must have shapes (n, d) and (k, d), got "
            f"{tuple(embeddings.shape)} and {tuple(prototypes.shape)}"
        )
    if labels.shape != embeddings.shape[:1]:
        raise ValueError(
            f"labels must have shape ({len(embeddings)},), one group for each "
            f"embedding; got {tuple(labels.shape)}"
        )
    _check_scale(scale)
    if not margin >= 0:
        raise ValueError(f"margin must not be negative, got {margin}")
    similar = cosine_similarity(embeddings, prototypes)
    right = functional.one_hot(labels, len(prototypes))
    return functional.cross_entropy(scale * (similar - margin * right), labels)


def cosine_similarity(left: Tensor, right: Tensor) -> Tensor:
    """Cosine of the angle between each row of one and each row of the other.

    Parameters
    ----------
    left, right : Tensor
        Shapes (n, d) and (m, d). A row of zeros has the cosine 0 with all.

    Returns
    -------
    Tensor
        Shape (n, m), between -1 and 1.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> left, right = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 1.0], [3.0, 0.0]])
    >>> losses.cosine_similarity(left, right)
    tensor([[0., 1.]])
    """
    # Under autocast a product would be rounded to half precision.
    with torch.autocast(left.device.type, enabled=False):
        left = functional.normalize(left.float())
        return left @ functional.normalize(right.float()).T


def _check_scale(scale: float) -> None:
    if not scale > 0:
        raise ValueError(f"scale must be positive, got {scale}")
