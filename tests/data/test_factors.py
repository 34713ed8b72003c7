"""The arithmetic between factors, flat indices and values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from dlib.data.factors import Factor, FactorSpace


def space() -> FactorSpace:
    return FactorSpace(
        [
            Factor("shape", (1.0, 2.0), "categorical", ("square", "heart")),
            Factor("scale", (0.5, 0.75, 1.0)),
            Factor("posX", (0.0, 0.1, 0.2, 0.3)),
        ]
    )


def test_face() -> None:
    s = space()
    assert s.names == ("shape", "scale", "posX")
    assert s.sizes == (2, 3, 4) and len(s) == 24
    assert s.kinds == ("categorical", "continuous", "continuous")
    assert repr(s) == "FactorSpace(shape: 2, scale: 3, posX: 4)"
    assert s.position("posX") == 2


def test_the_grid_is_in_the_order_of_nested_loops(device: torch.device) -> None:
    s = space()
    wanted = list(itertools.product(range(2), range(3), range(4)))
    grid = s.grid(device)
    assert grid.device.type == device.type and grid.dtype == torch.int64
    assert [tuple(row) for row in grid.tolist()] == wanted
    assert s.to_index(grid).tolist() == list(range(24))


def test_addresses_are_numpys(device: torch.device) -> None:
    s = space()
    index = torch.tensor([0, 5, 23, 7], device=device)
    factors = s.to_factors(index)
    wanted = np.stack(np.unravel_index(index.cpu().numpy(), s.sizes), axis=1)
    np.testing.assert_array_equal(factors.cpu().numpy(), wanted)
    assert torch.equal(s.to_index(factors), index)


def test_values_are_the_factors_own(device: torch.device) -> None:
    values = space().to_values(torch.tensor([[1, 0, 3], [0, 2, 1]], device=device))
    wanted = torch.tensor([[2.0, 0.5, 0.3], [1.0, 1.0, 0.1]], device=device)
    assert torch.equal(values, wanted)


def test_sampling_is_uniform_and_a_function_of_the_generator() -> None:
    s = space()
    first = s.sample(24_000, torch.Generator().manual_seed(0))
    assert torch.equal(first, s.sample(24_000, torch.Generator().manual_seed(0)))
    assert not torch.equal(first, s.sample(24_000, torch.Generator().manual_seed(1)))
    # Each of the 24 points about 1000 times: chi-squared of 23 degrees is under 60.
    counts = torch.bincount(s.to_index(first), minlength=24)
    assert float((counts - 1000).square().sum() / 1000) < 60


def test_sampling_keeps_what_is_fixed() -> None:
    s = space()
    fixed = {"scale": 2, "shape": 0}
    factors = s.sample(200, torch.Generator().manual_seed(0), fixed=fixed)
    assert (factors[:, 1] == 2).all() and (factors[:, 0] == 0).all()
    assert factors[:, 2].unique().tolist() == [0, 1, 2, 3]
    # Fixing one factor leaves the draws of the others where they were.
    free = s.sample(200, torch.Generator().manual_seed(0))
    assert torch.equal(free[:, 2], factors[:, 2])


def test_sampling_nothing() -> None:
    assert space().sample(0, torch.Generator()).shape == (0, 3)


def test_check_returns_long() -> None:
    given = torch.tensor([[1, 2, 3]], dtype=torch.uint8)
    checked = space().check(given)
    assert checked.dtype == torch.int64 and checked.tolist() == [[1, 2, 3]]
    assert space().check(torch.zeros(0, 3, dtype=torch.long)).shape == (0, 3)


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.complex64, torch.bool]
)
def test_factors_that_are_not_integers_are_refused(dtype: torch.dtype) -> None:
    with pytest.raises(TypeError, match=f"integer indices, got {dtype}"):
        space().check(torch.zeros(1, 3, dtype=dtype))


@pytest.mark.parametrize("shape", [(3,), (1, 2), (1, 4), (1, 1, 3)])
def test_factors_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape \(n, 3\).*shape, scale, posX"):
        space().check(torch.zeros(shape, dtype=torch.long))


@pytest.mark.parametrize("bad", [-1, 3, 1000])
def test_an_index_outside_is_named_with_its_row(bad: int) -> None:
    factors = torch.zeros(5, 3, dtype=torch.long)
    factors[2, 1] = bad
    with pytest.raises(
        ValueError, match=rf"scale must be in 0\.\.2, got {bad} in row 2"
    ):
        space().check(factors)


@pytest.mark.parametrize("bad", [-1, 3])
def test_fixing_a_factor_outside_is_refused(bad: int) -> None:
    with pytest.raises(ValueError, match=r"scale must be in 0\.\.2"):
        space().sample(4, torch.Generator(), fixed={"scale": bad})


def test_an_unknown_factor_is_refused() -> None:
    for call in (
        lambda: space().position("colour"),
        lambda: space().sample(4, torch.Generator(), fixed={"colour": 0}),
    ):
        with pytest.raises(KeyError, match="no factor 'colour'; there are shape"):
            call()


def test_spaces_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one factor"):
        FactorSpace([])
    with pytest.raises(ValueError, match=r"at least\s+one value; got sizes \(2, 0\)"):
        FactorSpace([Factor("a", (0.0, 1.0)), Factor("b", ())])
    with pytest.raises(ValueError, match="names must differ"):
        FactorSpace([Factor("a", (0.0,)), Factor("a", (0.0,))])
