"""The layers that the twin's chairs are painted from: cast once, and kept.

A chair is what it stands on, a seat with its back, and arms. Each is cast in every
style, frame and view: at each ray a number of 16 bits, its upper ones how near the
surface is and its lower ones how light. So the nearest of three surfaces is the
greatest of three numbers. Chairs and light are the same on both sides: views from the
left are views from the right, mirrored, and are not kept.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from dlib.data.chairs_arms import ARMS
from dlib.data.chairs_backs import BACKS
from dlib.data.chairs_legs import LEGS
from dlib.data.chairs_models import FRAMES
from dlib.data.chairs_solids import Solid

TURNS = 31  # azimuths, over a full turn
STORED = TURNS // 2 + 1  # the others are mirror images
ELEVATIONS = (20.0, 30.0)  # degrees
VIEWS = STORED * len(ELEVATIONS)
GROUPS = (LEGS, BACKS, ARMS)

# The camera: how far it is from the chair's middle, in metres, and its focal length in
# sides of the picture.
DISTANCE, FOCAL = 2.6, 1.01

# Light on a surface: ambient, from the camera, and from a lamp that is above and before
# the chair and turns with it. In a sample of real pictures, seats are light, fronts of
# backs less so, and what is seen from behind is nearly black.
AMBIENT, HEADLIGHT, LAMP = 0.03, 0.11, 0.84
TO_LAMP = (0.0, 0.88, 0.475)

TONES = 64  # of the frame, and as many of cushions; 0 is where there is no chair
NEAR = 256  # steps of nearness

CHUNK = 64  # solids cast at once: few enough for a processor's cache


class Cameras:
    """Where each frame's cameras are in each stored view, and what is seen there.

    Attributes
    ----------
    origin : Tensor
        (frames, VIEWS, 3).
    axes : Tensor
        Forward, right and down, (VIEWS, 3, 3).
    """

    def __init__(self) -> None:
        azimuth = torch.arange(STORED) * (2 * math.pi / TURNS)
        azimuth = azimuth.repeat_interleave(len(ELEVATIONS))
        elevation = torch.tensor(ELEVATIONS).deg2rad().repeat(STORED)
        level = elevation.cos()
        place = torch.stack(
            [level * azimuth.sin(), elevation.sin(), level * azimuth.cos()], 1
        )
        right = torch.stack(
            [azimuth.cos(), torch.zeros_like(azimuth), -azimuth.sin()], 1
        )
        self.axes = torch.stack([-place, right, torch.linalg.cross(-place, right)], 1)
        middle = torch.tensor([[0.0, frame.middle, 0.0] for frame in FRAMES])
        self.origin = middle[:, None] + DISTANCE * place

    def project(self, corners: Tensor, frame: Tensor, view: Tensor) -> Tensor:
        """Points, (n, k, 3), in pictures of side 1: right, down and nearness."""
        seen = torch.einsum(
            "nkx,nax->nka",
            corners - self.origin[frame, view][:, None],
            self.axes[view],
        )
        depth = seen[..., :1]
        return torch.cat([FOCAL * seen[..., 1:] / depth, 1 / depth], 2)


class Layers:
    """All layers at one size.

    Attributes
    ----------
    window : int
        Side, in pixels, of the middle of the picture that holds any chair.
    rays : int
        Along each side of a pixel.
    least, most : float
        Of the nearness of any corner; between them are ``NEAR`` steps.
    stored : Tensor
        int16 (layers, (window * rays)**2): group by group, then by style, frame,
        azimuth and elevation.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        self.size = size
        self.rays = min(6, max(2, 192 // size))  # 3 at 64
        self.cameras = Cameras()
        by_layer: list[list[Solid]] = [
            make(frame)
            for group in GROUPS
            for make in group.values()
            for frame in FRAMES
        ]
        # Solids with as many corners are cast together.
        kinds: dict[int, list[tuple[int, Solid]]] = {}
        for layer, solids in enumerate(by_layer):
            for solid in solids:
                kinds.setdefault(len(solid.corners), []).append((layer, solid))
        seen = [self._seen(some) for some in kinds.values()]
        # As far from the picture's middle as any corner of any chair.
        reach = max(float(places[..., :2].abs().max()) for _, places in seen)
        self.least = min(float(places[..., 2].min()) for _, places in seen)
        self.most = max(float(places[..., 2].max()) for _, places in seen)
        self.window = min(size, 2 * math.ceil(reach * size + 0.5) + size % 2)
        side = self.window * self.rays
        stored = torch.zeros(len(by_layer) * VIEWS * side * side, dtype=torch.int16)
        for some, (rows, places) in zip(kinds.values(), seen, strict=True):
            self._cast(stored, some, rows, places)
        self.stored = stored.view(-1, side * side).to(device)

    def _seen(self, some: list[tuple[int, Solid]]) -> tuple[Tensor, Tensor]:
        """Of solids in all views: which (solid, view), (n, 2), and their corners."""
        rows = torch.cartesian_prod(torch.arange(len(some)), torch.arange(VIEWS))
        corners = torch.stack([solid.corners for _, solid in some])
        frame = torch.tensor([layer % len(FRAMES) for layer, _ in some])
        which, view = rows.unbind(1)
        return rows, self.cameras.project(corners[which], frame[which], view)

    def _cast(
        self,
        stored: Tensor,
        some: list[tuple[int, Solid]],
        rows: Tensor,
        places: Tensor,
    ) -> None:
        """Cast some solids of one kind in all views, each in a window of its own."""
        side = self.window * self.rays
        # In rays, of which the first is half a step inside the window.
        places = places[..., :2] * (self.size * self.rays) + (side / 2 - 0.5)
        first = places.amin(1).ceil().long().clamp(0, side - 1)
        last = places.amax(1).floor().long().clamp(0, side - 1)
        layers = torch.tensor([layer for layer, _ in some])
        normals = torch.stack([solid.normals for _, solid in some])
        offsets = torch.stack([solid.offsets for _, solid in some])
        cushion = torch.tensor([solid.cushion for _, solid in some])
        # Those of about one height together: the window is the largest one's.
        order = (last - first)[:, 1].argsort(stable=True)
        for chunk in order.split(CHUNK):
            which, view = rows[chunk].unbind(1)
            layer = layers[which]
            corner = first[chunk]
            wide, high = ((last[chunk] - corner).amax(0) + 1).clamp(min=1).tolist()
            corner = corner.minimum(torch.tensor([side - wide, side - high]))
            numbers = self._numbers(
                normals[which],
                offsets[which],
                cushion[which],
                self.cameras.origin[layer % len(FRAMES), view],
                self.cameras.axes[view],
                (corner - (side / 2 - 0.5)) / (self.size * self.rays * FOCAL),
                (wide, high),
            )
            place = ((layer * VIEWS + view) * side + corner[:, 1]) * side + corner[:, 0]
            step = torch.arange(high)[:, None] * side + torch.arange(wide)
            index = (place[:, None, None] + step).flatten()
            stored.scatter_reduce_(0, index, numbers.flatten(), "amax")

    def _numbers(
        self,
        normals: Tensor,
        offsets: Tensor,
        cushion: Tensor,
        origin: Tensor,
        axes: Tensor,
        corner: Tensor,
        window: tuple[int, int],
    ) -> Tensor:
        """What each ray of a window meets of its solid, int16 (n, high, wide).

        Along a ray ``origin + direction / nearness`` the nearness at which it meets a
        plane is affine in the place on the picture: see :mod:`dlib.data.convex`.
        """
        step = 1 / (self.size * self.rays * FOCAL)
        x = corner[:, :1] + step * torch.arange(window[0])
        y = corner[:, 1:] + step * torch.arange(window[1])
        outside = torch.einsum("nfx,nx->nf", normals, origin) - offsets
        along = torch.einsum("nfx,nax->anf", normals, axes)
        along = -along / outside.abs().clamp(min=1e-6).copysign(outside)
        lamp = (normals @ torch.tensor(TO_LAMP)).clamp(min=0)
        camera = -torch.einsum("nfx,nx->nf", normals, axes[:, 0]).clamp(max=0)
        light = AMBIENT + HEADLIGHT * camera + LAMP * lamp
        tone = 1 + (light.clamp(0, 1) * (TONES - 2)).round() + TONES * cushion[:, None]
        near = torch.full((len(x), len(y[0]), len(x[0])), torch.inf)
        far, seen = torch.zeros_like(near), torch.zeros_like(near)
        for face in range(normals.shape[1]):
            forward, right, down = along[:, :, face, None]
            rows = (forward + down * y)[:, :, None]
            met = rows + (right * x)[:, None]
            facing = (outside[:, face] > 0)[:, None, None]
            nearer = facing & (met < near)
            near = met.where(nearer, near)
            seen = tone[:, face, None, None].where(nearer, seen)
            far = torch.maximum(far, met.where(~facing, 0.0))
        steps = (near - self.least) / (self.most - self.least) * (NEAR - 1)
        number = steps.round().clamp(0, NEAR - 1) * (2 * TONES) + seen
        return number.where(near >= far, 0.0).to(torch.int16)


@lru_cache(maxsize=2)
def kept(size: int, device: torch.device) -> Layers:
    """The layers at a size: cast once in a process, for all data sets."""
    with torch.no_grad():
        return Layers(size, device)
