"""A twin of Sprites: animated characters, drawn by formulas rather than by hand.

The official files (Reed et al. 2015) have 672 characters of the Liberated Pixel Cup in
178 poses each. The twin has as many, of the same kinds: a body, a skin, a vest, hair,
arms, legs and a weapon make a character, and its look does not change with its pose.
:class:`SpriteLooks` has every combination; :class:`TwinSprites` is a list of 672
characters in it, split by character as the official files are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Grid, paint_in_turns
from dlib.data.listed import Listed
from dlib.data.order import BlockOrder, RandomOrder
from dlib.data.sprites_painter import Painter
from dlib.data.sprites_space import CHARACTERS, POSES, SPACE, SPLITS

SIDE = 60  # pixels, of the official pictures
SMALLEST, LARGEST = 16, 128  # at the largest, what is kept takes 450 MB
TOGETHER = 16  # pictures painted at once: few enough for a processor's cache

Split = Literal["train", "valid", "test"]


class SpriteLooks(Grid):
    """Every sprite there can be, in every pose; each factor by itself.

    Either weapon is seen in three actions: a spear or a halberd in thrust, a sword or
    an axe in slash, one of two bows in shoot. (In the official pictures it is "only
    visible in a small subset of poses", Hu et al. 2018.) In the six poses of being hurt
    a sprite is on a white bar: "There are 6 positions, where
    the sprites stand on a white bar", say Hu et al. (2018), and not which six.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels. The official size is 60; all are drawn at that
        size, not resized.
    device : torch.device or str
        Where pictures are drawn.

    Raises
    ------
    ValueError
        If ``size`` is less than 16 or more than 128.
    """

    # Of how the pictures look: runs record it. Raise it when they change.
    version = 1

    def __init__(self, size: int = SIDE, device: torch.device | str = "cpu") -> None:
        if not SMALLEST <= size <= LARGEST:
            raise ValueError(
                f"the sprites twin is drawn at {SMALLEST} to {LARGEST} pixels a side, "
                f"not {size}; the official pictures have {SIDE}"
            )
        super().__init__("sprites", "twin", SPACE, 3, size, device)
        self._painter = Painter(size, self.device)

    def _render(self, factors: Tensor) -> Tensor:
        return paint_in_turns(self, factors, self._painter.paint, TOGETHER)


@lru_cache(maxsize=1)
def _looks() -> Tensor:
    """The characters' bodies, skins, vests, hair, arms and legs, int64 (336, 6).

    Each is another one, and each value of a factor about as frequent as any other: of
    many random orders of all 576, the one is taken whose first 336 are most even.
    """
    sizes = SPACE.sizes[:6]
    every = torch.cartesian_prod(*(torch.arange(size) for size in sizes))
    generator = torch.Generator().manual_seed(0)
    best, least = every, float("inf")
    for _ in range(200):
        some = every[torch.randperm(len(every), generator=generator)[: CHARACTERS // 2]]
        uneven = _uneven(some, sizes)
        for part in _by_split(some):
            uneven += _uneven(part, sizes)
        if uneven < least:
            best, least = some, uneven
    return best


def _uneven(looks: Tensor, sizes: tuple[int, ...]) -> float:
    """How far the frequencies of values are from equal ones, in all."""
    shares = [
        looks[:, column].bincount(minlength=size) / len(looks) * size - 1
        for column, size in enumerate(sizes)
    ]
    return float(torch.cat(shares).abs().max())


def _by_split(looks: Tensor) -> tuple[Tensor, ...]:
    """The looks of each split: half as many as characters."""
    return looks.split([n // 2 for n in SPLITS.values()])


class TwinSprites(Listed):
    """The 672 characters of the twin in their 178 poses.

    Two characters that follow one another, from the first, differ in the weapon only,
    which is seen in some poses only; no two pairs are alike. A split has both of a
    pair or neither, so that nobody is tested on who was seen in training. Points are
    in the order of the characters, each pose after the other.

    Parts keep to the splits, in the order train, valid, test: ``part(0, 500 / 672)``
    is the pictures of the characters to train on, in a random order, and
    ``part(500 / 672, 1)`` the rest.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels. The official size is 60; all are drawn at that
        size, not resized.
    device : torch.device or str
        Where pictures are drawn.

    Attributes
    ----------
    characters : Tensor
        int64 (672, 7): body, skin, vest, hair, arm, leg and weapon.

    Raises
    ------
    ValueError
        If ``size`` is less than 16 or more than 128.
    """

    # Of how the pictures look and who the characters are: runs record it.
    version = SpriteLooks.version

    def __init__(self, size: int = SIDE, device: torch.device | str = "cpu") -> None:
        looks = _looks().repeat_interleave(2, 0)
        weapons = torch.arange(CHARACTERS)[:, None] % 2
        characters = torch.cat((looks, weapons), 1)
        poses = torch.arange(len(POSES)).repeat(CHARACTERS)[:, None]
        factors = torch.cat((characters.repeat_interleave(len(POSES), 0), poses), 1)
        super().__init__(
            SpriteLooks(size, device),
            SPACE.to_index(factors),
            f"{CHARACTERS} characters",
        )
        self.characters = characters.to(self.device)

    def published(self, split: Split) -> Dataset:
        """One of the three parts, with characters of its own.

        Parameters
        ----------
        split : {"train", "valid", "test"}
            500, 72 and 100 characters.

        Raises
        ------
        ValueError
            If there is no such part.
        """
        if split not in SPLITS:
            raise ValueError(f"the parts are {', '.join(SPLITS)}; got {split!r}")
        sizes = [n * len(POSES) for n in SPLITS.values()]
        place = list(SPLITS).index(split)
        return Listed(self, self.index.split(sizes)[place], f"the published {split}")

    def random_order(self, seed: int) -> RandomOrder:
        return BlockOrder([n * len(POSES) for n in SPLITS.values()], seed)
