"""Bodies and clothes of sprites: legs, what is worn above them, and arms."""

from __future__ import annotations

import torch
from torch import Tensor

from dlib.data.sprites_brush import AWAY, SKIN, UNIT, Colour, Layer, Paper, wide
from dlib.data.sprites_head import FACING
from dlib.data.sprites_skeleton import Skeleton
from dlib.data.sprites_space import VIEWS

MALE, FEMALE = range(2)
SHIRT, JACKET, ARMOUR = range(3)

TROUSERS: tuple[Colour, ...] = ((0.90, 0.91, 0.98), (0.60, 0.36, 0.17))
SHOES: tuple[Colour, ...] = ((1.00, 0.78, 0.25), (0.36, 0.36, 0.44))
VESTS: tuple[Colour, ...] = ((0.17, 0.74, 0.84), (0.93, 0.91, 0.77), (0.60, 0.59, 0.62))
HEMS = (1.18, 1.34, 1.62)  # how far down vests reach: 1 is the hip
SLEEVE: Colour = (0.72, 0.16, 0.26)
TIE: Colour = (0.30, 0.31, 0.36)
LEATHER: Colour = (0.38, 0.22, 0.12)

LEG = ((3.8, 3.1), (2.8, 2.3))  # half as thick as legs are, above and below
ARM = ((3.3, 2.7), (2.4, 1.9))
# Half as wide as bodies are at the shoulders, the waist and the hem of what they wear.
WIDTHS = ((8.6, 6.9, 7.4), (5.9, 4.2, 7.6))
FAR = 0.74  # how light a limb is that is on the far side


def _facing(skeleton: Skeleton) -> Tensor:
    values = [FACING[view] for view in VIEWS]
    return torch.tensor(values, device=skeleton.view.device)[skeleton.view]


def _round(inside: Tensor, thick: float) -> Tensor:
    """How light a limb is for being round: less towards its edges."""
    return 0.80 + 0.20 * (inside / thick).clamp(0, 1)


def legs(paper: Paper, skeleton: Skeleton, body: int, style: int) -> Layer:
    """Trousers and shoes, the far leg first."""
    layer = Layer(len(skeleton.view), paper.size, paper.device)
    place, near = skeleton.place, skeleton.near
    facing = _facing(skeleton)
    behind = facing == 0
    away = (skeleton.view == VIEWS.index("back")).float()
    # In front and back views both are as light.
    left_is_far = (near["left hip"] < near["right hip"])[:, None]
    thick, thin = LEG[body]
    loose = 0.5 if style == 0 else 0.0
    for far in (True, False):
        hip, knee, foot = (
            torch.where(
                left_is_far == far, place[f"left {joint}"], place[f"right {joint}"]
            )
            for joint in ("hip", "knee", "foot")
        )
        shade = torch.where(behind, 1.0, FAR if far else 1.0)[:, None, None]
        toe = foot + torch.stack(
            (1.7 * facing, torch.where(behind, 0.6 - 1.2 * away, 0.3)), 1
        )
        shoe = paper.oval(toe, 3.0 + 0.7 * facing.abs(), 2.6)
        shin, along = paper.limb(
            knee, knee + 0.8 * (foot - knee), thin + 0.2 + loose, thin + loose
        )
        thigh, above = paper.limb(hip, knee, thick + loose, thin + loose + 0.2)
        leg = thigh.maximum(shin)
        light = shade * _round(leg, thin) * (1.10 - 0.12 * above - 0.15 * along)
        layer.put(leg, TROUSERS[style], light)
        if style == 1:
            # Boots reach up to the middle of the shin.
            shoe = shoe.maximum(shin.minimum((along - 0.3) * 10) + 0.3)
        layer.put(shoe, SHOES[style], shade * (1.15 - 0.2 * along))
    return layer


def vest(paper: Paper, skeleton: Skeleton, body: int, style: int) -> Layer:
    """What is worn above the legs."""
    layer = Layer(len(skeleton.view), paper.size, paper.device)
    place = skeleton.place
    facing = _facing(skeleton)
    side = facing.abs()
    front = ((skeleton.view == VIEWS.index("front")) & (skeleton.bow < 0.7)).float()
    along, across, length = paper.frame(place["neck"], place["pelvis"])
    # Across is to the left in a picture where the body is upright.
    down, right = along / length, -across
    shoulder, waist, hem = WIDTHS[body]
    last = HEMS[style]
    above = shoulder + (waist - shoulder) * (down / 0.7).clamp(0, 1)
    flare = ((down - 0.7) / (last - 0.7)).clamp(0, 1)
    half = above + (hem - waist) * flare
    half = half * wide(1 - 0.30 * side)
    off = right + wide(0.8 * facing) * (1 - down.clamp(0, 1))
    inside = half - off.abs()
    rounded = 2.2  # of the shoulders
    top = along + 1.2
    inside = inside.minimum(
        top.minimum(inside + rounded) - (rounded - top).clamp(min=0) * 0.4
    )
    inside = inside.minimum(last * length - along + 0.02 * off * off)

    light = 1.0 - 0.018 * off - 0.10 * down.clamp(0, 1.6)
    light = light - 0.30 * (-along.clamp(min=0) / 1.6).exp()  # the head's shadow
    light = light - 0.10 * ((off.abs() / half.clamp(min=1)).clamp(0, 1) ** 3)
    fine = min(1.0, max(0.0, paper.size / UNIT * 1.6 - 0.5))
    if style == ARMOUR:
        rings = (2.1 * off).sin() * (2.1 * along).sin()
        light = light + 0.30 * fine * rings - 0.06
    elif style == SHIRT:
        light = light + 0.07 * fine * (0.9 * along + 0.5 * off).sin()
    layer.put(inside, VESTS[style], light)

    middle = off - wide(4.2 * facing)  # where the buttons are
    unseen = wide(AWAY * (1 - front - side))
    if style == JACKET:
        opening = (1.9 + 2.2 * (0.5 - down).clamp(min=0)) - middle.abs() - unseen
        layer.put(opening.minimum(along).minimum(inside), TIE, 1.15, 0.6)
        seam = 0.5 - off.abs() - wide(AWAY * (front + side))
        layer.put(seam.minimum(inside - 1), VESTS[style], 0.6, 0)
    if style == SHIRT:
        neck = 3.4 - 0.9 * along - middle.abs() - unseen
        layer.put(neck.minimum(inside), SKIN, 0.85, 0)
        edge = 1.2 - (along - (last * length - 1.4)).abs()
        layer.put(edge.minimum(inside - 0.6), (0.98, 0.92, 0.55), light, 0)
    if style == ARMOUR:
        belt = 1.4 - (along - 0.86 * length).abs()
        layer.put(belt.minimum(inside), LEATHER, 1.1, 0)
        buckle = belt.minimum(1.5 - middle.abs() - unseen).minimum(inside)
        layer.put(buckle, (1.0, 0.82, 0.3), 1.0, 0)
    return layer


def arms(
    paper: Paper, skeleton: Skeleton, body: int, style: int
) -> tuple[Layer, Layer]:
    """The arms that are behind the body, and those before it."""
    layers = tuple(
        Layer(len(skeleton.view), paper.size, paper.device) for _ in range(2)
    )
    place, near = skeleton.place, skeleton.near
    thick, thin = ARM[body]
    for name in ("right", "left"):
        shoulder, elbow, hand = (
            place[f"{name} {joint}"] for joint in ("shoulder", "elbow", "hand")
        )
        depth = (near[f"{name} elbow"] + near[f"{name} hand"]) / 2
        # Who falls, falls on the arms.
        before = (depth > -2.2) & (skeleton.bow < 0.5)
        ahead = (hand - elbow) / (hand - elbow).norm(dim=1, keepdim=True).clamp(min=1)
        upper, up = paper.limb(shoulder, elbow, thick, (thick + thin) / 2)
        lower, _ = paper.limb(elbow, hand - 2.2 * ahead, (thick + thin) / 2, thin)
        arm = upper.maximum(lower)
        fist = paper.oval(hand + 1.2 * ahead, thin + 0.7, thin + 0.7)
        for layer, there in zip(layers, (~before, before), strict=True):
            gone = wide(AWAY * (~there).float())
            shade = 1.0 if layer is layers[1] else FAR + 0.1
            light = shade * _round(arm, thin) * (1.12 - 0.10 * up)
            if style == 0:
                layer.put(arm.maximum(fist) - gone, SKIN, light)
            else:
                # Hands look out: from behind, little else shows the skin.
                layer.put(fist - gone, SKIN, 1.04 * shade)
                layer.put(arm + 0.45 - gone, SLEEVE, light)
    return layers[0], layers[1]
