"""The chairs' solids and layers: geometry by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dlib.data.chairs_arms import ARMS
from dlib.data.chairs_backs import BACKS
from dlib.data.chairs_layers import (
    DISTANCE,
    FOCAL,
    STORED,
    TONES,
    VIEWS,
    Cameras,
    Layers,
    kept,
)
from dlib.data.chairs_legs import LEGS
from dlib.data.chairs_models import FRAMES
from dlib.data.chairs_solids import Solid, block, both, disc, leant, rod

STYLES = {**LEGS, **BACKS, **ARMS}


def inside(solid: Solid, points: Tensor) -> Tensor:
    return (points @ solid.normals.T <= solid.offsets + 1e-5).all(1)


def volume(solid: Solid) -> float:
    """By counting points of its bounding box."""
    low, high = solid.corners.amin(0), solid.corners.amax(0)
    generator = torch.Generator().manual_seed(0)
    points = low + (high - low) * torch.rand(200_000, 3, generator=generator)
    share = inside(solid, points).float().mean()
    return float(share * (high - low).prod())


# --- solids -----------------------------------------------------------------


def test_a_block_is_a_box() -> None:
    solid = block((0.1, 0.2, 0.3), (0.05, 0.1, 0.2))
    assert solid.normals.shape == (6, 3) and solid.corners.shape == (8, 3)
    assert volume(solid) == pytest.approx(0.1 * 0.2 * 0.4, rel=1e-3)
    assert torch.allclose(solid.corners.mean(0), torch.tensor([0.1, 0.2, 0.3]))


def test_a_block_leans_back_over_its_hinge() -> None:
    upright = block((0.0, 0.6, -0.2), (0.2, 0.2, 0.01))
    solid = block((0.0, 0.6, -0.2), (0.2, 0.2, 0.01), 30, (0.4, -0.2))
    assert volume(solid) == pytest.approx(0.4 * 0.4 * 0.02, rel=0.03)
    # The middle is .2 over the hinge, and goes to the rear by .2 sin 30.
    middle = torch.tensor([0.0, 0.4 + 0.2 * math.cos(math.pi / 6), -0.3])
    assert torch.allclose(solid.corners.mean(0), middle, atol=1e-6)
    assert torch.allclose(leant(upright.corners, 30, (0.4, -0.2)), solid.corners)


def test_a_rod_is_nearly_a_cylinder_or_a_cone() -> None:
    straight = rod((0.0, 0.0, 0.0), (0.3, 0.4, 0.0), 0.1, sides=16)
    assert volume(straight) == pytest.approx(0.5 * math.pi * 0.01, rel=0.04)
    tapered = rod((0.0, 0.0, 0.0), (0.0, 0.3, 0.0), 0.1, 0.05, sides=16)
    cone = math.pi * 0.3 / 3 * (0.01 + 0.005 + 0.0025)
    assert volume(tapered) == pytest.approx(cone, rel=0.04)
    level = rod((-0.2, 0.1, 0.0), (0.2, 0.1, 0.0), 0.01)
    assert inside(level, torch.tensor([[0.0, 0.1, 0.0]])).all()


def test_a_disc_is_an_oval_plate() -> None:
    solid = disc((0.0, 0.5, 0.1), (0.2, 0.3), 0.04, 0, (0.0, 0.0))
    assert volume(solid) == pytest.approx(math.pi * 0.2 * 0.3 * 0.04, rel=0.04)


@pytest.mark.parametrize("style", STYLES)
def test_all_solids_are_convex_and_closed(style: str) -> None:
    for solid in [solid for frame in FRAMES for solid in STYLES[style](frame)]:
        assert inside(solid, solid.corners).all()
        assert torch.allclose(solid.normals.norm(dim=1), torch.ones(1))
        assert (solid.corners.mean(0) @ solid.normals.T < solid.offsets).all()
        assert solid.corners[:, 1].min() > -0.03  # nothing is far below the floor


@pytest.mark.parametrize("style", STYLES)
def test_chairs_are_the_same_on_both_sides(style: str) -> None:
    for frame in FRAMES:
        corners = [solid.corners for solid in STYLES[style](frame)] or [
            torch.zeros(1, 3)
        ]
        every = torch.cat(corners)
        mirrored = every * torch.tensor([-1.0, 1, 1])
        assert (torch.cdist(every, mirrored).amin(1) < 1e-3).all()


def test_mirror_images_are_solids() -> None:
    one = block((0.2, 0.1, 0.0), (0.05, 0.1, 0.02), 10)
    first, second = both([one])
    assert inside(second, first.corners * torch.tensor([-1.0, 1, 1])).all()
    assert not inside(second, first.corners).any()


# --- cameras and layers -----------------------------------------------------


def test_cameras_look_at_the_middle_of_the_chair() -> None:
    cameras = Cameras()
    assert cameras.origin.shape == (len(FRAMES), VIEWS, 3)
    view = torch.arange(VIEWS)
    for number, frame in enumerate(FRAMES):
        middle = torch.tensor([[[0.0, frame.middle, 0.0]]]).expand(VIEWS, 1, 3)
        place = cameras.project(middle, torch.full((VIEWS,), number), view)
        assert place[..., :2].abs().max() < 1e-6
        assert torch.allclose(place[..., 2], torch.tensor(1 / DISTANCE))
    identity = cameras.axes @ cameras.axes.transpose(1, 2)
    assert torch.allclose(identity, torch.eye(3).expand(VIEWS, 3, 3), atol=1e-6)
    # A step aside at azimuth 0 is to the right, and a step up is up.
    near = torch.tensor(
        [[[0.1, FRAMES[0].middle, 0.0], [0, FRAMES[0].middle + 0.1, 0]]]
    )
    aside, up = cameras.project(near, torch.zeros(1).long(), view[:1])[0]
    assert aside[:2].tolist() == pytest.approx([FOCAL * 0.1 / DISTANCE, 0], abs=1e-6)
    assert up[1] < -0.03 and up[0].abs() < 1e-6


def test_layers_agree_with_rays_followed_one_by_one() -> None:
    """A ray of the first back's layer, marched through the solids in small steps."""
    layers = Layers(16, torch.device("cpu"))
    side = layers.window * layers.rays
    first = len(LEGS) * len(FRAMES) * VIEWS
    cameras, solids = layers.cameras, BACKS["slats"](FRAMES[3])
    row = first + (list(BACKS).index("slats") * len(FRAMES) + 3) * VIEWS
    distances = torch.arange(DISTANCE - 0.9, DISTANCE + 0.9, 0.002)
    missed = 0
    generator = torch.Generator().manual_seed(0)
    for view in (0, 9, 21, 2 * STORED - 1):
        stored = layers.stored[row + view].view(side, side)
        origin, (forward, right, down) = cameras.origin[3, view], cameras.axes[view]
        step = 1 / (16 * layers.rays * FOCAL)
        for y, x in torch.randint(side, (60, 2), generator=generator).tolist():
            half = (side - 1) / 2
            ray = forward + (x - half) * step * right + (y - half) * step * down
            points = origin + distances[:, None] * ray
            hit = torch.stack([inside(s, points) for s in solids])
            if bool(hit.any()) != bool(stored[y, x] > 0):
                missed += 1  # grazed between two steps
            elif bool(hit.any()):
                met = 1 / float(distances[int(hit.any(0).int().argmax())])
                steps = (met - layers.least) / (layers.most - layers.least) * 255
                assert abs(int(stored[y, x]) // (2 * TONES) - steps) < 1.5
    assert missed <= 3


def test_layers_of_one_size_are_cast_once() -> None:
    first = kept(16, torch.device("cpu"))
    assert kept(16, torch.device("cpu")) is first
    rows = sum(map(len, (LEGS, BACKS, ARMS))) * len(FRAMES) * VIEWS
    assert first.stored.shape == (rows, (first.window * first.rays) ** 2)
    assert first.stored.dtype == torch.int16 and first.stored.min() == 0


@pytest.mark.parametrize("size", [16, 33])
def test_no_chair_ends_at_its_window(size: int) -> None:
    layers = Layers(size, torch.device("cpu"))
    assert layers.window < size and (size - layers.window) % 2 == 0
    side = layers.window * layers.rays
    seen = (layers.stored > 0).any(0).view(side, side)
    assert not (
        seen[0].any() or seen[-1].any() or seen[:, 0].any() or seen[:, -1].any()
    )
    assert seen.any(0).sum() > 0.5 * side


def test_the_lamp_is_above_and_before_the_chair() -> None:
    """The seat is lighter than the front of the back, and that than its rear."""
    layers = kept(16, torch.device("cpu"))
    first = len(LEGS) * len(FRAMES) * VIEWS  # the panel
    front, rear = (
        layers.stored[first + frame_view] & (TONES - 1)
        for frame_view in (2 * VIEWS, 3 * VIEWS - 1)
    )
    brightest = int(front.max())
    assert brightest > 0.7 * TONES
    values = front[front > 0].unique(return_counts=True)
    common = values[0][values[1].argsort(descending=True)[:2]].sort().values
    assert 1.2 * common[0] < common[1]  # back, seat
    assert rear[rear > 0].float().mean() < 0.6 * front[front > 0].float().mean()
