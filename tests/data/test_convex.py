"""Convex solids by nearness against marching along each ray."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from dlib.data.convex import Light, Solids, View, cast
from dlib.data.mpi3d_scene import SCENE, SHAPES, heights, solids

SAMPLES = 24
SOLIDS = solids(SCENE)


def camera(place: Tensor, target: Tensor) -> View:
    """Looks at a target; its window is 0.4 of the distance wide."""
    forward = normalize(target - place)
    right = normalize(torch.linalg.cross(forward, torch.eye(3)[1:2]))
    down = torch.linalg.cross(forward, right)
    step = 0.4 / SAMPLES
    corner = forward - (right + down) * step * (SAMPLES - 1) / 2
    return View(place, corner, right * step, down * step)


def contains(solid: Solids, points: Tensor) -> Tensor:
    """Whether points, (..., 3), are in the one solid: the definition, spelled out."""
    x, y, z = points.unbind(-1)
    round_part = x**2 + solid.bend * (y - solid.centre) ** 2 + z**2 <= solid.square
    flat_part = (points @ solid.normals[0].T <= solid.offsets[0]).all(-1)
    return round_part & flat_part


def around(shape: int) -> Tensor:
    """Cameras on all sides of a solid, (12, 3), and above and below it."""
    generator = torch.Generator().manual_seed(shape)
    sides = normalize(torch.randn(10, 3, generator=generator))
    ends = torch.tensor([[0.05, 1.0, 0.02], [0.05, -1.0, 0.02]])
    middle = torch.tensor([0, heights(SCENE)[shape] / 2, 0])
    return middle + 0.7 * torch.cat([sides, normalize(ends)])


@pytest.mark.parametrize("shape", range(len(SHAPES)), ids=SHAPES)
def test_a_ray_meets_a_solid_where_marching_meets_it(shape: int) -> None:
    places = around(shape)
    rows = torch.full((len(places),), shape)
    one = SOLIDS.pick(rows, torch.ones(len(places)))
    target = torch.tensor([[0.01, heights(SCENE)[shape] / 2, -0.01]])
    view = camera(places, target)
    inside, _ = cast(one, view, Light(1.0, ()), SAMPLES)

    steps = torch.arange(SAMPLES)
    rays = (
        view.forward[:, None, None]
        + steps[:, None, None] * view.down[:, None, None]
        + steps[:, None] * view.right[:, None, None]
    )
    along = torch.linspace(0.4, 1.0, 1200)[:, None, None, None, None]
    points = view.origin[:, None, None] + along * rays
    first = Solids(*(tensor[:1] for tensor in vars(one).values()))
    marched = contains(first, points).any(0)
    assert 0.02 < marched.float().mean() < 0.9
    # Marching steps over an edge that is thinner than its step.
    assert (inside.bool() & ~marched).float().mean() < 0.004
    assert not (marched & ~inside.bool()).any()


def test_a_sphere_is_lit_by_the_angle_to_the_lamp() -> None:
    """Straight below the camera that carries the lamp it is 1, and falls outwards."""
    rows, scale = torch.tensor([5]), torch.ones(1)
    radius = SCENE.sphere
    place = torch.tensor([[0.0, radius, 0.7]])
    view = camera(place, torch.tensor([[0.0, radius, 0.0]]))
    lamp = torch.tensor([[0.0, 0.0, 0.8]])
    inside, bright = cast(SOLIDS.pick(rows, scale), view, Light(0.1, (lamp,)), SAMPLES)
    middle = SAMPLES // 2
    assert float(bright[0, middle, middle]) == pytest.approx(0.9, abs=0.01)
    at = (middle, middle + 5)
    off = 5.5 * 0.4 / SAMPLES  # tangent of the ray's angle
    # The ray from (0, 0.7) with that slope meets the circle of that radius.
    a, b, c = 1 + off**2, -0.7, 0.7**2 - radius**2
    depth = (-b - math.sqrt(b * b - a * c)) / a
    cosine = (0.7 - depth) / radius
    assert float(bright[0, at[0], at[1]]) == pytest.approx(0.1 + 0.8 * cosine, abs=0.02)
    assert (bright[inside == 0] == 0).all()


def test_a_face_has_one_light() -> None:
    """A cube seen straight on a side: all of it as bright as that side's normal."""
    spin = SCENE.cube[2]
    normal = torch.tensor([[math.cos(spin), 0.0, math.sin(spin)]])
    middle = torch.tensor([[0.0, SCENE.cube[1] / 2, 0.0]])
    view = camera(middle + 0.7 * normal, middle)
    lamp = normalize(torch.tensor([[1.0, 0.3, 0.4]])) * 0.5
    cube = SOLIDS.pick(torch.tensor([1]), torch.ones(1))
    inside, bright = cast(cube, view, Light(0.2, (lamp,)), SAMPLES)
    expected = 0.2 + float((lamp * normal).sum())
    assert torch.allclose(bright[inside > 0], torch.tensor(expected), atol=1e-5)


def test_scale_shrinks_a_solid() -> None:
    rows = torch.arange(6).repeat(2)
    scale = torch.tensor([1.0] * 6 + [0.5] * 6)
    middles = torch.tensor(heights(SCENE)).repeat(2) / 2 * scale
    target = torch.stack([middles * 0, middles, middles * 0], 1)
    place = target + torch.tensor([0.5, 0.2, 0.5])
    inside, _ = cast(SOLIDS.pick(rows, scale), camera(place, target), Light(1, ()), 96)
    areas = inside.sum((1, 2))
    assert torch.allclose(areas[6:] / areas[:6], torch.tensor(0.25), atol=0.05)
