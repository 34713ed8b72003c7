"""Convex solids that chairs are made of: prisms between two polygons.

Lengths are in metres; y is up, z is towards the front of the chair, and x to the left
of who sits on it. The two polygons of a prism have as many corners and the same
directions of their sides, so that all its sides are flat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Solid:
    """A prism, and what it is made of.

    Attributes
    ----------
    corners : Tensor
        (2k, 3): of both polygons.
    normals : Tensor
        Outward unit normals of the lids and sides, (k + 2, 3).
    offsets : Tensor
        A point p is inside of a plane if ``normal @ p <= offset``, (k + 2,).
    cushion : bool
        Whether it has the cushions' shade, or the frame's.
    """

    corners: Tensor
    normals: Tensor
    offsets: Tensor
    cushion: bool = False


def prism(bottom: Tensor, top: Tensor, cushion: bool = False) -> Solid:
    """The convex solid between two polygons, (k, 3) each, corner above corner."""
    corners = torch.cat([bottom, top])
    after = bottom.roll(-1, 0)
    sides = torch.linalg.cross(after - bottom, top - bottom)
    lid = torch.linalg.cross(bottom[1] - bottom[0], bottom[2] - bottom[0])
    other = torch.linalg.cross(top[1] - top[0], top[2] - top[0])
    normals = torch.cat([lid[None], other[None], sides])
    normals = normals / normals.norm(dim=1, keepdim=True)
    on = torch.cat([bottom[:1], top[:1], bottom])
    outward = ((on - corners.mean(0)) * normals).sum(1, keepdim=True).sign()
    normals = normals * outward
    return Solid(corners, normals, (on * normals).sum(1), cushion)


def block(
    centre: Point,
    half: Point,
    lean: float = 0.0,
    hinge: tuple[float, float] = (0.0, 0.0),
    cushion: bool = False,
) -> Solid:
    """A box that leans back over a level hinge.

    Parameters
    ----------
    centre : tuple of float
        Before it leans.
    half : tuple of float
        Half its width, height and depth.
    lean : float
        In degrees, towards the rear.
    hinge : tuple of float
        Height and depth (y, z) of the line that it turns about.
    cushion : bool
        As of :class:`Solid`.
    """
    signs = torch.tensor([[-1.0, -1, -1], [1, -1, -1], [1, -1, 1], [-1, -1, 1]])
    corners = torch.cat([signs, signs * torch.tensor([1.0, -1, 1])])
    corners = torch.tensor(centre) + corners * torch.tensor(half)
    corners = leant(corners, lean, hinge)
    return prism(corners[:4], corners[4:], cushion)


def leant(points: Tensor, lean: float, hinge: tuple[float, float]) -> Tensor:
    """Points, (n, 3), once they lean back by some degrees over a hinge (y, z)."""
    cos, sin = math.cos(math.radians(lean)), math.sin(math.radians(lean))
    up, forth = points[:, 1] - hinge[0], points[:, 2] - hinge[1]
    return torch.stack(
        [
            points[:, 0],
            hinge[0] + cos * up + sin * forth,
            hinge[1] + cos * forth - sin * up,
        ],
        1,
    )


def rod(
    start: Point,
    end: Point,
    radius: float,
    last: float | None = None,
    sides: int = 8,
    cushion: bool = False,
) -> Solid:
    """A round bar between two points; ``last`` is its radius at the end."""
    first, second = torch.tensor(start), torch.tensor(end)
    along = (second - first) / (second - first).norm()
    # Any direction across; even to both sides of the chair, as chairs are.
    helper = torch.tensor([1.0, 0, 0] if abs(float(along[0])) < 0.9 else [0, 1.0, 0])
    across = torch.linalg.cross(along, helper)
    across = across / across.norm()
    other = torch.linalg.cross(along, across)
    turn = (torch.arange(sides) + 0.5) * (2 * math.pi / sides)
    ring = turn.cos()[:, None] * across + turn.sin()[:, None] * other
    end_radius = radius if last is None else last
    return prism(first + radius * ring, second + end_radius * ring, cushion)


def disc(
    centre: Point,
    radii: tuple[float, float],
    thickness: float,
    lean: float,
    hinge: tuple[float, float],
    cushion: bool = False,
) -> Solid:
    """An upright oval plate that leans back: half width and half height as radii."""
    turn = (torch.arange(16) + 0.5) * (2 * math.pi / 16)
    oval = torch.stack(
        [radii[0] * turn.cos(), radii[1] * turn.sin(), torch.zeros(16)], 1
    )
    oval = oval + torch.tensor(centre)
    depth = torch.tensor([0.0, 0.0, thickness / 2])
    rear, front = (leant(oval + d, lean, hinge) for d in (-depth, depth))
    return prism(rear, front, cushion)


def both(solids: Sequence[Solid]) -> list[Solid]:
    """Solids on one side of a chair, and their mirror images on the other."""
    mirror = torch.tensor([-1.0, 1.0, 1.0])
    mirrored = [
        Solid(s.corners * mirror, s.normals * mirror, s.offsets, s.cushion)
        for s in solids
    ]
    return [*solids, *mirrored]
