"""Which flowers a species has: what confounds the factors of the flowers twin.

Seventeen invented families of six species. A family has a number and a shape of
petals, a centre, a range of hues and a place where it grows; its species differ in
their hue and in how wide the centre is. No flower is bound to its species' look:
each factor is as its species has it most of the time, and anything else the rest.
The names are borrowed from gardens; these are not the 102 species of the official
file, whose factors nobody has written down.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

NUMBERS = (3, 4, 5, 6, 8, 12)
SHAPES = ("round", "pointed", "notched", "strap")
# From blue through red to yellow: a stretch of the circle, so that hues have an order.
HUES = ("blue", "indigo", "violet", "magenta", "pink", "red", "orange", "yellow")
CENTRES = ("small yellow", "wide yellow", "small dark", "wide dark")
BACKGROUNDS = ("sky", "meadow", "foliage", "soil", "shade")

SPECIES_OF_FAMILY = 6


class Family(NamedTuple):
    """What the species of a family have in common."""

    name: str
    number: int
    shape: str
    hue: str
    centre: str
    background: str


FAMILIES = (
    Family("iris", 3, "round", "indigo", "small yellow", "sky"),
    Family("trillium", 3, "pointed", "violet", "small dark", "shade"),
    Family("speedwell", 4, "round", "blue", "small yellow", "sky"),
    Family("poppy", 4, "round", "red", "wide dark", "meadow"),
    Family("wallflower", 4, "notched", "orange", "small dark", "soil"),
    Family("gentian", 5, "pointed", "blue", "small dark", "sky"),
    Family("buttercup", 5, "round", "yellow", "wide yellow", "meadow"),
    Family("primrose", 5, "notched", "orange", "small yellow", "soil"),
    Family("campion", 5, "notched", "pink", "small dark", "foliage"),
    Family("lily", 6, "pointed", "orange", "small dark", "soil"),
    Family("crocus", 6, "round", "violet", "small yellow", "shade"),
    Family("nerine", 6, "strap", "pink", "small yellow", "foliage"),
    Family("clematis", 8, "pointed", "violet", "small yellow", "shade"),
    Family("anemone", 8, "round", "magenta", "wide dark", "foliage"),
    Family("dahlia", 8, "strap", "red", "wide yellow", "foliage"),
    Family("aster", 12, "strap", "indigo", "wide yellow", "sky"),
    Family("sunflower", 12, "pointed", "yellow", "wide dark", "meadow"),
)

# How likely a flower is as its species has it, in the order of a look's columns.
KEPT = (0.9, 0.9, 0.85, 0.9, 0.85)

SPECIES = tuple(
    f"{family.name} {i + 1}" for family in FAMILIES for i in range(SPECIES_OF_FAMILY)
)


def looks() -> Tensor:
    """What most flowers of each species look like.

    Returns
    -------
    Tensor
        int64 (102, 5): indices of petal number, petal shape, petal hue, centre and
        background. No two rows are the same.
    """
    rows = []
    for family in FAMILIES:
        middle = HUES.index(family.hue)
        first = min(max(middle - 1, 0), len(HUES) - 3)
        centre = CENTRES.index(family.centre)
        for i in range(SPECIES_OF_FAMILY):
            rows.append(
                (
                    NUMBERS.index(family.number),
                    SHAPES.index(family.shape),
                    first + i % 3,
                    # The other three have a centre of the other width.
                    centre if i < 3 else centre ^ 1,
                    BACKGROUNDS.index(family.background),
                )
            )
    return torch.tensor(rows)


def laws() -> tuple[Tensor, ...]:
    """How likely each value is in each species, one table a factor.

    Returns
    -------
    tuple of Tensor
        Five tables in the order of :func:`looks`, float32 (102, values); rows add
        up to 1, and no entry is 0: every look is possible in every species.
    """
    sizes = (len(NUMBERS), len(SHAPES), len(HUES), len(CENTRES), len(BACKGROUNDS))
    tables = []
    for column, size, kept in zip(looks().T, sizes, KEPT, strict=True):
        table = torch.full((len(SPECIES), size), (1 - kept) / (size - 1))
        table[torch.arange(len(SPECIES)), column] = kept
        tables.append(table)
    return tuple(tables)
