"""Laws of two factors: the tables, and what is drawn by them."""

from __future__ import annotations

import math

import pytest
import torch
from test_dataset import Labels

from dlib.data import Correlated, Merged, Pairs, gaussian_law, line_law


def counts(data, n: int = 30_000, seed: int = 0) -> torch.Tensor:
    """How often each cell of the 3 x 5 grid is drawn, as shares."""
    generator = torch.Generator(data.device).manual_seed(seed)
    index = data.draw(n, generator)
    return index.bincount(minlength=15).double().view(3, 5).cpu() / n


def test_what_is_drawn_follows_the_table(device: torch.device) -> None:
    generator = torch.Generator().manual_seed(1)
    table = torch.rand(3, 5, generator=generator, dtype=torch.float64)
    table[1, 2] = 0
    data = Correlated(Labels(device), ("a", "b"), table)
    found = counts(data)
    assert float(found[1, 2]) == 0
    assert float((found - table / table.sum()).abs().max()) < 0.01
    turned = Correlated(Labels(device), ("b", "a"), table.T)
    assert float((counts(turned) - found).abs().max()) < 0.01


def test_laws_multiply(device: torch.device) -> None:
    first, second = torch.rand(2, 3, 5, dtype=torch.float64) + 0.1
    inner = Correlated(Labels(device), ("a", "b"), first)
    both = Correlated(inner, ("a", "b"), second)
    wanted = first * second / (first * second).sum()
    assert float((counts(both) - wanted).abs().max()) < 0.012


def test_partners_follow_the_law_too() -> None:
    table = torch.tensor([[1.0, 0, 0, 0, 0], [0, 1, 3, 0, 0], [0, 0, 0, 1, 1]])
    data = Correlated(Labels(), ("a", "b"), table)
    generator = torch.Generator().manual_seed(0)
    index = torch.full((4000,), 6)  # a = 1, b = 1
    other = data.factors(data.sharing(index, [0], generator))
    assert other[:, 0].unique().tolist() == [1]
    share = (other[:, 1] == 2).double().mean()
    assert set(other[:, 1].tolist()) == {1, 2}
    assert float(share) == pytest.approx(0.75, abs=0.03)


def test_draws_are_the_generator_s(device: torch.device) -> None:
    data = Correlated(Labels(device), ("a", "b"), gaussian_law(3, 5, 0.3))
    first = data.draw(50, torch.Generator(device).manual_seed(2))
    again = data.draw(50, torch.Generator(device).manual_seed(2))
    other = data.draw(50, torch.Generator(device).manual_seed(3))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len(data) == 15 and not data.uniform
    assert "a correlated with b" in repr(data)


def test_the_gaussian_law_is_the_formula() -> None:
    table = gaussian_law(3, 2, 0.5)
    wanted = torch.tensor(
        [
            [math.exp(-((c1 / 2 - c2) ** 2) / (2 * 0.25)) for c2 in range(2)]
            for c1 in range(3)
        ],
        dtype=torch.float64,
    )
    torch.testing.assert_close(table, wanted / wanted.sum())
    torch.testing.assert_close(
        gaussian_law(3, 2, 0.5, inverted=True), table.flip(1)
    )


def test_a_wider_gaussian_is_a_weaker_correlation() -> None:
    values = torch.linspace(0, 1, 10, dtype=torch.float64)

    def correlation(table: torch.Tensor) -> float:
        x, y = values[:, None].expand(10, 10), values.expand(10, 10)
        mx, my = (table * x).sum(), (table * y).sum()
        cov = (table * (x - mx) * (y - my)).sum()
        sx = (table * (x - mx) ** 2).sum().sqrt()
        sy = (table * (y - my) ** 2).sum().sqrt()
        return float(cov / (sx * sy))

    found = [correlation(gaussian_law(10, 10, s)) for s in (0.04, 0.2, 0.4, 0.7, 100)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.95 and abs(found[-1]) < 1e-3
    assert correlation(gaussian_law(10, 10, 0.2, inverted=True)) < -0.5
    drawn = [correlation(line_law(10, 10, w)) for w in (0.2, 0.4, 0.7, 1.0)]
    assert drawn == sorted(drawn, reverse=True) and abs(drawn[-1]) < 1e-9


@pytest.mark.parametrize("width", [0.2, 0.4, 0.7])
@pytest.mark.parametrize("sizes", [(15, 8), (40, 32), (10, 15)])
def test_the_line_law_is_a_blurred_line_from_corner_to_corner(
    sizes: tuple[int, int], width: float
) -> None:
    table = line_law(*sizes, width)
    assert tuple(table.shape) == sizes
    assert float(table.sum()) == pytest.approx(1) and bool((table >= 0).all())
    rows = torch.arange(sizes[0], dtype=torch.float64)
    columns = torch.arange(sizes[1], dtype=torch.float64)
    centre = (table * columns).sum(1) / table.sum(1).clamp(min=1e-12)
    inner = slice(sizes[0] // 3, -sizes[0] // 3)
    wanted = rows[inner] * sizes[1] / sizes[0]
    # A wide line is cut off at the edges, which moves its middle.
    assert float((centre[inner] - wanted).abs().max()) < (1.0 if width < 0.5 else 2.5)
    # Cells off the line by more than its half width and the blur are never drawn.
    reach = math.ceil(width * min(sizes)) / 2 + min(sizes) // 4
    off = (sizes[1] * rows[:, None] - sizes[0] * columns).abs() / math.hypot(*sizes)
    assert float(table[off > reach + 1].sum()) == 0


@pytest.mark.parametrize("law", [gaussian_law, line_law])
@pytest.mark.parametrize("given", [(0, 5, 0.2), (5, -1, 0.2), (5, 5, 0.0)])
def test_laws_refuse_what_is_not_positive(law, given) -> None:
    with pytest.raises(ValueError, match="must be positive, got"):
        law(*given)


@pytest.mark.parametrize("names", [("a",), ("a", "a"), ("a", "c"), ("a", "b", "a")])
def test_factors_that_are_not_two_are_refused(names) -> None:
    with pytest.raises(ValueError, match="two different factors of a, b"):
        Correlated(Labels(), names, torch.ones(3, 5))


def test_a_table_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must have shape \(3, 5\), got \(5, 3\)"):
        Correlated(Labels(), ("a", "b"), torch.ones(5, 3))


@pytest.mark.parametrize("entry", [-1.0, float("nan"), float("inf")])
def test_weights_without_sense_are_refused(entry: float) -> None:
    table = torch.ones(3, 5)
    table[0, 0] = entry
    with pytest.raises(ValueError, match="finite, not negative and not all zero"):
        Correlated(Labels(), ("a", "b"), table)
    with pytest.raises(ValueError, match="not all zero"):
        Correlated(Labels(), ("a", "b"), torch.zeros(3, 5))


def test_what_draws_several_together_is_wrapped_the_other_way_round() -> None:
    with pytest.raises(ValueError, match=r"Pairs\(Correlated\(...\)\)"):
        Correlated(Pairs(Labels(), ["a"]), ("a", "b"), torch.ones(3, 5))


def test_a_factor_that_is_unknown_at_some_points_is_refused() -> None:
    merged = Merged([Labels(), Labels()])
    law = Correlated(merged, ("labels 1.a", "labels 2.a"), torch.ones(3, 3))
    with pytest.raises(ValueError, match="correlate the domain before it is merged"):
        law.draw(10, torch.Generator().manual_seed(0))
