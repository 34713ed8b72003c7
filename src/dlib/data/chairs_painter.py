"""How the twin's chairs are painted: of three kept layers, the nearest is seen.

A picture costs a few operations for each ray, whatever solids it shows: see
:mod:`dlib.data.chairs_layers`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from dlib.data.chairs_backs import BACKS
from dlib.data.chairs_layers import ELEVATIONS, STORED, TONES, TURNS, VIEWS, kept
from dlib.data.chairs_legs import LEGS
from dlib.data.chairs_models import FRAMES, HEIGHTS

# How light the frame and the cushions are, of 255, for each shade.
ALBEDO = ((30.0, 105.0), (150.0, 230.0))

STARTS = (0, len(LEGS), len(LEGS) + len(BACKS))  # of legs, backs and arms, in styles


class Painter:
    """Paints chairs. Layers are cast when the first picture is asked for.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels.
    device : torch.device
        Where they are painted.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.size, self.device = size, device
        light = torch.arange(TONES) - 1
        greys = torch.tensor(ALBEDO)[..., None] * light / (TONES - 2)
        greys[:, 0, 0] = 255  # where there is no chair
        self._greys = greys.flatten().to(device)

    def paint(self, factors: Tensor) -> Tensor:
        """Pictures of chairs.

        Parameters
        ----------
        factors : Tensor
            int64 (n, 8): what it stands on, back, arms, width, height, shade, azimuth
            and elevation.

        Returns
        -------
        Tensor
            float32 of 0 to 255, (n, 1, size, size).
        """
        legs, back, arms, width, height, shade, azimuth, elevation = factors.unbind(1)
        layers = kept(self.size, self.device)
        mirrored = azimuth >= STORED
        turn = torch.where(mirrored, TURNS - azimuth, azimuth)
        view = turn * len(ELEVATIONS) + elevation
        frame = width * len(HEIGHTS) + height
        group = [
            layers.stored[((start + style) * len(FRAMES) + frame) * VIEWS + view]
            for start, style in zip(STARTS, (legs, back, arms), strict=True)
        ]
        numbers = group[0].maximum(group[1]).maximum(group[2])
        tone = (numbers & (2 * TONES - 1)).int()
        grey = self._greys[tone + (shade * (2 * TONES)).int()[:, None]]
        side = layers.window * layers.rays
        picture = avg_pool2d(grey.view(-1, 1, side, side), layers.rays)
        picture = torch.where(mirrored[:, None, None, None], picture.flip(-1), picture)
        return pad(picture, [(self.size - layers.window) // 2] * 4, value=255.0)
