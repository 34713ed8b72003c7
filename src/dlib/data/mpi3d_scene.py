"""What stands before the cameras of MPI3D toy: every number, and the objects.

Lengths are in radii of the coloured ring on the floor, angles in radians, light
in 0..255. The floor is z = 0 and the ring's middle the origin; y points away from
the cameras and x to their right. The numbers were fitted to published pictures;
none of the pictures is part of this package.
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
    """Where a camera is, and how it is turned away from the ring's middle."""

    distance: float
    height: float
    pitch: float  # down
    yaw: float  # to the right
    roll: float
    azimuth: float  # of its place, to the right around the ring's middle


@dataclass(frozen=True)
class Scene:
    """Every number of the picture."""

    # In pixels of a picture of 64: the focal length, and where the axes meet it.
    focal: float = 76.926
    centre: tuple[float, float] = (32.125, 32.099)
    cameras: tuple[Camera, ...] = (  # top, centre, bottom
        Camera(0.84045, 1.22117, 0.92283, 0.05483, 0.01078, 0.00744),
        Camera(0.98204, 1.02256, 0.71590, -0.01140, 0.03178, -0.01392),
        Camera(1.09039, 0.76903, 0.44855, 0.05155, 0.00336, -0.02111),
    )

    # The ring is purple, sea green and salmon, and a third of it is far away. To
    # the left of that follows the next colour, to its right the one before.
    floor: float = 52.39
    ring_inner: float = 0.7925
    ring_left: float = -0.9687
    ring_right: float = 1.1596
    ring_shade: tuple[float, float, float] = (0.0158, -0.3634, -0.4964)  # x, y, x²
    ring_colours: tuple[tuple[float, float, float], ...] = (
        (100.62, 75.33, 143.72),
        (69.55, 95.87, 91.86),
        (102.56, 73.98, 82.29),
    )

    # The arm. The horizontal axis tilts it over the shoulder, from near (index 0)
    # to far; the vertical one turns it, from left to right where it points away.
    # Angles are those in the middle and from there to the last index: where the
    # arm points up from the horizon, and to the right of y.
    tilt: tuple[float, float] = (1.6118, -1.6015)
    turn: tuple[float, float] = (0.3305, 1.6367)
    place: tuple[float, float] = (0.0101, 0.0035)  # of the column: x, y
    shoulder: float = 0.3137
    aside: float = -0.0348  # of the arm's line from the shoulder, to its right
    below: float = -0.0107
    reach: float = 0.3115  # from there to the object's middle

    # The base is a disc with a darker sector that turns with the arm.
    base_radius: float = 0.0805
    base_light: float = 163.9
    sector_turn: float = 0.4302  # to the right of the arm
    sector_half: float = 0.8897
    sector_light: float = 131.4
    column_radius: float = 0.0365
    column_light: tuple[float, float] = (94.6, 71.2)  # bottom, top
    joint_radius: float = 0.0380
    joint_light: float = 138.4
    elbow: tuple[float, float] = (-0.0019, 0.0487)  # from where to where along the arm
    elbow_radius: float = 0.0239
    elbow_light: float = 135.3
    rod_radius: float = 0.0090
    rod_light: tuple[float, float] = (163.0, -53.3)  # level, and more if upright

    # Objects at the large size. All have the middle at the same place of the arm.
    small: float = 0.6784
    cone: tuple[float, float] = (0.0736, 0.1399)  # radius, height
    cube: tuple[float, float, float] = (0.0735, 0.1395, -0.0045)  # apothem, ..., spin
    cylinder: tuple[float, float] = (0.0685, 0.1415)
    hexagonal: tuple[float, float, float] = (0.0722, 0.1433, 0.4632)
    pyramid: tuple[float, float, float] = (0.0734, 0.1411, 0.0596)
    sphere: float = 0.0700

    # Light on the object, as a part of its colour.
    ambient: float = 0.1281
    headlight: float = 0.3990
    lamps: tuple[tuple[float, float, float], ...] = (  # towards each; long is strong
        (-0.3785, -0.1912, 0.6585),
        (0.4384, -0.1810, -0.0569),
        (0.2376, 0.4890, 0.2790),
    )
    colours: tuple[tuple[float, float, float], ...] = (
        (197.4, 197.4, 197.4),
        (35.3, 133.1, 35.3),
        (181.0, 5.5, 7.2),
        (35.9, 91.2, 177.9),
        (68.9, 41.9, 33.3),
        (102.2, 101.3, 44.1),
    )


SCENE = Scene()


def axes(camera: Camera) -> tuple[Tensor, Tensor]:
    """Where a camera is, (3,), and its axes: forward, right and down, (3, 3)."""
    cos, sin = math.cos(camera.pitch), math.sin(camera.pitch)
    cos_yaw, sin_yaw = math.cos(camera.yaw), math.sin(camera.yaw)
    forward = torch.tensor([cos * sin_yaw, cos * cos_yaw, -sin])
    right = torch.tensor([cos_yaw, -sin_yaw, 0.0])
    down = torch.tensor([-sin * sin_yaw, -sin * cos_yaw, -cos])
    cos_roll, sin_roll = math.cos(camera.roll), math.sin(camera.roll)
    turned = torch.stack(
        [
            forward,
            cos_roll * right + sin_roll * down,
            cos_roll * down - sin_roll * right,
        ]
    )
    origin = torch.tensor([0.0, -camera.distance, camera.height])
    # So far the camera stands straight before the ring; now it goes round.
    cos, sin = math.cos(camera.azimuth), math.sin(camera.azimuth)
    around = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return around @ origin, turned @ around.T


def solids(scene: Scene) -> Solids:
    """The six objects at the large size, y along the arm, their base at y = 0."""
    normals = torch.zeros(len(SHAPES), FACES, 3)
    normals[..., 1] = 1
    offsets = torch.full((len(SHAPES), FACES), 2 * FAR)
    bend, centre = torch.zeros(len(SHAPES)), torch.zeros(len(SHAPES))
    square = torch.full((len(SHAPES),), FAR**2)

    def lids(shape: int, height: float) -> None:
        normals[shape, 0, 1] = -1
        offsets[shape, :2] = torch.tensor([0.0, height])

    def sides(shape: int, n: int, apothem: float, spin: float, lean: float) -> None:
        """``n`` planes around the axis that lean inwards, by an angle."""
        for k in range(n):
            angle = spin + 2 * math.pi * k / n
            level = math.cos(lean)
            normals[shape, 2 + k] = torch.tensor(
                [math.cos(angle) * level, math.sin(lean), math.sin(angle) * level]
            )
            offsets[shape, 2 + k] = apothem * level

    radius, height = scene.cone
    lids(0, height)
    bend[0], centre[0], square[0] = -((radius / height) ** 2), height, 0.0
    apothem, height, spin = scene.cube
    lids(1, height)
    sides(1, 4, apothem, spin, 0.0)
    radius, height = scene.cylinder
    lids(2, height)
    square[2] = radius**2
    apothem, height, spin = scene.hexagonal
    lids(3, height)
    sides(3, 6, apothem, spin, 0.0)
    apothem, height, spin = scene.pyramid
    lids(4, 2 * FAR)  # the sides close it
    sides(4, 4, apothem, spin, math.atan2(apothem, height))
    bend[5], centre[5], square[5] = 1.0, scene.sphere, scene.sphere**2
    return Solids(normals, offsets, bend, centre, square)


def heights(scene: Scene) -> tuple[float, ...]:
    """Of the six objects at the large size."""
    upright = (scene.cone, scene.cube, scene.cylinder, scene.hexagonal, scene.pyramid)
    return (*(numbers[1] for numbers in upright), 2 * scene.sphere)


def reaches(scene: Scene) -> tuple[float, ...]:
    """Radii of the balls around the objects' middles that hold them."""
    radii = (
        scene.cone[0],
        scene.cube[0] * math.sqrt(2),
        scene.cylinder[0],
        scene.hexagonal[0] / math.cos(math.pi / 6),
        scene.pyramid[0] * math.sqrt(2),
    )
    upright = zip(radii, heights(scene)[:5], strict=True)
    return (*(math.hypot(r, h / 2) for r, h in upright), scene.sphere)
