"""What sprites hold: two weapons for each of three actions."""

from __future__ import annotations

import torch
from torch import Tensor

from dlib.data.sprites_brush import AWAY, Colour, Layer, Paper, wide
from dlib.data.sprites_skeleton import Skeleton

WOOD: Colour = (0.72, 0.46, 0.22)
DARK_WOOD: Colour = (0.62, 0.20, 0.22)
STEEL: Colour = (0.86, 0.90, 0.98)
GOLD: Colour = (1.00, 0.80, 0.25)
IVORY: Colour = (0.62, 0.86, 0.95)
STRING: Colour = (0.95, 0.95, 0.90)

ARMED = ("thrust", "slash", "shoot")


def weapon(paper: Paper, skeleton: Skeleton, action: str, style: int) -> Layer:
    """A weapon in the poses of one action, which ``skeleton`` is of."""
    layer = Layer(len(skeleton.view), paper.size, paper.device)
    held = [skeleton.place[f"held{i}"] for i in range(5)]
    if action == "thrust":
        _polearm(layer, paper, held[0], held[1], style)
    elif action == "slash":
        (_axe if style else _sword)(layer, paper, held[0], held[1])
    else:
        _bow(layer, paper, held, style)
    return layer


def _share(start: Tensor, end: Tensor, share: float) -> Tensor:
    return start + (end - start) * share


def _crescent(along: Tensor, across: Tensor, reach: float) -> Tensor:
    """A blade to one side of a shaft: broad at its edge, narrow where it is held."""
    edge = reach - torch.hypot(along * 0.9, across)
    return edge.minimum(across + 1.2).minimum(1.6 + 0.75 * across - along.abs())


def _polearm(layer: Layer, paper: Paper, butt: Tensor, tip: Tensor, style: int) -> None:
    shaft, _ = paper.limb(butt, _share(butt, tip, 0.9), 1.3, 1.3)
    layer.put(shaft, DARK_WOOD if style else WOOD, 1.1, 0.5)
    along, across, length = paper.frame(butt, tip)
    if style:
        # A halberd: a broad blade on both sides, and a point.
        place = along - length * 0.80
        blade = _crescent(place, across.abs() - 0.6, 4.6)
        layer.put(blade, GOLD, 1.0 - 0.04 * across, 0.9)
        point, _ = paper.limb(_share(butt, tip, 0.8), tip, 1.8, 0.7)
        layer.put(point, GOLD, 1.1, 0.5)
    else:
        point, _ = paper.limb(_share(butt, tip, 0.74), tip, 2.9, 0.4)
        layer.put(point, STEEL, 1.05 - 0.05 * across, 0.8)


def _sword(layer: Layer, paper: Paper, pommel: Tensor, tip: Tensor) -> None:
    blade, _ = paper.limb(_share(pommel, tip, 0.25), tip, 1.9, 1.0)
    along, across, length = paper.frame(pommel, tip)
    layer.put(blade, STEEL, 1.0 - 0.08 * across, 0.7)
    guard = (1.2 - (along - 0.27 * length).abs()).minimum(3.8 - across.abs())
    layer.put(guard, GOLD, 1.0, 0.5)


def _axe(layer: Layer, paper: Paper, pommel: Tensor, tip: Tensor) -> None:
    haft, _ = paper.limb(pommel, _share(pommel, tip, 0.92), 1.4, 1.3)
    layer.put(haft, DARK_WOOD, 1.1, 0.5)
    head = _share(pommel, tip, 0.72)
    along, across, length = paper.frame(pommel, tip)
    place = along - 0.72 * length
    blade = _crescent(place, across, 5.4)
    layer.put(blade, GOLD, 1.05 - 0.04 * across, 0.9)
    layer.put(paper.oval(head, 1.6, 1.6), STEEL, 1.0, 0.5)


def _bow(layer: Layer, paper: Paper, held: list[Tensor], style: int) -> None:
    upper, lower, grip, nock, arrow = held
    colour = IVORY if style else WOOD
    thick = 1.9 if style else 1.4
    for end in (upper, lower):
        string, _ = paper.limb(end, nock, 0.6, 0.6)
        layer.put(string, STRING, 0.75, 0)
    shaft, _ = paper.limb(nock, arrow, 0.8, 0.8)
    gone = wide(AWAY * ((arrow - nock).norm(dim=1) < 0.5))
    layer.put(shaft - gone, STRING, 0.9, 0)
    point, _ = paper.limb(_share(nock, arrow, 0.8), arrow, 1.9, 0.3)
    layer.put(point - gone, STEEL, 1.0, 0)
    for end in (upper, lower):
        # Limbs bend: out from the grip, and then towards the string.
        bend = grip + (end - grip) * 0.6 + (grip - nock) * 0.10
        inner, _ = paper.limb(grip, bend, thick, thick)
        outer, _ = paper.limb(bend, end, thick, thick * 0.6)
        layer.put(inner, colour, 1.0, 0.5)
        layer.put(outer, colour, 0.95, 0.5)
        if style:
            layer.put(paper.oval(end, 1.8, 1.8), GOLD, 1.0, 0.5)
    layer.put(paper.oval(grip, 2.0, 2.4), LEATHERS[style], 1.0, 0.5)


LEATHERS: tuple[Colour, ...] = ((0.45, 0.25, 0.12), (0.85, 0.25, 0.30))
