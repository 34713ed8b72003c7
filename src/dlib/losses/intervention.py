"""Interventions on codes, and how hard a translation between their pictures is.

The paper is *Unsupervised disentanglement learning by intervention* (anonymous, under
review): section 4, its Algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from dlib.losses.groups import wide, widths_of_pair

Weights = Mapping[str, Tensor]
Measure = Literal["cross_entropy", "excess", "relative"]


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
    widths = widths_of_pair(codes, others, chunks)
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


# How near to 0 and 1 a translator's pixels begin. A black pixel that stays black costs
# so many nats.
MARGIN = 0.01
# What of a translator is learned; its features are drawn and stay.
LEARNED = ("map", "out")


def translator(
    channels: int, size: int, generator: torch.Generator, width: int = 16
) -> dict[str, Tensor]:
    """Weights of a small network that makes one picture of another.

    The paper gives no table for its model M. Ours adds to a picture's own logits a
    *map*, the same for every picture, and a transposed convolution of random features
    of the picture. Both are zero at first: a network that has learned nothing copies.
    Its loss is convex in what is learned, so that a few steps of plain gradient descent
    go far: of the change of a wall's hue, all else the same, three steps of rate 2
    leave 18 in 100, of two hues turned together 100. A convolutional network without
    the map learns nothing to speak of in so few.

    Parameters
    ----------
    channels, size : int
        Of the pictures; the size is even.
    generator : torch.Generator
        The weights' device is its own.
    width : int
        How many features.

    Returns
    -------
    dict of str to Tensor
        ``features``, and what is learned: ``map`` and ``out``, which want gradients.

    Raises
    ------
    ValueError
        If a number is not positive, or the size is odd.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> weights = losses.translator(3, 16, torch.Generator().manual_seed(0))
    >>> {name: tuple(weight.shape) for name, weight in weights.items()}
    {'features': (16, 3, 4, 4), 'map': (3, 16, 16), 'out': (16, 3, 4, 4)}
    """
    if min(channels, size, width) < 1 or size % 2:
        raise ValueError(
            "channels, size and width must be positive and the size be even, got "
            f"{channels}, {size} and {width}"
        )
    device = generator.device
    shape = (width, channels, 4, 4)
    drawn = torch.rand(shape, generator=generator, device=device)
    learned = {
        "map": torch.zeros(channels, size, size, device=device),
        "out": torch.zeros(shape, device=device),
    }
    bound = 1 / math.sqrt(math.prod(shape[1:]))
    return {
        "features": (2 * drawn - 1) * bound,
        **{name: weight.requires_grad_() for name, weight in learned.items()},
    }


def translate(weights: Weights, pictures: Tensor, margin: float = MARGIN) -> Tensor:
    """Logits of the pictures that :func:`translator`'s weights make of others.

    Parameters
    ----------
    weights : mapping of str to Tensor
        As :func:`translator` gives them.
    pictures : Tensor
        In [0, 1], shape (n, c, h, w), h and w even.
    margin : float
        How near to 0 and 1 a pixel begins, so that its logit is finite.

    Returns
    -------
    Tensor
        Shape (n, c, h, w).

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> weights = losses.translator(1, 4, torch.Generator().manual_seed(0))
    >>> grey = torch.full((2, 1, 4, 4), 0.3)
    >>> painted = losses.translate(weights, grey).sigmoid()
    >>> bool(torch.allclose(painted, grey))  # it begins as a copier
    True
    """
    seen = functional.conv2d(pictures, weights["features"], stride=2, padding=1)
    change = functional.conv_transpose2d(
        seen.relu(), weights["out"], stride=2, padding=1
    )
    # Each weight of the convolution acts on a whole picture: so much shorter its steps.
    change = change * (0.4 / math.sqrt(pictures.shape[-1] * pictures.shape[-2]))
    return pictures.clamp(margin, 1 - margin).logit() + weights["map"] + change


def translation_loss(
    weights: Weights, source: Tensor, target: Tensor, margin: float = MARGIN
) -> Tensor:
    """Eq. (2): cross-entropy of the target pictures, averaged over pictures.

    Parameters
    ----------
    weights : mapping of str to Tensor
        The translator's.
    source, target : Tensor
        In [0, 1], shape (n, c, h, w).
    margin : float
        As of :func:`translate`.

    Returns
    -------
    Tensor
        One number, nats a picture. With grey targets it is not 0 at its best.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> weights = losses.translator(1, 2, torch.Generator().manual_seed(0))
    >>> grey = torch.full((3, 1, 2, 2), 0.5)
    >>> loss = losses.translation_loss(weights, grey, grey)
    >>> round(float(loss.detach()), 3)  # four times log 2
    2.773
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
    *,
    measure: Measure = "cross_entropy",
    margin: float = MARGIN,
    differentiable: bool = True,
) -> Tensor:
    """Algorithm 1: what is left to learn after a few steps of learning.

    The translator takes ``steps`` steps of gradient descent on the pairs to train on;
    what it gets wrong of those to test on is the difficulty.

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
    measure : {"cross_entropy", "excess", "relative"}
        The paper's cross-entropy; what of it is above the targets' own entropy, which
        no translator can get below, and which is large where pictures are grey; or
        this excess as a share of a copier's (plus a nat, so that where nothing changes
        there is nothing to learn).
    margin : float
        As of :func:`translate`.
    differentiable : bool
        Whether the steps stay in the graph, so that the gradient with respect to the
        pictures goes through them all. If not, there is no gradient at all.

    Returns
    -------
    Tensor
        One number: nats a picture, or a share.

    Raises
    ------
    ValueError
        If ``steps`` is negative, ``rate`` not positive, or the measure unknown.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> weights = losses.translator(1, 8, torch.Generator().manual_seed(0))
    >>> pair = torch.full((4, 1, 8, 8), 0.2), torch.full((4, 1, 8, 8), 0.7)
    >>> def left(steps):
    ...     return losses.translation_difficulty(
    ...         weights, pair, pair, steps, 1.0, measure="excess"
    ...     )
    >>> [round(float(left(steps).detach())) for steps in (0, 5, 20)]  # nats
    [37, 2, 0]
    """
    if measure not in get_args(Measure):
        raise ValueError(
            f"measure must be one of {', '.join(get_args(Measure))}, got {measure!r}"
        )
    if steps < 0 or not rate > 0:
        raise ValueError(
            f"steps must not be negative and rate be positive, got {steps} and {rate}"
        )
    moved = dict(weights)
    for _ in range(steps):
        with torch.enable_grad():
            loss = translation_loss(moved, *train, margin)
            learned = [moved[name] for name in LEARNED]
            slopes = torch.autograd.grad(loss, learned, create_graph=differentiable)
        for name, slope in zip(LEARNED, slopes, strict=True):
            moved[name] = moved[name] - rate * slope
            if not differentiable:
                moved[name] = moved[name].detach().requires_grad_()
    with torch.set_grad_enabled(differentiable and torch.is_grad_enabled()):
        found = translation_loss(moved, *test, margin)
        if measure == "cross_entropy":
            return found
        entropy = picture_entropy(test[1])
        excess = found - entropy
        if measure == "excess":
            return excess
        copied = translation_loss(weights, *test, margin) - entropy
        return excess / (copied + 1)


def picture_entropy(pictures: Tensor) -> Tensor:
    """Entropy of pixels as coins: the least that a translation can cost.

    Parameters
    ----------
    pictures : Tensor
        In [0, 1], shape (n, c, h, w).

    Returns
    -------
    Tensor
        One number, nats a picture.

    Examples
    --------
    >>> import torch
    >>> from dlib import losses
    >>> grey = torch.full((3, 1, 2, 2), 0.5)
    >>> round(float(losses.picture_entropy(grey)), 3)  # four times log 2
    2.773
    """
    # In single precision a sigmoid can be 1: its logarithm's slope would be infinite.
    safe = pictures.clamp(1e-6, 1 - 1e-6)
    return -(safe * safe.log() + (1 - safe) * (-safe).log1p()).sum() / len(pictures)
