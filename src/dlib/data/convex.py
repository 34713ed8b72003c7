"""Convex solids seen by a pinhole camera, a window of pixels for each of a batch.

A solid is what some planes and one quadric leave over. Along a ray
``origin + direction / nearness`` the nearness at which the ray meets a plane is
*affine* in the place on the picture, as the direction is: so a face costs an
addition and a comparison for each sample, in exact perspective, and any batch of
different solids is drawn by the same operations without a branch.

Everything is in the solid's own frame; y is the axis of the quadric.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FAR = 1e4  # of a plane that bounds nothing
NONE = 1e6  # nearness of what is never met
FACES = 8  # planes that a solid may have
FRONT = 4  # of which so many may face the camera at once


@dataclass(frozen=True)
class Solids:
    """Some solids, one to a row.

    Attributes
    ----------
    normals : Tensor
        Outward unit normals of the planes, (n, FACES, 3).
    offsets : Tensor
        A point p is inside of a plane if ``normal @ p <= offset``, (n, FACES); at
        least ``FAR`` for planes that are not there.
    bend, centre, square : Tensor
        Of the quadric, (n,): inside is ``x² + bend (y - centre)² + z² <= square``.
        A bend of 1 is a sphere, 0 a cylinder, a negative one a cone with its tip at
        ``centre``. Polytopes have a cylinder of radius ``FAR``.
    """

    normals: Tensor
    offsets: Tensor
    bend: Tensor
    centre: Tensor
    square: Tensor

    def to(self, device: torch.device) -> Solids:
        """The same on a device."""
        return Solids(*(tensor.to(device) for tensor in vars(self).values()))

    def pick(self, rows: Tensor, scale: Tensor) -> Solids:
        """Of each index in ``rows``, (m,), the solid, its lengths times ``scale``."""
        return Solids(
            self.normals[rows],
            self.offsets[rows] * scale[:, None],
            self.bend[rows],
            self.centre[rows] * scale,
            self.square[rows] * scale.square(),
        )


@dataclass(frozen=True)
class View:
    """Cameras in the solids' frames: rays are ``forward + x right + y down``.

    All (n, 3); ``right`` and ``down`` are those of a step of one sample, and
    ``forward`` points at the first sample of the window.
    """

    origin: Tensor
    forward: Tensor
    right: Tensor
    down: Tensor


@dataclass(frozen=True)
class Light:
    """Lambert's law: ambient light, and lamps at infinity that have directions."""

    ambient: float
    lamps: tuple[Tensor, ...]  # vectors to each, as long as it is strong, (n, 3)


def cast(
    solids: Solids, view: View, light: Light, samples: int
) -> tuple[Tensor, Tensor]:
    """Whether each ray meets its solid, and how bright it is there.

    Parameters
    ----------
    solids, view, light : Solids, View, Light
        Of n pictures.
    samples : int
        Rays along each side of a window.

    Returns
    -------
    inside : Tensor
        1 or 0, float, (n, samples, samples).
    brightness : Tensor
        float, the same shape; 0 outside.
    """
    steps = torch.arange(samples, device=view.origin.device, dtype=torch.float32)

    def affine(constant: Tensor, right: Tensor, down: Tensor) -> Tensor:
        """(n,) each; their plane over the window, (n, samples, samples)."""
        rows = (constant[:, None] + down[:, None] * steps)[:, :, None]
        return rows + (right[:, None] * steps)[:, None, :]

    # Planes. Those that face the camera are sorted to the front.
    outside = torch.einsum("nfk,nk->nf", solids.normals, view.origin) - solids.offsets
    order = outside.argsort(dim=1, descending=True)
    outside = outside.gather(1, order)
    normals = solids.normals.gather(1, order[:, :, None].expand(-1, -1, 3))
    faces = outside > 0
    # A ray enters a facing plane at the nearness -n.D / k, and leaves another alike.
    along = torch.stack(
        [
            torch.einsum("nfk,nk->nf", normals, v)
            for v in (view.forward, view.right, view.down)
        ]
    )
    along = -along / outside.abs().clamp(min=1e-6).copysign(outside)
    met, missed = along.where(faces, 0.0), along.where(~faces, 0.0)
    met[0] += NONE * ~faces
    lit = torch.full_like(outside, light.ambient)
    for lamp in light.lamps:
        lit += torch.einsum("nfk,nk->nf", normals, lamp).clamp(min=0)

    # The quadric: c s² + 2 b s + a = 0 at nearness s, with b affine and a quadratic.
    one = torch.ones_like(solids.bend)
    weight = torch.stack([one, solids.bend, one], 1)
    shifted = view.origin - torch.nn.functional.pad(solids.centre[:, None], (1, 1))
    c = (weight * shifted.square()).sum(1) - solids.square
    x, y, z = (
        affine(view.forward[:, k], view.right[:, k], view.down[:, k]) for k in range(3)
    )
    b = affine(
        *((weight * shifted * v).sum(1) for v in (view.forward, view.right, view.down))
    )
    bend = solids.bend[:, None, None]
    a = x * x + z * z + bend * (y * y)
    c_all = c[:, None, None]
    discriminant = b * b - a * c_all
    root = discriminant.clamp(min=0).sqrt()
    # A camera inside the quadric only leaves it; but inside the half of a cone that
    # is beyond the tip, it only enters the half that there is.
    beyond_tip = (c <= 0) & (solids.bend < 0) & (shifted[:, 1] > 0)
    enters, leaves = (c > 0) | beyond_tip, ~beyond_tip
    near = ((root - b) / c_all).where(enters[:, None, None], NONE)
    far = ((-root - b) / c_all).where(leaves[:, None, None], 0.0)
    near = near.where(discriminant >= 0, -1.0)

    # On the quadric the light depends on the place.
    place = 1 / near.clamp(min=1e-6)
    normal_x = x.mul(place).add_(shifted[:, 0, None, None])
    normal_y = y.mul(place).add_(shifted[:, 1, None, None]).mul_(bend)
    normal_z = z.mul(place).add_(shifted[:, 2, None, None])
    length = (normal_x * normal_x + normal_y * normal_y + normal_z * normal_z).rsqrt()
    brightness = torch.full_like(near, light.ambient)
    for lamp in light.lamps:
        lx, ly, lz = lamp[:, :, None, None].unbind(1)
        cosine = normal_x * lx + normal_y * ly + normal_z * lz
        brightness += (cosine * length).clamp_(min=0)

    for face in range(FRONT):
        here = affine(*met[:, :, face])
        nearer = here < near
        near = here.where(nearer, near)
        brightness = lit[:, face, None, None].where(nearer, brightness)
    for face in range(FACES):  # beside a round side, no plane may face the camera
        far = torch.maximum(far, affine(*missed[:, :, face]))
    inside = (near > far.clamp(min=0)).float()
    return inside, brightness * inside
