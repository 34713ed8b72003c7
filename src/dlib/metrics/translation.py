"""How hard it is to translate between the pictures of two values of a chunk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from dlib.inference import device_of, evaluating
from dlib.losses import (
    intervene,
    picture_entropy,
    translation_difficulty,
    translator,
)
from dlib.metrics.inputs import NotApplicable
from dlib.metrics.inputs.chunks import chunk_widths
from dlib.metrics.inputs.pictures import codes_within
from dlib.metrics.score import Score

Value = Literal["difficulty", "excess", "relative"]

# Of the translator's first pixels, smaller than in training: see
# :func:`dlib.losses.translate`.
MARGIN = 1e-4


@dataclass(frozen=True)
class TranslationTask:
    """The protocol of :func:`translation`, which says what the options are.

    Raises
    ------
    ValueError
        If the value is unknown; ``draws`` or ``pairs`` is below 1 or ``steps`` below
        0; ``rate`` is not positive; or ``negligible`` is negative.
    """

    value: Value = "difficulty"
    draws: int = 3
    pairs: int = 32
    steps: int = 10
    rate: float = 2.0
    negligible: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        if self.value not in get_args(Value):
            raise ValueError(
                f"value must be one of {', '.join(get_args(Value))}; got {self.value!r}"
            )
        for name, least in (("draws", 1), ("pairs", 1), ("steps", 0)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"{name} must be at least {least}, got {getattr(self, name)}"
                )
        if not self.rate > 0:
            raise ValueError(f"rate must be positive, got {self.rate}")
        if not self.negligible >= 0:
            raise ValueError(f"negligible must not be negative, got {self.negligible}")

    def require(self, count: int) -> int:
        """How many pictures a draw takes; NotApplicable if there are fewer."""
        wanted = 2 * self.pairs + 2
        if count < wanted:
            raise NotApplicable(
                f"translation needs at least {wanted} pictures, {self.pairs} pairs to "
                f"train on, as many to test on, and two values; got {count}"
            )
        return wanted

    def score(self, method: Any, codes: Tensor) -> Score:
        """The score of a method with ``decode``, from codes (n, d) of pictures.

        Raises
        ------
        ValueError
            If the method's chunks do not add up to d, or its pictures are not square
            or of odd size.
        NotApplicable
            If there are fewer than ``2 * pairs + 2`` codes; or no chunk changes a
            picture and the value is ``"relative"``.
        """
        widths = chunk_widths(method, codes.shape[1])
        wanted = self.require(len(codes))
        codes = codes.to(device_of(method))
        found = torch.zeros(3, self.draws, len(widths), dtype=torch.float64)
        values = 0  # of a picture: pixels times channels
        for draw in range(self.draws):
            # The same rows and the same first weights for all chunks: a chunk's
            # difficulty does not depend on where it stands.
            random = torch.Generator().manual_seed(self.seed * 100_003 + draw)
            rows = torch.randperm(len(codes), generator=random)[:wanted]
            drawn = codes[rows.to(codes.device)]
            weights: dict[str, Tensor] = {}
            for k in range(len(widths)):
                source, target = _pictures(method, drawn[2:], drawn[:2], widths, k)
                values = source[0].numel()
                channels, size = source.shape[1], source.shape[2]
                weights = weights or translator(channels, size, random)
                found[:, draw, k] = self._translated(weights, source, target)
        return self._of(found, values)

    def _translated(
        self, weights: dict[str, Tensor], source: Tensor, target: Tensor
    ) -> Tensor:
        """Entropy of the targets, excess of a copier, excess after training: (3,)."""
        train = source[: self.pairs], target[: self.pairs]
        test = source[self.pairs :], target[self.pairs :]
        moved = {name: weight.to(source.device) for name, weight in weights.items()}

        def excess(steps: int) -> Tensor:
            return translation_difficulty(
                moved, train, test, steps, self.rate,
                measure="excess", margin=MARGIN, differentiable=False,
            ).clamp(min=0)  # fmt: skip

        floor, change = picture_entropy(test[1]), excess(0)
        small = float(change) < self.negligible * source[0].numel()
        # Where nothing changes a copier is as good as any.
        left = change if small else excess(self.steps)
        return torch.stack([floor, change, left]).double().cpu()

    def _of(self, found: Tensor, values: int) -> Score:
        floor, change, excess = found.mean(dim=1)  # (K,) each
        relative = torch.where(
            change >= max(self.negligible * values, 1e-12), excess / change, torch.nan
        )
        parts: dict[str, float | Tensor] = {
            "difficulty": float((floor + excess).mean()),
            "excess": float(excess.mean()),
            "relative": float(relative.nanmean()),
            "change": float(change.mean()),
            "difficulties": floor + excess,
            "excesses": excess,
            "relatives": relative,
            "changes": change,
        }
        value = float(parts[self.value])
        if math.isnan(value):
            raise NotApplicable(
                "no chunk of the codes changes a picture by "
                f"{self.negligible * values:.3g} nats, so there is nothing to "
                "translate; lower negligible if the pictures are meant to be so alike"
            )
        return Score("translation", value, parts)


def translation(
    method: Any,
    images: Tensor,
    *,
    value: Value = "difficulty",
    draws: int = 3,
    pairs: int = 32,
    steps: int = 10,
    rate: float = 2.0,
    negligible: float = 1e-3,
    batch_size: int = 512,
    seed: int = 0,
) -> Score:
    r"""How hard it is to translate one value of a chunk of codes into another.

    A small network M is shown pictures that a decoder makes of codes whose chunk k is
    :math:`z_k^a`, and has to paint those where it is :math:`z_k^b`, all else alike:

    .. math::
        \mathbb{E}_{k, z_k^a, z_k^b}\, \mathbb{E}_{(u, v)}\,
        \mathrm{crossentropy}\big(v, M_{k, a, b}(u)\big)

    over pairs that M was not trained on. Where one chunk is one factor, what M has to
    learn is one simple rule. Definition 1, Eq. (2) and Algorithm 1 of *Unsupervised
    disentanglement learning by intervention* (anonymous, under review). It needs no
    factors: smaller is better.

    **What is compared.** The cross-entropy of grey targets is not 0 at its best: it
    is the targets' own entropy (part ``difficulty`` minus part ``excess``), which is
    large for blurred pictures and has nothing to do with translation. The paper does
    not subtract it. The excess, a KL divergence between the pixels' Bernoulli laws,
    has a trivial optimum of its own: where the decoder ignores its codes, u equals v.
    ``relative`` knows neither: the excess of the trained M over that of a copier,
    averaged over the chunks that change pictures at all: 1 is no better than copying.

    **Constants.** The paper states neither the steps s nor the rate alpha nor the
    network. Ours is :func:`dlib.losses.translator`, which begins as a copier, and whose
    loss is convex. Of the changes that 12 models of 3DShapes make, 3 steps of rate 2
    left it .40 to .80, ten .28 to .73, thirty .26 to .71, in nearly the same order.

    Parameters
    ----------
    method : Method
        With ``encode``, ``decode`` (pictures in [0, 1]; what lies outside is clipped),
        and ``chunks``, if its codes are not latents one by one.
    images : Tensor
        Whose codes values are drawn from: shape (n, c, h, w), ``uint8`` or floats in
        [0, 1], n at least ``2 * pairs + 2``; h = w, even.
    value : {"difficulty", "excess", "relative"}
        Which part is the score: the paper's cross-entropy by default.
    draws : int
        Of two values and of codes, for each chunk; the chunks have the same ones.
    pairs : int
        To train on, and as many to test on.
    steps : int
        s, of gradient descent, on all pairs at once.
    rate : float
        alpha, of the loss in nats a picture.
    negligible : float
        Nats a pixel value. Where a draw changes pictures less, M is left a copier; a
        chunk that does so on average has no ``relative``.
    batch_size : int
        Pictures encoded at a time.
    seed : int
        Of the draws and of M's first weights.

    Returns
    -------
    Score
        Parts, in nats a picture, means over chunks and draws: ``difficulty``, the
        cross-entropy; ``excess``, without the entropy; ``change``, the excess of a
        copier; and ``relative``, no unit, over chunks with a change (NaN if there is
        none). By chunk, shape (K,): ``difficulties``, ``excesses``, ``changes``,
        ``relatives`` (NaN where there is no change).

    Raises
    ------
    ValueError
        If an option has no sense (:class:`TranslationTask`), floats leave [0, 1], the
        method's chunks do not add up to its codes, or its pictures are not square or
        of odd size.
    NotApplicable
        If there are fewer than ``2 * pairs + 2`` pictures; or no chunk changes a
        picture and the value is ``"relative"``.

    Examples
    --------
    >>> import torch
    >>> from dlib import metrics
    >>> class Grey(torch.nn.Module):  # one latent is the brightness, one is dead
    ...     def encode(self, images):
    ...         return torch.stack([images.mean((1, 2, 3)), images[:, 0, 0, 0]], 1)
    ...     def decode(self, codes):
    ...         return codes[:, :1, None, None].expand(-1, 1, 8, 8)
    >>> images = torch.linspace(0.1, 0.9, 80)[:, None, None, None].expand(-1, 1, 8, 8)
    >>> score = metrics.translation(Grey(), images, value="relative")
    >>> score.value < 0.3, score["changes"].tolist()[1] < 0.001
    (True, True)
    """
    task = TranslationTask(value, draws, pairs, steps, rate, negligible, seed)

    task.require(len(images))
    return task.score(method, codes_within(method, images, batch_size))


def _pictures(
    method: Any, codes: Tensor, values: Tensor, widths: Sequence[int], k: int
) -> tuple[Tensor, Tensor]:
    """Pictures of codes (n, d) whose chunk k is one value, and those with the other."""
    which = torch.tensor(k, device=codes.device)
    with evaluating(method):
        pair = [
            method.decode(intervene(codes, value.expand_as(codes), widths, which))
            for value in values
        ]
    source, target = (pictures.float().clamp(0.0, 1.0) for pictures in pair)
    shape = source.shape
    if source.ndim != 4 or shape[2] != shape[3] or shape[2] % 2:
        raise ValueError(
            "translation takes square pictures (n, c, h, w) of even size, and the "
            f"method decodes {tuple(shape)}"
        )
    return source, target
