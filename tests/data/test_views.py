"""Views and augmentations: batched, by the generator, each picture its own."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from test_dataset import Labels

from dlib.data import Merged, TwinDSprites, TwinShapes3D, Views
from dlib.data.augment import Flip, Grey, Jitter, Move, Noise

EVERY = [
    Move(name="move", shift=0.2, turn=20, zoom=1.3),
    Flip(name="flip"),
    Jitter(name="jitter", brightness=0.3, contrast=0.3, saturation=0.3),
    Grey(name="grey", p=0.5),
    Noise(name="noise", std=0.1),
]


def pictures(n: int = 16, device: torch.device | str = "cpu") -> torch.Tensor:
    data = TwinShapes3D(16, device)
    return data.sample(n, torch.Generator(device).manual_seed(0))[0].float() / 255


@pytest.mark.parametrize("augment", EVERY, ids=lambda a: a.name)
def test_each_picture_is_altered_by_its_own_amount(
    augment, device: torch.device
) -> None:
    one = pictures(1, device).repeat(32, 1, 1, 1)
    before = one.clone()
    seen = augment(one, torch.Generator(device).manual_seed(0))
    again = augment(one, torch.Generator(device).manual_seed(0))
    assert torch.equal(one, before)  # what it is given stays
    assert torch.equal(seen, again)
    assert seen.shape == one.shape and seen.device.type == device.type
    assert float(seen.min()) >= 0 and float(seen.max()) <= 1
    assert len(seen.flatten(1).unique(dim=0)) > 1


def test_augmentations_that_do_nothing_change_nothing() -> None:
    images = pictures()
    generator = torch.Generator().manual_seed(0)
    for augment in (
        Move(name="move"),
        Flip(name="flip", p=0),
        Jitter(name="jitter"),
        Grey(name="grey", p=0),
        Noise(name="noise", std=0),
    ):
        torch.testing.assert_close(augment(images, generator), images, atol=1e-5, rtol=0)


def test_what_each_does() -> None:
    images, generator = pictures(), torch.Generator().manual_seed(0)
    assert torch.equal(Flip(name="flip", p=1)(images, generator), images.flip(-1))
    grey = Grey(name="grey", p=1)(images, generator)
    assert torch.equal(grey[:, 0], grey[:, 1])
    noisy = Noise(name="noise", std=0.05)(images * 0 + 0.5, generator)
    assert float(noisy.std()) == pytest.approx(0.05, rel=0.05)
    bright = Jitter(name="jitter", brightness=0.5)(images * 0 + 0.5, generator)
    level = bright.mean((1, 2, 3))
    assert float(level.min()) < 0.4 and float(level.max()) > 0.6


def test_a_shift_moves_the_centre_of_mass_by_so_much() -> None:
    images = torch.zeros(200, 1, 32, 32)
    images[:, :, 14:18, 14:18] = 1
    move = Move(name="move", shift=0.25)
    moved = move(images, torch.Generator().manual_seed(0))
    places = torch.arange(32.0)
    x = (moved.sum((1, 2)) * places).sum(1) / moved.sum((1, 2, 3))
    reach = (x - 15.5).abs().max()
    assert 6.5 < float(reach) < 8.1  # a quarter of 32


def test_a_batch_has_an_axis_for_views(device: torch.device) -> None:
    data = Views(TwinDSprites(16, device), EVERY[:2], k=3)
    batch = data.batch(10, torch.Generator(device).manual_seed(0), 4)
    assert batch.images.shape == (10, 3, 1, 16, 16)
    assert batch.images.dtype == torch.uint8 and batch.images.device.type == device.type
    assert (batch.step, batch.population) == (4, 737_280)
    assert not torch.equal(batch.images[:, 0], batch.images[:, 1])
    again = data.batch(10, torch.Generator(device).manual_seed(0), 4)
    assert torch.equal(batch.images, again.images)


def test_the_first_view_can_be_the_picture_itself() -> None:
    whole = TwinDSprites(16)
    data = Views(whole, EVERY[:1], k=2, keep_first=True)
    batch = data.batch(10, torch.Generator().manual_seed(0))
    plain = whole.batch(10, torch.Generator().manual_seed(0))
    assert torch.equal(batch.images[:, 0], plain.images)
    assert not torch.equal(batch.images[:, 1], plain.images)


def test_views_of_domains_keep_their_labels() -> None:
    merged = Merged([TwinDSprites(16), TwinShapes3D(16)])
    data = Views(merged, EVERY[:1]).part(0, 0.5)
    batch = data.batch(12, torch.Generator().manual_seed(0))
    assert batch.images.shape == (12, 2, 3, 16, 16)
    assert set(batch.labels.tolist()) == {0, 1}
    assert isinstance(data, Views) and "2 views of each" in repr(data)


def test_points_look_as_they_are_where_they_are_looked_at() -> None:
    data = Views(Labels(), EVERY[:1])
    assert data.images(torch.tensor([3, 4])).flatten().tolist() == [3] * 4 + [4] * 4


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="must be positive; got 0"):
        Views(Labels(), EVERY, k=0)
    with pytest.raises(ValidationError, match="zoom"):
        Move(name="move", zoom=0.5)
    with pytest.raises(ValidationError, match="sift"):
        Move(name="move", sift=1)
    with pytest.raises(ValueError, match="a picture at a time"):
        Views(Views(Labels(), EVERY[:1]), EVERY[:1])
