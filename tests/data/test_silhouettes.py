"""Binary masks of pictures on a white ground."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib.data.chairs import SPACE, TwinChairs
from dlib.data.dataset import Dataset
from dlib.data.dsprites import TwinDSprites
from dlib.data.factors import Factor, FactorSpace
from dlib.data.pairs import Pairs
from dlib.data.silhouettes import THRESHOLD, Silhouettes


class Given(Dataset):
    """Pictures that are handed over."""

    def __init__(self, pictures: Tensor) -> None:
        space = FactorSpace([Factor("which", tuple(map(float, range(len(pictures)))))])
        super().__init__("given", "folder", space, pictures.shape[1], pictures.shape[2])
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def images(self, index: Tensor) -> Tensor:
        return self.pictures[index]

    def factors(self, index: Tensor) -> Tensor:
        return index[..., None]


def test_masks_have_two_values_and_the_promised_form(device: torch.device) -> None:
    data = Silhouettes(TwinChairs(32, device))
    images, factors = data.sample(20, torch.Generator(device).manual_seed(0))
    assert images.shape == (20, 1, 32, 32) and images.dtype == torch.uint8
    assert images.device.type == device.type
    assert images.unique().tolist() == [0, 255]
    grey = data.of.images(data.space.to_index(factors))
    assert torch.equal(images > 0, grey < THRESHOLD)
    index = torch.arange(6, device=device).view(2, 3)
    assert data.images(index).shape == (2, 3, 1, 32, 32)
    assert data.images(index[:0]).shape == (0, 3, 1, 32, 32)


def test_the_rest_is_the_wrapped_data_sets_own() -> None:
    twin = TwinChairs(16)
    data = Silhouettes(twin)
    assert len(data) == len(twin) and data.space is twin.space and data.looks == 62
    assert (data.name, data.source, data.channels) == ("chairs-silhouettes", "twin", 1)
    assert repr(data).endswith(", silhouettes of what is darker than 225")
    index = torch.tensor([5, 70_000])
    assert torch.equal(data.factors(index), twin.factors(index))
    train, rest = data.split((0.8, 0.2), seed=1)
    assert train.images(train.points(torch.arange(3))).unique().tolist() == [0, 255]
    assert repr(train).endswith("darker than 225, 64,294 of 80,352")
    models = [set((p.points(torch.arange(len(p))) // 62).tolist())
              for p in (train, rest)]  # fmt: skip
    assert not models[0] & models[1]
    generator = torch.Generator().manual_seed(0)
    partners = data.sharing(index, [1, 6], generator)
    same = data.factors(partners)[:, [1, 6]] == data.factors(index)[:, [1, 6]]
    assert bool(same.all())
    pairs = Pairs(data, ["back"])
    assert pairs.images(pairs.draw(4, generator)).unique().tolist() == [0, 255]


def test_shades_have_one_mask_nearly() -> None:
    """A light leg's edge may be over the threshold where a dark one's is under it."""
    factors = SPACE.sample(100, torch.Generator().manual_seed(0))
    factors = factors.repeat(2, 1)
    factors[:100, 5], factors[100:, 5] = 0, 1
    data = Silhouettes(TwinChairs(64))
    dark, light = data.images(SPACE.to_index(factors)).split(100)
    share = (dark != light).float().sum() / (dark > 0).float().sum()
    assert 0 < share < 0.1 and not bool((light > dark).any())
    touched = Silhouettes(TwinChairs(64), 255).images(SPACE.to_index(factors))
    assert torch.equal(touched[:100], touched[100:])


def test_thin_legs_are_kept() -> None:
    """Every row from the seat to the floor has a leg in it."""
    factors = torch.tensor([[1, 0, 0, 0, 0, 1, 5, 0], [4, 0, 0, 2, 1, 1, 3, 1]])
    masks = Silhouettes(TwinChairs(64)).images(SPACE.to_index(factors)) > 0
    for mask in masks[:, 0]:
        rows = mask.any(1).nonzero()[:, 0]
        assert len(rows) == rows.max() - rows.min() + 1
    # A stroke that fills a fifth of a pixel, in the middle grey, is kept as well.
    faint = torch.full((1, 1, 8, 8), 255, dtype=torch.uint8)
    faint[..., 4, 4] = round(255 - 0.25 * 127)
    assert int((Silhouettes(Given(faint)).images(torch.tensor([0])) > 0).sum()) == 1


def test_the_darkest_channel_decides() -> None:
    pictures = torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
    pictures[:, 2, 2, 2] = 0  # yellow
    pictures[:, :, 3, 3] = 240  # JPEG's trace
    pictures[:, :, 4, 4] = 224
    mask = Silhouettes(Given(pictures)).images(torch.tensor([0]))
    assert mask.shape == (1, 1, 8, 8)
    assert mask[0, 0].nonzero().tolist() == [[2, 2], [4, 4]]
    finer = Silhouettes(Given(pictures), 241).images(torch.tensor([0]))
    assert finer[0, 0].nonzero().tolist() == [[2, 2], [3, 3], [4, 4]]


def test_a_dark_ground_is_refused() -> None:
    data = Silhouettes(TwinDSprites(16))
    with pytest.raises(ValueError, match=r"ground.*lighter than 225.*100%.*dsprites"):
        data.images(torch.arange(3))


@pytest.mark.parametrize("threshold", [0, -1, 256])
def test_thresholds_are_grey_levels(threshold: int) -> None:
    with pytest.raises(ValueError, match=f"between 1 and 255, got {threshold}"):
        Silhouettes(TwinChairs(16), threshold)


def test_groups_of_points_are_refused() -> None:
    pairs = Pairs(TwinChairs(16), ["back"])
    with pytest.raises(ValueError, match="Silhouettes takes data that is drawn a"):
        Silhouettes(pairs)
