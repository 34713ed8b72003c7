"""A twin of 3D Chairs: chairs put together from parts, and cast rather than modelled.

The official file (Aubry et al. 2014) has renderings of 1,393 models of chairs, each
seen from 31 azimuths and 2 elevations. The twin has 1,296 models of the same kinds, in
the same views, from six factors: what a chair stands on, its back, its arms, how wide
it is, how high its back is, and its shade. It needs no file.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dlib.data.chairs_arms import ARMS
from dlib.data.chairs_backs import BACKS
from dlib.data.chairs_layers import ELEVATIONS, TURNS
from dlib.data.chairs_legs import LEGS
from dlib.data.chairs_models import HEIGHTS, WIDTHS
from dlib.data.chairs_painter import Painter
from dlib.data.dataset import Grid, paint_in_turns
from dlib.data.factors import Factor, FactorSpace, Kind

SMALLEST, LARGEST = 16, 128  # pixels; at the largest, what is kept takes 150 MB
SHADES = ("dark", "light")
TOGETHER = 16  # pictures painted at once: few enough for a processor's cache


def _named(name: str, kind: Kind, labels: tuple[str, ...]) -> Factor:
    return Factor(name, tuple(float(i) for i in range(len(labels))), kind, labels)


SPACE = FactorSpace(
    [
        _named("leg_style", "categorical", tuple(LEGS)),
        _named("back", "categorical", tuple(BACKS)),
        _named("arms", "categorical", tuple(ARMS)),
        _named("width", "continuous", WIDTHS),
        _named("height", "continuous", HEIGHTS),
        _named("shade", "continuous", SHADES),
        Factor("azimuth", tuple(turn * 360 / TURNS for turn in range(TURNS))),
        Factor("elevation", ELEVATIONS),
    ]
)
"""Six factors of the model and two of the view. The height is the back's over the
seat. A wide chair is deeper, lower and has a thicker seat as well. Azimuth and
elevation are the camera's, in degrees: at 0 it stands before the chair, at 90 on the
chair's left, which is to the right in the picture at 0."""


class TwinChairs(Grid):
    """3D Chairs, drawn rather than read.

    The 62 views of a model follow one another, the elevation fastest. A part has all
    views of a model or none, so that no chair is both learnt from and tested on.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels. The official ones have 600 and are used at 64;
        all are drawn at that size, not resized.
    device : torch.device or str
        Where pictures are drawn.

    Raises
    ------
    ValueError
        If ``size`` is less than 16 or more than 128.
    """

    # Of how the pictures look: runs record it. Raise it when they change.
    version = 1
    # The views of a model stay together.
    looks = TURNS * len(ELEVATIONS)

    def __init__(self, size: int = 64, device: torch.device | str = "cpu") -> None:
        if not SMALLEST <= size <= LARGEST:
            raise ValueError(
                f"the chairs twin is drawn at {SMALLEST} to {LARGEST} pixels a side, "
                f"not {size}; the official pictures are used at 64"
            )
        super().__init__("chairs", "twin", SPACE, 1, size, device)
        self._painter = Painter(size, self.device)

    def _render(self, factors: Tensor) -> Tensor:
        return paint_in_turns(self, factors, self._painter.paint, TOGETHER)
