"""A twin of 3DShapes: the same rooms and solids, drawn by casting rays.

3DShapes (Burgess and Kim, 2018, github.com/google-deepmind/3d-shapes) has
480,000 pictures of one solid in a room, in every combination of six factors.
Three of the factors are hues, and hues move nothing: there are only 8 scales x
4 shapes x 15 orientations = 480 different geometries. Each is traced once, into
:data:`SHADES` planes of ``uint8`` that are kept on disk, and a picture is three
planes added up in each of its colour channels.

That works because a fully saturated hue that is a multiple of 0.1 has channels
of only 0, 0.2, ... 1, so "the light that the floor sends into a channel of level
0.6" can be made once for each level, with clipping and anti-aliasing done.

The numbers of :class:`Scene` were fitted to real pictures; none of the pictures
is part of this package.
"""

from __future__ import annotations

import colorsys
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from dlib.data import raycast
from dlib.data.buffers import load_or_build
from dlib.data.dataset import Grid
from dlib.data.factors import Factor, FactorSpace
from dlib.progress import Progress

_HUES = tuple(h / 10 for h in range(10))
_SCALES = tuple(0.75 + 0.5 * i / 7 for i in range(8))
_SHAPES = ("cube", "cylinder", "sphere", "capsule")
_ORIENTATIONS = tuple(-30 + 60 * i / 14 for i in range(15))

SPACE = FactorSpace(
    [
        Factor("floor_hue", _HUES),
        Factor("wall_hue", _HUES),
        Factor("object_hue", _HUES),
        Factor("scale", _SCALES),
        Factor("shape", (0.0, 1.0, 2.0, 3.0), "categorical", _SHAPES),
        Factor("orientation", _ORIENTATIONS),
    ]
)
"""The official file's factors: hues as fractions of a turn, orientation in degrees."""

SIZES = (8, 16, 32, 48, 64, 96, 128)
GEOMETRIES = 8 * 4 * 15
LEVELS = tuple(i / 5 for i in range(6))
SHADES = 3 * len(LEVELS) + 3
"""Planes of a geometry: floor, wall and solid at each level, and the sky's RGB."""


@dataclass(frozen=True)
class Scene:
    """Every number of the picture, in units of the sphere's radius at scale 1.

    y is up, the solid stands on the floor at the origin, and the room's far
    wall is at negative z. The light is OpenGL's: an ambient part, a headlight
    that shines along the camera's axis, and a spotlight that casts shadows.
    """

    # Camera: on a ring, level but for a little; focal length and principal point
    # in sides of the picture (a field of view of 50 degrees).
    camera_radius: float = 5.9311
    camera_height: float = 1.6959
    target_height: float = 1.6845
    azimuth_offset: float = -0.763  # degrees
    focal: float = 1.07083
    shift_down: float = 0.00136

    # Room: the walls' distances from the origin, and their height.
    wall_left: float = 8.851
    wall_right: float = 9.1727
    wall_back: float = 9.2627
    wall_height: float = 5.0766

    # Solids at scale 1.
    cube_half_width: float = 0.8309
    cube_height: float = 1.646
    cylinder_radius: float = 0.8917
    cylinder_height: float = 1.7691
    sphere_radius: float = 1.0055
    capsule_radius: float = 0.7729
    capsule_height: float = 3.076

    # Light.
    ambient: float = 0.3646
    headlight: float = 0.5656
    spot: float = 0.9665
    spot_exponent: float = 10.423
    lamp_x: float = -4.654
    lamp_y: float = 19.259
    lamp_z: float = -0.182
    aim_x: float = -4.155  # where on the floor the spotlight points
    aim_z: float = -1.217
    caster_x: float = -6.576  # where shadows come from
    caster_y: float = 29.546
    caster_z: float = -3.289
    shadow: float = 0.3256  # light on the floor in the shadow
    gloss: float = 0.1127  # white that the lamp adds to the solid
    gloss_from: float = 0.0271  # cosine to the lamp at which gloss sets in
    gloss_to: float = 0.1255  # ... and is complete

    sky: tuple[float, float, float] = (153 / 255, 226 / 255, 249 / 255)


SCENE = Scene()


def hit(
    shape: int, origin: Tensor, direction: Tensor, scale: raycast.Size, scene: Scene
) -> Tensor:
    """Distance along each ray to the solid number ``shape``."""
    if shape == 0:
        half_width, height = scene.cube_half_width * scale, scene.cube_height * scale
        return raycast.hit_box(origin, direction, half_width, height)
    if shape == 1:
        radius, height = scene.cylinder_radius * scale, scene.cylinder_height * scale
        return torch.minimum(
            raycast.hit_tube(origin, direction, radius, 0.0, height),
            raycast.hit_lid(origin, direction, radius, height),
        )
    if shape == 2:
        radius = scene.sphere_radius * scale
        return raycast.hit_sphere(origin, direction, radius, radius)
    radius, height = scene.capsule_radius * scale, scene.capsule_height * scale
    ball = raycast.hit_sphere(origin, direction, radius, radius)
    cap = raycast.hit_sphere(origin, direction, height - radius, radius)
    side = raycast.hit_tube(origin, direction, radius, radius, height - radius)
    return torch.minimum(torch.minimum(ball, cap), side)


def normal(shape: int, point: Tensor, scale: float, scene: Scene) -> Tensor:
    """Outward unit normal of the solid number ``shape`` at a point on it."""
    x, y, z = point
    if shape == 0:
        half_height = scene.cube_height * scale / 2
        half_width = scene.cube_half_width * scale
        inside = torch.stack(
            [x / half_width, (y - half_height) / half_height, z / half_width]
        )
        # The face is the coordinate that has come furthest.
        face = inside.abs() == inside.abs().amax(0)
        return raycast.unit(inside.sign() * face)
    if shape == 1:
        on_lid = y >= scene.cylinder_height * scale * 0.9999
        level = raycast.unit(torch.stack([x, torch.zeros_like(y), z]))
        return torch.where(on_lid, raycast.vector(0, 1, 0, like=level), level)
    if shape == 2:
        return raycast.unit(torch.stack([x, y - scene.sphere_radius * scale, z]))
    radius, height = scene.capsule_radius * scale, scene.capsule_height * scale
    core = y.clamp(radius, height - radius)
    return raycast.unit(torch.stack([x, y - core, z]))


@dataclass
class Surfaces:
    """What each ray meets, and how much light comes back along it.

    The three masks exclude each other; a ray that meets none sees the sky.
    ``*_light`` multiplies a surface's colour, ``gloss`` is added to the solid's
    in white. All have the rays' shape.
    """

    floor: Tensor
    wall: Tensor
    solid: Tensor
    floor_light: Tensor
    wall_light: Tensor
    solid_light: Tensor
    gloss: Tensor


def trace(
    shape: int, scale: float, azimuth: Tensor, samples: int, scene: Scene = SCENE
) -> Surfaces:
    """Cast ``samples`` x ``samples`` rays from each of some cameras.

    Parameters
    ----------
    shape : int
        Index of the shape.
    scale : float
        Size of the solid, 0.75 to 1.25.
    azimuth : Tensor
        Orientations in radians, shape (b,).
    samples : int
        Rays along each side of the picture.
    scene : Scene
        Sizes and lights.

    Returns
    -------
    Surfaces
        Tensors of shape (b, samples**2).
    """
    origin, direction = raycast.camera(
        azimuth + math.radians(scene.azimuth_offset),
        samples,
        radius=scene.camera_radius,
        height=scene.camera_height,
        target_height=scene.target_height,
        focal=scene.focal,
        shift=(0.0, scene.shift_down),
    )
    centre = raycast.vector(0, scene.target_height, 0, like=origin)
    headlight = raycast.unit(origin - centre)  # towards the camera
    (ox, oy, oz), (dx, dy, dz) = origin, direction

    to_floor = (-oy / dy).where(dy < 0, raycast.MISS)
    side_x = torch.where(dx > 0, scene.wall_right, -scene.wall_left)
    to_side = (side_x - ox) / dx
    to_back = ((-scene.wall_back - oz) / dz).where(dz < 0, raycast.MISS)
    to_wall = torch.minimum(to_side, to_back)
    on_wall = oy + to_wall * dy <= scene.wall_height
    to_room = torch.minimum(to_floor, to_wall.where(on_wall, raycast.MISS))
    to_solid = hit(shape, origin, direction, scale, scene)

    solid = to_solid < to_room
    floor = ~solid & (to_floor <= to_wall)
    wall = ~solid & ~floor & on_wall
    point = raycast.at(origin, direction, torch.minimum(to_solid, to_room))

    lamp = raycast.vector(scene.lamp_x, scene.lamp_y, scene.lamp_z, like=origin)
    aim = raycast.vector(scene.aim_x, 0, scene.aim_z, like=origin)
    to_lamp = raycast.unit(lamp - point)
    cone = raycast.dot(to_lamp, raycast.unit(lamp - aim)).clamp(min=1e-3)
    spot = scene.spot * cone**scene.spot_exponent

    # Shadows come from a little beside the lamp: that fits better than one place.
    caster = raycast.vector(scene.caster_x, scene.caster_y, scene.caster_z, like=origin)
    above = point + raycast.vector(0, 1e-3, 0, like=point)
    blocked = hit(shape, above, raycast.unit(caster - point), scale, scene).isfinite()
    lit_floor = scene.ambient + to_lamp[1] * spot
    floor_light = lit_floor.where(~blocked, scene.shadow)

    on_side = to_side < to_back
    facing_lamp = torch.where(on_side, -dx.sign() * to_lamp[0], to_lamp[2])
    facing_camera = torch.where(on_side, headlight[0].abs(), headlight[2])
    wall_light = (
        scene.ambient
        + scene.headlight * facing_camera
        + facing_lamp.clamp(min=0) * spot
    )

    outward = normal(shape, point, scale, scene)
    facing_lamp = raycast.dot(outward, to_lamp)
    facing_camera = raycast.dot(outward, headlight)
    solid_light = (
        scene.ambient
        + scene.headlight * facing_camera.clamp(min=0)
        + facing_lamp.clamp(min=0) * spot
    )
    # With OpenGL's shininess at 0 the gloss is even over all that faces the lamp.
    onset = (facing_lamp - scene.gloss_from) / (scene.gloss_to - scene.gloss_from)
    gloss = scene.gloss * onset.clamp(0, 1)
    return Surfaces(floor, wall, solid, floor_light, wall_light, solid_light, gloss)


def shades(surfaces: Surfaces, size: int, samples: int, scene: Scene = SCENE) -> Tensor:
    """The planes that add up to pictures.

    Parameters
    ----------
    surfaces : Surfaces
        From :func:`trace`, of b cameras.
    size, samples : int
        Pixels and rays along each side of the picture.

    Returns
    -------
    Tensor
        ``uint8``, shape (b, SHADES, size**2): floor, wall and solid at each of
        :data:`LEVELS`, and the sky's red, green and blue.
    """
    per_pixel = samples // size

    def pooled(rays: Tensor) -> Tensor:
        return avg_pool2d(rays.view(-1, samples, samples), per_pixel).flatten(1)

    parts = (
        (surfaces.floor, surfaces.floor_light, 0.0),
        (surfaces.wall, surfaces.wall_light, 0.0),
        (surfaces.solid, surfaces.solid_light, surfaces.gloss),
    )
    planes = []
    seen = [pooled(mask.float()) for mask, _, _ in parts]
    for mask, light, gloss in parts:
        for level in LEVELS:
            planes.append(pooled((level * light + gloss).clamp(max=1).where(mask, 0.0)))
    sky = 1 - (seen[0] + seen[1] + seen[2])
    seen.append(sky.where(sky > 1e-5, 0.0))  # no less than one ray; not rounding
    planes += [seen[3] * channel for channel in scene.sky]
    # Planes are rounded before they are added. A pixel that shows one surface is
    # rounded to the nearest; where m of them share it, each is rounded down from
    # 1/(2m) above, so that their sum cannot pass 255.
    sharing = torch.stack([part > 0 for part in seen]).sum(0)
    half = (0.5 / sharing)[:, None]
    return (torch.stack(planes, 1) * 255 + half).floor().to(torch.uint8)


def _rays_per_side(size: int) -> int:
    """3x3 rays a pixel at 64; more at 32, for the same work; never too few."""
    return size * min(6, max(2, 192 // size))


def build(size: int) -> Tensor:
    """Trace every geometry; uint8, shape (GEOMETRIES, SHADES, size**2)."""
    samples = _rays_per_side(size)
    azimuth = torch.tensor(_ORIENTATIONS).deg2rad()
    table = torch.empty(8, 4, 15, SHADES, size * size, dtype=torch.uint8)
    pairs = [(scale, shape) for scale in range(8) for shape in range(4)]
    with Progress(f"drawing 3DShapes at {size}x{size}, once", len(pairs)) as bar:
        for done, (scale, shape) in enumerate(pairs, start=1):
            for some in torch.arange(15).split(5):  # small enough for a cache
                surfaces = trace(shape, _SCALES[scale], azimuth[some], samples)
                table[scale, shape, some] = shades(surfaces, size, samples)
            bar.update(done)
    return table.flatten(0, 2)


def _version() -> str:
    """Changes with anything that a plane depends on, be it number or formula."""
    sources = (Path(__file__), Path(raycast.__file__))
    return hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:12]


class TwinShapes3D(Grid):
    """3DShapes, drawn rather than read.

    Parameters
    ----------
    size : int
        Side of the pictures, one of ``SIZES``. The official size is 64;
        others are traced at that size, not resized.
    device : torch.device or str
        Where pictures are made; the planes (86 kB a geometry at size 64, 41 MB
        in all) are moved there once.
    root : path, optional
        Folder in which the planes are kept; by default ``$DLIB_CACHE``, or the
        user's cache folder.

    Raises
    ------
    ValueError
        If the size is not one of those there are.
    """

    # Of how the pictures look: runs record it. Raise it when they change.
    version = 1

    def __init__(
        self,
        size: int = 64,
        device: torch.device | str = "cpu",
        root: str | Path | None = None,
    ) -> None:
        if size not in SIZES:
            raise ValueError(
                f"the 3DShapes twin is drawn at {', '.join(map(str, SIZES))} pixels "
                f"a side, not {size}; the official pictures have 64"
            )
        super().__init__("shapes3d", "twin", SPACE, 3, size, device)
        make: Callable[[], Tensor] = lambda: build(size)  # noqa: E731
        planes = load_or_build(
            f"shapes3d-{size}-{_version()}",
            make,
            (GEOMETRIES, SHADES, size * size),
            torch.uint8,
            None if root is None else Path(root),
        )
        self._planes = planes.flatten(0, 1).to(self.device)
        # Which of the six levels each channel of a hue has, shape (10, 3).
        colours = torch.tensor([colorsys.hsv_to_rgb(h, 1, 1) for h in _HUES])
        self._level = (colours * 5).round().long().to(self.device)
        self._sky = torch.arange(SHADES - 3, SHADES, device=self.device)

    def _render(self, factors: Tensor) -> Tensor:
        floor_hue, wall_hue, object_hue, scale, shape, orientation = factors.unbind(1)
        first = (((scale * 4 + shape) * 15 + orientation) * SHADES)[:, None]
        rows = (
            first + self._level[floor_hue],
            first + self._level[wall_hue] + len(LEVELS),
            first + self._level[object_hue] + 2 * len(LEVELS),
            first + self._sky,
        )
        # Whole planes are picked: a row here is a picture's channel.
        images = self._planes[rows[0].flatten()]
        for row in rows[1:]:
            images += self._planes[row.flatten()]
        return images.view(-1, 3, self.size, self.size)
