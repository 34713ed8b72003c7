"""Reconstruction error per pixel."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional

from dlib.inference import encode
from dlib.metrics.inputs.pictures import taken_from
from dlib.metrics.score import Score

Kind = Literal["squared", "bernoulli"]


class ReconstructionError:
    """Adds up errors batch by batch.

    Parameters
    ----------
    kind : {"squared", "bernoulli"}
        Which of the two errors is the score's value; both are in its parts.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """

    def __init__(self, kind: Kind = "squared") -> None:
        if kind not in ("squared", "bernoulli"):
            raise ValueError(f"kind must be squared or bernoulli, got {kind!r}")
        self.kind = kind
        self._pixels = 0
        self._sums: dict[str, Tensor | float] = {"squared": 0.0, "bernoulli": 0.0}

    def add(self, images: Tensor, reconstructions: Tensor) -> None:
        """Count pictures in [0, 1] and what became of them, same shape."""
        if images.shape != reconstructions.shape:
            raise ValueError(
                "reconstructions must have the images' shape "
                f"{tuple(images.shape)}, got {tuple(reconstructions.shape)}"
            )
        made = reconstructions.float()
        self._pixels += images.numel()
        squared = functional.mse_loss(made, images, reduction="sum")
        # torch clamps the logarithms at -100, so that a certain, wrong pixel
        # costs 100 nats and not infinity.
        coin = functional.binary_cross_entropy(
            made.clamp(0.0, 1.0), images, reduction="sum"
        )
        self._sums["squared"] = self._sums["squared"] + squared.double()
        self._sums["bernoulli"] = self._sums["bernoulli"] + coin.double()

    def score(self) -> Score:
        """The mean over all pixels of all pictures counted."""
        if not self._pixels:
            raise ValueError("no picture has been counted, so there is no error yet")
        parts = {name: float(s) / self._pixels for name, s in self._sums.items()}
        return Score("reconstruction", parts[self.kind], dict(parts))


def reconstruction(
    method: Any,
    images: Tensor,
    *,
    kind: Kind = "squared",
    batch_size: int = 512,
) -> Score:
    r"""Mean error of a pixel when pictures are encoded and decoded.

    .. math::
        \frac{1}{n\,c\,h\,w} \sum_{x} \big\| x - \mathrm{dec}(\mu(x)) \big\|^2

    from codes without noise (posterior means), on pictures in [0, 1]: the
    "reconstruction error (per pixel)" of Table 1 of Kumar et al. (2018), which does
    not print a formula.
    ``kind="bernoulli"`` is the cross-entropy of a pixel in nats instead, which for
    grey pixels is not 0 at its best. Perfect reconstruction gets 0; the mean image
    gets the pixels' variance.

    Parameters
    ----------
    method : Method
        With ``encode`` and ``decode``.
    images : Tensor
        Shape (n, c, h, w), ``uint8`` or floats in [0, 1].
    kind : {"squared", "bernoulli"}
        Which error is the score.
    batch_size : int
        Pictures at a time.

    Returns
    -------
    Score
        Parts: ``squared``, ``bernoulli``, both per pixel.

    Raises
    ------
    ValueError
        If the kind is unknown, there is no picture, floats leave [0, 1], or the
        decoder's shape differs.

    Examples
    --------
    >>> import torch
    >>> from dlib import metrics
    >>> class Mean(torch.nn.Module):
    ...     def encode(self, images):
    ...         return images.mean(dim=(1, 2, 3))[:, None]
    ...     def decode(self, codes):
    ...         return codes[:, :, None, None].expand(-1, 1, 2, 2)
    >>> images = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]])
    >>> metrics.reconstruction(Mean(), images).value
    0.25
    """
    error = ReconstructionError(kind)

    encode(
        method,
        taken_from(images),
        torch.arange(len(images)),
        batch_size=batch_size,
        seen=lambda batch, codes: error.add(batch, method.decode(codes)),
    )
    return error.score()
