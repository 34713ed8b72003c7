"""How the flowers of the twin are painted.

A flower is one petal, turned: each pixel is folded into the sector of the petal that
it is nearest to, and its distance from that petal's outline is a closed formula of
where it lies along the petal and across. Coverage is that distance in pixels, cut off
at half a pixel on either side, which is what makes edges smooth. What stands behind
the flower (the background, the stem and its leaves) moves with the flower's place and
with nothing else, so it is painted once for each place.

Lengths are in sides of the picture, or, within a flower, in flower radii; y is down.
"""

from __future__ import annotations

import colorsys
import math

import torch
from torch import Tensor

from dlib.data.flowers_species import BACKGROUNDS, NUMBERS, SHAPES

# The petals' hues, in turns: from blue over red (1, which is 0) to yellow.
HUES = (0.60, 0.68, 0.76, 0.84, 0.92, 1.00, 1.07, 1.15)
SATURATION, LIGHT = 0.76, 0.96
SCALES = (0.30, 0.34, 0.38, 0.42)  # radius of the flower
TURNS = tuple(i / 6 for i in range(6))  # of the way from one petal to the next
PLACES = (-0.08, -0.04, 0.0, 0.04, 0.08)  # of the flower, from the picture's middle

CENTRE_RADII = (0.17, 0.30, 0.17, 0.30)
CENTRE_COLOURS = ((0.99, 0.82, 0.22), (0.24, 0.12, 0.10))  # yellow, dark
CREASE = 0.38  # how much darker it is between two petals
BASE = 0.70  # light at the foot of a petal; it is 1 at the tip
SHADOW = 0.25  # how much darker it is right behind the flower
SHADOW_WIDTH = 0.05  # sides of the picture

Colour = tuple[float, float, float]


# --- petals -----------------------------------------------------------------
#
# Distances from the outline, positive inside: x is along the petal, from 0 at the
# flower's middle to 1 at the tip; y, not negative, is across.


def round_petal(x: Tensor, y: Tensor, width: Tensor) -> Tensor:
    """An ellipse."""
    return _ellipse(x - 0.56, y, 0.44, width)


def pointed_petal(x: Tensor, y: Tensor, width: Tensor) -> Tensor:
    """A lens: two arcs that meet in a point at the foot and at the tip."""
    radius = (0.25 + width**2) / (2 * width)
    return radius - torch.hypot(x - 0.5, y + (radius - width))


def notched_petal(x: Tensor, y: Tensor, width: Tensor) -> Tensor:
    """Two ellipses side by side, with a notch between them, on a round foot."""
    lobes = _ellipse(x - 0.56, y - 0.48 * width, 0.44, 0.52 * width)
    return lobes.maximum(0.42 - torch.hypot(x, y))


def strap_petal(x: Tensor, y: Tensor, width: Tensor) -> Tensor:
    """A band with a round end."""
    return width - torch.hypot(x - x.clamp(min=0.0).minimum(1 - width), y)


def _ellipse(x: Tensor, y: Tensor, along: float, across: Tensor) -> Tensor:
    """Distance from an ellipse, to first order: its equation over its slope."""
    u, v = x / along, y / across
    # In the very middle both are 0; the limit of their ratio is finite.
    level = torch.hypot(u, v).clamp_(min=1e-3)
    slope = torch.hypot(u / along, v / across).clamp_(min=1e-3 / along)
    return level * (1 - level) / slope


OUTLINES = (round_petal, pointed_petal, notched_petal, strap_petal)
# Half the width of a petal: at most the first; of the room between its neighbours
# (at 0.6 of the radius) at most the second.
WIDTHS = ((0.42, 1.0), (0.30, 0.90), (0.46, 1.0), (0.15, 0.62))


def half_width(shape: int, number: int) -> float:
    """Half the width of a petal, in flower radii."""
    most, share = WIDTHS[shape]
    return min(most, share * 0.6 * math.tan(math.pi / number))


# --- what stands behind -----------------------------------------------------


def _mix(share: Tensor, first: Colour, second: Colour) -> Tensor:
    """From one colour (0) to another (1), (3, h, w)."""
    one, other = (share.new_tensor(c)[:, None, None] for c in (first, second))
    return one + (other - one) * share


def _wave(x: Tensor, y: Tensor, across: float, down: float, phase: float) -> Tensor:
    """A wave of so many periods across the picture and down it, 0 to 1."""
    return 0.5 + 0.5 * (2 * math.pi * (across * x + down * y + phase)).sin()


def _sky(x: Tensor, y: Tensor) -> Tensor:
    cloud = _wave(x, y, 0.9, 1.6, 0.1) * _wave(x, y, -0.5, 2.3, 0.4)
    return _mix(0.25 * y + 0.75 * cloud, (0.50, 0.71, 0.94), (0.90, 0.95, 0.99))


def _meadow(x: Tensor, y: Tensor) -> Tensor:
    blades = _wave(x + 0.06 * y * y, y, 7.0, 0.8, 0.2)
    blades = 0.6 * blades + 0.4 * _wave(x - 0.1 * y, y, 4.3, 0.3, 0.7)
    return _mix(blades, (0.50, 0.68, 0.22), (0.78, 0.88, 0.42))


def _foliage(x: Tensor, y: Tensor) -> Tensor:
    leaves = _wave(x, y, 2.1, 1.7, 0.0) + _wave(x, y, -1.6, 2.4, 0.3)
    leaves = torch.sigmoid(9 * (leaves + 0.6 * _wave(x, y, 3.4, -1.2, 0.6) - 1.3))
    return _mix(leaves, (0.05, 0.19, 0.08), (0.15, 0.40, 0.14))


def _soil(x: Tensor, y: Tensor) -> Tensor:
    grain = _wave(x, y, 6.3, 3.1, 0.0) * _wave(x, y, -3.7, 5.9, 0.5)
    grain = 0.6 * grain + 0.4 * _wave(x, y, 1.3, 0.7, 0.2)
    return _mix(grain, (0.36, 0.24, 0.15), (0.66, 0.50, 0.35))


def _shade(x: Tensor, y: Tensor) -> Tensor:
    glow = _wave(x, y, 0.7, 0.5, 0.35) * _wave(x, y, -0.6, 0.8, 0.1)
    return _mix(glow, (0.02, 0.03, 0.05), (0.17, 0.18, 0.22))


TEXTURES = {
    "sky": _sky,
    "meadow": _meadow,
    "foliage": _foliage,
    "soil": _soil,
    "shade": _shade,
}
STEM: Colour = (0.34, 0.52, 0.20)
LEAF: Colour = (0.27, 0.46, 0.17)
STEM_WIDTH, STEM_BEND = 0.014, 0.10  # half the width; aside at one side below
LEAF_SIZE = (0.15, 0.045)  # half the length, half the width
LEAF_PLACE, LEAF_TILT = (0.14, 0.415), 0.45  # from the flower's middle; radians


def _behind(kind: str, size: int, x: float, y: float) -> Tensor:
    """Background, stem and leaves of a flower at a place: 0 to 255, (3, size, size)."""
    middles = (torch.arange(size) + 0.5) / size - 0.5
    right, down = (middles - x)[None, :], (middles - y)[:, None]
    right, down = right.expand(size, size), down.expand(size, size)
    picture = TEXTURES[kind](right + 0.5, down + 0.5)

    aside = right - STEM_BEND * down.square()
    below = (down * size + 0.5).clamp(0, 1)
    stem = ((STEM_WIDTH - aside.abs()) * size + 0.5).clamp(0, 1) * below
    stem = stem.clamp(max=2 * STEM_WIDTH * size)  # no more of a pixel than its width
    length, width = LEAF_SIZE
    radius = (length**2 + width**2) / (2 * width)
    beside, under = aside.abs() - LEAF_PLACE[0], down - LEAF_PLACE[1]
    cos, sin = math.cos(LEAF_TILT), math.sin(LEAF_TILT)
    along, across = cos * beside - sin * under, (sin * beside + cos * under).abs()
    inside = radius - torch.hypot(along, across + (radius - width))
    leaf = (inside * size + 0.5).clamp(0, 1)
    for layer, colour in ((leaf, LEAF), (stem, STEM)):
        picture = (
            picture * (1 - layer) + picture.new_tensor(colour)[:, None, None] * layer
        )
    return picture.clamp(0, 1) * 255


# --- the picture ------------------------------------------------------------


class Painter:
    """Paints flowers.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels.
    device : torch.device
        Where they are painted.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        def tensor(numbers: object) -> Tensor:
            return torch.tensor(numbers, dtype=torch.float32, device=device)

        self.size = size
        self.middles = (torch.arange(size, device=device) + 0.5) / size - 0.5
        self.numbers, self.scales = tensor(NUMBERS), tensor(SCALES)
        self.turns, self.places = tensor(TURNS), tensor(PLACES)
        self.widths = tensor(
            [[half_width(s, n) for n in NUMBERS] for s in range(len(SHAPES))]
        )
        rgb = [colorsys.hsv_to_rgb(hue % 1, SATURATION, LIGHT) for hue in HUES]
        self.petals = 255 * tensor(rgb)
        yellow, dark = CENTRE_COLOURS
        self.centres = 255 * tensor([yellow, yellow, dark, dark])
        self.centre_radii = tensor(CENTRE_RADII)
        behind = [
            _behind(kind, size, x, y)
            for kind in BACKGROUNDS
            for x in PLACES
            for y in PLACES
        ]
        self.behind = torch.stack(behind).to(device)

    def paint(self, shape: int, factors: Tensor) -> Tensor:
        """Pictures of flowers whose petals have one shape.

        Parameters
        ----------
        shape : int
            Index of the shape.
        factors : Tensor
            int64 (n, 9): petal number, shape, hue, centre, background, scale, turn,
            and the place across and down. The column of shapes is not looked at.

        Returns
        -------
        Tensor
            float32 of 0 to 255, (n, 3, size, size).
        """
        number, _, hue, centre, background, scale, turn, x, y = factors.unbind(1)
        radius, angle = self._polar(scale, x, y)
        pixels = (self.scales[scale] * self.size)[:, None, None]  # of a flower radius

        petals = self.numbers[number][:, None, None]
        # Which petal is nearest, and how far from its middle: -0.5 to 0.5 petals.
        off = angle.mul_(petals / (2 * math.pi)).sub_(self.turns[turn][:, None, None])
        off = off.sub_(off.round())
        aside = off * (2 * math.pi / petals)
        along, across = aside.cos().mul_(radius), aside.sin_().mul_(radius).abs_()
        width = self.widths[shape][number][:, None, None]
        # An ellipse's distance is to first order only: none reaches beyond the radius.
        inside = OUTLINES[shape](along, across, width).minimum(1 - radius).mul_(pixels)

        shadow = (inside / (SHADOW_WIDTH * self.size)).add_(1).clamp_(0, 1)
        covered = inside.add_(0.5).clamp_(0, 1)
        crease = off.mul_(2).square_().square_().mul_(-CREASE).add_(1)
        light = radius.clamp(max=1).mul_(1 - BASE).add_(BASE).mul_(crease)

        # The centre lies on the petals, darker towards its rim.
        reach = self.centre_radii[centre][:, None, None]
        on_top = ((reach - radius) * pixels).add_(0.5).clamp_(0, 1)
        rim = (radius / reach).clamp_(max=1).square_().mul_(-0.4).add_(1)
        light.mul_(covered).mul_(1 - on_top)
        clear = (1 - covered).mul_(1 - on_top).mul_(shadow.mul_(-SHADOW).add_(1))

        place = (background * len(PLACES) + x) * len(PLACES) + y
        picture = self.behind[place].mul_(clear[:, None])
        picture.addcmul_(light[:, None], self.petals[hue][:, :, None, None])
        on_top.mul_(rim)
        picture.addcmul_(on_top[:, None], self.centres[centre][:, :, None, None])
        return picture.clamp_(0, 255)

    def _polar(self, scale: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Where pixels lie in their flower: radius, and angle from straight up."""
        size = self.scales[scale][:, None]
        right = ((self.middles - self.places[x][:, None]) / size)[:, None, :]
        down = ((self.middles - self.places[y][:, None]) / size)[:, :, None]
        radius = torch.hypot(right, down)
        return radius, torch.atan2(right.expand_as(radius), -down.expand_as(radius))
