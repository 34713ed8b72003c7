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
        self.lamp = torch.tensor(scene.lamp_towards, device=device)
        self.lamp = self.lamp / self.lamp.norm()
        self.per_pixel = max(2, min(6, 192 // size))
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
        start = self.scene.aside * aside
        start[:, 2] += self.scene.shoulder
        below = torch.linalg.cross(aside, along)
        return start, torch.stack([aside, along, below], 1)

    def _window(self) -> int:
        """Pixels along a side that hold any object in any place."""
        reach = max(mpi3d_scene.reaches(self.scene))
        arm = self.scene.reach + reach
        widest = 0.0
        for camera in self.scene.cameras:
            away = math.hypot(camera.distance, camera.height - self.scene.shoulder)
            nearest = away - arm - reach
            widest = max(widest, reach / max(nearest, reach))
        return min(self.size, math.ceil(2.1 * self.focal * widest) + 2)

    def _floors(self) -> Tensor:
        """The floor before each camera, in each colour; (9, 3, size, size)."""
        scene, fine = self.scene, 4
        place = (torch.arange(self.size * fine, device=self.device) + 0.5) / fine
        place = (place - self.size / 2) / self.focal
        colours = torch.tensor(scene.ring_colours, device=self.device)
        pictures = []
        for origin, (forward, right, down) in zip(self.origins, self.axes, strict=True):
            ray = forward + place[:, None, None] * down + place[:, None] * right
            distance = -origin[2] / ray[..., 2].clamp(max=-1e-6)
            x, y = (origin[:2] + distance[..., None] * ray[..., :2]).unbind(-1)
            radius, side = torch.hypot(x, y), torch.atan2(x, y)
            ring = (radius < 1) & (radius > scene.ring_inner)
            follows = (side < scene.ring_left).long() - (side > scene.ring_right).long()
            a, b, c = scene.ring_shade
            shade = 1 + a * x + b * (y - 0.9) + c * x * x
            base = torch.full_like(x, scene.base_light)
            base = base.where(radius > scene.base_hole, scene.hole_light)
            for colour in range(3):
                light = colours[(colour + follows) % 3] * shade[..., None]
                light = light.where(ring[..., None], scene.floor)
                light = light.where(radius[..., None] > scene.base_radius, base[..., None])
                pictures.append(avg_pool2d(light.permute(2, 0, 1), fine))
        return torch.stack(pictures)

    def _columns(self) -> tuple[Tensor, Tensor]:
        """The column and its joint before each camera: coverage, and its light."""
        scene, every = self.scene, torch.arange(3, device=self.device)
        ends = torch.zeros(3, 2, 3, device=self.device)
        ends[:, 1, 2] = scene.shoulder
        places, depth = self.project(every, ends)
        widths = self.focal * scene.column_radius / depth
        covered, along = stroke(places, widths, self.middles, self.middles)
        bottom, top = scene.column_light
        light = covered * (bottom + (top - bottom) * along)
        tip, width = places[:, 1:].expand(-1, 2, -1), widths[:, 1:].expand(-1, 2)
        width = width * scene.joint_radius / scene.column_radius
        joint, _ = stroke(tip, width, self.middles, self.middles)
        light = light * (1 - joint) + joint * scene.joint_light
        return 1 - (1 - covered) * (1 - joint), light

    def draw(self, factors: Tensor) -> Tensor:
        """Pictures, float (n, 3, size, size), 0 to 255."""
        size = self.size
        colour, shape, large, camera, background, tilt, turn = factors.unbind(1)
        start, frame = self._arm(tilt, turn)
        end = start + self.scene.reach * frame[:, 1]
        arm, arm_light, arm_first = self._draw_arm(camera, start, frame)
        inside, bright, place, object_first, arm_over = self._draw_object(
            shape, large, camera, end, frame
        )
        n = len(factors)
        place = place.flatten(1)
        solid = torch.zeros(n, size * size, device=self.device)
        solid = solid.scatter_(1, place, inside.flatten(1)).view(n, size, size)
        light = torch.zeros(n, size * size, device=self.device)
        light = light.scatter_(1, place, bright.flatten(1)).view(n, size, size)

        column, column_light = self.columns[camera], self.column_light[camera]
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
        self, camera: Tensor, start: Tensor, frame: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Coverage and light of rod and elbow, and if they are before the column."""
        scene, along = self.scene, frame[:, 1]
        first, last = scene.elbow
        points = torch.stack(
            [
                start,
                start + scene.reach * along,
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
        axis = torch.zeros_like(start)
        axis[:, 2] = scene.shoulder
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
        axis = torch.zeros_like(end)
        axis[:, 2] = scene.shoulder
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
            (scene.headlight, scene.lamp),
            (
                torch.einsum("nax,nx->na", frame, to_camera),
                torch.einsum("nax,x->na", frame, self.lamp),
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
