"""A finite training set, drawn once by a law."""

from __future__ import annotations

import pytest
import torch
from test_dataset import Labels

from dlib.data import Correlated, Pairs, Resampled, gaussian_law


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_it_has_so_many_points_and_no_others(device: torch.device) -> None:
    whole = Labels(device)
    data = Resampled(whole, 6)
    assert len(data) == 6 and data.uniform
    index = data.draw(500, torch.Generator(device).manual_seed(1))
    assert set(index.tolist()) == set(data.index.tolist())
    assert len(index.unique()) < len(whole)
    assert torch.equal(data.images(index), whole.images(index))


def test_it_follows_the_law_that_it_was_drawn_by() -> None:
    table = gaussian_law(3, 5, 0.3)
    data = Resampled(Correlated(Labels(), ("a", "b"), table), 20_000)
    index = data.draw(40_000, generator())
    found = index.bincount(minlength=15).double().view(3, 5) / len(index)
    assert float((found - table).abs().max()) < 0.012


def test_a_point_drawn_twice_is_twice_as_likely() -> None:
    data = Resampled(Labels(), 40)  # of fifteen points
    times = data.index.bincount(minlength=15)
    assert int(times.max()) > 1
    found = data.draw(20_000, generator()).bincount(minlength=15) / 20_000
    assert float((found - times / 40).abs().max()) < 0.02


def test_positions_lead_to_points_and_back(device: torch.device) -> None:
    data = Resampled(Labels(device), 6)
    where = torch.arange(6, device=device)
    assert torch.equal(data.points(data.positions(data.points(where))), data.index)
    absent = [i for i in range(15) if i not in data.index.tolist()]
    assert data.positions(torch.tensor(absent, device=device)).tolist() == [-1] * len(
        absent
    )


def test_partners_and_parts_are_its_own() -> None:
    data = Resampled(Labels(), 12)
    pairs = Pairs(data, ("a",)).draw(200, generator())
    assert set(pairs.flatten().tolist()) <= set(data.index.tolist())
    factors = data.factors(pairs)
    assert torch.equal(factors[:, 0, 0], factors[:, 1, 0])
    first, second = data.split((0.5, 0.5))
    assert len(first) == len(second) == 6


def test_the_set_is_the_seed_s_on_every_device(device: torch.device) -> None:
    here, there = Resampled(Labels(device), 9), Resampled(Labels(), 9)
    assert torch.equal(here.index.cpu(), there.index)
    assert not torch.equal(there.index, Resampled(Labels(), 9, seed=1).index)
    assert "9 drawn of 15" in repr(here)


def test_none_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="n must be positive, got 0"):
        Resampled(Labels(), 0)
