"""Pictures shown several times, each time altered a little."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from dlib.data.augment import Augmentation
from dlib.data.batch import Batch
from dlib.data.dataset import Dataset, Wrapper


class Views(Wrapper):
    """Each batch shows every picture ``k`` times, augmented afresh.

    Points, factors and labels are those of ``of``; only what a method is shown
    while it trains differs: images are (n, k, c, h, w).

    Parameters
    ----------
    of : Dataset
        Whose pictures are shown.
    augment : sequence of Augmentation
        Applied one after the other, in batches, on the data set's device; see
        :mod:`dlib.data.augment`.
    k : int
        Views of a picture.
    keep_first : bool
        Whether the first view is the picture itself.

    Raises
    ------
    ValueError
        If ``k`` is less than 1, or ``of`` draws groups of points.
    """

    together = True

    def __init__(
        self,
        of: Dataset,
        augment: Sequence[Augmentation],
        k: int = 2,
        keep_first: bool = False,
    ) -> None:
        super().__init__(of)
        if k < 1:
            raise ValueError(f"k, the views of a picture, must be positive; got {k}")
        self.augment, self.k, self.keep_first = tuple(augment), k, keep_first

    def _difference(self) -> str:
        return f"{self.k} views of each by {', '.join(map(repr, self.augment))}"

    def batch(self, n: int, generator: torch.Generator, step: int = 0) -> Batch:
        batch = self.of.batch(n, generator, step)
        altered = self.k - self.keep_first
        views = batch.images.repeat_interleave(altered, 0).float() / 255  # (n k, ...)
        for step_ in self.augment:
            views = step_(views, generator)
        seen = (views.clamp(0, 1) * 255).round().to(torch.uint8)
        seen = seen.view(n, altered, *batch.images.shape[1:])
        if self.keep_first:
            seen = torch.cat([batch.images[:, None], seen], dim=1)
        return batch._replace(images=seen)

    def part(self, start: float, end: float, seed: int = 0) -> Dataset:
        """Views of the pictures of one part."""
        part = self.of.part(start, end, seed)
        return Views(part, self.augment, self.k, self.keep_first)
