"""What mixing codes does to pictures: which chunks it uses, and what it spoils."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dlib.inference import device_of, encode, evaluating
from dlib.losses import mix, random_masks
from dlib.metrics.inputs import NotApplicable
from dlib.metrics.inputs.chunks import chunk_widths
from dlib.metrics.score import Score

FEWEST = 20  # pictures, of which any mean says something
BLOCK = 100  # pictures whose distances to all others are held at once


@dataclass(frozen=True)
class ChunkUseTask:
    """The protocol of :func:`chunk_use`, which says what the options are.

    Raises
    ------
    ValueError
        If ``pairs`` is below 20.
    """

    pairs: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        _check_pairs(self.pairs)

    def require(self, count: int) -> None:
        """Raise NotApplicable if there are too few pictures."""
        _require("chunk_use", count)

    def score(self, method: Any, codes: Tensor) -> Score:
        """The score of a method with ``decode``, from codes (n, d) of pictures.

        Raises
        ------
        ValueError
            If the method's chunks do not add up to d.
        NotApplicable
            If all pictures are decoded alike.
        """
        first, second, widths, _ = _pairs(method, codes, self.pairs, self.seed)
        before = _decoded(method, first)
        whole = _decoded(method, second).sub_(before).square_().sum()
        if not float(whole) > 0:
            raise NotApplicable(
                "chunk_use compares what each chunk changes with what a whole code "
                "does, and all codes are decoded to one picture"
            )
        effects = torch.empty(len(widths), dtype=torch.float64)
        for k in range(len(widths)):
            mask = torch.arange(len(widths), device=first.device)[None] != k
            mixed = mix(first, second, widths, mask)
            change = _decoded(method, mixed).sub_(before).square_().sum()
            effects[k] = float(change / whole)
        shares = effects / effects.sum()
        logs = torch.where(shares > 0, shares.log(), 0.0)
        used = float((-(shares * logs).sum()).exp())
        return Score("chunk_use", used, {"effects": effects, "shares": shares})


@dataclass(frozen=True)
class MixtureNoveltyTask:
    """The protocol of :func:`mixture_novelty`, which says what the options are.

    Raises
    ------
    ValueError
        If ``pairs`` is below 20.
    """

    pairs: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        _check_pairs(self.pairs)

    def require(self, count: int) -> None:
        """Raise NotApplicable if there are too few pictures."""
        _require("mixture_novelty", count)

    def score(self, method: Any, codes: Tensor) -> Score:
        """The score of a method with ``decode``, from codes (n, d) of pictures.

        Raises
        ------
        ValueError
            If the method's chunks do not add up to d.
        NotApplicable
            If pictures are decoded alike.
        """
        first, second, widths, random = _pairs(method, codes, self.pairs, self.seed)
        mask = random_masks(len(first), len(widths), random).to(first.device)
        mixed = _decoded(method, mix(first, second, widths, mask))
        known = _decoded(method, codes.to(first.device)).flatten(1)
        places = torch.randperm(len(codes), generator=random)[: self.pairs]
        # Centred: single precision keeps small distances only near zero.
        centre = known.mean(0)
        known = known - centre
        own = _nearest(known[places.to(known.device)], known, itself=True)
        away = _nearest(mixed.flatten(1) - centre, known, itself=False)
        if not float(own) > 0:
            raise NotApplicable(
                "mixture_novelty compares with how far pictures are from one another, "
                "and the decoder makes them alike"
            )
        parts = {"mixed": float(away), "unmixed": float(own)}
        return Score("mixture_novelty", float(away / own), parts)


def chunk_use(
    method: Any,
    images: Tensor,
    *,
    pairs: int = 500,
    batch_size: int = 512,
    seed: int = 0,
) -> Score:
    r"""How many chunks of its codes a decoder uses: 1 where all is in one of them.

    One chunk of a picture's code is taken from another picture; how much the decoded
    picture changes, as a share of what the whole other code changes, is the chunk's
    effect. The score is the effects' effective number,

    .. math::
        \exp\Big(-\sum_k p_k \log p_k\Big), \qquad
        p_k = \frac{e_k}{\sum_l e_l}, \qquad
        e_k = \frac{\mathbb{E}\,|\mathrm{Dec}(f_1 \text{ with } f_2^k) -
        \mathrm{Dec}(f_1)|^2}{\mathbb{E}\,|\mathrm{Dec}(f_2) - \mathrm{Dec}(f_1)|^2}

    from 1 to the number of chunks. It measures the *shortcut problem* of Hu et al.
    (2018), section 3.1, where "all image attributes" are in "one feature chunk". It
    does not say that what a chunk changes is an attribute.

    Parameters
    ----------
    method : Method
        With ``encode``, ``decode``, and ``chunks``, if its codes are not latents one
        by one.
    images : Tensor
        Shape (n, c, h, w), ``uint8`` or floats in [0, 1], n at least 20.
    pairs : int
        Of pictures, at least 20; at most n are made.
    batch_size : int
        Pictures encoded at a time.
    seed : int
        Of the pairs.

    Returns
    -------
    Score
        Parts, by chunk: ``effects`` and ``shares``, e and p above, shape (K,).

    Raises
    ------
    ValueError
        If there are too few pairs, floats leave [0, 1], or the chunks do not add up to
        the codes.
    NotApplicable
        If there are fewer than 20 pictures, or all are decoded alike.

    Examples
    --------
    >>> import torch
    >>> from dlib import metrics
    >>> class Corner(torch.nn.Module):  # the second latent is never looked at
    ...     def encode(self, images):
    ...         return torch.stack([images.mean((1, 2, 3)), images[:, 0, 0, 0]], 1)
    ...     def decode(self, codes):
    ...         return codes[:, :1, None, None].expand(-1, 1, 4, 4)
    >>> images = torch.rand(50, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> metrics.chunk_use(Corner(), images).value
    1.0
    """
    task = ChunkUseTask(pairs, seed)
    task.require(len(images))
    return task.score(method, _encoded(method, images, batch_size))


def mixture_novelty(
    method: Any,
    images: Tensor,
    *,
    pairs: int = 500,
    batch_size: int = 512,
    seed: int = 0,
) -> Score:
    r"""How unlike any unmixed picture mixed ones are: 1 where they are like others.

    Codes of two pictures are mixed chunk by chunk with random masks and decoded. The
    score is the mean Euclidean distance of these pictures to the nearest that the
    decoder makes of an unmixed code, over the same of unmixed pictures among
    themselves. Artefacts of mixing raise it, whatever the decoder's own blur, since
    both sides have that; so do combinations of attributes that are rare among the
    pictures. A code all in one chunk has 0.5 or so: every mixture *is* one of the two.

    Hu et al. (2018), section 4, judge artefacts by eye; this is our measure of them.

    Parameters
    ----------
    method, images, pairs, batch_size, seed
        As :func:`chunk_use` takes them; more pictures make a finer comparison.

    Returns
    -------
    Score
        Parts: ``mixed`` and ``unmixed``, the two distances.

    Raises
    ------
    ValueError, NotApplicable
        As :func:`chunk_use`.

    Examples
    --------
    >>> import torch
    >>> from dlib import metrics
    >>> class Pixels(torch.nn.Module):  # each pixel a latent: mixtures are mosaics
    ...     def encode(self, images):
    ...         return images.flatten(1)
    ...     def decode(self, codes):
    ...         return codes.view(-1, 1, 4, 4)
    >>> grey = torch.rand(100, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    >>> metrics.mixture_novelty(Pixels(), grey.expand(-1, 1, 4, 4)).value > 10
    True
    """
    task = MixtureNoveltyTask(pairs, seed)
    task.require(len(images))
    return task.score(method, _encoded(method, images, batch_size))


def _check_pairs(pairs: int) -> None:
    if pairs < FEWEST:
        raise ValueError(f"pairs must be at least {FEWEST}, got {pairs}")


def _require(name: str, count: int) -> None:
    if count < FEWEST:
        raise NotApplicable(f"{name} needs at least {FEWEST} pictures, got {count}")


def _encoded(method: Any, images: Tensor, batch_size: int) -> Tensor:
    def bounded(index: Tensor) -> Tensor:
        batch = images[index.to(images.device)]
        if batch.is_floating_point() and not bool(((batch >= 0) & (batch <= 1)).all()):
            raise ValueError("images must be uint8 or lie in [0, 1]; divide by 255")
        return batch

    return encode(method, bounded, torch.arange(len(images)), batch_size=batch_size)


def _pairs(
    method: Any, codes: Tensor, pairs: int, seed: int
) -> tuple[Tensor, Tensor, Sequence[int], torch.Generator]:
    """Codes of pairs of two pictures each, the chunks, and what else is drawn from."""
    widths = chunk_widths(method, codes.shape[1])
    codes = codes.to(device_of(method))
    random = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(codes), generator=random)
    first = rows[:pairs].to(codes.device)
    second = rows.roll(1)[:pairs].to(codes.device)
    return codes[first], codes[second], widths, random


def _decoded(method: Any, codes: Tensor) -> Tensor:
    with evaluating(method):
        parts = [method.decode(some).float() for some in codes.split(512)]
    return torch.cat(parts)


def _nearest(pictures: Tensor, known: Tensor, itself: bool) -> Tensor:
    """Mean distance to the nearest of the known ones, or to the nearest other one."""
    found = []
    for some in pictures.split(BLOCK):
        distance = torch.cdist(some, known)
        if itself:  # each is among the known ones, at no distance
            distance = distance.topk(2, dim=1, largest=False).values[:, 1:]
        found.append(distance.amin(1))
    return torch.cat(found).double().mean()
