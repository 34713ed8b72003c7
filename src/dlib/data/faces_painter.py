"""How the faces of the twin are painted: from the background to the hat."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from dlib.data.faces_canvas import UNIT, Face, start
from dlib.data.faces_features import brows, eyes, mouth, nose
from dlib.data.faces_hair import (
    BANGS,
    bangs,
    beard,
    hair_before,
    hair_behind,
    mustache,
    sideburns,
    strands,
)
from dlib.data.faces_head import (
    cheeks,
    double_chin,
    ears,
    folds,
    half_width,
    head,
    neck,
    outline,
    wrinkles,
)
from dlib.data.faces_space import BACKGROUND_LIGHTS, BRIGHTNESSES, LOOKS
from dlib.data.faces_things import (
    backgrounds,
    clothes,
    earrings,
    eyeglasses,
    hat,
    necklace,
    necktie,
)

BLUR = 1.7  # standard deviation, in 64ths of a picture


class Painter:
    """Paints faces.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels.
    device : torch.device
        Where they are painted.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.backgrounds = backgrounds(size).flatten(0, 1).to(device)
        self.brightnesses = torch.tensor(BRIGHTNESSES, device=device)
        places = torch.arange(size, device=device)
        apart = (places[:, None] - places) * (UNIT / size / BLUR)
        bell = (-apart.square() / 2).exp()
        self.blur = bell / bell.sum(1, keepdim=True)  # no light is lost at the sides

    def paint(self, factors: Tensor) -> Tensor:
        """Pictures of faces.

        Parameters
        ----------
        factors : Tensor
            int64 (n, k), columns as in ``LOOKS.names``.

        Returns
        -------
        Tensor
            float32 of 0 to 255, (n, 3, size, size).
        """
        looks = dict(zip(LOOKS.names, factors.unbind(1), strict=True))
        behind = looks["background_hue"] * len(BACKGROUND_LIGHTS)
        picture = self.backgrounds[behind + looks["background_light"]]
        face = start(picture, looks)
        width = half_width(face)
        light = strands(face)

        hair_behind(face, width, light)
        neck(face)
        clothes(face)
        where(face, looks["neckwear"] == 1, necklace)
        where(face, looks["neckwear"] == 2, necktie)
        where(face, looks["double_chin"] == 1, double_chin)
        ears(face, width)
        shape = outline(face)
        head(face, shape)
        cheeks(face)
        folds(face)
        where(face, looks["young"] == 0, wrinkles)
        eyes(face)
        nose(face)
        mouth(face)
        brows(face)
        where(face, looks["beard"] > 0, beard)
        where(face, looks["mustache"] == 1, mustache)
        where(face, looks["sideburns"] == 1, sideburns)
        hair_before(face, shape, light)
        where(face, looks["hairline"] == BANGS, bangs)
        where(face, looks["earrings"] == 1, earrings)
        where(face, looks["eyeglasses"] == 1, eyeglasses)
        where(face, looks["hat"] > 0, hat)

        rows = looks["blurry"].nonzero()[:, 0]
        picture[rows] = self.blur @ picture[rows] @ self.blur.T
        bright = self.brightnesses[looks["brightness"]][:, None, None, None]
        return picture.mul_(bright * 255).clamp_(0, 255)


def where(face: Face, those: Tensor, paint: Callable[[Face], None]) -> None:
    """Paint something on some of the faces, bool (n,): most have none of it."""
    rows = those.nonzero()[:, 0]
    if len(rows):
        some = face.some(rows)
        paint(some)
        face.put_back(rows, some)
