"""What faces are painted with: where pixels lie on a turned head, and layers.

Lengths are in 64ths of a picture, whatever its size, for a head of scale 1; the origin
lies between the eyes, x to the right and y down. What is painted on the face has
coordinates of its own, u and v: those the pixel would have if the head looked straight
ahead. They follow from the place of the pixel on a cylinder, so that features of a
turned head shift, and those on its far side are narrower.

Coverage of a pixel is the distance to the edge in pixels, cut off at half a pixel on
either side, which is what makes edges smooth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from dlib.data.faces_space import AZIMUTHS, ELEVATIONS, PLACES, SCALES

UNIT = 64
ORIGIN = (32.0, 29.5)  # in 64ths of a picture
RADIUS, DEPTH = 20.0, 13.0  # of the cylinder, and how far before the axis its front is
LIFTED = 9.0  # how far before the axis of lifting it is

Colour = tuple[float, float, float]


class Face:
    """A batch of faces that are being painted: pictures, coordinates, looks.

    Parameters
    ----------
    picture : Tensor
        float32 of 0 to 1, (n, 3, h, w). It is painted on in place.
    looks : mapping of str to Tensor
        The index of each factor, int64 (n,).
    across, down : tuple of Tensor
        Where columns and rows lie: x and u, (n, 1, w), and y and v, (n, h, 1).
    pixels : Tensor
        How many pixels a length of 1 has, (n, 1, 1).
    sines : tuple of Tensor
        Of the turn and the lift of the head, (n, 1, 1).
    """

    def __init__(
        self,
        picture: Tensor,
        looks: Mapping[str, Tensor],
        across: tuple[Tensor, Tensor],
        down: tuple[Tensor, Tensor],
        pixels: Tensor,
        sines: tuple[Tensor, Tensor],
    ) -> None:
        self.picture, self.looks, self.pixels = picture, looks, pixels
        self.x, self.u = across
        self.y, self.v = down
        self.turn, self.lift = sines

    # --- the looks ----------------------------------------------------------

    def has(self, name: str, value: int = 1) -> Tensor:
        """1.0 where a factor has a value, else 0.0: (n, 1, 1)."""
        return (self.looks[name] == value).to(self.pixels.dtype)[:, None, None]

    def choose(self, name: str, values: Sequence[float]) -> Tensor:
        """A number for each value of a factor: (n, 1, 1)."""
        return self.pixels.new_tensor(values)[self.looks[name]][:, None, None]

    def colour(self, name: str, values: Sequence[Colour]) -> Tensor:
        """A colour for each value of a factor: (n, 3, 1, 1)."""
        return self.pixels.new_tensor(values)[self.looks[name]][:, :, None, None]

    # --- a part of the pixels, or of the faces ------------------------------

    def window(self, left: float, top: float, right: float, bottom: float) -> Face:
        """The pixels in which lies what is between these edges, in any place and scale.

        What is painted on them is painted on this face.
        """
        size = self.picture.shape[-1]
        columns = _reach(left, right, ORIGIN[0], size)
        rows = _reach(top, bottom, ORIGIN[1], size)
        return Face(
            self.picture[:, :, rows, columns],
            self.looks,
            (self.x[:, :, columns], self.u[:, :, columns]),
            (self.y[:, rows], self.v[:, rows]),
            self.pixels,
            (self.turn, self.lift),
        )

    def some(self, rows: Tensor) -> Face:
        """A copy of some of the faces, int64 (m,): see :meth:`put_back`."""
        return Face(
            self.picture[rows],
            {name: column[rows] for name, column in self.looks.items()},
            (self.x[rows], self.u[rows]),
            (self.y[rows], self.v[rows]),
            self.pixels[rows],
            (self.turn[rows], self.lift[rows]),
        )

    def put_back(self, rows: Tensor, some: Face) -> None:
        """Take over what was painted on a copy of some of the faces."""
        self.picture[rows] = some.picture

    # --- paint --------------------------------------------------------------

    def cover(self, inside: Tensor) -> Tensor:
        """How much of each pixel a shape covers, from the distance inside its edge."""
        return (inside * self.pixels).add_(0.5).clamp_(0, 1)

    def line(self, off: Tensor, half: Tensor | float) -> Tensor:
        """The same of a line, from the distance to its middle and half its width."""
        cover = (half - off.abs()).mul_(self.pixels).add_(0.5).clamp_(min=0)
        # No more of a pixel than the line's width.
        return cover.minimum((2 * half * self.pixels).clamp(max=1))

    def lay(self, cover: Tensor, colour: Tensor, light: Tensor | None = None) -> None:
        """Paint a colour, (n, 3, 1, 1), where there is light, (n, h, w)."""
        if light is not None:
            colour = colour * light[:, None]
        self.picture.lerp_(colour.expand_as(self.picture), cover[:, None])

    def lay_plain(self, cover: Tensor, colour: Colour) -> None:
        """Paint one colour on all faces."""
        self.lay(cover, self.picture.new_tensor(colour)[None, :, None, None])

    def tint(self, amount: Tensor, colour: Colour) -> None:
        """Look at the picture through a glass: so much of it, of a colour."""
        glass = self.picture.new_tensor(colour)[None, :, None, None] - 1
        self.picture.mul_((amount[:, None] * glass).add_(1))


def start(picture: Tensor, looks: Mapping[str, Tensor]) -> Face:
    """Faces whose background is painted and nothing else.

    Parameters
    ----------
    picture : Tensor
        float32 of 0 to 1, (n, 3, size, size).
    looks : mapping of str to Tensor
        The index of each factor, int64 (n,).
    """

    def value(name: str, values: Sequence[float]) -> Tensor:
        return picture.new_tensor(values)[looks[name]][:, None, None]

    size = picture.shape[-1]
    middles = (torch.arange(size, device=picture.device) + 0.5) * (UNIT / size)
    scale = value("scale", SCALES)
    x = (middles[None, None, :] - ORIGIN[0] - value("posX", PLACES)) / scale
    y = (middles[None, :, None] - ORIGIN[1] - value("posY", PLACES)) / scale
    turn = value("azimuth", [math.radians(degrees) for degrees in AZIMUTHS])
    lift = value("elevation", [math.radians(degrees) for degrees in ELEVATIONS])
    # Beside the cylinder there is nothing to be seen of it: any place will do.
    before = (RADIUS**2 - x * x).clamp(min=9.0).sqrt() - (RADIUS - DEPTH)
    sin = turn.sin()
    u = x * turn.cos() - before * sin
    v = y + LIFTED * lift.sin()
    return Face(
        picture, looks, (x, u), (y, v), scale * (size / UNIT), (sin, lift.sin())
    )


def _reach(first: float, last: float, origin: float, size: int) -> slice:
    """The pixels between two edges, wherever the face is and however large."""
    low = origin + PLACES[0] + min(first * scale for scale in SCALES) - 1
    high = origin + PLACES[-1] + max(last * scale for scale in SCALES) + 1
    start_at = math.floor(low * size / UNIT)
    return slice(max(0, start_at), min(size, math.ceil(high * size / UNIT)))


def bump(x: Tensor, middle: Tensor | float, width: Tensor | float) -> Tensor:
    """A soft hill: 1 in its middle, and next to nothing two widths away."""
    return ((x - middle) / width).square_().neg_().exp_()


def oval(x: Tensor, y: Tensor, across: Tensor | float, down: Tensor | float) -> Tensor:
    """Distance from an ellipse around the origin, to first order, positive inside."""
    along, below = (x / across).square(), (y / down).square()
    level = 1 - (along + below)
    slope = along / across**2 + below / down**2  # a quarter of its square
    return level.mul_(slope.clamp_(min=1e-3).rsqrt_()).mul_(0.5)
