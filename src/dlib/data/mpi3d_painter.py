"""How the pictures of the MPI3D twin are painted.

What stands still, or only turns, is drawn once: the floor before each camera in
each colour, and the arm's column at each turn. Of the rest, the rod and the elbow
are strokes over the whole picture, and the object is cast in a window of its own
(:mod:`dlib.data.convex`). Each of column, arm and object dims what it stands before.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, normalize

from dlib.data import convex, mpi3d_scene
from dlib.data.mpi3d_scene import SCENE, Scene

AXIS = 40  # positions of each of the arm's two axes
FINE = 4  # samples a pixel, along each side, of what is drawn once


def stroke(
    ends: Tensor, widths: Tensor, columns: Tensor, rows: Tensor
) -> tuple[Tensor, Tensor]:
    """Straight lines with round ends, anti-aliased.

    Parameters
    ----------
    ends : Tensor
        (n, 2, 2): both ends, each (column, row) in pixels. A line without length
        is a dot.
    widths : Tensor
        (n, 2): half the width at both ends, in pixels.
    columns, rows : Tensor
        Middles of the pixels, (w,) and (h,).

    Returns
    -------
    coverage : Tensor
        How much of each pixel is covered, (n, h, w).
    along : Tensor
        How far each pixel is from one end to the other, 0..1, (n, h, w).
    """
    start = ends[:, 0]
    # A little length gives a dot a direction.
    way = ends[:, 1] - start + ends.new_tensor([1e-4, 0.0])
    length = way.square().sum(1, keepdim=True).sqrt()
    way = way / length
    dx, dy = columns - start[:, :1], rows - start[:, 1:]
    forth = (dx * way[:, :1])[:, None, :] + (dy * way[:, 1:])[:, :, None]
    across = (dx * way[:, 1:])[:, None, :] - (dy * way[:, :1])[:, :, None]
    length = length[:, :, None]
    within = forth.minimum(length).clamp_(min=0)
    distance = torch.hypot(forth.sub_(within), across)
    along = within.div_(length)
    first, last = widths[:, :, None, None].unbind(1)
    width = first + (last - first) * along
    coverage = (width - distance).add_(0.5).clamp_(min=0)
    # A line thinner than a pixel covers no more of it than its width.
    return coverage.minimum((2 * width).clamp_(max=1)), along


def over(
    coverage: Tensor, light: Tensor, layer: Tensor, layer_light: Tensor | float
) -> tuple[Tensor, Tensor]:
    """Coverage and light once a layer of that coverage and light lies on top."""
    light = light * (1 - layer) + layer * layer_light
    return 1 - (1 - coverage) * (1 - layer), light


class Painter:
    """Paints pictures of a scene.

    Parameters
    ----------
    size : int
        Side of the pictures in pixels.
    device : torch.device
        Where they are painted.
    scene : Scene
        What they show.
    """

    def __init__(self, size: int, device: torch.device, scene: Scene = SCENE) -> None:
        def tensor(numbers: object) -> Tensor:
            return torch.tensor(numbers, dtype=torch.float32, device=device)

        def angles(middle: float, to_last: float) -> Tensor:
            steps = [2 * i / (AXIS - 1) - 1 for i in range(AXIS)]
            return tensor([middle + to_last * step for step in steps])

        self.size, self.device, self.scene = size, device, scene
        self.focal = scene.focal * size / 64
        self.centre = tensor(scene.centre) * size / 64
        self.middles = torch.arange(size, device=device) + 0.5
        cameras = [mpi3d_scene.axes(camera) for camera in scene.cameras]
        self.origins = torch.stack([origin for origin, _ in cameras]).to(device)
        self.axes = torch.stack([axes for _, axes in cameras]).to(device)
        self.tilts, self.turns = angles(*scene.tilt), angles(*scene.turn)
        self.shoulder = tensor([*scene.place, scene.shoulder])
        self.solids = mpi3d_scene.solids(scene).to(device)
        self.heights = tensor(mpi3d_scene.heights(scene))
        self.lamps, self.colours = tensor(scene.lamps), tensor(scene.colours)
        # Rays along each side of a pixel: 3 at 64.
        self.rays = min(4, max(2, 192 // size))
        self.window = self._window()
        self.floors = self._floors()
        self.columns, self.column_lights = self._columns()

    def paint(self, factors: Tensor) -> Tensor:
        """Pictures of points, (n, 7): float32 of 0 to 255, (n, 3, size, size)."""
        colour, shape, large, camera, background, tilt, turn = factors.unbind(1)
        start, frame = self._arm(tilt, turn)
        scale = torch.where(large > 0, 1.0, self.scene.small)
        # The object's middle is at the same place whatever its size and shape.
        reach = self.scene.reach - scale * self.heights[shape] / 2
        end = start + reach[:, None] * frame[:, 1]

        view = camera * AXIS + turn
        column, column_light = self.columns[view], self.column_lights[view]
        arm, arm_light, arm_first = self._paint_arm(camera, start, end, frame)
        solid, light, solid_first, arm_on_solid = self._paint_object(
            shape, scale, camera, end, frame
        )
        grey = column_light * (1 - arm * arm_first) * (1 - solid * solid_first)
        grey += arm_light * (1 - column * ~arm_first) * (1 - solid * ~arm_on_solid)
        light *= (1 - column * ~solid_first) * (1 - arm * arm_on_solid)
        clear = (1 - arm) * (1 - solid) * (1 - column)
        picture = self.floors[camera * 3 + background]
        picture *= clear[:, None]
        picture += grey[:, None]
        picture.addcmul_(light[:, None], self.colours[colour][:, :, None, None])
        return picture.clamp_(max=255)

    # -- geometry -------------------------------------------------------------

    def _project(self, camera: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels, (n, k, 2), and depths, (n, k), of points, (n, k, 3)."""
        seen = torch.einsum(
            "nkx,nax->nka", points - self.origins[camera][:, None], self.axes[camera]
        )
        depth = seen[..., 0]
        return self.centre + self.focal * seen[..., 1:] / depth[..., None], depth

    def _arm(self, tilt: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        """Where arms begin, (n, 3), and their axes aside, along, below, (n, 3, 3)."""
        tilt, turn = self.tilts[tilt], self.turns[turn]
        aside = torch.stack([turn.cos(), -turn.sin(), torch.zeros_like(turn)], 1)
        level = tilt.cos()
        along = torch.stack([level * turn.sin(), level * turn.cos(), tilt.sin()], 1)
        below = torch.linalg.cross(aside, along)
        start = self.shoulder + self.scene.aside * aside + self.scene.below * below
        return start, torch.stack([aside, along, below], 1)

    def _window(self) -> int:
        """Pixels along a side that hold any object in any place."""
        sizes = (len(self.origins), AXIS, AXIS)
        every = [torch.arange(n, device=self.device) for n in sizes]
        camera, tilt, turn = torch.cartesian_prod(*every).unbind(1)
        start, frame = self._arm(tilt, turn)
        middles = start + self.scene.reach * frame[:, 1]
        places, depth = self._project(camera, middles[:, None])
        reach = max(mpi3d_scene.reaches(self.scene))
        # Away from the picture's middle a ball is drawn longer than it is wide.
        off = (places - self.centre).norm(dim=2) / self.focal
        radius = reach / (depth.square() - reach**2).sqrt() * (1 + off**2).sqrt()
        return min(self.size, math.ceil(2 * self.focal * float(radius.max())) + 1)

    # -- drawn once -----------------------------------------------------------

    def _on_floor(self) -> Tensor:
        """Where each camera's fine rays meet the floor, (3, 2, side, side)."""
        samples = (torch.arange(self.size * FINE, device=self.device) + 0.5) / FINE
        across, beneath = ((samples - c) / self.focal for c in self.centre)
        forward, right, down = self.axes[:, :, None, None].unbind(1)
        ray = forward + beneath[:, None, None] * down + across[:, None] * right
        origin = self.origins[:, None, None]
        distance = -origin[..., 2:] / ray[..., 2:].clamp(max=-1e-6)
        return (origin + distance * ray)[..., :2].permute(0, 3, 1, 2)

    def _floors(self) -> Tensor:
        """The floor before each camera, in each colour; (9, 3, size, size)."""
        scene, pictures = self.scene, []
        colours = torch.tensor(scene.ring_colours, device=self.device)
        for x, y in self._on_floor():
            radius, side = torch.hypot(x, y), torch.atan2(x, y)
            ring = (radius < 1) & (radius > scene.ring_inner)
            follows = (side < scene.ring_left).long() - (side > scene.ring_right).long()
            by_x, by_y, by_square = scene.ring_shade
            shade = 1 + by_x * x + by_y * (y - 0.9) + by_square * x * x
            for colour in range(3):
                light = colours[(colour + follows) % 3] * shade[..., None]
                light = light.where(ring[..., None], scene.floor)
                pictures.append(avg_pool2d(light.permute(2, 0, 1), FINE))
        return torch.stack(pictures)

    def _columns(self) -> tuple[Tensor, Tensor]:
        """What only turns: base, column and joint, before each camera at each turn.

        Returns
        -------
        coverage, light : Tensor
            (3 * AXIS, size, size) each.
        """
        scene, parts = self.scene, []
        for number, (x, y) in enumerate(self._on_floor()):
            x, y = x - scene.place[0], y - scene.place[1]
            disc = (torch.hypot(x, y) < scene.base_radius).float()
            turn = self.turns[:, None, None] + scene.sector_turn
            sector = (torch.atan2(x, y) - turn).cos() > math.cos(scene.sector_half)
            base = torch.where(sector, scene.sector_light, scene.base_light) * disc
            light = avg_pool2d(base, FINE)
            covered = avg_pool2d(disc[None], FINE).expand_as(light)

            camera = torch.full((AXIS,), number, device=self.device)
            ends = self.shoulder.repeat(AXIS, 2, 1)
            ends[:, 0, 2] = 0
            places, depth = self._project(camera, ends)
            column, along = self._stroke(places, depth, scene.column_radius)
            bottom, top = scene.column_light
            layer = bottom + (top - bottom) * along
            covered, light = over(covered, light, column, layer)
            places, depth = places[:, [1, 1]], depth[:, [1, 1]]
            joint, _ = self._stroke(places, depth, scene.joint_radius)
            parts.append(over(covered, light, joint, scene.joint_light))
        covers, lights = zip(*parts, strict=True)
        return torch.cat(covers), torch.cat(lights)

    # -- drawn for each picture -----------------------------------------------

    def _stroke(
        self, places: Tensor, depth: Tensor, radius: float
    ) -> tuple[Tensor, Tensor]:
        """A round bar over the whole picture; see :func:`stroke`."""
        widths = self.focal * radius / depth
        return stroke(places, widths, self.middles, self.middles)

    def _paint_arm(
        self, camera: Tensor, start: Tensor, end: Tensor, frame: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Rod and elbow: coverage and light, (n, size, size).

        And whether they are before the column, (n, 1, 1).
        """
        scene, along = self.scene, frame[:, 1]
        elbow = [start + place * along for place in scene.elbow]
        shoulder = self.shoulder.expand_as(start)
        points = torch.stack([start, end, *elbow, shoulder], 1)
        places, depth = self._project(camera, points)
        rod, _ = self._stroke(places[:, :2], depth[:, :2], scene.rod_radius)
        level, upright = scene.rod_light
        rod_light = rod * (level + upright * along[:, 2].abs())[:, None, None]
        bend, _ = self._stroke(places[:, 2:4], depth[:, 2:4], scene.elbow_radius)
        covered, light = over(rod, rod_light, bend, scene.elbow_light)
        return covered, light, (depth[:, 3] < depth[:, 4])[:, None, None]

    def _paint_object(
        self, shape: Tensor, scale: Tensor, camera: Tensor, end: Tensor, frame: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The object: coverage and light, (n, size, size), the light without colour.

        And whether it is before the column, and the arm before it, (n, 1, 1).
        """
        width, rays, scene = self.window, self.rays, self.scene
        middle = end + (scale * self.heights[shape] / 2)[:, None] * frame[:, 1]
        points = torch.stack([middle, self.shoulder.expand_as(middle)], 1)
        places, depth = self._project(camera, points)
        corner = (places[:, 0] - width / 2).round().clamp(0, self.size - width)

        # The camera and the lamps in the object's frame.
        origin = self.origins[camera]
        forward, right, down = torch.einsum(
            "nax,ncx->nca", frame, self.axes[camera]
        ).unbind(1)
        across, beneath = ((corner + 0.5 / rays - self.centre) / self.focal).split(1, 1)
        step = 1 / (rays * self.focal)
        place = torch.einsum("nax,nx->na", frame, origin - end)
        first = forward + across * right + beneath * down
        view = convex.View(place, first, right * step, down * step)
        to_camera = torch.einsum("nax,nx->na", frame, normalize(origin - middle))
        lamps = torch.einsum("nax,lx->lna", frame, self.lamps)
        light = convex.Light(scene.ambient, (scene.headlight * to_camera, *lamps))

        solids = self.solids.pick(shape, scale)
        inside, bright = convex.cast(solids, view, light, width * rays)
        before_column = (depth[:, 0] < depth[:, 1])[:, None, None]
        base_seen = (place[:, 1] < 0)[:, None, None]
        return (
            self._place(avg_pool2d(inside, rays), corner),
            self._place(avg_pool2d(bright, rays), corner),
            before_column,
            base_seen,
        )

    def _place(self, windows: Tensor, corner: Tensor) -> Tensor:
        """Windows, (n, w, w), put into pictures of zeros at their top left corners."""
        steps = torch.arange(self.window, device=self.device)
        columns, rows = (corner.long()[:, :, None] + steps).unbind(1)
        place = rows[:, :, None] * self.size + columns[:, None, :]
        pictures = windows.new_zeros(len(windows), self.size * self.size)
        pictures.scatter_(1, place.flatten(1), windows.flatten(1))
        return pictures.view(-1, self.size, self.size)
