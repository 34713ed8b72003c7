"""Color-dSprites: colours drawn with the picture, nobody's factor."""

from __future__ import annotations

import pytest
import torch

from dlib.data import Coloured, Correlated, Merged, TwinDSprites, TwinShapes3D
from dlib.data.coloured import COLOURS, colours
from dlib.data.correlated import gaussian_law
from dlib.data.spec import ColouredData, parts
from dlib.runs import Recipe


def sprites(device: torch.device | str = "cpu") -> Coloured:
    return Coloured(TwinDSprites(16, device))


def test_pictures_are_the_grey_ones_in_one_colour(device: torch.device) -> None:
    data = sprites(device)
    index = data.draw(50, torch.Generator(device).manual_seed(0))
    images = data.images(index).float() / 255
    grey = data.of.images(index // COLOURS) > 0
    assert images.shape == (50, 3, 16, 16) and images.device.type == device.type
    assert bool((images[~grey.expand_as(images)] == 0).all())
    lit = images.where(grey, torch.nan)
    for channel in range(3):
        values = lit[:, channel].flatten(1)
        low, high = values.nan_to_num(9).amin(1), values.nan_to_num(-9).amax(1)
        assert torch.equal(low, high)  # one colour a picture
        assert bool(((low >= 0.5 - 1 / 255) & (low <= 1)).all())


def test_colours_are_uniform_and_tell_nothing_of_each_other() -> None:
    index = torch.arange(200_000) * COLOURS // 7
    values = colours(index)
    assert values.shape == (200_000, 3)
    for channel in values.T:
        counts = torch.histc(channel, 10, 0.5, 1.0) / len(channel)
        assert bool(((counts - 0.1).abs() < 0.005).all())
    neighbours = torch.cat([values[:-1], values[1:]], dim=1)
    correlation = torch.corrcoef(neighbours.T) - torch.eye(6)
    assert float(correlation.abs().max()) < 0.01


def test_a_picture_comes_in_many_colours() -> None:
    one_picture = colours(torch.arange(COLOURS))
    assert len(one_picture.unique(dim=0)) > 0.99 * COLOURS
    assert float((one_picture.mean(0) - 0.75).abs().max()) < 0.05


def test_factors_are_the_grey_ones() -> None:
    data = sprites()
    index = data.draw(30, torch.Generator().manual_seed(0))
    assert torch.equal(data.factors(index), data.of.factors(index // COLOURS))
    assert data.space.names == data.of.space.names
    assert len(data) == 737_280 * 256


def test_colour_tells_nothing_of_a_factor() -> None:
    data = sprites()
    index = data.draw(20_000, torch.Generator().manual_seed(0))
    joint = torch.cat([colours(index), data.factors(index).float()], dim=1)
    correlation = torch.corrcoef(joint.T)[:3, 3:]
    assert float(correlation.abs().max()) < 0.03


def test_partners_share_factors_and_not_the_colour() -> None:
    data, generator = sprites(), torch.Generator().manual_seed(0)
    index = data.draw(200, generator)
    other = data.sharing(index, [0, 3], generator)
    same = data.factors(index) == data.factors(other)
    assert bool(same[:, [0, 3]].all()) and not bool(same[:, 2].all())
    assert float((colours(index) == colours(other)).float().mean()) < 0.05


def test_parts_hold_whole_pictures() -> None:
    data = sprites()
    first, second = data.split((0.8, 0.2))
    generator = torch.Generator().manual_seed(0)
    mine = {tuple(f) for f in first.factors(first.draw(3000, generator)).tolist()}
    index = second.draw(3000, generator)
    assert not mine & {tuple(f) for f in second.factors(index).tolist()}
    assert torch.equal(second.points(second.positions(index)), index)
    assert len(first) + len(second) == len(data)


def test_it_is_drawn_by_the_law_of_what_it_colours() -> None:
    law = Correlated(TwinDSprites(16), ("posX", "posY"), gaussian_law(32, 32, 0.05))
    data = Coloured(law)
    factors = data.factors(data.draw(500, torch.Generator().manual_seed(0)))
    assert float(torch.corrcoef(factors[:, 3:].T.float())[0, 1]) > 0.9


def test_it_merges_with_coloured_domains(tmp_path) -> None:
    data = Merged([sprites(), TwinShapes3D(16, root=tmp_path)])
    images, factors = data.sample(64, torch.Generator().manual_seed(0))
    assert images.shape == (64, 3, 16, 16)
    mine = factors[:, 0] >= 0
    assert 15 < int(mine.sum()) < 49
    lit = images[mine].float().amax((2, 3))
    assert float(lit.std(0).min()) > 10  # colours still differ after merging


def test_a_recipe_can_name_it() -> None:
    recipe = Recipe(
        method="vae",
        data={"kind": "coloured", "of": {"name": "dsprites", "size": 16}},
    )
    assert isinstance(recipe.data, ColouredData) and recipe.data.shape == (3, 16)
    train, held_out = parts(recipe.data, 0.8)
    assert isinstance(train, Coloured) and isinstance(held_out, Coloured)
    assert recipe.data.versions == {"dsprites": TwinDSprites.version}
    assert recipe.build().decoder[-1].out_channels == 3


def test_only_grey_pictures_can_be_coloured(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"only grey.*shapes3d has 3 channels"):
        Coloured(TwinShapes3D(16, root=tmp_path))
