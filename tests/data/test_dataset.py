"""What every data set can do, on a grid whose pictures say their own factors."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Grid, draw_until
from dlib.data.factors import Factor, FactorSpace

SPACE = FactorSpace(
    [Factor("a", (0.0, 1.0, 2.0)), Factor("b", (0.0, 0.1, 0.2, 0.3, 0.4))]
)


class Labels(Grid):
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
    index = data.draw(64, torch.Generator(device).manual_seed(3))
    assert torch.equal(data.factors(index), factors)


def test_images_and_factors_keep_the_index_s_shape(device: torch.device) -> None:
    data = Labels(device)
    index = torch.tensor([[0, 7, 14], [1, 2, 3]], device=device)
    assert data.images(index).shape == (2, 3, 1, 2, 2)
    assert data.images(index)[:, :, 0, 0, 0].tolist() == index.tolist()
    assert data.factors(index).shape == (2, 3, 2)
    assert data.factors(index)[0, 1].tolist() == [1, 2]


def test_a_batch_has_no_factors(device: torch.device) -> None:
    data = Labels(device)
    batch = data.batch(8, torch.Generator(device).manual_seed(0), step=5)
    assert batch._fields == ("images", "labels", "step", "population")
    assert batch.images.shape == (8, 1, 2, 2) and batch.images.dtype == torch.uint8
    assert (batch.labels, batch.step, batch.population) == (None, 5, 15)


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


@pytest.mark.parametrize("columns", [[], [0], [1], [0, 1]])
def test_a_partner_shares_what_it_is_asked_to(
    device: torch.device, columns: list[int]
) -> None:
    data = Labels(device)
    generator = torch.Generator(device).manual_seed(0)
    index = data.draw(600, generator)
    other = data.sharing(index, columns, generator)
    mine, theirs = data.factors(index), data.factors(other)
    assert torch.equal(mine[:, columns], theirs[:, columns])
    free = [c for c in (0, 1) if c not in columns]
    for column in free:  # the rest is drawn afresh, uniformly
        counts = theirs[:, column].bincount(minlength=data.space.sizes[column])
        assert counts.min() > 0.7 * 600 / data.space.sizes[column]
        assert not torch.equal(mine[:, column], theirs[:, column])


def test_repr_says_what_it_is() -> None:
    assert repr(Labels()).startswith("labels (twin): 15 images, 1x2x2, FactorSpace(a")


def test_a_data_set_must_say_how_its_points_look() -> None:
    bare = Dataset("bare", "twin", SPACE, 1, 2)
    for call in (lambda: len(bare), lambda: bare.images(torch.tensor([0]))):
        with pytest.raises(TypeError, match="Dataset must define"):
            call()
    with pytest.raises(TypeError, match="must define factors"):
        bare.factors(torch.tensor([0]))
    with pytest.raises(TypeError, match="must define _render"):
        Grid("bare", "twin", SPACE, 1, 2).render(torch.tensor([[0, 0]]))


def test_drawing_gives_up_where_nothing_is_ever_accepted() -> None:
    def propose(n: int) -> tuple[Tensor, Tensor]:
        return torch.zeros(n), torch.zeros(n, dtype=torch.bool)

    with pytest.raises(ValueError, match="an empty law: none of .* was accepted"):
        draw_until(3, propose, "an empty law")
