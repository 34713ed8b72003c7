"""Grey pictures in a colour that is nobody's factor: Color-dSprites."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dlib.data.dataset import Dataset
from dlib.data.looks import Looks

# Colours of each picture. Every one is a point of its own, so that no colour could
# be learned from the factors.
COLOURS = 256
DARKEST = 0.5


class Coloured(Looks):
    """Each picture in many colours, of which a draw takes one at random.

    Color-dSprites as disentanglement_lib has it (Locatello et al. 2019): the sprite
    times one RGB colour, each channel uniform between .5 and 1, on black. The colour
    is no factor. Drawing takes a picture by its own law and a colour along with it:
    each picture in each of its 256 colours is a point, whose look never changes.

    Parameters
    ----------
    of : Dataset
        Grey: of one channel.

    Raises
    ------
    ValueError
        If ``of`` has more channels than one, or draws groups of points.
    """

    def __init__(self, of: Dataset) -> None:
        super().__init__(of, COLOURS)
        if of.channels != 1:
            raise ValueError(
                f"only grey pictures can be coloured, and {of.name} has {of.channels} "
                "channels"
            )
        self.name, self.channels = f"colour-{of.name}", 3

    def _difference(self) -> str:
        return f"each in {COLOURS} colours"

    def images(self, index: Tensor) -> Tensor:
        grey = self.of.images(index // COLOURS)
        light = colours(index).to(grey.device)[..., None, None]
        return (grey * light).round().to(torch.uint8)

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        """A partner in a colour of its own: colour is never shared on purpose."""
        inner = self.of.sharing(index // COLOURS, columns, generator)
        return self._in_some_look(inner, generator)

    def part(self, start: float, end: float, seed: int = 0) -> Dataset:
        """Some of the pictures, each in all its colours."""
        return Coloured(self.of.part(start, end, seed))


def colours(index: Tensor) -> Tensor:
    """The colour of each point: uniform in [.5, 1]^3, a function of the index alone.

    Parameters
    ----------
    index : Tensor
        int64, any shape.

    Returns
    -------
    Tensor
        float32, shape (\\*index.shape, 3).
    """
    x = index
    # Two rounds of xorshift and multiply (Marsaglia 2003), within 31 bits, so that
    # all devices agree. Points that follow one another get colours that don't.
    for factor in (0x2C1B3C6D, 0x297A2D39):
        x = ((x ^ (x >> 15)) * factor) & 0x7FFFFFFF
        x = x ^ (x >> 12)
    channels = torch.stack([x & 0x3FF, (x >> 10) & 0x3FF, (x >> 20) & 0x3FF], dim=-1)
    return DARKEST + (1 - DARKEST) * channels.float() / 0x3FF
