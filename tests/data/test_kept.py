"""Pictures made once: the same as they come, and made no second time."""

from __future__ import annotations

import pytest
import torch
from test_dataset import Labels
from torch import Tensor

from dlib.data import Kept, Pairs, Resampled
from dlib.data import kept as module


class Counted(Labels):
    """Counts the pictures that it makes."""

    made = 0

    def _render(self, factors: Tensor) -> Tensor:
        self.made += len(factors)
        return super()._render(factors)


def test_pictures_are_those_of_the_data_set(device: torch.device) -> None:
    for of in (
        Labels(device),
        Resampled(Labels(device), 6),
        Labels(device).part(0, 0.6),
        Resampled(Labels(device), 9).part(0.2, 0.9),
    ):
        kept = Kept(of)
        draw = torch.Generator(device).manual_seed(0)
        index = kept.draw(40, draw)
        assert torch.equal(index, of.draw(40, draw.manual_seed(0)))
        assert torch.equal(kept.images(index), of.images(index))
        assert torch.equal(kept.factors(index), of.factors(index))
        assert torch.equal(kept.images(index.view(8, 5)), of.images(index.view(8, 5)))
        assert len(kept) == len(of)
        assert repr(kept).endswith("kept in memory")


def test_each_is_made_once_and_not_before_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SLAB", 4)
    labels = Counted()
    kept = Kept(labels)
    assert labels.made == 0
    for seed in range(3):
        kept.sample(50, torch.Generator().manual_seed(seed))
    assert labels.made == 15


def test_it_can_be_cut_and_wrapped() -> None:
    part = Kept(Labels()).part(0, 0.4)
    index = part.points(torch.arange(len(part)))
    assert torch.equal(part.images(index), Labels().images(index))
    images = Pairs(Kept(Labels()), ("a",)).batch(4, torch.Generator().manual_seed(0))
    assert images.images.shape == (4, 2, 1, 2, 2)


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 59)
    with pytest.raises(ValueError, match=r"15 pictures of labels take .* keep fewer"):
        Kept(Labels())
    with pytest.raises(ValueError, match="Kept takes data that is drawn a picture"):
        Kept(Pairs(Labels(), ("a",)))
