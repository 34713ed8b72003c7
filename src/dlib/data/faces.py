"""A twin of CelebA: procedural faces, with the attributes that photographs have.

The official files (Liu et al. 2015) have 202,599 photographs of celebrities and forty
yes-or-no attributes of each, as raters judged them. The twin has as many faces, painted
by formulas, and attributes of the same names that go together much as those do.

What it can't stand for: nobody is in it, so that no face is seen twice and no identity
can be learned; its pictures have none of the texture of photographs; and attributes are
drawn, not judged, so that no label is wrong or doubtful. "Attractive" is not among
them.

Attributes leave marks of their own in the picture, and beside them much varies that no
attribute tells of. So the looks are a grid of their own, :class:`FaceLooks`, in which
every factor can be set by itself, and :class:`TwinFaces` is a list of faces drawn from
it by a law (:mod:`dlib.data.faces_law`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Grid, paint_in_turns
from dlib.data.faces_law import draw
from dlib.data.faces_painter import Painter
from dlib.data.faces_space import LOOKS, SPACE, attributes
from dlib.data.listed import Listed
from dlib.data.order import BlockOrder, RandomOrder

SMALLEST, LARGEST = 16, 256
TOGETHER = 64  # pictures painted at once: few enough for a processor's cache

SPLITS = {"train": 162_770, "valid": 19_867, "test": 19_962}  # as the official files'
FACES = sum(SPLITS.values())

Split = Literal["train", "valid", "test"]


class FaceLooks(Grid):
    """Every face there can be; each factor by itself.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels. All are drawn at that size, not resized.
    device : torch.device or str
        Where pictures are drawn.

    Raises
    ------
    ValueError
        If ``size`` is less than 16 or more than 256.
    """

    # Of how the pictures look: runs record it. Raise it when they change.
    version = 1

    def __init__(self, size: int = 64, device: torch.device | str = "cpu") -> None:
        if not SMALLEST <= size <= LARGEST:
            raise ValueError(
                f"the celeba twin is drawn at {SMALLEST} to {LARGEST} pixels a side, "
                f"not {size}"
            )
        super().__init__("celeba", "twin", LOOKS, 3, size, device)
        self._painter = Painter(size, self.device)

    def _render(self, factors: Tensor) -> Tensor:
        return paint_in_turns(self, factors, self._painter.paint, TOGETHER)


@lru_cache(maxsize=1)
def _drawn() -> Tensor:
    """The looks of all faces, int64 (202599,): drawn once, alike on every machine."""
    looks = draw(FACES, torch.Generator().manual_seed(0))
    return LOOKS.to_index(looks)


class TwinFaces(Dataset):
    """The 202,599 faces of the twin, each with the attributes it has.

    A point is a face, from 0. What is known of it is what the official file tells: its
    attributes, in the official order, 1 for what it has. What was drawn besides, from
    the turn of the head to the background, is in ``drawn``.

    They are no photographs, and nobody: a face is seen once, so that there are no
    identities; skin and hair have no texture but what formulas give them; attributes
    were drawn, and no rater erred or was in doubt.

    Parts keep to the published splits, in the order train, valid, test:
    ``part(0, 162770 / 202599)`` is the faces to train on, in a random order.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels. All are drawn at that size, not resized.
    device : torch.device or str
        Where pictures are drawn.

    Attributes
    ----------
    drawn : Tensor
        int64 (202599,): which of all looks each face has, an index into ``LOOKS``.
    independent : FaceLooks
        The same looks without the law: each factor drawn by itself.

    Raises
    ------
    ValueError
        If ``size`` is less than 16 or more than 256.
    """

    # Of how the pictures look and which faces there are: runs record it.
    version = FaceLooks.version

    def __init__(self, size: int = 64, device: torch.device | str = "cpu") -> None:
        self.independent = FaceLooks(size, device)
        super().__init__("celeba", "twin", SPACE, 3, size, device)
        self.drawn = _drawn().to(self.device)

    def __len__(self) -> int:
        return len(self.drawn)

    def images(self, index: Tensor) -> Tensor:
        return self.independent.images(self.drawn[index.to(self.device)])

    def factors(self, index: Tensor) -> Tensor:
        """The attributes of faces, int64 (\\*index.shape, k)."""
        which = self.drawn[index.to(self.device).reshape(-1)]
        has = attributes(LOOKS.to_factors(which))
        return has.view(*index.shape, has.shape[-1])  # of no points too

    def published(self, split: Split) -> Dataset:
        """One of the three parts, as large as the official ones.

        Parameters
        ----------
        split : {"train", "valid", "test"}
            162,770, 19,867 and 19,962 faces.

        Raises
        ------
        ValueError
            If there is no such part.
        """
        if split not in SPLITS:
            raise ValueError(f"the parts are {', '.join(SPLITS)}; got {split!r}")
        every = torch.arange(len(self), device=self.device)
        place = list(SPLITS).index(split)
        faces = every.split(list(SPLITS.values()))[place]
        return Listed(self, faces, f"the published {split}")

    def random_order(self, seed: int) -> RandomOrder:
        return BlockOrder(list(SPLITS.values()), seed)
