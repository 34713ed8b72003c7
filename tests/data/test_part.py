"""Parts: disjoint, the same everywhere, and with the law of the whole."""

from __future__ import annotations

import math

import pytest
import torch
from test_dataset import Labels
from torch import Tensor

from dlib.data import Correlated, FactorSpace, Part, TwinDSprites, gaussian_law
from dlib.data.dataset import Dataset, Grid
from dlib.data.factors import Factor


def points(part: Dataset) -> list[int]:
    return part.points(torch.arange(len(part), device=part.device)).tolist()


def test_splits_are_disjoint_and_cover_the_grid(device: torch.device) -> None:
    parts = Labels(device).split((0.6, 0.2, 0.2))
    assert [len(p) for p in parts] == [9, 3, 3]
    together = [i for p in parts for i in points(p)]
    assert sorted(together) == list(range(15))
    assert points(parts[0]) != list(range(9))  # at random, not the first so many


def test_sevenths_lose_no_image_to_rounding() -> None:
    parts = Labels().split([1 / 7] * 7)
    assert sorted(i for p in parts for i in points(p)) == list(range(15))


def test_splits_may_leave_images_out() -> None:
    (part,) = Labels().split([0.2])
    assert len(part) == 3


def test_splits_are_a_function_of_the_seed() -> None:
    torch.manual_seed(1)
    first = [points(p) for p in Labels().split(seed=0)]
    torch.manual_seed(2)
    assert first == [points(p) for p in Labels().split(seed=0)]
    assert first != [points(p) for p in Labels().split(seed=1)]


def test_splits_are_the_same_on_every_device(device: torch.device) -> None:
    here = [points(p) for p in Labels(device).split(seed=5)]
    assert here == [points(p) for p in Labels("cpu").split(seed=5)]


def test_the_held_out_part_is_that_of_version_0_1() -> None:
    """Shipped runs were trained on its complement: it must never move."""
    _, held_out = TwinDSprites(16).split((0.8, 0.2), seed=0)
    order = torch.randperm(737_280, generator=torch.Generator().manual_seed(0))
    first = held_out.points(torch.arange(1000))
    assert torch.equal(first, order[589_824 : 589_824 + 1000])
    drawn = held_out.draw(50, torch.Generator().manual_seed(7))
    places = torch.randint(147_456, (50,), generator=torch.Generator().manual_seed(7))
    assert torch.equal(drawn, order[589_824 + places])


@pytest.mark.parametrize(
    "fractions", [(), (0.5, 0.0), (0.5, -0.1), (0.8, 0.3)], ids=repr
)
def test_fractions_that_make_no_sense_are_refused(fractions) -> None:
    with pytest.raises(ValueError, match="positive and add up to at most 1"):
        Labels().split(fractions)


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.6, 0.5), (-0.1, 1), (0, 2)])
def test_ends_out_of_order_are_refused(start: float, end: float) -> None:
    with pytest.raises(ValueError, match="0 <= start < end <= 1"):
        Part(Labels(), start, end)


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.01 of 15 images is none at all"):
        Labels().split((0.99, 0.01))


def test_a_part_yields_its_points_only(device: torch.device) -> None:
    part = Labels(device).part(0.8, 1.0)
    mine = sorted(points(part))
    assert len(part) == 3
    images, factors = part.sample(300, torch.Generator(device).manual_seed(0))
    drawn = part.space.to_index(factors)
    assert drawn.unique().tolist() == mine
    assert torch.equal(images[:, 0, 0, 0].long(), drawn)
    assert drawn.bincount()[mine].min() > 60
    assert sorted(int(image[0, 0, 0]) for image, _ in part) == mine
    with pytest.raises(IndexError):
        part[3]


def test_a_part_samples_as_its_generator_says() -> None:
    part, _ = Labels().split((0.6, 0.4))
    first, _ = part.sample(32, torch.Generator().manual_seed(0))
    again, _ = part.sample(32, torch.Generator().manual_seed(0))
    assert torch.equal(first, again)


def test_a_part_can_be_split_again() -> None:
    whole, rest = Labels().split((0.8, 0.2))
    halves = whole.split((0.5, 0.5))
    again = sorted(i for p in halves for i in points(p))
    assert again == sorted(points(whole))
    assert not set(again) & set(points(rest))
    images, _ = halves[0].sample(100, torch.Generator().manual_seed(0))
    assert set(images[:, 0, 0, 0].tolist()) == set(points(halves[0]))


def test_a_part_knows_what_it_holds() -> None:
    inner = Labels().part(0.0, 0.8).part(0.0, 0.5)
    holds = inner.holds(torch.arange(15))  # type: ignore[attr-defined]
    assert holds.nonzero()[:, 0].tolist() == sorted(points(inner))
    place = inner.positions(inner.points(torch.arange(len(inner))))
    assert place.tolist() == list(range(len(inner)))


def test_a_part_of_a_correlated_data_set_is_correlated(device: torch.device) -> None:
    whole = TwinDSprites(16, device)
    table = gaussian_law(32, 32, 0.1)
    law = Correlated(whole, ("posX", "posY"), table)
    for part in law.split((0.5, 0.5)):
        generator = torch.Generator(device).manual_seed(0)
        index = part.draw(4000, generator)
        assert bool(part.holds(index).all())  # type: ignore[attr-defined]
        x, y = part.factors(index)[:, 3:].T.double()
        assert float(torch.corrcoef(torch.stack([x, y]))[0, 1]) > 0.9
        # ... with the strength of the whole, cell by cell.
        near = float(((x - y).abs() <= 3).double().mean())
        cells = torch.arange(32)
        wanted = float(table[(cells[:, None] - cells).abs() <= 3].sum())
        assert near == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize("law", ["uniform", "correlated"])
def test_partners_are_of_the_same_part(law: str) -> None:
    whole: Dataset = TwinDSprites(16)
    if law == "correlated":
        whole = Correlated(whole, ("posX", "posY"), gaussian_law(32, 32, 0.2))
    part = whole.part(0.0, 0.3)
    generator = torch.Generator().manual_seed(0)
    index = part.draw(500, generator)
    other = part.sharing(index, [0, 1], generator)
    assert bool(part.holds(other).all())  # type: ignore[attr-defined]
    mine, theirs = part.factors(index), part.factors(other)
    assert torch.equal(mine[:, :2], theirs[:, :2])
    assert (mine[:, 3] != theirs[:, 3]).double().mean() > 0.8
    x, y = theirs[:, 3:].T.double()
    correlation = float(torch.corrcoef(torch.stack([x, y]))[0, 1])
    assert (correlation > 0.6) == (law == "correlated")


class Attributes(Grid):
    """Forty attributes with two values: 2^40 points, and no list of them."""

    def __init__(self) -> None:
        space = FactorSpace(
            [Factor(f"a{i}", (0.0, 1.0), "categorical") for i in range(40)]
        )
        super().__init__("attributes", "twin", space, 1, 2)

    def _render(self, factors: Tensor) -> Tensor:
        return factors[:, :4].to(torch.uint8).view(-1, 1, 2, 2)


def test_forty_binary_attributes_are_split_without_a_list() -> None:
    train, held_out = Attributes().split((0.8, 0.2))
    assert len(train) + len(held_out) == 2**40
    assert len(train) == math.floor(0.8 * 2**40 + 0.5)
    generator = torch.Generator().manual_seed(0)
    index = train.draw(500, generator)
    assert bool(train.holds(index).all())  # type: ignore[attr-defined]
    assert not bool(held_out.holds(index).any())  # type: ignore[attr-defined]
    other = train.sharing(index, [0, 1], generator)
    assert bool(train.holds(other).all())  # type: ignore[attr-defined]
    assert torch.equal(train.factors(index)[:, :2], train.factors(other)[:, :2])
    mean = train.factors(train.draw(4000, generator)).double().mean(0)
    assert float((mean - 0.5).abs().max()) < 0.05
