"""Pictures that are made once and kept: for data that is slow to draw."""

from __future__ import annotations

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Wrapper
from dlib.progress import Progress

LARGEST = 4 << 30  # bytes that are kept at most
SLAB = 1024  # pictures made at a time


class Kept(Wrapper):
    """All pictures of another data set, in memory on its device.

    They are made when the first is asked for, and looked up from then on. A face is
    drawn in a millisecond, and a training of 3,000 steps shows 192,000: of 20,000
    that are kept, most have been drawn before.

    Parameters
    ----------
    of : Dataset
        With no more pictures than fit into 4 GiB.

    Raises
    ------
    ValueError
        If there are more, or ``of`` draws several pictures together.

    Examples
    --------
    >>> import torch
    >>> from dlib.data import Kept, Resampled, load
    >>> shapes = Kept(Resampled(load("dsprites", source="twin", size=16), 100))
    >>> images, _ = shapes.sample(4, torch.Generator().manual_seed(0))
    >>> tuple(images.shape)
    (4, 1, 16, 16)
    """

    def __init__(self, of: Dataset) -> None:
        super().__init__(of)
        weight = len(of) * of.channels * of.size**2
        if weight > LARGEST:
            raise ValueError(
                f"the {len(of):,} pictures of {of.name} take {weight / 2**30:,.1f} "
                f"GiB, and at most {LARGEST >> 30} are kept: keep fewer of them, such "
                'as { kind = "resampled", n = 20000 }, or smaller ones'
            )
        self._kept: tuple[Tensor, Tensor] | None = None

    def _difference(self) -> str:
        return "kept in memory"

    def images(self, index: Tensor) -> Tensor:
        if self._kept is None:
            self._kept = self._make()
        points, pictures = self._kept
        return pictures[torch.searchsorted(points, index.contiguous())]

    def _make(self) -> tuple[Tensor, Tensor]:
        """The points in order, each once, and their pictures."""
        points = self.of.points(torch.arange(len(self), device=self.device)).unique()
        shape = (len(points), self.channels, self.size, self.size)
        pictures = torch.empty(shape, dtype=torch.uint8, device=self.device)
        done = 0
        with Progress(f"drawing {self.name}", len(points)) as bar:
            for some in points.split(SLAB):
                pictures[done : done + len(some)] = self.of.images(some)
                done += len(some)
                bar.update(done)
        return points, pictures
