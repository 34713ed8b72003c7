"""A twin of MPI3D toy: a robot arm that carries a coloured object, drawn.

MPI3D (Gondal et al., 2019, github.com/rr-learning/disentanglement_dataset) has
1,036,800 pictures of an arm before three cameras, in every combination of seven
factors, three times over: photographs, and two renderings, of which "toy" is the
simpler one. The twin needs no file and keeps none: pictures are painted as they
are asked for (:mod:`dlib.data.mpi3d_painter`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from dlib.data.dataset import Grid
from dlib.data.factors import Factor, FactorSpace, Kind
from dlib.data.mpi3d_painter import AXIS, Painter
from dlib.data.mpi3d_scene import SHAPES

SIZES = (8, 16, 32, 48, 64, 96, 128)
TOGETHER = 32  # pictures painted at once: few enough for a processor's cache


def _named(name: str, kind: Kind, *labels: str) -> Factor:
    return Factor(name, tuple(float(i) for i in range(len(labels))), kind, labels)


_STEPS = tuple(float(i) for i in range(AXIS))

SPACE = FactorSpace(
    [
        _named(
            "object_color",
            "categorical",
            *("white", "green", "red", "blue", "brown", "olive"),
        ),
        _named("object_shape", "categorical", *SHAPES),
        _named("object_size", "continuous", "small", "large"),
        _named("camera_height", "continuous", "top", "center", "bottom"),
        _named("background_color", "categorical", "purple", "sea green", "salmon"),
        Factor("horizontal_axis", _STEPS),
        Factor("vertical_axis", _STEPS),
    ]
)
"""The official file's factors. The axes are in steps of the arm's two motors: the
horizontal one tilts it towards the camera (0) or away, over half a turn; the
vertical one turns it from left to right, over half a turn as well."""


class TwinMPI3D(Grid):
    """MPI3D toy, drawn rather than read.

    Parameters
    ----------
    size : int
        Side of the pictures, one of ``SIZES``. The official size is 64;
        others are drawn at that size, not resized.
    device : torch.device or str
        Where pictures are drawn.

    Raises
    ------
    ValueError
        If the size is not one of those there are.
    """

    # Of how the pictures look: runs record it. Raise it when they change.
    version = 1

    def __init__(self, size: int = 64, device: torch.device | str = "cpu") -> None:
        if size not in SIZES:
            raise ValueError(
                f"the MPI3D twin is drawn at {', '.join(map(str, SIZES))} pixels "
                f"a side, not {size}; the official pictures have 64"
            )
        super().__init__("mpi3d", "twin", SPACE, 3, size, device)
        self._painter = Painter(size, self.device)

    def _render(self, factors: Tensor) -> Tensor:
        images = torch.empty(
            (len(factors), 3, self.size, self.size),
            dtype=torch.uint8,
            device=self.device,
        )
        together = TOGETHER if self.device.type == "cpu" else max(1, len(factors))
        for first in range(0, len(factors), together):
            some = slice(first, first + together)
            images[some] = self._painter.paint(factors[some]).add_(0.5)
        return images
