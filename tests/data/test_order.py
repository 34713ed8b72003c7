"""A random order: a bijection, stored or computed."""

from __future__ import annotations

import pytest
import torch

from dlib.data import order
from dlib.data.order import BlockOrder, RandomOrder


@pytest.fixture(params=["stored", "computed"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "computed":
        monkeypatch.setattr(order, "LARGEST_TABLE", 1)
    return request.param


@pytest.mark.parametrize("n", [2, 3, 15, 16, 17, 1000, 4097])
def test_every_point_has_one_position(kind: str, n: int, device: torch.device) -> None:
    every = torch.arange(n, device=device)
    found = RandomOrder(n, 0).points(every)
    assert sorted(found.tolist()) == list(range(n))
    assert torch.equal(RandomOrder(n, 0).positions(found), every)


def test_the_order_is_the_seed_s(kind: str) -> None:
    every = torch.arange(1000)
    first = RandomOrder(1000, 0).points(every)
    torch.manual_seed(5)
    assert torch.equal(first, RandomOrder(1000, 0).points(every))
    assert not torch.equal(first, RandomOrder(1000, 1).points(every))


def test_the_order_looks_random(kind: str) -> None:
    """The first half has as many of the low points as of the high, and no trend."""
    n = 4096
    found = RandomOrder(n, 0).points(torch.arange(n)).double()
    assert abs(float((found[: n // 2] < n / 2).double().mean()) - 0.5) < 0.05
    places = torch.arange(n).double()
    assert abs(float(torch.corrcoef(torch.stack([places, found]))[0, 1])) < 0.06
    step = (found[1:] - found[:-1]).abs().mean() / n
    assert float(step) == pytest.approx(1 / 3, abs=0.02)


def test_two_to_the_forty_points_need_no_list() -> None:
    big = RandomOrder(2**40, 0)
    places = torch.randint(2**40, (5000,), generator=torch.Generator().manual_seed(0))
    points = big.points(places)
    assert torch.equal(big.positions(points), places)
    assert points.unique().numel() == places.unique().numel()
    assert int(points.min()) >= 0 and int(points.max()) < 2**40
    mean = float(points.double().mean()) / 2**40
    assert mean == pytest.approx(0.5, abs=0.02)


def test_blocks_keep_their_turn(device: torch.device) -> None:
    every = torch.arange(30, device=device)
    mixed = BlockOrder((20, 10), 3)
    found = mixed.points(every)
    assert sorted(found[:20].tolist()) == list(range(20)) != found[:20].tolist()
    assert sorted(found[20:].tolist()) == list(range(20, 30)) != found[20:].tolist()
    assert torch.equal(mixed.positions(found), every)
    alone = BlockOrder((30, 0), 3).points(every)
    assert torch.equal(alone, RandomOrder(30, 3).points(every))
