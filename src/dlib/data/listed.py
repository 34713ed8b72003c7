"""Points of another data set that are named one by one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Wrapper
from dlib.data.order import RandomOrder


class Listed(Wrapper):
    """Some points of another data set, in an order, each place equally likely.

    Parameters
    ----------
    of : Dataset
        Whose points.
    index : Tensor
        Which, int64 (n,); one that is named twice is twice as likely.
    what : str
        Said of them where the data set is printed.
    """

    def __init__(self, of: Dataset, index: Tensor, what: str) -> None:
        super().__init__(of)
        self.uniform, self.looks = True, 1
        self.index = index.to(self.device)
        self._what = what
        self._sorted, self._places = self.index.sort(stable=True)

    def _difference(self) -> str:
        return self._what

    def __len__(self) -> int:
        return len(self.index)

    def points(self, positions: Tensor) -> Tensor:
        return self.index[positions]

    def positions(self, index: Tensor) -> Tensor:
        """Where points stand: the first place of one that is named twice."""
        place = torch.searchsorted(self._sorted, index).clamp(max=len(self) - 1)
        return self._places[place].where(self._sorted[place] == index, -1)

    def random_order(self, seed: int) -> RandomOrder:
        """Of the listed points only."""
        return Dataset.random_order(self, seed)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        return Dataset.draw(self, n, generator)

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        return Dataset.sharing(self, index, columns, generator)
