"""A twin of Oxford Flowers 102: procedural flowers, confounded by species.

The official file (Nilsback and Zisserman 2008) has 8,189 photographs of 102 species
and says of each the species and no more. In photographs colour, shape and background
come together because a species has them together. The twin has that too, and says
what the factors are: a species is drawn first, then a number and a shape of petals, a
hue, a centre and a background by the species' own law
(:mod:`dlib.data.flowers_species`), and size, turn and place by chance.

The species leaves no mark of its own: it is a common cause of what is seen. So the
looks are a grid of their own, :class:`FlowerLooks`, in which every factor can be set
by itself, and :class:`TwinFlowers` is a law on it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Grid, Wrapper, accept_for_each, draw_until
from dlib.data.factors import Factor, FactorSpace
from dlib.data.flowers_painter import HUES, PLACES, SCALES, TURNS, Painter
from dlib.data.flowers_species import (
    BACKGROUNDS,
    CENTRES,
    NUMBERS,
    SHAPES,
    SPECIES,
    laws,
)
from dlib.data.flowers_species import HUES as HUE_NAMES

SMALLEST, LARGEST = 8, 256  # at the largest, what is kept takes 98 MB
TOGETHER = 32  # pictures painted at once: few enough for a processor's cache


def _named(name: str, labels: tuple[str, ...]) -> Factor:
    return Factor(
        name, tuple(float(i) for i in range(len(labels))), "categorical", labels
    )


LOOKS = FactorSpace(
    [
        Factor("petal_number", tuple(float(n) for n in NUMBERS)),
        _named("petal_shape", SHAPES),
        Factor("petal_hue", HUES, "continuous", HUE_NAMES),
        _named("centre", CENTRES),
        _named("background", BACKGROUNDS),
        Factor("scale", SCALES),
        Factor("turn", TURNS),
        Factor("posX", PLACES),
        Factor("posY", PLACES),
    ]
)
"""What can be seen of a flower. Hues are in turns, from blue (0.6) over red (1, which
is 0) to yellow; scale is the flower's radius in sides of the picture; turn is a share
of the way from one petal to the next; posX and posY are sides of the picture, from its
middle, to the right and down. The last four are nuisance: no species has a law of them.
"""

# Numbered as the official labels are, from 1.
SPECIES_FACTOR = Factor(
    "species", tuple(float(i + 1) for i in range(len(SPECIES))), "categorical", SPECIES
)
SPACE = FactorSpace([SPECIES_FACTOR, *LOOKS.factors])
CAUSED = 5  # the first so many columns of a look are as the species has them


class FlowerLooks(Grid):
    """Every flower there can be, whatever the species; each factor by itself.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels. All are drawn at that size, not resized.
    device : torch.device or str
        Where pictures are drawn.

    Raises
    ------
    ValueError
        If ``size`` is less than 8 or more than 256.
    """

    # Of how the pictures look: runs record it. Raise it when they change.
    version = 1

    def __init__(self, size: int = 64, device: torch.device | str = "cpu") -> None:
        if not SMALLEST <= size <= LARGEST:
            raise ValueError(
                f"the flowers twin is drawn at {SMALLEST} to {LARGEST} pixels a side, "
                f"not {size}"
            )
        super().__init__("flowers", "twin", LOOKS, 3, size, device)
        self._painter = Painter(size, self.device)

    def _render(self, factors: Tensor) -> Tensor:
        images = torch.empty(
            (len(factors), 3, self.size, self.size),
            dtype=torch.uint8,
            device=self.device,
        )
        together = TOGETHER if self.device.type == "cpu" else max(1, len(factors))
        for shape in range(len(SHAPES)):
            rows = (factors[:, 1] == shape).nonzero()[:, 0]
            for some in rows.split(together):
                images[some] = (
                    self._painter.paint(shape, factors[some]).add_(0.5).to(torch.uint8)
                )
        return images


class BySpecies(Wrapper):
    """Flowers drawn by species: a species first, then a look by its law.

    A point is a species and a look; all looks are possible in all species, and most
    are rare. The label of a point is its species. One after the other, points are a
    look in each species and then the next: a part has all of them or none.

    Parameters
    ----------
    of : Dataset
        :class:`FlowerLooks`, or a part of them.

    Raises
    ------
    ValueError
        If ``of`` are not looks of flowers, or have a law already.
    """

    def __init__(self, of: Dataset) -> None:
        super().__init__(of)
        if of.space.names != LOOKS.names or not of.uniform:
            raise ValueError(
                "a law by species takes the looks of flowers, all equally likely: "
                f"FlowerLooks or a part of them; got {of!r}"
            )
        self.uniform = False
        self.looks = of.looks * len(SPECIES)
        self.space = SPACE
        self._laws = tuple(law.to(self.device) for law in laws())

    def _difference(self) -> str:
        return "by species"

    @property
    def independent(self) -> Dataset:
        """The same looks without the law: each factor drawn by itself, no species."""
        return self.of

    def __len__(self) -> int:
        return len(SPECIES) * len(self.of)

    def images(self, index: Tensor) -> Tensor:
        return self.of.images(index % len(LOOKS))

    def factors(self, index: Tensor) -> Tensor:
        factors = self.space.to_factors(index.reshape(-1))
        return factors.view(*index.shape, factors.shape[-1])  # of no points too

    def labels(self, index: Tensor) -> Tensor:
        """The species of each point, int64 (n,)."""
        return index // len(LOOKS)

    def render(self, factors: Tensor) -> Tensor:
        """Pictures of the given factors; see :meth:`Grid.render`.

        The species is not looked at: it shows in no pixel.
        """
        factors = self.space.check(factors.to(self.device))
        return self.images(self.space.to_index(factors))

    # --- the points, one after the other ------------------------------------

    def points(self, positions: Tensor) -> Tensor:
        look = self.of.points(positions // len(SPECIES))
        return positions % len(SPECIES) * len(LOOKS) + look

    def positions(self, index: Tensor) -> Tensor:
        place = self.of.positions(index % len(LOOKS))
        known = (place >= 0) & (place < len(self.of))
        return (place * len(SPECIES) + index // len(LOOKS)).where(known, -1)

    def part(self, start: float, end: float, seed: int = 0) -> Dataset:
        """Some of the looks, in all species: no picture is in two parts."""
        return BySpecies(self.of.part(start, end, seed))

    # --- the law ------------------------------------------------------------

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """``n`` points: each of any species alike, then as the species has them."""

        def propose(m: int) -> tuple[Tensor, Tensor]:
            device = generator.device
            shape = (m,)
            species = torch.randint(
                len(SPECIES), shape, generator=generator, device=device
            )
            index = self._flowers(species.to(self.device), generator)
            return index, self._there(index)

        return draw_until(n, propose, f"drawing {self.name} by species")

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        """For each point another by the law, given that some factors are equal."""
        columns = list(columns)

        def propose(waiting: Tensor) -> tuple[Tensor, Tensor]:
            own = self.factors(waiting)
            species = own[:, 0]
            if 0 not in columns:
                species = self._species_given(own, columns, generator)
            other = self.factors(self._flowers(species, generator))
            other[:, columns] = own[:, columns]
            found = self.space.to_index(other)
            return found, self._there(found)

        return accept_for_each(index, propose, f"a partner in {self.name} by species")

    def _flowers(self, species: Tensor, generator: torch.Generator) -> Tensor:
        """A flower of each species, by its law: int64 (n,)."""
        device, n = generator.device, len(species)
        looks = LOOKS.sample(n, generator).to(self.device)
        u = torch.rand(n, CAUSED, 1, generator=generator, device=device).to(self.device)
        for column, law in enumerate(self._laws):
            below = law.cumsum(1)[:, :-1][species]
            looks[:, column] = (u[:, column] >= below).sum(1)
        return species * len(LOOKS) + LOOKS.to_index(looks)

    def _species_given(
        self, factors: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        """A species for each row, by how likely each is to have some of its values."""
        weights = torch.ones(len(factors), len(SPECIES), device=self.device)
        for column in columns:
            if 1 <= column <= CAUSED:
                weights *= self._laws[column - 1].T[factors[:, column]]
        u = torch.rand(
            len(factors), 1, generator=generator, device=generator.device
        ).to(self.device)
        share = weights.double().cumsum(1)
        return (u * share[:, -1:] >= share[:, :-1]).sum(1)

    def _there(self, index: Tensor) -> Tensor:
        """Whether each point is of the looks that there are."""
        return self.positions(index) >= 0


class TwinFlowers(BySpecies):
    """Flowers of 102 invented species, confounded as in photographs.

    Every flower is its own draw: to train on as many as the official file has, draw
    that many once and keep them::

        images, factors = twin.sample(8189, generator)
        Pictures(images, factors, twin.space, labels=factors[:, 0])

    Parameters
    ----------
    size : int
        Side of the pictures in pixels. All are drawn at that size, not resized.
    device : torch.device or str
        Where pictures are drawn.

    Raises
    ------
    ValueError
        If ``size`` is less than 8 or more than 256.
    """

    # Of how the pictures look and how they are drawn: runs record it.
    version = FlowerLooks.version

    def __init__(self, size: int = 64, device: torch.device | str = "cpu") -> None:
        super().__init__(FlowerLooks(size, device))
