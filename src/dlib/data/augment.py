"""Augmentations of whole batches, each picture altered by its own amount.

Each is a small frozen object that is called with float pictures in [0, 1], shape
(n, c, h, w), and a generator, works on the pictures' device and returns the same
shape. They are validated data, so that a recipe can name them. None of the papers
says which it uses; an augmentation that moves a factor tells a method that the
factor does not matter.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional

# What light weighs in a grey picture: ITU-R BT.601.
GREY = (0.299, 0.587, 0.114)


class _Augmentation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define __call__")


class Move(_Augmentation):
    """Shift, turn and zoom about the centre; what comes in from outside is the edge.

    Parameters
    ----------
    shift : float
        Largest shift, as a fraction of the side.
    turn : float
        Largest turn, in degrees, either way.
    zoom : float
        Largest zoom: factors from ``1 / zoom`` to ``zoom``, even in the logarithm.
    """

    name: Literal["move"]
    shift: float = Field(0.0, ge=0, le=1)
    turn: float = Field(0.0, ge=0, le=180)
    zoom: float = Field(1.0, ge=1, le=10)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        n = len(images)
        u = 2 * _uniform((n, 4), images, generator) - 1
        angle = u[:, 0] * math.radians(self.turn)
        scale = (u[:, 1] * math.log(self.zoom)).exp()
        cos, sin = angle.cos() / scale, angle.sin() / scale
        # A side is 2 long in these coordinates.
        dx, dy = (2 * self.shift * u[:, 2:]).unbind(1)
        theta = torch.stack(
            [torch.stack([cos, -sin, dx], 1), torch.stack([sin, cos, dy], 1)], 1
        )
        grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
        return functional.grid_sample(
            images, grid, padding_mode="border", align_corners=False
        )


class Flip(_Augmentation):
    """Mirror left and right.

    Parameters
    ----------
    p : float
        Share of the pictures that are mirrored.
    """

    name: Literal["flip"]
    p: float = Field(0.5, ge=0, le=1)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        chosen = _uniform((len(images), 1, 1, 1), images, generator) < self.p
        return torch.where(chosen, images.flip(-1), images)


class Jitter(_Augmentation):
    """Change brightness, contrast and saturation by factors about 1.

    Parameters
    ----------
    brightness, contrast, saturation : float
        A factor is drawn from ``1 - x`` to ``1 + x``.
    """

    name: Literal["jitter"]
    brightness: float = Field(0.0, ge=0, le=1)
    contrast: float = Field(0.0, ge=0, le=1)
    saturation: float = Field(0.0, ge=0, le=1)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        u = 2 * _uniform((len(images), 3, 1, 1, 1), images, generator) - 1
        brightness, contrast, saturation = (
            1 + u.unbind(1)[i] * reach
            for i, reach in enumerate((self.brightness, self.contrast, self.saturation))
        )
        images = images * brightness
        mean = images.mean((1, 2, 3), keepdim=True)
        images = mean + (images - mean) * contrast
        grey = _grey(images)
        return (grey + (images - grey) * saturation).clamp(0, 1)


class Grey(_Augmentation):
    """Take the colour away.

    Parameters
    ----------
    p : float
        Share of the pictures that lose it.
    """

    name: Literal["grey"]
    p: float = Field(0.2, ge=0, le=1)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        chosen = _uniform((len(images), 1, 1, 1), images, generator) < self.p
        return torch.where(chosen, _grey(images).expand_as(images), images)


class Noise(_Augmentation):
    """Add Gaussian noise to every pixel.

    Parameters
    ----------
    std : float
        Its standard deviation, of pictures in [0, 1].
    """

    name: Literal["noise"]
    std: float = Field(0.05, ge=0)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(
            images.shape, generator=generator, device=generator.device
        ).to(images)
        return (images + self.std * noise).clamp(0, 1)


Augmentation = Annotated[
    Move | Flip | Jitter | Grey | Noise, Field(discriminator="name")
]


def _uniform(
    shape: tuple[int, ...], images: Tensor, generator: torch.Generator
) -> Tensor:
    drawn = torch.rand(shape, generator=generator, device=generator.device)
    return drawn.to(images)


def _grey(images: Tensor) -> Tensor:
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(GREY, device=images.device).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True)
