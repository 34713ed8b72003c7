"""What sprites are painted with: layers, and distances from the edges of shapes.

Lengths are in sixtieths of a picture, whatever its size. Coverage of a pixel is the
distance to the edge in pixels, cut off at less than half a pixel on either side: a
little sharper than it would be by area, as pixels that somebody set by hand are.
"""

from __future__ import annotations

from typing import overload

import torch
from torch import Tensor

UNIT = 60  # a picture's side: the official one's, in pixels
SHARP = 1.35
OUTLINE, DARK = 1.1, 0.26  # how wide an outline is, and how light
AWAY = 100.0  # so far out of a shape that it is not seen, whatever the size
SKIN = None  # in place of a colour: as the skin of the character will be

Colour = tuple[float, float, float]


class Layer:
    """Something to be laid over a picture, for several poses.

    Three things of each pixel: how much is kept of what is below, how much light of a
    colour of its own is added, and how much of the skin's, which is known later.

    Parameters
    ----------
    poses : int
        How many.
    size : int
        Side of the pictures in pixels.
    device : torch.device
        Where they are painted.
    """

    def __init__(self, poses: int, size: int, device: torch.device) -> None:
        self.size = size
        self.keep = torch.ones(poses, size, size, device=device)
        self.light = torch.zeros(poses, 3, size, size, device=device)
        self.skin = torch.zeros(poses, size, size, device=device)

    def of(self, poses: Tensor) -> Layer:
        """A copy in some of the poses, int64 (n,)."""
        other = Layer(0, self.size, self.keep.device)
        other.keep, other.light = self.keep[poses], self.light[poses]
        other.skin = self.skin[poses]
        return other

    def lay(self, other: Layer) -> Layer:
        """Lay another layer over this one; returns this one."""
        self.light.mul_(other.keep[:, None]).add_(other.light)
        self.skin.mul_(other.keep).add_(other.skin)
        self.keep.mul_(other.keep)
        return self

    def put(
        self,
        inside: Tensor,
        colour: Colour | None,
        shade: Tensor | float = 1.0,
        outline: float = OUTLINE,
    ) -> None:
        """Paint a shape.

        Parameters
        ----------
        inside : Tensor
            Distance from its edge, positive inside, (poses, size, size).
        colour : (float, float, float) or SKIN
            0 to 1.
        shade : Tensor or float
            How light each pixel is, 0 to 1 and a little more.
        outline : float
            How wide its dark edge is.
        """
        cover = (inside * (SHARP * self.size / UNIT)).add_(0.5).clamp_(0, 1)
        if outline:
            # Where pixels are coarse the edge blends in, rather than eat the shape.
            soft = max(1.0, UNIT / self.size)
            rim = ((inside - outline) / soft).add_(0.5).clamp_(0, 1)
            shade = rim.mul_(1 - DARK).add_(DARK).mul_(shade)
        self.keep.mul_(1 - cover)
        self.light.mul_((1 - cover)[:, None])
        self.skin.mul_(1 - cover)
        light = cover * shade
        if colour is None:
            self.skin.add_(light)
        else:
            tint = light.new_tensor(colour)[:, None, None]
            self.light.add_(light[:, None] * tint)

    def stored(self) -> Tensor:
        """Kept, light and skin, uint8 (poses, 5, size, size)."""
        parts = (self.keep[:, None], self.light, self.skin[:, None])
        return torch.cat(parts, 1).mul_(255).add_(0.5).clamp_(0, 255).to(torch.uint8)


class Paper:
    """Where the pixels are, and how far they are from shapes.

    Points are (n, 2), numbers (n,) or floats, and distances (n, size, size).
    """

    def __init__(self, size: int, device: torch.device) -> None:
        middles = (torch.arange(size, device=device) + 0.5) * (UNIT / size)
        self.size, self.device = size, device
        self.x, self.y = middles[None, None, :], middles[None, :, None]

    def from_point(self, point: Tensor) -> tuple[Tensor, Tensor]:
        """How far pixels are to the right and down of a point, to be broadcast."""
        x, y = (value[:, None, None] for value in point.unbind(1))
        return self.x - x, self.y - y

    def limb(
        self, start: Tensor, end: Tensor, thick: float, thin: float
    ) -> tuple[Tensor, Tensor]:
        """A bar with round ends: distance, and how far pixels are along it, 0 to 1."""
        right, down = self.from_point(start)
        dx, dy = (value[:, None, None] for value in (end - start).unbind(1))
        length = (dx * dx + dy * dy).clamp(min=1e-4)
        along = (right * (dx / length) + down * (dy / length)).clamp_(0, 1)
        off = torch.hypot(right - along * dx, down - along * dy)
        return thick + (thin - thick) * along - off, along

    def oval(
        self, middle: Tensor, across: Tensor | float, down: Tensor | float
    ) -> Tensor:
        """An ellipse, to first order."""
        right, below = self.from_point(middle)
        across, down = wide(across), wide(down)
        u, v = right / across, below / down
        level = torch.hypot(u, v).clamp_(min=1e-3)
        slope = torch.hypot(u / across, v / down).clamp_(min=1e-4)
        return level * (1 - level) / slope

    def frame(self, origin: Tensor, towards: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Along the line from one point to another, across it, and its length."""
        right, down = self.from_point(origin)
        length = (towards - origin).norm(dim=1).clamp(min=1e-2)
        dx, dy = ((towards - origin) / length[:, None]).unbind(1)
        dx, dy = wide(dx), wide(dy)
        return right * dx + down * dy, down * dx - right * dy, wide(length)


@overload
def wide(value: Tensor) -> Tensor: ...


@overload
def wide(value: float) -> float: ...


def wide(value: Tensor | float) -> Tensor | float:
    """A number for each pose, to be broadcast over pixels."""
    return value[:, None, None] if isinstance(value, Tensor) else value
