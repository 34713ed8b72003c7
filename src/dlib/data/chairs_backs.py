"""The seats of the twin's chairs, and their backs."""

from __future__ import annotations

import math

import torch

from dlib.data.chairs_models import Frame, Group
from dlib.data.chairs_solids import Solid, block, both, disc, prism


def _seat(f: Frame) -> Solid:
    return block(
        (0, f.seat - f.thickness / 2, 0),
        (f.width / 2, f.thickness / 2, f.depth / 2),
        cushion=True,
    )


def _panel(f: Frame) -> list[Solid]:
    thick = 0.035 + 0.5 * f.thickness
    return [
        block(
            (0, f.seat + f.back / 2 - 0.02, f.rear),
            (f.width / 2 - 0.01, f.back / 2 + 0.02, thick / 2),
            lean=6,
            hinge=(f.seat, f.rear),
            cushion=True,
        )
    ]


def _slats(f: Frame) -> list[Solid]:
    lean, hinge, x = 3.0, (f.seat, f.rear), f.width / 2 - 0.02
    middle = f.seat + f.back / 2
    uprights = [
        block((place, middle, f.rear), (half, f.back / 2, 0.016), lean, hinge)
        for place, half in ((x, 0.02), (0.36 * x, 0.013))
    ]
    rails = [
        block((0, f.seat + place, f.rear), (x, half, 0.014), lean, hinge)
        for place, half in ((f.back - 0.03, 0.035), (0.07, 0.018))
    ]
    return [*both(uprights), *rails]


def _ladder(f: Frame) -> list[Solid]:
    lean, hinge, x = 15.0, (f.seat, f.rear), f.width / 2 - 0.02
    length = f.back / math.cos(math.radians(lean))
    middle = f.seat + length / 2
    posts = [block((x, middle, f.rear), (0.02, length / 2, 0.02), lean, hinge)]
    count = round(f.back / 0.13)
    rails = [
        block(
            (0, f.seat + length * (rung + 0.6) / count, f.rear),
            (x, 0.026, 0.012),
            lean,
            hinge,
        )
        for rung in range(count)
    ]
    return [*both(posts), *rails]


def _oval(f: Frame) -> list[Solid]:
    lean, hinge = 11.0, (f.seat, f.rear)
    length = f.back / math.cos(math.radians(lean))
    high, wide = 0.38 * length, 0.47 * f.width
    middle = f.seat + length - high
    stem = block(
        (0, f.seat + 0.15 * length, f.rear - 0.03),
        (0.03, 0.2 * length, 0.015),
        lean,
        hinge,
    )
    plate = disc(
        (0, middle, f.rear), (wide, high), 0.03 + 0.4 * f.thickness, lean, hinge, True
    )
    return [stem, plate]


def _curved(f: Frame) -> list[Solid]:
    """A shell around the rear of the seat, cut by a plane that falls to the front."""
    panels, thick = 8, 0.045
    front, reach = -0.03 * f.depth, 0.47 * f.depth
    turns = torch.linspace(0, math.pi, panels + 1)
    rims = []
    for grow in (-0.02, thick - 0.02):  # inner and outer
        x = (f.width / 2 + grow) * turns.cos()
        z = front - (reach + grow) * turns.sin()
        low = torch.full_like(x, f.seat - f.thickness / 2)
        rims.append(torch.stack([x, low, z], 1))
    inner, outer = rims
    solids = []
    for n in range(panels):
        ring = torch.stack([inner[n], inner[n + 1], outer[n + 1], outer[n]])
        behind = (front - ring[:, 2]) / reach
        top = ring.clone()
        top[:, 1] = f.seat + f.back * (0.65 + 0.35 * behind)
        solids.append(prism(ring, top, cushion=True))
    return solids


def _pad(f: Frame) -> list[Solid]:
    """A thick pad on two posts, well over the seat."""
    lean, hinge, x = 8.0, (f.seat, f.rear), 0.3 * f.width
    posts = [
        block(
            (x, f.seat + 0.4 * f.back - 0.03, f.rear - 0.03),
            (0.016, 0.4 * f.back + 0.03, 0.016),
            lean,
            hinge,
        )
    ]
    pad = block(
        (0, f.seat + 0.78 * f.back, f.rear + 0.01),
        (f.width / 2, 0.22 * f.back, 0.03 + 0.15 * f.thickness),
        lean,
        hinge,
        cushion=True,
    )
    return [*both(posts), pad]


BACKS: dict[str, Group] = {
    "panel": lambda f: [_seat(f), *_panel(f)],
    "slats": lambda f: [_seat(f), *_slats(f)],
    "ladder": lambda f: [_seat(f), *_ladder(f)],
    "oval": lambda f: [_seat(f), *_oval(f)],
    "curved": lambda f: [_seat(f), *_curved(f)],
    "pad": lambda f: [_seat(f), *_pad(f)],
}
