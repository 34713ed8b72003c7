"""Heads of sprites: a face, and six kinds of hair that differ in colour and shape."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dlib.data.sprites_brush import AWAY, SKIN, UNIT, Colour, Layer, Paper, wide
from dlib.data.sprites_skeleton import Skeleton
from dlib.data.sprites_space import VIEWS

FACING = {"back": 0.0, "left": -1.0, "front": 0.0, "right": 1.0}


class Hair(NamedTuple):
    """A kind of hair.

    How far it reaches from the head's middle; how many tufts its edge has, how deep
    and how pointed they are, 0 or 1; where the fringe ends and how jagged it is; how
    far it hangs down at the sides of a face; and its strands: along the hair, or
    curls.
    """

    colour: Colour
    reach: float
    tufts: int
    depth: float
    pointed: int
    fringe: float
    jagged: float
    hangs: float
    strands: str


HAIRS = (
    Hair((0.10, 0.96, 0.14), 11.6, 11, 3.6, 1, -1.0, 3.0, 3.0, "along"),
    Hair((1.00, 0.60, 0.10), 12.0, 13, 0.9, 0, -3.0, 1.5, 4.0, "curls"),
    Hair((0.58, 0.20, 0.80), 14.2, 17, 0.8, 0, -2.0, 1.0, 6.5, "curls"),
    Hair((1.00, 0.10, 0.10), 11.2, 9, 0.3, 1, 0.2, 1.2, 3.5, "along"),
    Hair((1.00, 0.87, 0.38), 11.6, 7, 0.4, 0, -2.2, 0.0, 13.0, "along"),
    Hair((0.86, 0.89, 1.00), 11.0, 7, 0.3, 0, -3.4, 0.5, 2.0, "along"),
)
LONG, KNOT = 4, 5  # which hangs on the shoulders, and which is tied up

IRIS: Colour = (0.20, 0.50, 0.22)
PUPIL: Colour = (0.07, 0.06, 0.10)
WHITE: Colour = (0.97, 0.97, 0.97)


def head(paper: Paper, skeleton: Skeleton, style: int) -> Layer:
    """A head with one kind of hair, in all poses."""
    middle, bow = skeleton.place["head"], skeleton.bow
    facing = torch.tensor([FACING[view] for view in VIEWS], device=bow.device)
    facing = facing[skeleton.view]
    back = (skeleton.view == VIEWS.index("back")).float()
    layer = Layer(len(middle), paper.size, paper.device)
    _knot(layer, paper, middle, facing, back, bow, style, behind=True)
    _face(layer, paper, middle, facing, back, bow)
    _hair(layer, paper, middle, facing, back, bow, style)
    _knot(layer, paper, middle, facing, back, bow, style, behind=False)
    return layer


def _moved(middle: Tensor, right: Tensor | float, down: Tensor | float) -> Tensor:
    zero = torch.zeros_like(middle[:, 0])
    return middle + torch.stack((zero + right, zero + down), 1)


def _face(
    layer: Layer,
    paper: Paper,
    middle: Tensor,
    facing: Tensor,
    back: Tensor,
    bow: Tensor,
) -> None:
    side = facing.abs()
    for way in (-1, 1):
        # From the side one ear is in the middle of the head, and drawn after it.
        ear = _moved(middle, way * 9.2, 2.2 + 3 * bow + AWAY * side)
        layer.put(paper.oval(ear, 2.0, 2.5), SKIN, 0.9)
    skull = _moved(middle, 0.6 * facing, 0.8)
    right, down = paper.from_point(skull)
    light = 1.03 - 0.012 * (right + down).clamp(min=0) - 0.02 * (down - 4).clamp(min=0)
    round_ = 1 - 0.16 * bow.maximum(back)
    layer.put(paper.oval(skull, 9.2 * round_ - 0.5 * side, 9.3 * round_), SKIN, light)
    layer.put(
        paper.oval(_moved(middle, -2.0 * facing, 2.6 + AWAY * (1 - side)), 1.7, 2.3),
        SKIN, 0.92, outline=0.7,
    )  # fmt: skip
    for way in (-1, 1):
        # Seen from the side, the two eyes are one.
        across = (1 - side) * 4.1 * way + facing * 5.4
        down = 3.0 + 7 * bow + AWAY * (back + (bow > 0.5).float())
        looks = 0.5 * facing
        layer.put(paper.oval(_moved(middle, across, down), 1.75, 2.2), WHITE, 1, 0)
        layer.put(
            paper.oval(_moved(middle, across + looks, down), 1.25, 2.2), IRIS, 1, 0
        )
        layer.put(
            paper.oval(_moved(middle, across + looks, down - 0.3), 0.8, 1.3),
            PUPIL,
            1,
            0,
        )
        gleam = _moved(middle, across + looks - 0.5, down - 1.1)
        layer.put(paper.oval(gleam, 0.55, 0.6), WHITE, 1, 0)
        brow = _moved(middle, across, down - 2.5)
        layer.put(paper.oval(brow, 1.8, 0.5), SKIN, 0.4, 0)
    layer.put(
        paper.oval(
            _moved(middle, 3.6 * facing, 7.2 + 7 * bow + AWAY * (back + (bow > 0.3))),
            1.3, 0.5,
        ), SKIN, 0.62, 0,
    )  # fmt: skip


def _hair(
    layer: Layer, paper: Paper, middle: Tensor, facing: Tensor, back: Tensor,
    bow: Tensor, style: int,
) -> None:  # fmt: skip
    hair = HAIRS[style]
    side = facing.abs()
    right, down = paper.from_point(_moved(middle, -1.0 * facing, -0.6 + bow))
    right, down = right + 0 * down, down + 0 * right
    away = torch.hypot(right, down)
    # A turn of the tufts hides where the angle jumps, which is straight below.
    angle = torch.atan2(right - 0.01, -down)
    wave = (hair.tufts * angle).cos()
    if hair.pointed:
        wave = 1 - wave.clamp(-1, 1).acos() * (2 / math.pi)
        # Pointed tufts stand up, and are short where hair lies on the neck.
        wave = wave * (0.75 - 0.25 * (down / 10).clamp(-1, 1))
    inside = hair.reach - hair.depth / 2 + hair.depth * wave / 2 - away

    # Where hair hangs: at the sides of a face, on the neck, all over a bowed head.
    lowest = hair.hangs + (7.5 - hair.hangs) * back.maximum(0.8 * side) + 9 * bow
    if style == LONG:
        lowest = hair.hangs - 4 * bow
        half = 10.4 - 3.4 * side
        box = wide(half) - (right + wide(2.6 * facing)).abs()
        hanging = box.minimum(down + 4)
        inside = inside.maximum(hanging)
    elif hair.reach > 13:
        lowest = lowest + 2
    ragged = 1.2 * (0.9 * right + 1.0).sin()
    inside = inside.minimum(wide(lowest) + ragged - down)

    # The face looks out of it.
    face_x = _moved(middle, 4.6 * facing, 0.0)
    x, y = paper.from_point(face_x)
    zigzag = ((x * 0.32 + 0.25) % 1 - 0.5).abs() * 4 - 1
    drop = hair.fringe + 15 * bow + AWAY * back
    top = y - wide(drop) - hair.jagged * zigzag + 0.030 * x * x
    half_face = 7.4 - 0.4 * side + (0.4 if style == KNOT else 0.0)
    window = top.minimum(wide(half_face) - x.abs())
    # From the side, all that is before the ear is face.
    ahead = x * wide(facing) + 0 * y
    open_side = top.minimum(ahead + 5.4 - 0.05 * (y - 2) ** 2 + 0.6 * (1.1 * y).sin())
    window = torch.where(wide(side) > 0, open_side, window)
    inside = inside.minimum(-window)

    layer.put(inside, hair.colour, _strands(paper, hair, right, down, angle, away))


def _strands(
    paper: Paper, hair: Hair, right: Tensor, down: Tensor, angle: Tensor, away: Tensor
) -> Tensor:
    """How light hair is: from above on the left, and strand by strand."""
    # Strands that pixels cannot show are not drawn: they would shimmer.
    fine = min(1.0, max(0.0, paper.size / UNIT * 1.6 - 0.5))
    if hair.strands == "curls":
        curl = (1.45 * right + 1.7 * (1.05 * down).sin()).sin()
        curl = curl * (1.45 * down + 1.7 * (1.05 * right + 1).sin()).sin()
        texture = 0.42 * fine * curl
    else:
        first = (13 * angle + 1.2 * (0.5 * away).sin()).cos()
        second = (23 * angle + 0.55 * away + 1).cos()
        texture = fine * (0.13 * first + 0.11 * second) * (away / 7).clamp(max=1)
    light = 0.84 - 0.020 * down - 0.010 * right
    shine = 0.28 * (-((right + 3.5) ** 2 / 14 + (down + 6.0) ** 2 / 7)).exp()
    return (light + texture + shine).clamp(0.3, 1.12)


def _knot(
    layer: Layer, paper: Paper, middle: Tensor, facing: Tensor, back: Tensor,
    bow: Tensor, style: int, behind: bool,
) -> None:  # fmt: skip
    """Hair that is tied up, above the head or, of one that is bowed, in its middle."""
    if style != KNOT:
        return
    front = (back + bow < 0.5).float()
    gone = AWAY * (1 - front if behind else front)
    place = _moved(middle, -4.5 * facing, -13.0 + 5.0 * back + 8 * bow - gone)
    right, down = paper.from_point(place)
    light = 0.9 - 0.03 * down - 0.02 * right
    layer.put(paper.oval(place, 4.4, 4.0), HAIRS[KNOT].colour, light)
    band = _moved(place, 2.0 * facing, 3.4)
    layer.put(paper.oval(band, 2.6, 1.1), (0.80, 0.20, 0.25), 1, 0)
