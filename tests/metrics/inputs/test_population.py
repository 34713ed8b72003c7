"""Drawing points that share a factor: from a grid, and from a table."""

from __future__ import annotations

import pytest
import torch
import toy
from torch import Tensor
from toy import SPACE

from dlib.metrics import Grid, Table, codes_of
from dlib.metrics.inputs.population import as_population


def as_code(factors: Tensor) -> Tensor:
    """Codes that are the factors, so that a test can read them back."""
    return factors.float()


@pytest.mark.parametrize("kind", ["grid", "table"])
@pytest.mark.parametrize("factor", [0, 1, 2])
def test_shared_points_share_that_factor_and_only_that(
    kind: str, factor: int, device: torch.device
) -> None:
    generator = torch.Generator(device).manual_seed(0)
    if kind == "grid":
        population = Grid(as_code, SPACE, device)
    else:
        table = torch.from_numpy(toy.factors()).to(device)
        population = Table(as_code(table), table)
    first = population.draw((400, 8), generator)
    column = torch.full((400, 1), factor, device=device)
    second = population.sharing(first, column, generator)
    a, b = population.codes(first), population.codes(second)
    same = (a == b).float().mean(dim=(0, 1))
    assert float(same[factor]) == 1
    for other in {0, 1, 2} - {factor}:
        assert float(same[other]) == pytest.approx(1 / toy.SIZES[other], abs=0.05)


def test_grid_encodes_each_distinct_image_once() -> None:
    asked: list[Tensor] = []

    def codes_of(factors: Tensor) -> Tensor:
        asked.append(SPACE.to_index(factors))
        return factors.float()

    grid = Grid(codes_of, SPACE)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        grid.codes(grid.draw((50, 4), generator))
    everything = torch.cat(asked)
    assert len(everything) == len(everything.unique()) == grid.encoded
    assert torch.equal(
        grid.codes(torch.tensor([7])), SPACE.to_factors(torch.tensor([7])).float()
    )


def test_a_table_with_gaps_or_too_few_points_a_value_is_refused() -> None:
    table = toy.factors()
    table[3, 1] = -1
    with pytest.raises(ValueError, match="no value may be missing"):
        Table(toy.noise_codes(), table, "z_diff")
    with pytest.raises(ValueError, match="factor 2 has 8 values in 60 points"):
        Table(toy.noise_codes(60), toy.factors(60), "z_diff")


def test_wrong_codes_of_is_explained() -> None:
    with pytest.raises(ValueError, match="one row of codes for each row of factors"):
        Grid(lambda f: torch.zeros(3, 2), SPACE)
    with pytest.raises(ValueError, match="NaN or infinite"):
        Grid(lambda f: torch.full((len(f), 2), torch.nan), SPACE)


@pytest.mark.parametrize("kind", ["grid", "table"])
def test_a_choice_of_factors_is_shared_and_no_other(kind: str) -> None:
    table = torch.from_numpy(toy.factors())
    whole = Grid(as_code, SPACE) if kind == "grid" else Table(as_code(table), table)
    names = [whole.names[2], whole.names[0]]
    some = as_population(whole, names, None, "z_diff")
    assert some.names == tuple(names) and some.latent_dim == 3
    generator = torch.Generator().manual_seed(0)
    first = some.draw((400, 4), generator)
    for k, column in enumerate((2, 0)):
        second = some.sharing(first, torch.full((400, 1), k), generator)
        same = (some.codes(first) == some.codes(second)).float().mean(dim=(0, 1))
        assert float(same[column]) == 1 and float(same[1]) < 0.3
    with pytest.raises(ValueError, match="no factor is called 'hue'"):
        as_population(whole, ["hue"], None, "z_diff")


def test_codes_of_a_method_are_encoded_without_gradients_in_its_mode() -> None:
    class Method(torch.nn.Module):
        def encode(self, images: Tensor) -> Tensor:
            assert not self.training and not torch.is_grad_enabled()
            return images.flatten(1)

    class Pictures:
        def render(self, factors: Tensor) -> Tensor:
            return (factors * 51).to(torch.uint8)[:, :, None, None]

    done: list[int] = []
    codes = codes_of(Method().train(), Pictures(), batch_size=2, progress=done.append)
    assert codes(torch.tensor([[0, 1], [2, 3], [4, 5]])).tolist() == [
        pytest.approx(row) for row in ([0.0, 0.2], [0.4, 0.6], [0.8, 1.0])
    ]
    assert done == [2, 3]
