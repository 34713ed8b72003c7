"""Some of a data set's points, with its law."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Wrapper, accept_for_each, draw_until
from dlib.data.order import LARGEST_TABLE, RandomOrder


class Part(Wrapper):
    """The points between two fractions of a random order.

    The law is the whole's, restricted: a part of a correlated data set is
    correlated. No list of points is made where there are too many for one. The looks
    of a picture stay together.

    Parameters
    ----------
    of : Dataset
        The whole.
    start, end : float
        Fractions of the order, 0 <= start < end <= 1.
    seed : int
        Of the order.

    Raises
    ------
    ValueError
        If the fractions are not in order, or there is no point between them.
    """

    def __init__(self, of: Dataset, start: float, end: float, seed: int = 0) -> None:
        if not 0 <= start < end <= 1:
            raise ValueError(
                f"a part lies between two fractions, 0 <= start < end <= 1; "
                f"got {start:g} and {end:g}"
            )
        super().__init__(of)
        self.order = of.random_order(seed)
        n = self.order.n
        self.first = round(start * n) * self.looks
        self.last = round(end * n) * self.looks
        if self.first == self.last:
            raise ValueError(
                f"a fraction of {end - start:.3g} of {len(of)} images is none at all"
            )

    def _difference(self) -> str:
        return f"{self.last - self.first:,} of {len(self.of):,}"

    def __len__(self) -> int:
        return self.last - self.first

    def points(self, positions: Tensor) -> Tensor:
        place = positions + self.first
        picture = self.order.points(place // self.looks)
        return self.of.points(picture * self.looks + place % self.looks)

    def positions(self, index: Tensor) -> Tensor:
        place = self.of.positions(index)
        known = (place >= 0) & (place < len(self.of))
        place = place.where(known, 0)
        picture = self.order.positions(place // self.looks)
        place = picture * self.looks + place % self.looks - self.first
        return place.where(known, -1)

    def random_order(self, seed: int) -> RandomOrder:
        """Of this part's own pictures: a part can be cut again."""
        return Dataset.random_order(self, seed)

    def holds(self, index: Tensor) -> Tensor:
        """Whether each point of the whole is in this part: bool, same shape."""
        place = self.positions(index)
        return (place >= 0) & (place < len(self))

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        if self.uniform:
            return Dataset.draw(self, n, generator)

        def propose(m: int) -> tuple[Tensor, Tensor]:
            index = self.of.draw(m, generator)
            return index, self.holds(index)

        return draw_until(n, propose, f"drawing from a part of {self.name}")

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        if self.uniform and len(self) <= LARGEST_TABLE:
            return Dataset.sharing(self, index, columns, generator)

        def propose(waiting: Tensor) -> tuple[Tensor, Tensor]:
            other = self.of.sharing(waiting, columns, generator)
            return other, self.holds(other)

        return accept_for_each(index, propose, f"a partner in a part of {self.name}")
