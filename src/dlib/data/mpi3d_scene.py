"""What stands before the cameras of MPI3D toy: every number, and the solids.

Lengths are in radii of the coloured ring on the floor, angles in radians, light
and colour in 0..255. The floor is z = 0, the arm's column stands at the origin,
y points away from the cameras and x to their right. The numbers were fitted to
published pictures; none of the pictures is part of this package.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from dlib.data.convex import FACES, FAR, Solids

SHAPES = ("cone", "cube", "cylinder", "hexagonal", "pyramid", "sphere")


@dataclass(frozen=True)
class Camera:
    """Where a camera is, ``distance`` before the column, and how it is turned."""

    distance: float
    height: float
    pitch: float  # down
    yaw: float  # to the right
    roll: float


@dataclass(frozen=True)
class Scene:
    """Every number of the picture."""

    # Cameras: top, centre, bottom. In pixels of a picture of 64.
    focal: float = 75.203
    cameras: tuple[Camera, ...] = (
        Camera(0.841, 1.198, 0.918, 0.030, -0.003),
        Camera(0.982, 0.991, 0.704, -0.019, 0.006),
        Camera(1.132, 0.740, 0.425, 0.029, -0.010),
    )

    # Floor and ring: purple, sea green, salmon. A third of the ring shows: to its
    # left follows the next colour, to its right the one before.
    floor: float = 52.3
    ring_inner: float = 0.796
    ring_left: float = -1.05
    ring_right: float = 1.05
    ring_shade: tuple[float, float, float] = (0.0, -0.3, -0.35)
    ring_colours: tuple[tuple[float, float, float], ...] = (
        (98.7, 73.7, 140.8),
        (69.7, 96.1, 92.5),
        (105.0, 76.4, 84.9),
    )

    # The arm. Its horizontal axis tilts it from far (last index) to near, and the
    # vertical one turns it from left to right.
    tilt: tuple[float, float] = (1.585, -1.568)  # middle, and from there to the last
    turn: tuple[float, float] = (0.280, 1.653)
    place: tuple[float, float] = (0.0, 0.0)  # of the arm's column, from the ring's middle
    shoulder: float = 0.289
    aside: float = -0.035
    below: float = 0.0
    reach: float = 0.25  # from the shoulder to the object
    small_reach: float = 0.0  # so much more if it is small
    sphere_reach: float = 0.0  # ... or a sphere

    # The base is a disc with a hole and, turning with the arm, a slot.
    base_radius: float = 0.0816
    base_hole: float = 0.05
    base_light: float = 160.0
    hole_light: float = 90.0
    slot_turn: float = 1.0  # from the arm's side
    slot_half: float = 0.4
    slot_light: float = 90.0
    column_radius: float = 0.0367
    column_light: tuple[float, float] = (98.0, 62.7)  # bottom, top
    joint: tuple[float, float] = (-0.02, 0.02)  # from its one end to the other
    joint_radius: float = 0.035
    joint_light: tuple[float, float] = (140.0, 190.0)
    elbow_radius: float = 0.025
    elbow: tuple[float, float] = (0.0, 0.04)  # along the arm
    elbow_light: float = 150.0
    rod_radius: float = 0.008
    rod_light: tuple[float, float] = (165.0, -40.0)  # level; more if upright

    # Objects of the large size, their base on the arm's end.
    small: float = 0.6
    cone: tuple[float, float] = (0.065, 0.13)  # radius, height
    cube: tuple[float, float, float] = (0.065, 0.13, 0.6)  # half width, height, spin
    cylinder: tuple[float, float] = (0.065, 0.13)
    hexagonal: tuple[float, float, float] = (0.065, 0.13, 0.3)  # outer radius, ...
    pyramid: tuple[float, float, float] = (0.065, 0.13, 0.6)
    sphere: float = 0.06

    # Light on the object, as a part of its colour.
    ambient: float = 0.0
    headlight: float = 0.3
    lamps: tuple[tuple[float, float, float], ...] = (  # towards each; long is strong
        (0.0, 0.1, 0.6),
        (-0.2, -0.5, 0.1),
        (0.5, -0.1, 0.1),
    )
    colours: tuple[tuple[float, float, float], ...] = (
        (225.0, 225.0, 225.0),
        (39.0, 154.0, 39.0),
        (200.0, 0.0, 0.0),
        (41.0, 108.0, 206.0),
        (82.0, 51.0, 34.0),
        (118.0, 117.0, 47.0),
    )


SCENE = Scene()


def axes(camera: Camera) -> tuple[Tensor, Tensor]:
    """Where a camera is, (3,), and its axes forward, right and down, rows of (3, 3)."""
    cos, sin = math.cos(camera.pitch), math.sin(camera.pitch)
    cos_yaw, sin_yaw = math.cos(camera.yaw), math.sin(camera.yaw)
    forward = torch.tensor([cos * sin_yaw, cos * cos_yaw, -sin])
    right = torch.tensor([cos_yaw, -sin_yaw, 0.0])
    down = torch.tensor([-sin * sin_yaw, -sin * cos_yaw, -cos])
    cos_roll, sin_roll = math.cos(camera.roll), math.sin(camera.roll)
    turned = (
        forward,
        cos_roll * right + sin_roll * down,
        cos_roll * down - sin_roll * right,
    )
    return torch.tensor([0.0, -camera.distance, camera.height]), torch.stack(turned)


def solids(scene: Scene) -> Solids:
    """The six objects at their large size, y along the arm, their base at y = 0."""
    normals = torch.zeros(len(SHAPES), FACES, 3)
    normals[..., 1] = 1
    offsets = torch.full((len(SHAPES), FACES), 2 * FAR)
    bend, centre = torch.zeros(len(SHAPES)), torch.zeros(len(SHAPES))
    square = torch.full((len(SHAPES),), FAR**2)

    def lids(shape: int, height: float) -> None:
        normals[shape, 0, 1] = -1
        offsets[shape, :2] = torch.tensor([0.0, height])

    def sides(shape: int, n: int, apothem: float, spin: float, rise: float) -> None:
        """``n`` planes around the axis that lean inwards by ``rise``."""
        for k in range(n):
            angle = spin + 2 * math.pi * k / n
            flat = math.cos(rise)
            normals[shape, 2 + k] = torch.tensor(
                [math.cos(angle) * flat, math.sin(rise), math.sin(angle) * flat]
            )
            offsets[shape, 2 + k] = apothem * flat

    radius, height = scene.cone
    lids(0, height)
    bend[0], centre[0], square[0] = -((radius / height) ** 2), height, 0.0
    half_width, height, spin = scene.cube
    lids(1, height)
    sides(1, 4, half_width, spin, 0.0)
    radius, height = scene.cylinder
    lids(2, height)
    square[2] = radius**2
    radius, height, spin = scene.hexagonal
    lids(3, height)
    sides(3, 6, radius * math.cos(math.pi / 6), spin, 0.0)
    half_width, height, spin = scene.pyramid
    lids(4, 4 * height)  # the sides close it
    sides(4, 4, half_width, spin, math.atan2(half_width, height))
    bend[5], centre[5], square[5] = 1.0, scene.sphere, scene.sphere**2
    return Solids(normals, offsets, bend, centre, square)


def heights(scene: Scene) -> tuple[float, ...]:
    """Of the six objects at their large size."""
    upright = (scene.cone, scene.cube, scene.cylinder, scene.hexagonal, scene.pyramid)
    return (*(numbers[1] for numbers in upright), 2 * scene.sphere)


def reaches(scene: Scene) -> tuple[float, ...]:
    """Radii of balls around the objects' middles that hold them."""
    radii = (
        scene.cone[0],
        scene.cube[0] * math.sqrt(2),
        scene.cylinder[0],
        scene.hexagonal[0],
        scene.pyramid[0] * math.sqrt(2),
    )
    upright = zip(radii, heights(scene)[:5], strict=True)
    return (*(math.hypot(r, h / 2) for r, h in upright), scene.sphere)
