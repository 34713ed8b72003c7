"""How the sprites of the twin are painted: few layers, kept, and laid over each other.

A sprite is four layers: what is behind the body (arms, and what they hold), what is
worn on the body, the head, and what is before the body. Each is painted once for every
pose and look it can have, some 5,300 in all, and kept in bytes. The skin's share of a
layer is kept by itself, so that its colour can be chosen when a picture is made.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from dlib.data.sprites_brush import UNIT, Colour, Layer, Paper
from dlib.data.sprites_clothes import arms, legs, vest
from dlib.data.sprites_head import HAIRS, head
from dlib.data.sprites_skeleton import BUILDS, Skeleton, skeleton
from dlib.data.sprites_space import POSES, SPACE
from dlib.data.sprites_weapons import ARMED, weapon

SKINS: tuple[Colour, ...] = (
    (1.00, 0.85, 0.73), (0.84, 0.60, 0.38), (0.50, 0.31, 0.19), (0.68, 0.76, 1.00),
)  # fmt: skip
BAR_ROWS, BAR_COLUMNS, BAR_LIGHT = (56.0, 58.0), (6.0, 54.0), 0.94
VESTS, ARMS, LEGS, WEAPONS = (
    SPACE.sizes[SPACE.position(name)] for name in ("vest", "arm", "leg", "weapon")
)


class Kept:
    """All layers at one size: ``stored``, uint8 (n, 5, size, size), and which is which.

    Tables of places in ``stored``: ``behind`` and ``before`` (body, arm, weapon, pose),
    ``worn`` (body, vest, leg, pose) and ``heads`` (hair, pose).
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self._parts: list[Tensor] = []
        self._n = 0
        paper = Paper(size, device)
        poses = len(POSES)
        self.behind = torch.empty(
            len(BUILDS), ARMS, WEAPONS, poses, dtype=torch.long, device=device
        )
        self.before = torch.empty_like(self.behind)
        self.worn = torch.empty(
            len(BUILDS), VESTS, LEGS, poses, dtype=torch.long, device=device
        )
        bones = [_on(skeleton(build), device) for build in BUILDS]
        for body, bone in enumerate(bones):
            self._paint_worn(paper, bone, body)
            self._paint_limbs(paper, bone, body)
        # Heads are the same on both bodies.
        self.heads = torch.stack(
            [self._keep(head(paper, bones[0], hair)) for hair in range(len(HAIRS))]
        )
        self.stored = torch.cat(self._parts)
        del self._parts

    def _keep(self, layer: Layer) -> Tensor:
        stored = layer.stored()
        self._parts.append(stored)
        self._n += len(stored)
        return torch.arange(self._n - len(stored), self._n, device=stored.device)

    def _paint_worn(self, paper: Paper, bone: Skeleton, body: int) -> None:
        every = torch.arange(len(POSES), device=paper.device)
        above = [vest(paper, bone, body, style) for style in range(VESTS)]
        for leg in range(LEGS):
            below = legs(paper, bone, body, leg)
            for style in range(VESTS):
                self.worn[body, style, leg] = self._keep(
                    below.of(every).lay(above[style])
                )

    def _paint_limbs(self, paper: Paper, bone: Skeleton, body: int) -> None:
        for style in range(ARMS):
            both = arms(paper, bone, body, style)
            for table, layer in zip((self.behind, self.before), both, strict=True):
                table[body, style] = self._keep(layer)
            for action in ARMED:
                some = torch.tensor(
                    [i for i, pose in enumerate(POSES) if pose.action == action],
                    device=paper.device,
                )
                bones = _some(bone, some)
                near = (bones.near["held0"] + bones.near["held1"]) / 2 > -1.5
                for held in range(WEAPONS):
                    thing = weapon(paper, bones, action, held)
                    for table, layer, there in zip(
                        (self.behind, self.before), both, (~near, near), strict=True
                    ):
                        armed = thing.of(there.nonzero()[:, 0])
                        armed.lay(layer.of(some[there]))
                        table[body, style, held, some[there]] = self._keep(armed)


def _on(bones: Skeleton, device: torch.device) -> Skeleton:
    return Skeleton(
        {name: place.to(device) for name, place in bones.place.items()},
        {name: near.to(device) for name, near in bones.near.items()},
        bones.view.to(device),
        bones.bow.to(device),
    )


def _some(bones: Skeleton, poses: Tensor) -> Skeleton:
    return Skeleton(
        {name: place[poses] for name, place in bones.place.items()},
        {name: near[poses] for name, near in bones.near.items()},
        bones.view[poses],
        bones.bow[poses],
    )


@lru_cache(maxsize=2)
def kept(size: int, device: torch.device) -> Kept:
    """The layers at a size: painted once in a process, for all data sets."""
    with torch.no_grad():
        return Kept(size, device)


class Painter:
    """Paints sprites. Layers are painted when the first picture is asked for.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels.
    device : torch.device
        Where they are painted.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.size, self.device = size, device
        self.skins = torch.tensor(SKINS, device=device)
        # "There are 6 positions, where the sprites stand on a white bar", say Hu et al.
        # (2018) of the official pictures. Being hurt has six frames, in the last row of
        # a sheet, where a picture may reach over its edge: so we put it there.
        on_bar = [pose.action == "hurt" for pose in POSES]
        self._on_bar = torch.tensor(on_bar, device=device).long()
        centres = (torch.arange(size, device=device) + 0.5) * UNIT / size
        shares = [
            (((high - low) / 2 - (centres - (high + low) / 2).abs()) * size / UNIT)
            .add_(0.5)
            .clamp_(0, 1)
            for low, high in (BAR_ROWS, BAR_COLUMNS)
        ]
        bar = 255 * BAR_LIGHT * shares[0][:, None] * shares[1]
        self._bar = torch.stack([torch.zeros_like(bar), bar])[:, None]

    def paint(self, factors: Tensor) -> Tensor:
        """Pictures of sprites.

        Parameters
        ----------
        factors : Tensor
            int64 (n, 8): body, skin, vest, hair, arm, leg, weapon and pose.

        Returns
        -------
        Tensor
            float32 of 0 to 255, (n, 3, size, size).
        """
        body, skin, clothes, hair, arm, leg, held, pose = factors.unbind(1)
        layers = kept(self.size, self.device)
        colour = self.skins[skin][:, :, None, None]
        picture = self._bar[self._on_bar[pose]].repeat(1, 3, 1, 1)
        for rows in (
            layers.behind[body, arm, held, pose],
            layers.worn[body, clothes, leg, pose],
            layers.heads[hair, pose],
            layers.before[body, arm, held, pose],
        ):
            layer = layers.stored[rows].float()
            picture.mul_(layer[:, :1]).mul_(1 / 255).add_(layer[:, 1:4])
            picture.addcmul_(layer[:, 4:], colour)
        return picture.clamp_(0, 255)
