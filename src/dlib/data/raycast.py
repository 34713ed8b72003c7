"""Where rays of light meet simple solids: the geometry behind the 3DShapes twin.

Vectors are tensors whose *first* axis holds x, y and z (y is up), so that each
coordinate is one contiguous plane; the remaining axes broadcast. A ray is
``origin + distance * direction`` with a unit ``direction``. A miss is an
infinite distance. Sizes of solids are numbers or tensors that broadcast.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

NEAR = 1e-4  # closer hits are the surface that the ray itself starts from
MISS = math.inf

Size = float | Tensor


def vector(x: float, y: float, z: float, *, like: Tensor) -> Tensor:
    """A constant vector, shaped to broadcast against the vectors ``like``."""
    return like.new_tensor([x, y, z]).view(3, *[1] * (like.ndim - 1))


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product over the first axis."""
    return (a * b).sum(0)


def unit(a: Tensor) -> Tensor:
    """``a`` at length 1."""
    return a / dot(a, a).sqrt()


def at(origin: Tensor, direction: Tensor, distance: Tensor) -> Tensor:
    """The point reached; a missing ray's is put at a finite, far place."""
    return origin + distance.clamp(max=1e3) * direction


def camera(
    azimuth: Tensor,
    samples: int,
    *,
    radius: float,
    height: float,
    target_height: float,
    focal: float,
    shift: tuple[float, float] = (0.0, 0.0),
) -> tuple[Tensor, Tensor]:
    """Rays of cameras on a ring, each looking at the vertical axis.

    Parameters
    ----------
    azimuth : Tensor
        Angles on the ring in radians, shape (b,); 0 is the positive z axis.
    samples : int
        Rays along each side of the square picture.
    radius, height : float
        Of the ring.
    target_height : float
        Of the point on the axis in the picture's centre.
    focal : float
        Focal length, in sides of the picture.
    shift : tuple of float
        Principal point (right, down), in sides of the picture.

    Returns
    -------
    origin : Tensor
        Shape (3, b, 1).
    direction : Tensor
        Unit vectors, shape (3, b, samples**2), row by row from the top left.
    """
    origin = torch.stack(
        [
            radius * azimuth.sin(),
            torch.full_like(azimuth, height),
            radius * azimuth.cos(),
        ]
    )
    forward = unit(vector(0.0, target_height, 0.0, like=origin) - origin)
    # forward x (0, 1, 0), and then right x forward.
    right = unit(torch.stack([-forward[2], torch.zeros_like(azimuth), forward[0]]))
    above = torch.linalg.cross(right, forward, dim=0)
    grid = (torch.arange(samples, device=azimuth.device) + 0.5) / samples - 0.5
    to_right = ((grid - shift[0]) / focal).view(1, 1, 1, -1)
    down = ((grid - shift[1]) / focal).view(1, 1, -1, 1)
    forward, right, above = (v[..., None, None] for v in (forward, right, above))
    direction = unit(forward + to_right * right - down * above)
    return origin[..., None], direction.flatten(2)


def hit_sphere(
    origin: Tensor, direction: Tensor, centre_height: Size, radius: Size
) -> Tensor:
    """Distance to a sphere whose centre is on the vertical axis."""
    (ox, oy, oz), (dx, dy, dz) = origin, direction
    oy = oy - centre_height
    b = ox * dx + oy * dy + oz * dz
    discriminant = b * b - (ox * ox + oy * oy + oz * oz - radius * radius)
    distance = -b - discriminant.clamp(min=0).sqrt()
    return distance.where((discriminant >= 0) & (distance > NEAR), MISS)


def hit_tube(
    origin: Tensor, direction: Tensor, radius: Size, bottom: Size, top: Size
) -> Tensor:
    """Distance to the side of an upright cylinder around the vertical axis."""
    (ox, oy, oz), (dx, dy, dz) = origin, direction
    a = dx * dx + dz * dz
    b = ox * dx + oz * dz
    discriminant = b * b - a * (ox * ox + oz * oz - radius * radius)
    distance = (-b - discriminant.clamp(min=0).sqrt()) / a
    y = oy + distance * dy
    inside = (discriminant >= 0) & (distance > NEAR) & (y >= bottom) & (y <= top)
    return distance.where(inside, MISS)


def hit_lid(origin: Tensor, direction: Tensor, radius: Size, height: Size) -> Tensor:
    """Distance to a level disc around the vertical axis."""
    (ox, oy, oz), (dx, dy, dz) = origin, direction
    distance = (height - oy) / dy
    x, z = ox + distance * dx, oz + distance * dz
    inside = (distance > NEAR) & (x * x + z * z <= radius * radius)
    return distance.where(inside, MISS)


def hit_box(
    origin: Tensor, direction: Tensor, half_width: Size, height: Size
) -> Tensor:
    """Distance to a box that stands on the floor, its sides along x and z."""
    enter: Tensor | None = None
    leave: Tensor | None = None
    bounds: Sequence[tuple[Size, Size]] = (
        (-half_width, half_width),
        (0.0, height),
        (-half_width, half_width),
    )
    for o, d, (low, high) in zip(origin, direction, bounds, strict=True):
        one, other = (low - o) / d, (high - o) / d
        first, last = torch.minimum(one, other), torch.maximum(one, other)
        enter = first if enter is None else torch.maximum(enter, first)
        leave = last if leave is None else torch.minimum(leave, last)
    assert enter is not None and leave is not None
    return enter.where((leave >= enter) & (enter > NEAR), MISS)
