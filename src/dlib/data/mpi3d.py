"""A twin of MPI3D toy: a robot arm that carries a coloured object, drawn.

MPI3D (Gondal et al., 2019, github.com/rr-learning/disentanglement_dataset) has
1,036,800 pictures of an arm before three cameras, in every combination of seven
factors; "toy" is its simplest rendering. The twin keeps nothing on disk. The ring
on the floor and the arm's column are drawn once; the rest of the arm is strokes,
and the object is cast in a window of its own (:mod:`dlib.data.convex`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from dlib.data import convex, mpi3d_scene
from dlib.data.dataset import Grid
from dlib.data.factors import Factor, FactorSpace
from dlib.data.mpi3d_scene import SCENE, Scene

SIZES = (8, 16, 32, 48, 64, 96, 128)
AXIS = 40
TOGETHER = 32  # pictures drawn at once: small enough for a processor's cache


def _named(name: str, *labels: str) -> Factor:
    values = tuple(float(i) for i in range(len(labels)))
    return Factor(name, values, "categorical", labels)


def _angles(middle_and_half: tuple[float, float]) -> tuple[float, ...]:
    middle, half = middle_and_half
    return tuple(middle + half * (2 * i / (AXIS - 1) - 1) for i in range(AXIS))


SPACE = FactorSpace(
    [
        _named("object_color", "white", "green", "red", "blue", "brown", "olive"),
        _named("object_shape", *mpi3d_scene.SHAPES),
        Factor("object_size", (0.0, 1.0), "continuous", ("small", "large")),
        Factor("camera_height", (0.0, 1.0, 2.0), "continuous", ("top", "center", "bottom")),
        _named("background_color", "purple", "sea green", "salmon"),
        Factor("horizontal_axis", tuple(float(i) for i in range(AXIS))),
        Factor("vertical_axis", tuple(float(i) for i in range(AXIS))),
    ]
)
"""The official factors. The last two are the steps of the arm's two motors."""


def stroke(
    ends: Tensor, widths: Tensor, columns: Tensor, rows: Tensor
) -> tuple[Tensor, Tensor]:
    """Lines with round ends, anti-aliased.

    Parameters
    ----------
    ends : Tensor
        (n, 2, 2): both ends, (column, row) in pixels.
    widths : Tensor
        (n, 2): half the width at both ends, in pixels.
    columns, rows : Tensor
        Middles of the pixels, (w,) and (h,).

    Returns
    -------
    coverage : Tensor
        How much of each pixel, (n, h, w).
    along : Tensor
        Place between the ends, 0..1.
    """
    start = ends[:, 0]
    # A line without length is a dot; a little of one gives it a direction.
    way = ends[:, 1] - start + ends.new_tensor([1e-4, 0.0])
    length = way.square().sum(1, keepdim=True).sqrt()
    way, step = way / length, way / length.square()
    dx, dy = columns - start[:, :1], rows - start[:, 1:]
    along = ((dx * step[:, :1])[:, None, :] + (dy * step[:, 1:])[:, :, None]).clamp_(0, 1)
    across = (dx * way[:, 1:])[:, None, :] - (dy * way[:, :1])[:, :, None]
    # Beyond the ends the distance is that to the end.
    over = (dx * way[:, :1])[:, None, :] + (dy * way[:, 1:])[:, :, None]
    over = over - along * length[:, :, None]
    distance = (across.square() + over.square()).sqrt()
    width = widths[:, 0, None, None] + (widths[:, 1] - widths[:, 0])[:, None, None] * along
    # A line thinner than a pixel covers no more than its width of one.
    return (width - distance + 0.5).clamp_(min=0).minimum((2 * width).clamp(max=1)), along


class Painter:
    """Draws pictures of a scene.

    Parameters
    ----------
    size : int
        Side of the pictures.
    device : torch.device
        Where.
    scene : Scene
        What.
    """

    def __init__(self, size: int, device: torch.device, scene: Scene = SCENE) -> None:
        self.size, self.device, self.scene = size, device, scene
        self.zoom = size / 64
        self.focal = scene.focal * self.zoom
        self.middles = torch.arange(size, device=device) + 0.5
        cameras = [mpi3d_scene.axes(camera) for camera in scene.cameras]
        self.origins = torch.stack([origin for origin, _ in cameras]).to(device)
        self.axes = torch.stack([axes for _, axes in cameras]).to(device)
        self.solids = _to(mpi3d_scene.solids(scene), device)
        self.heights = torch.tensor(mpi3d_scene.heights(scene), device=device)
        self.colours = torch.tensor(scene.colours, device=device)
        self.tilts = torch.tensor(_angles(scene.tilt), device=device)
        self.turns = torch.tensor(_angles(scene.turn), device=device)
        self.lamps = torch.tensor(scene.lamps, device=device)
        self.per_pixel = max(2, min(6, 192 // size))
        self.shoulder = torch.tensor([*scene.place, scene.shoulder], device=device)
        self.window = self._window()
        self.floors = self._floors()
        self.columns, self.column_light = self._columns()

    def project(self, camera: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Places on the picture, (n, k, 2), and depths, (n, k), of points (n, k, 3)."""
        seen = torch.einsum(
            "nkx,nax->nka", points - self.origins[camera][:, None], self.axes[camera]
        )
        depth = seen[..., 0]
        return self.size / 2 + self.focal * seen[..., 1:] / depth[..., None], depth

    def _arm(self, tilt: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        """Where the arm begins, (n, 3), and its axes aside, along, below (n, 3, 3)."""
        tilt, turn = self.tilts[tilt], self.turns[turn]
        zero = torch.zeros_like(turn)
        aside = torch.stack([turn.cos(), -turn.sin(), zero], 1)
        flat = tilt.cos()
        along = torch.stack([flat * turn.sin(), flat * turn.cos(), tilt.sin()], 1)
        below = torch.linalg.cross(aside, along)
        start = self.shoulder + self.scene.aside * aside + self.scene.below * below
        return start, torch.stack([aside, along, below], 1)

    def _poses(self) -> tuple[Tensor, Tensor, Tensor]:
        """Camera, tilt and turn of every view of the arm, (3 * 40 * 40,) each."""
        sizes = (len(self.origins), AXIS, AXIS)
        every = [torch.arange(n, device=self.device) for n in sizes]
        camera, tilt, turn = torch.cartesian_prod(*every).unbind(1)
        return camera, tilt, turn

    def _window(self) -> int:
        """Pixels along a side that hold any object in any place."""
        camera, tilt, turn = self._poses()
        start, frame = self._arm(tilt, turn)
        out = self.scene.reach + self.heights / 2
        middles = start[:, None] + out[:, None] * frame[:, None, 1]
        places, depth = self.project(camera, middles)
        off = (places - self.size / 2).norm(dim=2) / self.focal
        reach = torch.tensor(mpi3d_scene.reaches(self.scene), device=self.device)
        # A ball off the picture's middle is drawn longer than it is wide.
        radius = reach / (depth.square() - reach.square()).sqrt() * (1 + off**2).sqrt()
        return min(self.size, math.ceil(2 * self.focal * float(radius.max())) + 1)

    def _on_floor(self, fine: int) -> Tensor:
        """Where each camera's rays meet the floor, (3, 2, fine size, fine size)."""
        place = (torch.arange(self.size * fine, device=self.device) + 0.5) / fine
        place = (place - self.size / 2) / self.focal
        forward, right, down = self.axes[:, :, None, None].unbind(1)
        ray = forward + place[:, None, None] * down + place[:, None] * right
        origin = self.origins[:, None, None]
        distance = -origin[..., 2:] / ray[..., 2:].clamp(max=-1e-6)
        return (origin + distance * ray)[..., :2].permute(0, 3, 1, 2)

    def _floors(self) -> Tensor:
        """The floor before each camera, in each colour; (9, 3, size, size)."""
        scene, fine = self.scene, 4
        colours = torch.tensor(scene.ring_colours, device=self.device)
        pictures = []
        for x, y in self._on_floor(fine):
            radius, side = torch.hypot(x, y), torch.atan2(x, y)
            ring = (radius < 1) & (radius > scene.ring_inner)
            follows = (side < scene.ring_left).long() - (side > scene.ring_right).long()
            a, b, c = scene.ring_shade
            shade = 1 + a * x + b * (y - 0.9) + c * x * x
            for colour in range(3):
                light = colours[(colour + follows) % 3] * shade[..., None]
                light = light.where(ring[..., None], scene.floor)
                pictures.append(avg_pool2d(light.permute(2, 0, 1), fine))
        return torch.stack(pictures)

    def _columns(self) -> tuple[Tensor, Tensor]:
        """What only turns: base, column and joint, before each camera at each turn.

        Returns
        -------
        coverage, light : Tensor
            (3 * 40, size, size).
        """
        scene, fine = self.scene, 4
        parts = []
        for number, (x, y) in enumerate(self._on_floor(fine)):
            camera = torch.full((AXIS,), number, device=self.device)
            x, y = x - scene.place[0], y - scene.place[1]
            radius, side = torch.hypot(x, y), torch.atan2(x, y)
            disc = avg_pool2d((radius < scene.base_radius).float()[None], fine)
            hole = radius < scene.base_hole
            slot = (side - self.turns[:, None, None] - scene.slot_turn).cos()
            base = torch.full_like(slot, scene.base_light)
            base = base.where(slot < math.cos(scene.slot_half), scene.slot_light)
            base = base.where(~hole, scene.hole_light)
            base = base.where(radius < scene.base_radius, 0.0)
            covered, light = disc.expand(AXIS, -1, -1), avg_pool2d(base, fine)

            ends = self.shoulder.repeat(AXIS, 2, 1)
            ends[:, 0, 2] = 0
            places, depth = self.project(camera, ends)
            widths = self.focal * scene.column_radius / depth
            over, along = stroke(places, widths, self.middles, self.middles)
            bottom, top = scene.column_light
            light = light * (1 - over) + over * (bottom + (top - bottom) * along)
            covered = 1 - (1 - covered) * (1 - over)

            aside = torch.stack(
                [self.turns.cos(), -self.turns.sin(), self.turns * 0], 1
            )
            ends = torch.stack([self.shoulder + end * aside for end in scene.joint], 1)
            places, depth = self.project(camera, ends)
            widths = self.focal * scene.joint_radius / depth
            over, along = stroke(places, widths, self.middles, self.middles)
            one, other = scene.joint_light
            light = light * (1 - over) + over * (one + (other - one) * along)
            parts.append((1 - (1 - covered) * (1 - over), light))
        covers, lights = zip(*parts, strict=True)
        return torch.cat(covers), torch.cat(lights)

    def draw(self, factors: Tensor) -> Tensor:
        """Pictures, float (n, 3, size, size), 0 to 255."""
        size = self.size
        colour, shape, large, camera, background, tilt, turn = factors.unbind(1)
        start, frame = self._arm(tilt, turn)
        reach = self.scene.reach + self.scene.small_reach * (large == 0)
        reach = reach + self.scene.sphere_reach * (shape == 5)
        end = start + reach[:, None] * frame[:, 1]
        arm, arm_light, arm_first = self._draw_arm(camera, start, end, frame)
        inside, bright, place, object_first, arm_over = self._draw_object(
            shape, large, camera, end, frame
        )
        n = len(factors)
        place = place.flatten(1)
        solid = torch.zeros(n, size * size, device=self.device)
        solid = solid.scatter_(1, place, inside.flatten(1)).view(n, size, size)
        light = torch.zeros(n, size * size, device=self.device)
        light = light.scatter_(1, place, bright.flatten(1)).view(n, size, size)

        view = camera * AXIS + turn
        column, column_light = self.columns[view], self.column_light[view]
        # Each of the three dims what it stands before.
        grey = column_light * (1 - arm * arm_first) * (1 - solid * object_first)
        grey += arm_light * (1 - column * ~arm_first) * (1 - solid * ~arm_over)
        light *= (1 - column * ~object_first) * (1 - arm * arm_over)
        clear = (1 - arm) * (1 - solid) * (1 - column)
        picture = self.floors[camera * 3 + background] * clear[:, None]
        picture += grey[:, None]
        picture += light[:, None] * self.colours[colour][:, :, None, None]
        return picture.clamp_(max=255)

    def _draw_arm(
        self, camera: Tensor, start: Tensor, end: Tensor, frame: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Coverage and light of rod and elbow, and if they are before the column."""
        scene, along = self.scene, frame[:, 1]
        first, last = scene.elbow
        points = torch.stack(
            [
                start,
                end,
                start + first * along,
                start + last * along,
            ],
            1,
        )
        places, depth = self.project(camera, points)
        rod, _ = stroke(
            places[:, :2],
            self.focal * scene.rod_radius / depth[:, :2],
            self.middles,
            self.middles,
        )
        elbow, _ = stroke(
            places[:, 2:],
            self.focal * scene.elbow_radius / depth[:, 2:],
            self.middles,
            self.middles,
        )
        level, upright = scene.rod_light
        rod_light = (level + upright * along[:, 2].abs())[:, None, None]
        light = rod * (1 - elbow) * rod_light + elbow * scene.elbow_light
        axis = self.shoulder.expand_as(start)
        _, far = self.project(camera, torch.stack([axis, points[:, 3]], 1))
        first_of_two = (far[:, 1] < far[:, 0])[:, None, None]
        return 1 - (1 - rod) * (1 - elbow), light, first_of_two

    def _draw_object(
        self, shape: Tensor, large: Tensor, camera: Tensor, end: Tensor, frame: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The object's window: coverage, light, and the pixels' places, (n, w, w).

        And if it is before the column, and the arm before it, (n, 1, 1).
        """
        scene, width, fine = self.scene, self.window, self.per_pixel
        scale = torch.where(large > 0, 1.0, scene.small)
        middle = end + (scale * self.heights[shape] / 2)[:, None] * frame[:, 1]
        axis = self.shoulder.expand_as(end)
        places, depth = self.project(camera, torch.stack([middle, axis], 1))
        corner = (places[:, 0] - width / 2).round().clamp(0, self.size - width)

        origin = self.origins[camera]
        to_local = torch.einsum("nax,ncx->nca", frame, self.axes[camera])
        forward, right, down = to_local.unbind(1)
        first = (corner + 0.5 / fine - self.size / 2) / self.focal
        step = 1 / (fine * self.focal)
        local = torch.einsum("nax,nx->na", frame, origin - end)
        view = convex.View(
            local,
            forward + first[:, :1] * right + first[:, 1:] * down,
            right * step,
            down * step,
        )
        solids = self.solids.pick(shape, scale)
        to_camera = torch.nn.functional.normalize(origin - middle)
        light = convex.Light(
            scene.ambient,
            (
                scene.headlight * torch.einsum("nax,nx->na", frame, to_camera),
                *torch.einsum("nax,lx->lna", frame, self.lamps),
            ),
        )
        inside, bright = convex.cast(solids, view, light, width * fine)
        covered = avg_pool2d(inside.float(), fine)
        bright = avg_pool2d(bright, fine)
        steps = torch.arange(width, device=self.device)
        columns, rows = corner.long()[:, :, None].unbind(1)
        place = (rows + steps)[:, :, None] * self.size + (columns + steps)[:, None, :]
        before = (depth[:, 0] < depth[:, 1])[:, None, None]
        base_seen = (local[:, 1] < 0)[:, None, None]
        return covered, bright, place, before, base_seen


def _to(solids: convex.Solids, device: torch.device) -> convex.Solids:
    return convex.Solids(*(t.to(device) for t in vars(solids).values()))


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
        together = TOGETHER if self.device.type == "cpu" else max(len(factors), 1)
        images = torch.empty(
            len(factors), 3, self.size, self.size, dtype=torch.uint8, device=self.device
        )
        for some, into in zip(
            factors.split(together), images.split(together), strict=True
        ):
            into.copy_(self._painter.draw(some).add_(0.5))
        return images
