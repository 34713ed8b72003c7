"""What the twin's chairs stand on, up to the seat's lower side."""

from __future__ import annotations

import math

from dlib.data.chairs_models import Frame, Group
from dlib.data.chairs_solids import Solid, block, both, rod


def _straight(f: Frame) -> list[Solid]:
    x, z, half = f.width / 2 - 0.025, f.depth / 2 - 0.025, 0.022
    legs = [
        block((x, f.under / 2, place), (half, f.under / 2, half)) for place in (z, -z)
    ]
    bar = block((x, 0.13, 0.0), (0.012, 0.016, z))
    apron = block((x, f.under - 0.03, 0.0), (0.012, 0.03, z))
    return both([*legs, bar, apron])


def _splayed(f: Frame) -> list[Solid]:
    x, z = f.width / 2, f.depth / 2
    return both(
        [
            rod(
                (0.6 * x, f.under, 0.6 * place),
                (1.15 * x, 0, 1.15 * place),
                0.022,
                0.011,
            )
            for place in (z, -z)
        ]
    )


def _pedestal(f: Frame) -> list[Solid]:
    return [
        rod((0, 0.02, 0), (0, f.under, 0), 0.034, 0.028),
        rod(
            (0, 0, 0),
            (0, 0.035, 0),
            0.15 + 0.22 * f.width,
            0.14 + 0.2 * f.width,
            sides=16,
        ),
    ]


def _swivel(f: Frame) -> list[Solid]:
    parts = [
        rod((0, 0.10, 0), (0, f.under, 0), 0.028),
        rod((0, f.under - 0.06, 0), (0, f.under, 0), 0.03, 0.10),
    ]
    reach = 0.16 + 0.3 * f.width
    for arm in range(5):
        angle = 2 * math.pi * arm / 5
        x, z = reach * math.sin(angle), reach * math.cos(angle)
        parts.append(rod((0, 0.13, 0), (x, 0.07, z), 0.024, 0.016))
        parts.append(rod((x, 0, z), (x, 0.07, z), 0.026))
    return parts


def _sled(f: Frame) -> list[Solid]:
    """Bent tubes, up in front only: a cantilever."""
    x, z, r = f.width / 2 - 0.01, f.depth / 2, 0.016
    side = [
        rod((x, f.under, z - 0.03), (x, r, z), r),
        rod((x, r, z), (x, r, -z), r),
        rod((x, f.under - r, z - 0.03), (x, f.under - r, -z + 0.05), r),
    ]
    return [*both(side), rod((-x, r, -z), (x, r, -z), r)]


def _crossed(f: Frame) -> list[Solid]:
    x, z = f.width / 2 - 0.015, f.depth / 2
    side = [
        rod((x, f.under, z - 0.03), (x, 0, -z - 0.04), 0.018),
        rod((x, f.under, -z + 0.03), (x, 0, z + 0.04), 0.018),
    ]
    bars = [
        rod((-x, 0.06, place), (x, 0.06, place), 0.013)
        for place in (z + 0.01, -z - 0.01)
    ]
    return [*both(side), *bars]


LEGS: dict[str, Group] = {
    "straight": _straight,
    "splayed": _splayed,
    "pedestal": _pedestal,
    "swivel": _swivel,
    "sled": _sled,
    "crossed": _crossed,
}
