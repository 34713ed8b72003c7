"""A finite training set: so many points, drawn once by a law."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Wrapper
from dlib.data.order import RandomOrder


class Resampled(Wrapper):
    """Points drawn once by another data set's law, and then each as likely.

    What a file of a training set is: *Unsupervised disentanglement learning by
    intervention*, appendix B, resamples 200,000 pictures of dSprites with correlated
    factors. A point that was drawn twice is in it twice.

    Parameters
    ----------
    of : Dataset
        Whose law is drawn from.
    n : int
        How many points.
    seed : int
        Of the draws, which are the same on every device.

    Raises
    ------
    ValueError
        If ``n`` is not positive.
    """

    def __init__(self, of: Dataset, n: int, seed: int = 0) -> None:
        if n < 1:
            raise ValueError(f"n must be positive, got {n}")
        super().__init__(of)
        self.uniform, self.looks = True, 1
        drawn = of.draw(n, torch.Generator().manual_seed(seed))
        self.drawn = drawn.sort().values

    def _difference(self) -> str:
        return f"{len(self):,} drawn of {len(self.of):,}"

    def __len__(self) -> int:
        return len(self.drawn)

    def points(self, positions: Tensor) -> Tensor:
        return self.drawn[positions]

    def positions(self, index: Tensor) -> Tensor:
        """Where points stand: the first place of one that is in it twice."""
        place = torch.searchsorted(self.drawn, index)
        found = self.drawn[place.clamp(max=len(self) - 1)] == index
        return place.where(found, -1)

    def random_order(self, seed: int) -> RandomOrder:
        """Of the points that were drawn."""
        return Dataset.random_order(self, seed)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        return Dataset.draw(self, n, generator)

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        return Dataset.sharing(self, index, columns, generator)
