"""Points that are drawn together because they share some factors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Wrapper


class Pairs(Wrapper):
    """Groups of k points that agree in one group of factors.

    A draw takes a point by the law of ``of``, one of the groups of factors, and
    k - 1 other points by the law among those that agree with the first in it. The
    label says which group it was; a batch's images are (n, k, c, h, w).

    Parameters
    ----------
    of : Dataset
        Whose points are drawn together.
    shared : sequence of str, or sequence of sequence of str
        Names of factors that are always shared; or several groups of names, of
        which each draw shares one, each as likely as another.
    k : int
        Points drawn together, at least 2.

    Raises
    ------
    ValueError
        If there is no group, a group is empty or names no factor, or ``k`` is
        less than 2.
    """

    together = True

    def __init__(
        self, of: Dataset, shared: Sequence[str] | Sequence[Sequence[str]], k: int = 2
    ) -> None:
        super().__init__(of)
        if k < 2:
            raise ValueError(
                f"k, the points drawn together, must be at least 2; got {k}"
            )
        flat = all(isinstance(each, str) for each in shared)
        groups = [list(shared)] if flat else [list(group) for group in shared]
        names = of.space.names
        unknown = [name for group in groups for name in group if name not in names]
        if not groups or not all(groups) or unknown:
            raise ValueError(
                "shared must be groups of factors, each with at least one of "
                f"{', '.join(names)}; got {shared!r}"
            )
        self.k, self.uniform = k, False
        self.groups = [[names.index(name) for name in group] for group in groups]

    # An index is (n, k): of each point, its own times the number of groups, plus
    # the group that is shared; so what is drawn is still an integer a point.

    def _difference(self) -> str:
        names = self.space.names
        groups = " or ".join(
            ", ".join(names[column] for column in group) for group in self.groups
        )
        return f"in groups of {self.k} that share {groups}"

    def images(self, index: Tensor) -> Tensor:
        return self.of.images(index // len(self.groups))

    def factors(self, index: Tensor) -> Tensor:
        return self.of.factors(index // len(self.groups))

    def labels(self, index: Tensor) -> Tensor:
        """Which group of factors is shared, int64 (n,)."""
        return index[..., 0] % len(self.groups)

    def points(self, positions: Tensor) -> Tensor:
        return self.of.points(positions) * len(self.groups)

    def positions(self, index: Tensor) -> Tensor:
        return self.of.positions(index // len(self.groups))

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """``n`` groups of points, int64 (n, k)."""
        first = self.of.draw(n, generator)
        count = len(self.groups)
        which = torch.randint(count, (n,), generator=generator, device=generator.device)
        which = which.to(self.device)
        index = first[:, None].repeat(1, self.k)
        for g, columns in enumerate(self.groups):
            here = (which == g).nonzero()[:, 0]
            for member in range(1, self.k):
                other = self.of.sharing(first[here], columns, generator)
                index[here, member] = other
        return index * count + which[:, None]

    def part(self, start: float, end: float, seed: int = 0) -> Dataset:
        """Groups of points that are all of one part."""
        names = self.space.names
        shared = [[names[c] for c in group] for group in self.groups]
        return Pairs(self.of.part(start, end, seed), shared, self.k)
