"""Grey pictures in ten hues, the hue a factor: CMNIST, of MNIST's digits."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import torch
from torch import Tensor

from dlib.data import shapes3d
from dlib.data.dataset import Dataset
from dlib.data.factors import Factor, FactorSpace
from dlib.data.looks import Looks

# Ten, fully saturated and bright: fractions of a turn.
HUES = shapes3d.SPACE.factors[shapes3d.SPACE.position("object_hue")].values
# Their channels are multiples of a fifth, so whole numbers say them exactly.
FIFTHS = 5


class Painted(Looks):
    """Each picture in each of 3DShapes' ten hues.

    CMNIST where the pictures are MNIST's digits: the stroke's brightness times the
    colour, on black, rounded. A picture in a hue is a point. The law is the pictures'
    own, and the hue is uniform and independent of them; wrapped in
    :class:`Correlated`, it depends on the digit. A part has a picture in all hues or
    in none, so no digit that is held out was seen in another colour.

    Parameters
    ----------
    of : Dataset
        Grey: of one channel. Its factors come first, ``hue`` is the last.

    Raises
    ------
    ValueError
        If ``of`` has more channels than one, has a factor ``hue``, or draws groups of
        points.
    """

    # Of how the pictures look: runs record it. Raise it when they change.
    version = 1

    def __init__(self, of: Dataset) -> None:
        super().__init__(of, len(HUES))
        if of.channels != 1:
            raise ValueError(
                f"only grey pictures can be painted, and {of.name} has {of.channels} "
                "channels"
            )
        # As the field has it: MNIST, CMNIST.
        self.name, self.channels = f"c{of.name}", 3
        self.space = FactorSpace([*of.space.factors, Factor("hue", HUES)])
        colours = torch.tensor([colorsys.hsv_to_rgb(h, 1, 1) for h in HUES])
        levels = (colours * FIFTHS).round().to(torch.int16)
        self._levels = levels.to(self.device)  # (10, 3)

    def _difference(self) -> str:
        return f"each in {self.count} hues"

    def images(self, index: Tensor) -> Tensor:
        grey = self.of.images(index // self.count).to(torch.int16)
        level = self._levels[(index % self.count).to(self.device)]
        # To the nearest; no fifth lies half-way between two whole numbers.
        painted = (grey * level[..., None, None] + FIFTHS // 2) // FIFTHS
        return painted.to(torch.uint8)

    def factors(self, index: Tensor) -> Tensor:
        others = self.of.factors(index // self.count)
        hue = (index % self.count)[..., None].to(others.device)
        return torch.cat([others, hue], dim=-1)

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        """A partner whose picture, and whose hue, is its own unless it is shared."""
        last = len(self.space.names) - 1
        others = [column for column in columns if column != last]
        inner = self.of.sharing(index // self.count, others, generator)
        if last in columns:
            return inner * self.count + index % self.count
        return self._in_some_look(inner, generator)

    def part(self, start: float, end: float, seed: int = 0) -> Dataset:
        """Some of the pictures, each in all hues."""
        return Painted(self.of.part(start, end, seed))
