"""The chairs twin: what its factors do, how parts are cut, and how close it comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from dlib.data.chairs import SPACE, TwinChairs
from dlib.data.chairs_layers import TURNS
from dlib.data.chairs_models import FRAMES
from dlib.data.part import Part

REAL = Path(__file__).parents[2] / ".." / "shared" / "reference" / "images"
SAMPLE = "chairs_real100_64px.npz"

# A usual chair, seen from its front and a little from the right.
USUAL = dict(zip(SPACE.names, (0, 1, 0, 1, 0, 1, 3, 0), strict=True))
CHAIR = 225  # what is darker is a chair: JPEG's traces on white are lighter


@pytest.fixture(scope="module")
def twin() -> TwinChairs:
    return TwinChairs()


def row(**factors: int) -> Tensor:
    """One point of the grid: the usual chair wherever nothing else is said."""
    return torch.tensor([[factors.get(name, USUAL[name]) for name in SPACE.names]])


def each(name: str, **factors: int) -> Tensor:
    """A point for every value of a factor."""
    values = range(SPACE.sizes[SPACE.position(name)])
    return torch.cat([row(**{**factors, name: value}) for value in values])


def some_chairs(n: int, seed: int = 0, **fixed: int) -> Tensor:
    return SPACE.sample(n, torch.Generator().manual_seed(seed), fixed)


# --- the space and its parts ------------------------------------------------


def test_there_are_1296_models_in_62_views() -> None:
    assert SPACE.names == (
        *("leg_style", "back", "arms", "width", "height", "shade"),
        *("azimuth", "elevation"),
    )
    assert SPACE.sizes == (6, 6, 3, 3, 2, 2, 31, 2)
    assert len(SPACE) == 1296 * 62 == 80_352
    kinds = [factor.kind for factor in SPACE.factors]
    assert kinds == ["categorical"] * 3 + ["continuous"] * 5
    for factor in SPACE.factors[:6]:
        assert len(factor.labels) == factor.size
    azimuth, elevation = SPACE.factors[6:]
    assert azimuth.values[1] == pytest.approx(360 / 31) and azimuth.values[30] < 360
    assert elevation.values == (20, 30)
    assert len(FRAMES) == 3 * 2


def test_parts_keep_to_models() -> None:
    twin = TwinChairs(16)
    train, rest = twin.split((0.8, 0.2), seed=3)
    assert isinstance(rest, Part) and len(train) + len(rest) == len(twin)
    models = []
    for part in (train, rest):
        index = part.points(torch.arange(len(part)))
        model, views = (index // 62).unique(return_counts=True)
        assert (views == 62).all()
        models.append(set(model.tolist()))
        # A part is cut again by model.
        first, second = part.split((0.5, 0.5), seed=4)
        ends = [set((p.points(torch.arange(len(p))) // 62).tolist())
                for p in (first, second)]  # fmt: skip
        assert not ends[0] & ends[1]
    assert not models[0] & models[1] and len(models[0]) == round(0.8 * 1296)
    assert train.factors(train.draw(50, torch.Generator().manual_seed(0))).shape[1] == 8
    other = twin.part(0, 0.8, seed=5)
    assert not torch.equal(
        other.points(torch.arange(62)), train.points(torch.arange(62))
    )


def test_the_views_of_a_model_follow_one_another() -> None:
    factors = SPACE.to_factors(torch.arange(5 * 62, 6 * 62))
    assert len(factors[:, :6].unique(dim=0)) == 1
    assert factors[:4, 6:].tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


# --- pictures ---------------------------------------------------------------


def test_pictures_have_the_promised_form(device: torch.device) -> None:
    twin = TwinChairs(16, device)
    images, factors = twin.sample(5, torch.Generator(device).manual_seed(0))
    assert images.shape == (5, 1, 16, 16) and images.dtype == torch.uint8
    assert images.device.type == device.type and factors.device.type == device.type
    again, _ = twin.sample(5, torch.Generator(device).manual_seed(0))
    assert torch.equal(images, again)
    assert twin.render(factors[:0]).shape == (0, 1, 16, 16)
    assert twin.images(torch.arange(6).view(2, 3)).shape == (2, 3, 1, 16, 16)
    assert repr(twin).startswith("chairs (twin): 80,352 images, 1x16x16")
    assert twin.version == 1


def test_devices_agree(device: torch.device) -> None:
    factors = some_chairs(100, 1)
    here = TwinChairs(32).render(factors).int()
    there = TwinChairs(32, device).render(factors).cpu().int()
    assert (here - there).abs().max() <= 1
    assert (here != there).float().mean() < 0.001


def test_a_picture_is_the_same_alone_and_in_a_batch(twin: TwinChairs) -> None:
    factors = some_chairs(40, 2)
    alone = torch.cat([twin.render(one) for one in factors.split(1)])
    assert torch.equal(alone, twin.render(factors))


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("name", SPACE.names)
def test_every_value_of_every_factor_is_seen(name: str, size: int) -> None:
    """No two values of a factor give one picture, wherever the others stand."""
    twin = TwinChairs(size)
    for point in some_chairs(12, 3).tolist():
        images = twin.render(each(name, **dict(zip(SPACE.names, point, strict=True))))
        flat = images.flatten(1).float()
        apart = ((flat[:, None] - flat).abs() > 25).sum(2) * (64 / size) ** 2
        apart += torch.eye(len(flat)).long() * 4096
        assert apart.min() >= 6, (point, apart.min())


@pytest.mark.parametrize("size", [16, 64])
def test_chairs_stand_on_white_and_are_not_cut_off(size: int) -> None:
    images = TwinChairs(size).render(some_chairs(600, 4))
    edge = torch.cat(
        [images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]], -1
    )
    assert int(edge.min()) == 255
    covered = (images < CHAIR).float().mean((1, 2, 3))
    assert covered.min() > 0.02 and covered.max() < 0.2


def test_turned_the_other_way_is_the_mirror_image(twin: TwinChairs) -> None:
    factors = some_chairs(40, 5)
    mirrored = factors.clone()
    mirrored[:, 6] = (TURNS - factors[:, 6]) % TURNS
    difference = (twin.render(factors).int() - twin.render(mirrored).flip(-1)).abs()
    turned = factors[:, 6] > 0
    assert difference[turned].max() == 0
    # From right before it both sides are cast: but for single rays at an edge.
    front = twin.render(some_chairs(40, 6, azimuth=0)).int()
    assert ((front - front.flip(-1)).abs() > 40).float().mean() < 0.002


def test_the_camera_goes_round_the_chair(twin: TwinChairs) -> None:
    """At about 90 degrees it stands on the chair's left, which looks to the left of
    the picture then: the back is on the right."""
    side = twin.render(row(azimuth=8, back=0, leg_style=0, height=1))[0, 0] < CHAIR
    back, whole = (mask.any(0).nonzero().float().mean() for mask in (side[:24], side))
    assert back > whole + 2
    # A view and its neighbours are more alike than views from elsewhere.
    images = twin.render(each("azimuth")).flatten(1).float()
    apart = torch.cdist(images, images)
    nearest = (apart + torch.eye(TURNS) * 1e6).argmin(1)
    steps = (nearest - torch.arange(TURNS)).abs()
    assert (torch.minimum(steps, TURNS - steps) <= 2).float().mean() > 0.8


def test_from_higher_up_more_of_the_seat_is_seen(twin: TwinChairs) -> None:
    """The seat's upper side is the lightest face of a chair."""
    low, high = twin.render(each("elevation", width=2, back=4, azimuth=0))[:, 0]
    seen = [int(((image > 160) & (image < CHAIR)).sum()) for image in (low, high)]
    assert seen[1] > 1.3 * seen[0]


def test_factors_do_what_they_are_called(twin: TwinChairs) -> None:
    def extent(factors: Tensor) -> tuple[float, float]:
        seen = twin.render(factors)[0, 0] < CHAIR
        return float(seen.any(0).sum()), float(seen.any(1).sum())

    widths = [extent(one[None])[0] for one in each("width", azimuth=0)]
    assert widths == sorted(widths) and widths[2] > 1.4 * widths[0]
    low, high = (extent(one[None])[1] for one in each("height", azimuth=0))
    assert high > low + 4
    dark, light = twin.render(each("shade")).float()
    chair = dark < CHAIR
    assert light[chair].mean() > dark[chair].mean() + 40
    none, open_arms, closed = twin.render(each("arms", back=0, azimuth=0)) < CHAIR
    assert none.sum() < open_arms.sum() < closed.sum()


@pytest.mark.parametrize("size", [16, 32, 128])
def test_other_sizes_are_the_same_view(twin: TwinChairs, size: int) -> None:
    factors = some_chairs(40, 7)
    pool = torch.nn.functional.adaptive_avg_pool2d
    other, official = (
        pool(images.float(), min(size, 64))
        for images in (TwinChairs(size).render(factors), twin.render(factors))
    )
    assert (other - official).abs().mean() < 1


@pytest.mark.parametrize("size", [8, 15, 129])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"16 to 128 pixels a side, not {size}"):
        TwinChairs(size)


def test_factors_out_of_range_are_refused(twin: TwinChairs) -> None:
    with pytest.raises(ValueError, match=r"azimuth must be in 0\.\.30, got 31"):
        twin.render(row(azimuth=31))


# --- beside real ones -------------------------------------------------------


def measures(grey: Tensor) -> dict[str, Tensor]:
    """Of each picture, (n, 64, 64): its share that is chair, its box, and its greys."""
    chair = grey < CHAIR
    down, across = chair.any(2).float(), chair.any(1).float()
    last = grey.shape[-1] - 1
    top, bottom = down.argmax(1), last - down.flip(1).argmax(1)
    left, right = across.argmax(1), last - across.flip(1).argmax(1)
    levels = grey.float().where(chair, torch.nan).flatten(1)
    return {
        "share": chair.float().mean((1, 2)),
        "top": top.float(),
        "bottom": bottom.float(),
        "left": left.float(),
        "right": right.float(),
        "width": (right - left + 1).float(),
        "height": (bottom - top + 1).float(),
        "grey": levels.nanmean(1),
        "dark": levels.nanquantile(0.1, 1),
        "light": levels.nanquantile(0.9, 1),
    }


def test_chairs_are_as_large_as_real_ones_and_as_dark(twin: TwinChairs) -> None:
    if not (REAL / SAMPLE).is_file():
        pytest.skip(f"no real chairs here ({SAMPLE} is not shipped)")
    with np.load(REAL / SAMPLE, allow_pickle=False) as sample:
        real = measures(torch.from_numpy(sample["images"][..., 0].copy()))
    ours = measures(twin.render(some_chairs(3000, 8))[:, 0])
    for name, values in ours.items():
        low, high = values.quantile(torch.tensor([0.005, 0.995])).tolist()
        median, other = float(values.median()), float(real[name].median())
        print(
            f"{name}: {low:.3g} to {high:.3g}, median {median:.3g}; real "
            f"{real[name].min():.3g} to {real[name].max():.3g}, median {other:.3g}"
        )
        if name == "dark":  # real ones have black shadows that the twin has not
            continue
        assert real[name].min() <= low and high <= real[name].max(), name
        assert abs(median - other) <= 0.12 * other, name
