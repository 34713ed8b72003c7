"""The dSprites twin against closed forms, brute force and real images."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.path import Path as Polygon

from dlib.data import dsprites
from dlib.data.dsprites import SPACE, TwinDSprites

REAL = (
    Path(__file__).parents[2]
    / ".."
    / "shared"
    / "reference"
    / "images"
    / "dsprites_labelled12.npz"
)


def random_factors(n: int, seed: int = 0) -> torch.Tensor:
    return SPACE.sample(n, torch.Generator().manual_seed(seed))


def test_the_space_is_the_official_file_s() -> None:
    assert SPACE.names == ("shape", "scale", "orientation", "posX", "posY")
    assert SPACE.sizes == (3, 6, 40, 32, 32)
    assert len(SPACE) == 737_280
    assert SPACE.kinds == ("categorical",) + ("continuous",) * 4
    assert SPACE.factors[0].labels == ("square", "ellipse", "heart")
    ends = [(f.values[0], f.values[-1]) for f in SPACE.factors[1:]]
    assert ends == [(0.5, 1.0), (0.0, 2 * math.pi), (0.0, 1.0), (0.0, 1.0)]


def test_pictures_are_black_and_white(device: torch.device) -> None:
    data = TwinDSprites(device=device)
    images = data.render(random_factors(64))
    assert images.shape == (64, 1, 64, 64) and images.dtype == torch.uint8
    assert images.device.type == device.type
    assert images.unique().tolist() == [0, 255]
    assert data.render(random_factors(0)).shape == (0, 1, 64, 64)


def test_the_devices_agree(device: torch.device) -> None:
    factors = random_factors(256)
    here = TwinDSprites(device=device).render(factors).cpu()
    there = TwinDSprites().render(factors)
    assert (here != there).float().mean() < 1e-4  # boundary pixels may round


def test_the_full_turn_is_drawn_as_no_turn() -> None:
    factors = random_factors(500)
    factors[:, 2] = 0
    turned = factors.clone()
    turned[:, 2] = 39
    data = TwinDSprites()
    assert torch.equal(data.render(factors), data.render(turned))
    turned[:, 2] = 5  # 46 degrees change every sprite
    differing = (data.render(factors) != data.render(turned)).flatten(1).any(1)
    assert differing.all()


AREAS = {
    "square": (2 * dsprites.SQUARE_HALF_WIDTH) ** 2,
    "ellipse": math.pi * math.prod(dsprites.ELLIPSE_RADII),
    # The integral of y dx along (W sin^3 q, H (13 cos q - 5 cos 2q - ...)).
    "heart": 45 / 4 * math.pi * dsprites.HEART_WIDTH * dsprites.HEART_HEIGHT,
}


@pytest.mark.parametrize("scale", [0, 5])
@pytest.mark.parametrize("shape", range(3))
@pytest.mark.parametrize("size", [64, 32])
def test_areas_are_the_closed_forms(shape: int, scale: int, size: int) -> None:
    """Pixels that are on, on average over turns and places, in official pixels."""
    factors = random_factors(600, seed=1)
    factors[:, 0], factors[:, 1] = shape, scale
    images = TwinDSprites(size).render(factors)
    area = float((images > 0).sum()) / len(images) * (64 / size) ** 2
    wanted = AREAS[SPACE.factors[0].labels[shape]] * SPACE.factors[1].values[scale] ** 2
    assert area == pytest.approx(wanted, rel=0.02)


def by_brute_force(row: list[float], size: int) -> np.ndarray:
    """One picture, every pixel, in double precision, the heart as a polygon."""
    shape, scale, turn, x, y = row
    grid = (np.arange(size) + 0.5) * 64 / size
    dx = grid[None, :] - (16 + 32 * x)
    dy = grid[:, None] - (16 + 32 * y)
    u = (np.cos(turn) * dx - np.sin(turn) * dy) / scale
    v = (np.sin(turn) * dx + np.cos(turn) * dy) / scale
    if shape == 1:
        return np.maximum(abs(u), abs(v)) <= dsprites.SQUARE_HALF_WIDTH
    if shape == 2:
        a, b = dsprites.ELLIPSE_RADII
        return (u / a) ** 2 + (v / b) ** 2 <= 1
    q = np.linspace(0, 2 * np.pi, 4001)
    up = dsprites.HEART_LIFT + dsprites.HEART_HEIGHT * (
        13 * np.cos(q) - 5 * np.cos(2 * q) - 2 * np.cos(3 * q) - np.cos(4 * q)
    )
    outline = np.stack([dsprites.HEART_WIDTH * np.sin(q) ** 3, -up], axis=1)
    points = np.stack([u.ravel(), v.ravel()], axis=1)
    return Polygon(outline).contains_points(points).reshape(size, size)


@pytest.mark.parametrize("size", [64, 32, 48, 8])
def test_pictures_of_any_size_are_the_formulas(size: int) -> None:
    """Sizes are rendered: each pixel centre is tested, nothing is resized."""
    factors = random_factors(30, seed=size)
    factors[:8, 3:] = torch.tensor([0, 31]).repeat(8, 1)  # corners, in full
    factors[:8, 1] = 5
    images = TwinDSprites(size).render(factors)[:, 0].numpy() > 0
    wanted = np.stack([by_brute_force(row, size) for row in values(factors)])
    assert (images != wanted).sum() <= 3  # centres that lie on the very outline


def values(factors: torch.Tensor) -> list[list[float]]:
    """In double precision, the full turn as none."""
    rows = [
        [f.values[i] for f, i in zip(SPACE.factors, row, strict=True)]
        for row in factors.tolist()
    ]
    for row in rows:
        row[2] %= 2 * math.pi
    return rows


def test_a_small_picture_is_not_a_large_one_resized() -> None:
    factors = random_factors(200, seed=2)
    small, large = (TwinDSprites(s).render(factors) for s in (32, 64))
    assert small.unique().tolist() == [0, 255]  # averaging would give greys
    for row in (0, 1):
        for column in (0, 1):  # nor is it any one pixel out of four
            assert not torch.equal(small, large[..., row::2, column::2])


def test_factors_move_what_they_name() -> None:
    """x to the right, y down, scale outwards, orientation counter-clockwise."""
    data = TwinDSprites()

    def centre(*factors: int) -> tuple[float, float]:
        picture = data.render(torch.tensor([factors]))[0, 0].nonzero().float()
        row, column = picture.mean(0).tolist()
        return column, row

    x, y = centre(0, 5, 0, 16, 16)
    assert centre(0, 5, 0, 31, 16)[0] - x == pytest.approx(15 * 32 / 31, abs=0.6)
    assert centre(0, 5, 0, 16, 31)[1] - y == pytest.approx(15 * 32 / 31, abs=0.6)
    ellipse = data.render(torch.tensor([[1, 5, 4, 16, 16]]))[0, 0].nonzero().float()
    dy, dx = (ellipse - ellipse.mean(0)).T
    assert (dx * dy).mean() < -1  # the long axis rises to the right


def test_no_sprite_is_cut_by_its_window() -> None:
    """The window reaches 14 pixels; the square's corner 13.6, the heart less."""
    assert dsprites._heart_radius().max().sqrt() < dsprites.REACH
    assert math.sqrt(2) * dsprites.SQUARE_HALF_WIDTH < dsprites.REACH
    assert max(dsprites.ELLIPSE_RADII) < dsprites.REACH


def test_the_published_mean_pixel() -> None:
    """The official file's mean is 0.0424944 (data.md's figure for the whole set)."""
    images = TwinDSprites().render(random_factors(6000, seed=3))
    per_image = (images > 0).float().mean((1, 2, 3))
    error = float(per_image.std()) / len(images) ** 0.5
    assert float(per_image.mean()) == pytest.approx(0.0424944, abs=4 * error)


def test_real_images_are_drawn_pixel_for_pixel() -> None:
    if not REAL.exists():
        pytest.skip("the labelled official images are not on this machine")
    with np.load(REAL, allow_pickle=False) as file:
        real, factors = file["images"] > 0, torch.from_numpy(file["factors_index"])
    drawn = TwinDSprites().render(factors)[:, 0].numpy() > 0
    wrong = (drawn != real).sum((1, 2))
    assert len(wrong) == 12
    assert (wrong == 0).sum() >= 11 and wrong.max() <= 1


def test_speed_is_of_the_right_order(record_property) -> None:
    """A smoke test, no benchmark: a busy machine must not fail it."""
    data, factors = TwinDSprites(), random_factors(256)
    data.render(factors)
    began = time.process_time()
    for _ in range(8):
        data.render(factors)
    rate = 8 * 256 / (time.process_time() - began)
    record_property("images_per_cpu_second", rate)
    assert rate > 200


@pytest.mark.parametrize("size", [7, 0, -64])
def test_a_size_too_small_to_show_anything_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"at least 8 pixels, got {size}"):
        TwinDSprites(size)
