"""Each picture in several looks, every one a point of its own."""

from __future__ import annotations

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Wrapper


class Looks(Wrapper):
    """Every picture of a data set so and so many times, each time it looks otherwise.

    The looks of a picture follow one another. A draw takes a picture by its own law,
    and any of the looks along with it. A part has all looks of a picture or none.

    Parameters
    ----------
    of : Dataset
        The pictures.
    count : int
        Looks of each.

    Raises
    ------
    ValueError
        If ``of`` draws groups of points.
    """

    def __init__(self, of: Dataset, count: int) -> None:
        super().__init__(of)
        self.count = count
        self.looks = of.looks * count

    def __len__(self) -> int:
        return len(self.of) * self.count

    def factors(self, index: Tensor) -> Tensor:
        return self.of.factors(index // self.count)

    def labels(self, index: Tensor) -> Tensor | None:
        return self.of.labels(index // self.count)

    def points(self, positions: Tensor) -> Tensor:
        inner = self.of.points(positions // self.count)
        return inner * self.count + positions % self.count

    def positions(self, index: Tensor) -> Tensor:
        inner = self.of.positions(index // self.count)
        return inner * self.count + index % self.count

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        return self._in_some_look(self.of.draw(n, generator), generator)

    def _in_some_look(self, inner: Tensor, generator: torch.Generator) -> Tensor:
        drawn = torch.randint(
            self.count, (len(inner),), generator=generator, device=generator.device
        )
        return inner * self.count + drawn.to(inner.device)
