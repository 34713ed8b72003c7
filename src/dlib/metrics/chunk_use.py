"""How many chunks of its codes a decoder uses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from dlib.losses import mix
from dlib.metrics.inputs import NotApplicable
from dlib.metrics.inputs.mixtures import MixtureTask, decoded, pairs_of
from dlib.metrics.inputs.pictures import codes_within
from dlib.metrics.score import Score


class ChunkUseTask(MixtureTask):
    """The protocol of :func:`chunk_use`, which says what the options are."""

    metric = "chunk_use"

    def score(self, method: Any, codes: Tensor) -> Score:
        """The score of a method with ``decode``, from codes (n, d) of pictures.

        Raises
        ------
        ValueError
            If the method's chunks do not add up to d.
        NotApplicable
            If no chunk by itself changes a picture.
        """
        drawn = pairs_of(method, codes, self.pairs, self.seed)
        before = decoded(method, drawn.first)
        whole = decoded(method, drawn.second).sub_(before).square_().sum()
        count = len(drawn.widths)
        effects = torch.empty(count, dtype=torch.float64)
        for k in range(count):
            mask = torch.arange(count, device=before.device)[None] != k
            mixed = mix(drawn.first, drawn.second, drawn.widths, mask)
            change = decoded(method, mixed).sub_(before).square_().sum()
            effects[k] = float(change) / max(float(whole), 1e-30)
        if not float(effects.sum()) > 0:
            raise NotApplicable(
                "chunk_use compares what each chunk changes in a picture, and no chunk "
                "by itself changes any"
            )
        shares = effects / effects.sum()
        logs = torch.where(shares > 0, shares.log(), 0.0)
        used = float((-(shares * logs).sum()).exp())
        return Score("chunk_use", used, {"effects": effects, "shares": shares})


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
    does not say that what a chunk changes is an attribute: where all chunks say the
    same, each changes a little, and the number is large.

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
        If there are fewer than 20 pictures, or no chunk by itself changes any.

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
    return task.score(method, codes_within(method, images, batch_size))
