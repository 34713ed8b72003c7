"""A decoder as a page needs it (filled in by another branch)."""

from __future__ import annotations

from typing import Literal, NamedTuple

from torch import nn


class PageDecoder(NamedTuple):
    """Layers, and what makes their output a picture."""

    layers: nn.Sequential
    activation: Literal["sigmoid", "tanh", "identity"]
