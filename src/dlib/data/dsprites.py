"""The dSprites twin: three shapes as closed formulas, point-sampled.

The official pictures were drawn by a 2-D game engine without anti-aliasing: a
pixel is on when its centre lies inside the shape. The formulas below were
fitted to published samples, and the twin's pictures equal the official ones up
to single pixels on shape boundaries.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from dlib.data.dataset import Grid
from dlib.data.factors import Factor, FactorSpace


def _linspace(start: float, end: float, n: int) -> tuple[float, ...]:
    return tuple(start + (end - start) * i / (n - 1) for i in range(n))


SPACE = FactorSpace(
    [
        Factor("shape", (1.0, 2.0, 3.0), "categorical", ("square", "ellipse", "heart")),
        Factor("scale", _linspace(0.5, 1.0, 6)),
        # Both ends of the circle are in the file: index 39 repeats index 0.
        Factor("orientation", _linspace(0.0, 2 * math.pi, 40)),
        Factor("posX", _linspace(0.0, 1.0, 32)),
        Factor("posY", _linspace(0.0, 1.0, 32)),
    ]
)

# Sizes in pixels of the 64x64 picture, at scale 1.
SQUARE_HALF_WIDTH = 9.6
ELLIPSE_RADII = (12.765, 7.2125)
HEART_WIDTH, HEART_HEIGHT, HEART_LIFT = 9.6, 0.662, 1.44
REACH = 14.0  # no shape reaches further than this from its centre


def _heart_radius(n: int = 4096) -> Tensor:
    """Squared radius of the heart's outline at ``n`` angles from its top down.

    The heart is star-shaped, so its outline is a function of the angle; the
    curve is traced finely and interpolated at equal angles.
    """
    q = torch.linspace(0, math.pi, 8001, dtype=torch.float64)
    x = HEART_WIDTH * q.sin() ** 3
    y = HEART_LIFT + HEART_HEIGHT * (
        13 * q.cos() - 5 * (2 * q).cos() - 2 * (3 * q).cos() - (4 * q).cos()
    )
    angle, radius = torch.atan2(x, y), torch.hypot(x, y)
    order = angle.argsort()
    angle, radius = angle[order], radius[order]
    wanted = torch.linspace(0, math.pi, n, dtype=torch.float64)
    right = torch.searchsorted(angle, wanted).clamp(1, len(angle) - 1)
    span = (angle[right] - angle[right - 1]).clamp_min(1e-12)
    share = ((wanted - angle[right - 1]) / span).clamp(0, 1)
    table = radius[right - 1] + share * (radius[right] - radius[right - 1])
    return (table.float()) ** 2


class TwinDSprites(Grid):
    """dSprites (Matthey et al. 2017), drawn from its factors.

    Parameters
    ----------
    size : int
        Width of the pictures in pixels. Sizes other than 64 are drawn at that
        size, not resized.
    device : torch.device or str
        Where pictures are drawn.

    Raises
    ------
    ValueError
        If ``size`` is less than 8.
    """

    # Of how the pictures look: runs record it. Raise it when they change.
    version = 1

    def __init__(self, size: int = 64, device: torch.device | str = "cpu") -> None:
        if size < 8:
            raise ValueError(f"size must be at least 8 pixels, got {size}")
        super().__init__("dsprites", "twin", SPACE, 1, size, device)
        values = [
            torch.tensor(factor.values, dtype=torch.float32, device=self.device)
            for factor in SPACE.factors
        ]
        angles = values[2].clone()
        angles[-1] = 0.0  # 2 pi in floating point is not quite 0 again
        self._scale = values[1]
        self._cos, self._sin = angles.cos(), angles.sin()
        # Positions 0 and 1 are a quarter of the picture away from its edges.
        self._centre = 16 + 32 * values[3]
        self._heart = _heart_radius().to(self.device)
        # Only a window around the sprite is evaluated, in official pixels.
        self._pixel = 64 / size
        self._window = min(size, math.ceil(2 * REACH / self._pixel) + 1)
        self._steps = torch.arange(self._window, device=self.device)

    def _render(self, factors: Tensor) -> Tensor:
        shape, scale, orientation, x, y = factors.unbind(1)
        n = len(factors)
        u, v, left, top = self._sprite_coordinates(scale, orientation, x, y)
        inside = torch.empty(u.shape, dtype=torch.bool, device=self.device)

        rows = (shape == 0).nonzero()[:, 0]
        inside[rows] = torch.maximum(u[rows].abs(), v[rows].abs()) <= SQUARE_HALF_WIDTH
        rows = (shape == 1).nonzero()[:, 0]
        a, b = ELLIPSE_RADII
        inside[rows] = (u[rows] / a).square() + (v[rows] / b).square() <= 1
        rows = (shape == 2).nonzero()[:, 0]
        across, up = u[rows].abs(), -v[rows]
        angle = torch.atan2(across, up) * ((len(self._heart) - 1) / math.pi)
        limit = self._heart[angle.round().long()]
        inside[rows] = across.square() + up.square() <= limit

        images = torch.zeros(
            n, self.size * self.size, dtype=torch.uint8, device=self.device
        )
        place = top[:, :, None] * self.size + left[:, None, :]  # (n, w, w)
        images.scatter_(1, place.flatten(1), inside.flatten(1).to(torch.uint8) * 255)
        return images.view(n, 1, self.size, self.size)

    def _sprite_coordinates(
        self, scale: Tensor, orientation: Tensor, x: Tensor, y: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Where the window's pixel centres lie in the sprite's own frame.

        Returns ``u`` and ``v``, (n, w, w), in pixels of scale 1 (v down), and
        the window's columns and rows in the picture, (n, w) each.
        """
        last = self.size - self._window
        offsets, places = [], []
        for position in (x, y):
            centre = self._centre[position]
            first = ((centre - REACH) / self._pixel).floor().long().clamp(0, last)
            place = first[:, None] + self._steps  # (n, w)
            places.append(place)
            offsets.append(
                ((place + 0.5) * self._pixel - centre[:, None])
                / self._scale[scale][:, None]
            )
        dx, dy = offsets[0][:, None, :], offsets[1][:, :, None]
        cos = self._cos[orientation][:, None, None]
        sin = self._sin[orientation][:, None, None]
        return cos * dx - sin * dy, sin * dx + cos * dy, places[0], places[1]
