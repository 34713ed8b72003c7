"""Where the parts of a sprite are, in each of its 178 poses.

An animation is told once, as points in space: x to the character's own left, y up, z
forward, in sixtieths of a picture from the ground between its feet. Each view looks at
the same points from another side and a little from above, so what is nearer to the eye
is lower in the picture. Which arm is behind the body follows from that too.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from dlib.data.sprites_space import ACTIONS, POSES, VIEWS

GROUND, MIDDLE = 52.5, 30.0  # where the point between the feet is in a picture
TILT = 0.38  # how much lower a point is that is nearer by one

Point = tuple[float, float, float]


class Build(NamedTuple):
    """How far shoulders, hips and feet are from the middle."""

    shoulder: float
    hip: float
    foot: float


BUILDS = (Build(7.2, 3.9, 5.1), Build(5.3, 2.9, 3.3))  # male, female


class Stance(NamedTuple):
    """One frame of an animation, before anything is known of the body or the view.

    Hands and what they hold are points; a foot is how far it is forward and up. The
    body leans forward by so much at the head, and is lower by so much.
    """

    right: Point
    left: Point
    feet: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # right z y, left
    lean: float = 0.0
    low: float = 0.0
    held: tuple[Point, ...] = ()


class Skeleton(NamedTuple):
    """The parts of one build in all poses.

    ``place`` says where each joint is, float32 (178, 2), to the right and down in
    sixtieths of a picture; ``near`` how much nearer to the eye than the middle of the
    body, (178,). ``view`` is an index into ``VIEWS`` and ``bow`` how far the head is
    bowed, 0 to 1, both (178,).
    """

    place: dict[str, Tensor]
    near: dict[str, Tensor]
    view: Tensor
    bow: Tensor


# --- the animations ---------------------------------------------------------


def _along(point: Point, direction: Point, far: float) -> Point:
    length = math.sqrt(sum(d * d for d in direction))
    x, y, z = (p + far * d / length for p, d in zip(point, direction, strict=True))
    return x, y, z


def _between(first: Point, second: Point, share: float) -> Point:
    x, y, z = (a + share * (b - a) for a, b in zip(first, second, strict=True))
    return x, y, z


def _spellcast() -> list[Stance]:
    """Both arms rise before the body, spread, and sink."""
    hands = (
        (8.6, 15.5, 5),
        (5.0, 15, 8),
        (5.0, 21, 9),
        (11, 27, 6),
        (17.5, 26, 3),
        (21.5, 21.5, 1),
        (17.5, 14.5, 2),
    )
    low = (0.0, 1.0, 0.4, -1.0, -0.3, 0.9, 0.3)  # on the toes while arms are up
    lean = (0.0, 0.8, 0.3, -2.0, -1.0, 0.8, 0.3)
    return [
        Stance((-x, y, z), (x, y, z), lean=forward, low=down)
        for (x, y, z), down, forward in zip(hands, low, lean, strict=True)
    ]


def _thrust() -> list[Stance]:
    """A polearm, held by both hands at the right side, is drawn back and pushed."""
    stances = []
    pushes = (0.0, -0.3, -0.6, 0.2, 0.6, 1.0, 0.8, 0.42)
    for frame, push in enumerate(pushes):
        middle = (-6.5 + 2.5 * push, 14 + push, 4 + 8.5 * push)
        aim = (0.12, 0.12, 1.0)
        held = (_along(middle, aim, -19), _along(middle, aim, 13))
        right, left = _along(middle, aim, -4), _along(middle, aim, 4)
        stride = 2 + 2.5 * push
        # On the way back the rear foot is pulled up.
        feet = (-stride + 2.0 * (frame > 5), 1.6 * (frame > 5), stride, 0.0)
        low = 0.4 + 1.2 * max(push, 0)
        stances.append(Stance(right, left, feet, 1.5 + 2.5 * push, low, held))
    return stances


def _walk() -> list[Stance]:
    """At rest, and then two steps."""
    stances = [Stance((-10.7, 11.5, 0.8), (10.7, 11.5, 0.8))]
    for frame in range(8):
        phase = 2 * math.pi * (frame + 0.3) / 8
        swing, lift = math.sin(phase), math.cos(phase)
        feet = (5.5 * swing, 3.2 * max(lift, 0), -5.5 * swing, 3.2 * max(-lift, 0))
        bent = 0.8 * abs(swing)
        right = (-10.3, 11.5 + bent, 0.8 - 6.5 * swing)
        left = (10.3, 11.5 + bent, 0.8 + 6.5 * swing)
        stances.append(Stance(right, left, feet, 0.6, bent))
    return stances


def _slash() -> list[Stance]:
    """The right arm swings a blade from over the shoulder to the left hip."""
    hands = (
        (-11, 24, -4), (-13, 26, 1), (-14, 22, 6),
        (-9, 16, 11), (-1, 14, 12), (6, 13, 9),
    )  # fmt: skip
    blades = (
        (-0.1, 0.7, -0.8), (-0.5, 1, -0.1), (-0.9, 0.5, 0.5),
        (-0.6, -0.1, 1), (0.3, -0.2, 1), (1, 0.1, 0.3),
    )  # fmt: skip
    stances = []
    for frame, (hand, blade) in enumerate(zip(hands, blades, strict=True)):
        held = (_along(hand, blade, -2.5), _along(hand, blade, 14.5))
        left = (9.0 + 0.4 * frame, 12.0 + 0.4 * frame, 2.0 - frame)
        stride = 0.7 * frame
        feet = (stride, 0.0, -stride, 0.0)
        stances.append(Stance(hand, left, feet, 0.6 * frame - 1, 0.2 * frame, held))
    return stances


def _shoot() -> list[Stance]:
    """The left hand lifts a bow, the right draws the string and lets go."""
    raised = (0.0, 0.3, 0.6, 0.80, 1, 1, 1, 1, 1, 1, 1, 0.7, 0.4)
    to_string = (0, 0, 0.2, 0.5, 1, 1, 1, 1, 1, 1, 1, 0.6, 0.25)
    drawn = (0.0, 0, 0, 0, 0.1, 0.28, 0.46, 0.66, 0.88, 1.1, 1.45, 1.2, 0.5)
    stances = []
    for frame, (up, reach, draw) in enumerate(
        zip(raised, to_string, drawn, strict=True)
    ):
        on_string, after = 4 <= frame <= 9, frame > 9
        effort = draw * on_string
        low = up + 1.5 * effort
        left = _between((10.5, 12, 4), (8, 20.2 - low, 14), up)
        string = (left[0] - 0.5, left[1], left[2] - 3)
        pulled = (-6.0 - 2.0 * after, 20.7 - low, 1.0 - 2.0 * after)
        right = _between((-10.5, 12, 1), _between(string, pulled, draw), reach)
        nock = right if on_string else string
        aim = (left[0] - nock[0], left[1] - nock[1], left[2] - nock[2])
        # An arrow only while it lies on the string: else it is a point in the hand.
        arrow = _along(nock, aim, 14) if on_string else nock
        limb = (0.5 - 0.1 * up, 1.0, 0.35 * (1 - up))
        ends = []
        for way in (1, -1):
            x, y, z = _along(left, limb, 11 * way)
            ends.append((x, y, z - 3.5 - 1.5 * min(effort, 1.1)))
        held = (ends[0], ends[1], left, nock, arrow)
        feet = (-3 * up - 1.5 * effort, 0.0, 3 * up + 1.5 * effort, 0.0)
        lean = 1 - 2.5 * effort - 2.0 * after
        stances.append(Stance(right, left, feet, lean, low, held))
    return stances


STANCES = {
    "spellcast": _spellcast(),
    "thrust": _thrust(),
    "walk": _walk(),
    "slash": _slash(),
    "shoot": _shoot(),
}

# Being hurt: height and depth of pelvis, neck, head and hands, how far apart hands
# are, depth and height of the feet, how far the head is bowed, how much from above.
HURT = (
    (12, 0, 21.5, 0.0, 31.0, 1.5, 15.0, 4.0, 7.5, 0, 0, 0.15, 0.40),
    (10, -1, 19.5, 1.5, 28.5, 4.0, 10.0, 3.0, 10.0, -1, 0, 0.35, 0.45),
    (8.5, -5, 17.0, 2.0, 23.0, 6.0, 6.0, 5.0, 11.0, -9, 1, 0.55, 0.50),
    (11.0, -17, 11.0, -1.0, 15.0, 8.0, 4.0, 5.0, 12.0, -26, 3, 0.75, 0.58),
    (11.0, -17, 11.0, -1.0, 13.0, 7.0, 4.0, 3.0, 13.0, -28, 4, 0.90, 0.66),
    (9.0, -18, 9.5, -3.0, 11.5, 5.0, 5.0, 1.0, 14.5, -30, 6, 1.0, 0.72),
)


# --- from points to pictures ------------------------------------------------

SIDES = {"right": -1.0, "left": 1.0}
HELD = ("held0", "held1", "held2", "held3", "held4")


def _elbow(shoulder: Tensor, hand: Tensor, side: float) -> Tensor:
    """Outwards, down and back from the middle of the arm: more if it is bent more."""
    pole = torch.tensor((0.55 * side, -0.55, -0.6))
    room = (15.0 - (hand - shoulder).norm(dim=-1, keepdim=True)).clamp(min=0)
    return (shoulder + hand) / 2 + pole * (0.6 + 0.22 * room)


def _knee(hip: Tensor, foot: Tensor) -> Tensor:
    room = (11.5 - (hip - foot).norm(dim=-1, keepdim=True)).clamp(min=0)
    return (hip + foot) / 2 + torch.tensor((0.0, 0.3, 1.0)) * (0.3 + 0.5 * room)


def _limbs(joints: dict[str, Tensor]) -> dict[str, Tensor]:
    for name, side in SIDES.items():
        joints[f"{name} elbow"] = _elbow(
            joints[f"{name} shoulder"], joints[f"{name} hand"], side
        )
        joints[f"{name} knee"] = _knee(joints[f"{name} hip"], joints[f"{name} foot"])
    return joints


def _standing(stances: list[Stance], build: Build) -> dict[str, Tensor]:
    """Joints of an animation, (frames, 3) each."""
    rows: dict[str, list[Point]] = {}

    def add(name: str, x: float, y: float, z: float) -> None:
        rows.setdefault(name, []).append((x, y, z))

    for s in stances:
        add("pelvis", 0, 12.0 - s.low, 0)
        add("neck", 0, 21.5 - s.low, 0.5 * s.lean)
        add("head", 0, 31.5 - s.low, s.lean)
        for name, side in SIDES.items():
            add(
                f"{name} shoulder",
                side * build.shoulder, 20.2 - s.low, 0.5 * s.lean,
            )  # fmt: skip
            add(f"{name} hip", side * build.hip, 11.0 - s.low, 0)
            z, y = s.feet[:2] if side < 0 else s.feet[2:]
            add(f"{name} foot", side * build.foot, y, z)
        add("right hand", *s.right)
        add("left hand", *s.left)
        for place, name in enumerate(HELD):
            add(name, *(s.held[place] if place < len(s.held) else (0.0, 0.0, 0.0)))
    return _limbs({name: torch.tensor(points) for name, points in rows.items()})


def _hurt(build: Build) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Joints of being hurt, how far the head is bowed, and how much from above."""
    table = torch.tensor(HURT)
    py, pz, ny, nz, hy, hz, ay, az, apart, fz, fy, bow, tilt = table.unbind(1)
    zero = torch.zeros(len(table))
    joints = {
        "pelvis": torch.stack((zero, py, pz), 1),
        "neck": torch.stack((zero, ny, nz), 1),
        "head": torch.stack((zero, hy, hz), 1),
    }
    for name, side in SIDES.items():
        for joint, at, wide in (("shoulder", "neck", build.shoulder),
                                ("hip", "pelvis", build.hip)):  # fmt: skip
            joints[f"{name} {joint}"] = joints[at] + torch.tensor(
                (side * wide, -1.0, 0.0)
            )
        spread = build.foot + 0.22 * fz.abs()
        joints[f"{name} foot"] = torch.stack((side * spread, fy, fz), 1)
        joints[f"{name} hand"] = torch.stack((side * apart, ay, az), 1)
    joints.update({name: torch.zeros(len(table), 3) for name in HELD})
    return _limbs(joints), bow, tilt


def _seen(points: Tensor, view: str, tilt: Tensor) -> tuple[Tensor, Tensor]:
    """Where points are in a picture, (n, 2), and how near they are to the eye, (n,)."""
    x, y, z = points.unbind(-1)
    across, near = {
        "back": (-x, -z),
        "left": (-z, x),
        "front": (x, z),
        "right": (z, -x),
    }[view]
    return torch.stack((MIDDLE + across, GROUND - y + tilt * near), -1), near


def skeleton(build: Build) -> Skeleton:
    """The parts of one build in all poses, in the order of ``POSES``."""
    places: dict[str, list[Tensor]] = {}
    nears: dict[str, list[Tensor]] = {}
    hurt, bow, hurt_tilt = _hurt(build)
    shots = [
        (joints, view, torch.tensor(TILT))
        for action in ACTIONS
        for joints in (_standing(STANCES[action], build),)
        for view in VIEWS
    ]
    for joints, view, tilt in (*shots, (hurt, "front", hurt_tilt)):
        for name, points in joints.items():
            place, near = _seen(points, view, tilt)
            places.setdefault(name, []).append(place)
            nears.setdefault(name, []).append(near)
    bows = torch.zeros(len(POSES))
    bows[-len(HURT) :] = bow
    return Skeleton(
        {name: torch.cat(parts) for name, parts in places.items()},
        {name: torch.cat(parts) for name, parts in nears.items()},
        torch.tensor([VIEWS.index(pose.view) for pose in POSES]),
        bows,
    )
