"""Pairs and groups: what they share, and what the label says."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from test_dataset import Labels

from dlib.data import Correlated, Dataset, Pairs, TwinDSprites, Views, folder
from dlib.data.augment import Flip


@pytest.mark.parametrize("k", [2, 5])
def test_a_group_shares_what_it_must(device: torch.device, k: int) -> None:
    data = Pairs(TwinDSprites(16, device), ["shape", "scale"], k)
    batch = data.batch(100, torch.Generator(device).manual_seed(0), 3)
    assert batch.images.shape == (100, k, 1, 16, 16)
    assert batch.labels.tolist() == [0] * 100
    assert (batch.step, batch.population) == (3, 737_280)
    index = data.draw(100, torch.Generator(device).manual_seed(0))
    factors = data.factors(index)
    assert factors.shape == (100, k, 5)
    assert bool((factors[..., :2] == factors[:, :1, :2]).all())
    differ = (factors[:, 1:, 3] != factors[:, :1, 3]).double().mean()
    assert differ > 0.9
    assert torch.equal(data.images(index), batch.images)


def test_one_of_several_groups_is_shared_and_the_label_says_which() -> None:
    data = Pairs(TwinDSprites(16), [["shape", "scale"], ["posX"], ["posY"]])
    index = data.draw(900, torch.Generator().manual_seed(0))
    factors, labels = data.factors(index), data.labels(index)
    assert labels.bincount().min() > 240
    for label, columns in enumerate(([0, 1], [3], [4])):
        pairs = factors[labels == label]
        assert bool((pairs[:, 0, columns] == pairs[:, 1, columns]).all())
    assert (factors[labels == 0][:, 0, 3] != factors[labels == 0][:, 1, 3]).any()


@pytest.mark.parametrize("data", [TwinDSprites(16), TwinDSprites(16).part(0, 0.5)])
def test_a_few_pairs_may_all_share_one_group(data: Dataset) -> None:
    """Nobody drew another group: there is nothing to draw for it."""
    pairs = Pairs(data, [["shape"], ["posX"]])
    labels = set()
    for seed in range(20):
        index = pairs.draw(1, torch.Generator().manual_seed(seed))
        assert pairs.images(index).shape == (1, 2, 1, 16, 16)
        labels.add(int(pairs.labels(index)))
    assert labels == {0, 1}


def test_pairs_of_a_folder_share_its_labels(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        for i in range(3):
            colour = (40 * i, 200 * (label == "dog"), 0)
            (tmp_path / label).mkdir(exist_ok=True)
            Image.new("RGB", (8, 8), colour).save(tmp_path / label / f"{i}.png")
    pets = folder(tmp_path, 8)
    pairs = Pairs(pets, ["folder"])
    images = pairs.batch(40, torch.Generator().manual_seed(0)).images
    green = images[:, :, 1].double().mean((2, 3))
    assert torch.equal(green[:, 0], green[:, 1]) and len(green.unique()) == 2
    red = images[:, :, 0].double().mean((2, 3))
    assert bool((red[:, 0] != red[:, 1]).any())


def test_pairs_keep_the_law() -> None:
    law = Correlated(Labels(), ("a", "b"), torch.eye(3, 5))
    data = Pairs(law, ["a"], 3)
    factors = data.factors(data.draw(200, torch.Generator().manual_seed(0)))
    assert torch.equal(factors[..., 0], factors[..., 1])


def test_a_part_of_pairs_is_pairs_of_a_part() -> None:
    whole = TwinDSprites(16)
    pairs = Pairs(whole, [["shape"], ["posX"]]).part(0, 0.3)
    assert isinstance(pairs, Pairs) and len(pairs) == 221_184
    index = pairs.draw(200, torch.Generator().manual_seed(0))
    assert bool(whole.part(0, 0.3).holds(index // 2).all())  # type: ignore[attr-defined]
    assert "in groups of 2 that share shape or posX" in repr(pairs)


def test_draws_are_the_generator_s() -> None:
    data = Pairs(Labels(), ["a"])
    first = data.draw(20, torch.Generator().manual_seed(1))
    assert torch.equal(first, data.draw(20, torch.Generator().manual_seed(1)))
    assert data[7][0].shape == (1, 2, 2)


@pytest.mark.parametrize("shared", [[], [[]], ["c"], [["a"], ["c"]]])
def test_groups_without_sense_are_refused(shared) -> None:
    with pytest.raises(ValueError, match="groups of factors, each with at least one"):
        Pairs(Labels(), shared)


def test_a_group_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2; got 1"):
        Pairs(Labels(), ["a"], k=1)


def test_views_are_not_paired() -> None:
    with pytest.raises(ValueError, match=r"Views\(Pairs\(...\)\)|a picture at a time"):
        Pairs(Views(Labels(), [Flip(name="flip")]), ["a"])
