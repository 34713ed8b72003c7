"""What every data set can do, on one whose pictures say their own factors."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Subset
from dlib.data.factors import Factor, FactorSpace

SPACE = FactorSpace(
    [Factor("a", (0.0, 1.0, 2.0)), Factor("b", (0.0, 0.1, 0.2, 0.3, 0.4))]
)


class Labels(Dataset):
    """A picture is filled with its flat index."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        super().__init__("labels", "twin", SPACE, 1, 2, device)

    def _render(self, factors: Tensor) -> Tensor:
        index = self.space.to_index(factors).to(torch.uint8)
        return index[:, None, None, None].expand(-1, 1, 2, 2).contiguous()


def test_render_checks_its_factors(device: torch.device) -> None:
    data = Labels(device)
    images = data.render(torch.tensor([[2, 4], [0, 1]]))  # from any device
    assert images.device.type == device.type
    assert images[:, 0, 0, 0].tolist() == [14, 1]
    with pytest.raises(ValueError, match=r"b must be in 0\.\.4"):
        data.render(torch.tensor([[0, 5]]))
    with pytest.raises(ValueError, match="shape"):
        data.render(torch.tensor([0, 5]))
    with pytest.raises(TypeError, match="integer"):
        data.render(torch.zeros(1, 2))


def test_sampling_is_a_function_of_the_generator(device: torch.device) -> None:
    data = Labels(device)
    images, factors = data.sample(64, torch.Generator(device).manual_seed(3))
    again, same = data.sample(64, torch.Generator(device).manual_seed(3))
    other, _ = data.sample(64, torch.Generator(device).manual_seed(4))
    assert torch.equal(images, again) and torch.equal(factors, same)
    assert not torch.equal(images, other)
    assert torch.equal(images[:, 0, 0, 0].long(), data.space.to_index(factors))
    alone = data.sample_factors(64, torch.Generator(device).manual_seed(3))
    assert torch.equal(alone, factors)


def test_items_are_in_the_grid_s_order() -> None:
    data = Labels()
    assert len(data) == 15
    image, factors = data[7]
    assert image.shape == (1, 2, 2) and factors.tolist() == [1, 2]
    assert [int(image[0, 0, 0]) for image, _ in data] == list(range(15))
    assert data[-1][1].tolist() == [2, 4]


@pytest.mark.parametrize("index", [15, -16])
def test_an_item_outside_is_refused(index: int) -> None:
    with pytest.raises(IndexError, match=f"index {index} is outside a data set of 15"):
        Labels()[index]


def points(part: Subset) -> list[int]:
    return part.index.tolist()


def test_splits_are_disjoint_and_cover_the_grid(device: torch.device) -> None:
    parts = Labels(device).split((0.6, 0.2, 0.2))
    assert [len(p) for p in parts] == [9, 3, 3]
    together = [i for p in parts for i in points(p)]
    assert sorted(together) == list(range(15))
    assert points(parts[0]) != list(range(9))  # at random, not the first so many


def test_thirds_lose_no_image_to_rounding() -> None:
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


@pytest.mark.parametrize(
    "fractions", [(), (0.5, 0.0), (0.5, -0.1), (0.8, 0.3)], ids=repr
)
def test_fractions_that_make_no_sense_are_refused(fractions) -> None:
    with pytest.raises(ValueError, match="positive and add up to at most 1"):
        Labels().split(fractions)


def test_an_empty_part_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.01 of 15 images is none at all"):
        Labels().split((0.99, 0.01))


def test_a_subset_yields_its_points_only(device: torch.device) -> None:
    index = torch.tensor([3, 14, 0], device=device)
    part = Subset(Labels(device), index)
    assert len(part) == 3
    images, factors = part.sample(300, torch.Generator(device).manual_seed(0))
    drawn = part.space.to_index(factors)
    assert sorted(drawn.unique().tolist()) == [0, 3, 14]
    assert torch.equal(images[:, 0, 0, 0].long(), drawn)
    assert drawn.bincount()[[0, 3, 14]].min() > 60
    assert [int(image[0, 0, 0]) for image, _ in part] == [3, 14, 0]
    assert part[-1][1].tolist() == [0, 0]
    with pytest.raises(IndexError):
        part[3]


def test_a_subset_samples_as_its_generator_says() -> None:
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


def test_repr_says_what_it_is() -> None:
    assert repr(Labels()).startswith("labels (twin): 15 images, 1x2x2, FactorSpace(a")


def test_a_data_set_must_render() -> None:
    bare = Dataset("bare", "twin", SPACE, 1, 2)
    with pytest.raises(TypeError, match="must define _render"):
        bare.render(torch.tensor([[0, 0]]))
