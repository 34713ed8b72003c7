"""How unlike unmixed pictures mixed ones are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dlib.inference import device_of
from dlib.losses import mix, random_masks
from dlib.metrics.inputs import NotApplicable
from dlib.metrics.inputs.mixtures import MixtureTask, decoded, pairs_of
from dlib.metrics.inputs.pictures import codes_within
from dlib.metrics.score import Score

BLOCK = 100  # pictures whose distances to all others are held at once


class MixtureNoveltyTask(MixtureTask):
    """The protocol of :func:`mixture_novelty`, which says what the options are."""

    metric = "mixture_novelty"

    def score(self, method: Any, codes: Tensor) -> Score:
        """The score of a method with ``decode``, from codes (n, d) of pictures.

        Raises
        ------
        ValueError
            If the method's chunks do not add up to d.
        NotApplicable
            If there is one chunk, or pictures are decoded alike.
        """
        drawn = pairs_of(method, codes, self.pairs, self.seed)
        if len(drawn.widths) < 2:
            raise NotApplicable(
                "mixture_novelty mixes chunks, and this method's code is one"
            )
        mask = _mixed_masks(len(drawn.first), len(drawn.widths), drawn.random)
        mask = mask.to(drawn.first.device)
        mixed = decoded(method, mix(drawn.first, drawn.second, drawn.widths, mask))
        known = decoded(method, codes.to(device_of(method))).flatten(1)
        # Centred: single precision keeps small distances only near zero.
        centre = known.mean(0)
        known = known - centre
        own = _nearest(known[drawn.places[:, 0]], known, drawn.places)
        away = _nearest(mixed.flatten(1) - centre, known, drawn.places)
        if not float(own) > 0:
            raise NotApplicable(
                "mixture_novelty compares with how far pictures are from one another, "
                "and the decoder makes them alike"
            )
        parts = {"mixed": float(away), "unmixed": float(own)}
        return Score("mixture_novelty", float(away / own), parts)


def mixture_novelty(
    method: Any,
    images: Tensor,
    *,
    pairs: int = 500,
    batch_size: int = 512,
    seed: int = 0,
) -> Score:
    r"""How unlike any unmixed picture mixed ones are: 1 where they are like others.

    Codes of two pictures are mixed chunk by chunk, by random masks that take something
    of both, and decoded. The score is

    .. math::
        \frac{\mathbb{E}\, \min_{x \in X'} |\mathrm{Dec}(f_{1 \oplus 2}) - x|}
        {\mathbb{E}\, \min_{x \in X'} |\mathrm{Dec}(f_1) - x|}

    with all that the decoder makes of unmixed codes for X, and X' the same without the
    two pictures of the pair. Artefacts of mixing raise it, whatever the decoder's own
    blur, since both sides have that; so do combinations of attributes that are rare
    among the pictures. Where a mixture is no mixture, in the shortcut, it is 1.

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
    ValueError
        As :func:`chunk_use`.
    NotApplicable
        If there are fewer than 20 pictures or one chunk, or pictures are decoded alike.

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
    return task.score(method, codes_within(method, images, batch_size))


def _mixed_masks(n: int, chunks: int, random: torch.Generator) -> Tensor:
    """Fair masks, without those that take all of one picture: bool (n, chunks)."""
    masks = random_masks(n, chunks, random)
    while len(pure := (masks.all(1) | ~masks.any(1)).nonzero()[:, 0]):
        masks[pure] = random_masks(len(pure), chunks, random)
    return masks


def _nearest(pictures: Tensor, known: Tensor, but: Tensor) -> Tensor:
    """Mean distance to the nearest of the known ones but two, (n, 2), for each."""
    found = []
    for some, two in zip(pictures.split(BLOCK), but.split(BLOCK), strict=True):
        distance = torch.cdist(some, known).scatter_(1, two, torch.inf)
        found.append(distance.amin(1))
    return torch.cat(found).double().mean()
