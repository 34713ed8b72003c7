"""Interventions on codes, and how hard a translation between their pictures is.

The paper is *Unsupervised disentanglement learning by intervention* (anonymous, under
review): section 4, its Algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from dlib.losses.groups import wide

Weights = Mapping[str, Tensor]


def intervene(
    codes: Tensor, others: Tensor, chunks: Sequence[int], which: Tensor
) -> Tensor:
    """``do(Z_k = z_k')``: one chunk of each code is taken from another code.

    Parameters
    ----------
    codes, others : Tensor
        Shape (n, d).
    chunks : sequence of int
        Widths of the chunks, adding up to d.
    which : Tensor
        k, the chunk that is replaced: int64 (n,), or one for all.

    Returns
    -------
    Tensor
        Shape (n, d).

    Raises
    ------
    ValueError
        If the codes differ in shape or are no matrices, the widths are not positive
        or do not add up to d, or, on the CPU, a chunk is named that there is not.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> zeros, ones = torch.zeros(2, 3), torch.ones(2, 3)
    >>> losses.intervene(zeros, ones, (2, 1), torch.tensor([0, 1]))
    tensor([[1., 1., 0.],
            [0., 0., 1.]])
    """
    widths = [int(width) for width in chunks]
    if codes.shape != others.shape or codes.ndim != 2:
        raise ValueError(
            "codes must be two matrices of one shape, got "
            f"{tuple(codes.shape)} and {tuple(others.shape)}"
        )
    if min(widths, default=0) < 1 or sum(widths) != codes.shape[1]:
        raise ValueError(
            f"chunks must be positive widths that add up to {codes.shape[1]}, got "
            f"{tuple(widths)}"
        )
    which = which.expand(len(codes))
    if which.device.type == "cpu" and len(which):  # on CUDA, index_select's assertion
        low, high = int(which.min()), int(which.max())
        if low < 0 or high >= len(widths):
            raise ValueError(
                f"which names chunks 0 to {len(widths) - 1}, got {low} to {high}"
            )
    named = torch.eye(len(widths), dtype=torch.bool, device=codes.device)
    replaced = wide(named.index_select(0, which), widths)
    return torch.where(replaced, others, codes)


def weighted_adversarial_loss(
    real: Tensor, fake: Tensor, log_weights: Tensor
) -> Tensor:
    """What the discriminator maximises: section 4, item 2, without a number.

    ``E[log D(real)] + E[w / N log(1 - D(fake))]`` with ``N = E[w]`` over the batch.
    The discriminator maximises it; the autoencoder and the weight network minimise
    it. Where the weights are ``p(x) / p'(x)``, of the pictures' law and of that of
    intervened ones (Proposition 2), real and fake can't be told apart by anybody.

    Parameters
    ----------
    real, fake : Tensor
        Logits of the discriminator, shape (n,) and (m,) or (n, 1) and (m, 1).
    log_weights : Tensor
        Logarithms of the weights of the fake ones, shape of ``fake``: the weight
        network's last layer, before its Exp.

    Returns
    -------
    Tensor
        One number, in nats, at most 0; -2 log 2 where the discriminator is blind.

    Raises
    ------
    ValueError
        If the weights' shape is not that of the fake logits.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> blind = torch.zeros(4)
    >>> losses.weighted_adversarial_loss(blind, blind, torch.ones(4))
    tensor(-1.3863)
    """
    if log_weights.shape != fake.shape:
        raise ValueError(
            f"each fake picture needs a weight: got {tuple(log_weights.shape)} weights "
            f"for {tuple(fake.shape)} logits"
        )
    real, fake = real.float().flatten(), fake.float().flatten()
    # exp(w) / mean(exp(w)), without the exponentials: no overflow.
    shares = len(fake) * log_weights.float().flatten().softmax(0)
    return (
        functional.logsigmoid(real).mean()
        + (shares * functional.logsigmoid(-fake)).mean()
    )


def translator(
    channels: int, generator: torch.Generator, width: int = 16
) -> dict[str, Tensor]:
    """Weights of a small network that makes one picture of another.

    The paper gives no table for its model M. Ours is a convolution of 4x4 and stride
    2, one of 3x3, and a transposed one of 4x4 and stride 2, with ReLU between them;
    what comes out is *added* to the picture's own logits, so that a network that has
    learned nothing copies.

    Parameters
    ----------
    channels : int
        Of the pictures.
    generator : torch.Generator
        The weights' device is its own.
    width : int
        Maps inside.

    Returns
    -------
    dict of str to Tensor
        With gradients wanted. The last layer is zero.
    """
    shapes = {
        "in": (width, channels, 4, 4),
        "middle": (width, width, 3, 3),
        "out": (width, channels, 4, 4),  # transposed: inputs first
    }
    weights = {}
    for name, shape in shapes.items():
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        drawn = torch.rand(shape, generator=generator, device=generator.device)
        scale = 0.0 if name == "out" else 2 * bound
        weights[name] = ((drawn - 0.5) * scale).requires_grad_()
    return weights


def translate(weights: Weights, pictures: Tensor, margin: float = 0.01) -> Tensor:
    """Logits of the pictures that :func:`translator`'s weights make of others.

    Parameters
    ----------
    weights : mapping of str to Tensor
        As :func:`translator` gives them.
    pictures : Tensor
        In [0, 1], shape (n, c, h, w), h and w even.
    margin : float
        Pixels are taken to be at least so far from 0 and 1, where logits are
        infinite.

    Returns
    -------
    Tensor
        Shape (n, c, h, w).
    """
    hidden = functional.conv2d(pictures, weights["in"], stride=2, padding=1).relu()
    hidden = functional.conv2d(hidden, weights["middle"], padding=1).relu()
    change = functional.conv_transpose2d(hidden, weights["out"], stride=2, padding=1)
    return pictures.clamp(margin, 1 - margin).logit() + change


def translation_loss(
    weights: Weights, source: Tensor, target: Tensor, margin: float = 0.01
) -> Tensor:
    """Eq. (2): cross-entropy of the target pictures, averaged over pictures.

    Parameters
    ----------
    weights : mapping of str to Tensor
        The translator's.
    source, target : Tensor
        In [0, 1], shape (n, c, h, w).
    margin : float
        As for :func:`translate`.

    Returns
    -------
    Tensor
        One number, nats a picture. With grey targets it is not 0 at its best.
    """
    total = functional.binary_cross_entropy_with_logits(
        translate(weights, source, margin), target, reduction="sum"
    )
    return total / len(source)


def translation_difficulty(
    weights: Weights,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    steps: int,
    rate: float,
) -> Tensor:
    """Algorithm 1: what is left to learn after a few steps of learning.

    The translator takes ``steps`` steps of gradient descent on the pairs to train on;
    its loss on those to test on is the difficulty. The steps stay in the graph, so
    that the gradient with respect to the pictures goes through them all.

    Parameters
    ----------
    weights : mapping of str to Tensor
        The translator's at the start.
    train, test : (Tensor, Tensor)
        Source and target pictures, (n, c, h, w) each.
    steps : int
        s, at least 0.
    rate : float
        alpha, positive.

    Returns
    -------
    Tensor
        One number: nats a picture.

    Raises
    ------
    ValueError
        If ``steps`` is negative or ``rate`` not positive.
    """
    if steps < 0 or not rate > 0:
        raise ValueError(
            f"steps must not be negative and rate be positive, got {steps} and {rate}"
        )
    moved = dict(weights)
    for _ in range(steps):
        loss = translation_loss(moved, *train)
        slopes = torch.autograd.grad(loss, list(moved.values()), create_graph=True)
        moved = {
            name: weight - rate * slope
            for (name, weight), slope in zip(moved.items(), slopes, strict=True)
        }
    return translation_loss(moved, *test)
