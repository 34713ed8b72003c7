"""Pictures that a metric is given, and their codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from dlib.inference import encode


def taken_from(images: Tensor) -> Callable[[Tensor], Tensor]:
    """What gives pictures at an index, (n,): bytes, or floats held to [0, 1]."""

    def take(index: Tensor) -> Tensor:
        batch = images[index.to(images.device)]
        if batch.is_floating_point() and not bool(((batch >= 0) & (batch <= 1)).all()):
            raise ValueError("images must be uint8 or lie in [0, 1]; divide by 255")
        return batch

    return take


def codes_within(method: Any, images: Tensor, batch_size: int) -> Tensor:
    """Codes (n, d) of pictures (n, c, h, w).

    Raises
    ------
    ValueError
        If floats leave [0, 1].
    """
    index = torch.arange(len(images))
    return encode(method, taken_from(images), index, batch_size=batch_size)
