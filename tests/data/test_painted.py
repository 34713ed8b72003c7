"""CMNIST: digits in ten hues, the hue a factor; and what parts keep together."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import Any

import pytest
import torch
from test_mnist import small, write_sample

from dlib.data import (
    Coloured,
    Correlated,
    Digits,
    Merged,
    Painted,
    Pairs,
    TwinDSprites,
    gaussian_law,
)
from dlib.data.dataset import Dataset
from dlib.data.painted import HUES
from dlib.data.shapes3d import SPACE as ROOMS
from dlib.data.spec import parts
from dlib.inference import encode
from dlib.metrics import evaluate
from dlib.runs import Recipe

INDEPENDENT = torch.full((10, 10), 0.01)
TABLE = gaussian_law(10, 10, 0.1)


def law_of(data: Dataset, n: int = 20_000) -> torch.Tensor:
    """How often each digit comes in each hue, (10, 10), adding up to 1."""
    generator = torch.Generator(data.device).manual_seed(0)
    factors = data.factors(data.draw(n, generator)).cpu()
    return (factors @ torch.tensor([10, 1])).bincount(minlength=100).view(10, 10) / n


def pictures_of(part: Dataset) -> list[int]:
    """The picture of each of a part's points, of those that were painted."""
    return (part.points(torch.arange(len(part))) // 10).tolist()


def test_the_hues_are_those_of_3dshapes() -> None:
    assert HUES == ROOMS.factors[2].values == tuple(h / 10 for h in range(10))


def test_painting_is_exact(device: torch.device) -> None:
    """Every brightness there is, in every hue."""
    grey = torch.arange(28 * 28).remainder(256).to(torch.uint8).view(1, 1, 28, 28)
    data = Painted(Digits(grey, torch.tensor([3]), device=device))
    images = data.images(torch.arange(10, device=device))
    assert images.shape == (10, 3, 28, 28) and images.dtype == torch.uint8
    assert images.device.type == device.type
    for h, image in enumerate(images.cpu()):
        for channel, level in zip(
            image, colorsys.hsv_to_rgb(h / 10, 1, 1), strict=True
        ):
            assert torch.equal(channel, (grey[0, 0] * level).round().to(torch.uint8))
    # Red, and the yellowish green of .2: (204, 255, 0) at its brightest.
    assert images[0, :, 9, 3].tolist() == [255, 0, 0]
    assert images[2, :, 9, 3].tolist() == [204, 255, 0]


def test_black_stays_black_and_the_digit_shows_in_every_hue() -> None:
    data = Painted(small(30))
    index = torch.arange(300)
    images, grey = data.images(index), data.of.images(index // 10)
    assert torch.equal(images.amax(1, keepdim=True), grey)
    assert data.images(index.view(30, 10)).shape == (30, 10, 3, 28, 28)


def test_points_are_pictures_in_a_hue(device: torch.device) -> None:
    data = Painted(small(60, device))
    assert len(data) == 600 and data.uniform
    assert (data.space.names, data.space.sizes) == (("digit", "hue"), (10, 10))
    factors = data.factors(torch.arange(600, device=device)).cpu()
    assert torch.equal(factors[:, 0], torch.arange(600) // 10 % 10)
    assert torch.equal(factors[:, 1], torch.arange(600) % 10)
    assert data.factors(torch.zeros(4, 2, dtype=torch.long)).shape == (4, 2, 2)


def test_digit_and_hue_are_independent(device: torch.device) -> None:
    law = law_of(Painted(small(60, device)))
    assert float((law - INDEPENDENT).abs().max()) < 0.004  # over five deviations


def test_they_are_correlated_by_a_table(device: torch.device) -> None:
    data = Correlated(Painted(small(60, device)), ("digit", "hue"), TABLE)
    law = law_of(data)
    assert float((law - TABLE).abs().max()) < 0.01
    generator = torch.Generator(device).manual_seed(0)
    index = data.draw(500, generator)
    other = data.sharing(index, [0], generator)
    assert torch.equal(data.factors(index)[:, 0], data.factors(other)[:, 0])
    near = data.factors(other).diff(dim=1).abs()
    assert float((near <= 2).double().mean()) > 0.95


def test_partners_share_what_they_should() -> None:
    data, generator = Painted(small(100)), torch.Generator().manual_seed(0)
    index = data.draw(1000, generator)
    for columns in ([0], [1], [0, 1], []):
        other = data.sharing(index, columns, generator)
        same = (data.factors(index) == data.factors(other)).double().mean(0)
        for column in (0, 1):
            expected = 1.0 if column in columns else 0.1
            assert float(same[column]) == pytest.approx(expected, abs=0.06)
    # The same digit and hue, and yet another picture.
    other = data.sharing(index, [0, 1], generator)
    assert float((index == other).double().mean()) < 0.2
    groups = Pairs(data, [["digit"], ["hue"]])
    drawn = groups.draw(200, generator)
    found, shared = groups.factors(drawn), groups.labels(drawn)
    rows = torch.arange(200)
    assert torch.equal(found[rows, 0, shared], found[rows, 1, shared])


def test_parts_have_a_picture_in_all_hues_or_in_none() -> None:
    data = Painted(small(60))
    law = Correlated(data, ("digit", "hue"), TABLE)
    for whole in (data, law, law.part(0.05, 0.95), data.part(0.05, 0.95)):
        first, second = whole.split((0.63, 0.37))
        mine, theirs = pictures_of(first), pictures_of(second)
        assert not set(mine) & set(theirs)
        assert len(mine) == len(first) == 10 * len(set(mine))
        assert len(set(mine) | set(theirs)) * 10 == len(whole)
        # By the law, too, and by partners.
        generator = torch.Generator().manual_seed(0)
        index = first.draw(300, generator)
        assert set((index // 10).tolist()) <= set(mine)
        other = first.sharing(index, [0], generator)
        assert set((other // 10).tolist()) <= set(mine)
        assert torch.equal(first.points(first.positions(index)), index)


def test_looks_stay_together_through_two_wrappers_and_no_further() -> None:
    """Color-dSprites keeps its colours together too, within a law."""
    law = Correlated(
        Coloured(TwinDSprites(16)), ("posX", "posY"), gaussian_law(32, 32, 0.1)
    )
    first, second = law.split((0.8, 0.2))
    index = first.points(torch.arange(512))
    assert (index // 256).unique().numel() == 2
    assert len(first) % 256 == 0 and len(first) + len(second) == len(law)
    merged = Merged([Painted(small(60)), Painted(small(60))])
    assert merged.looks == 1 and Painted(small(60)).looks == 10


def test_it_is_painted_by_the_law_of_the_grey_pictures() -> None:
    law = Correlated(TwinDSprites(16), ("posX", "posY"), gaussian_law(32, 32, 0.05))
    data = Painted(law)
    assert (data.name, data.space.names[-2:]) == ("cdsprites", ("posY", "hue"))
    factors = data.factors(data.draw(500, torch.Generator().manual_seed(0)))
    assert float(torch.corrcoef(factors[:, 3:5].T.float())[0, 1]) > 0.9


def test_what_cannot_be_painted() -> None:
    painted = Painted(small(60))
    with pytest.raises(ValueError, match=r"only grey .*cmnist has 3 channels"):
        Painted(painted)
    with pytest.raises(ValueError, match="drawn a picture at a time"):
        Painted(Pairs(small(60), ["digit"]))


class Corners(torch.nn.Module):
    """Codes that are a few pixels."""

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, :, 10:12, 10].flatten(1)


def test_it_is_encoded_and_evaluated() -> None:
    data = Painted(small(100))
    codes = encode(Corners(), data.images, torch.arange(50))
    assert codes.shape == (50, 6)
    for given in (data, data.part(0, 0.5), Correlated(data, ("digit", "hue"), TABLE)):
        report = evaluate(
            Corners(), given, ["mig"], n=300, n_test=100, noise_floor=False,
            progress=False,
        )  # fmt: skip
        assert 0 <= report["mig"].value <= 1
    with pytest.raises(ValueError, match="needs the whole grid"):
        evaluate(Corners(), data, ["factor_vae"], draw_from="grid")


@pytest.mark.parametrize(
    "of", ["cmnist", {"name": "cmnist"}, {"name": "cmnist", "source": "sample"}]
)
def test_a_recipe_can_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: Any
) -> None:
    write_sample(tmp_path, monkeypatch)
    correlated = {
        "kind": "correlated", "of": of, "factors": ["digit", "hue"], "strength": 0.1,
        "size": 32,
    }  # fmt: skip
    recipe = Recipe(method="vae", data=correlated)
    assert recipe.data.shape == (3, 32) and recipe.data.versions == {"cmnist": 1}
    assert recipe.build().decoder[-1].out_channels == 3
    train, held_out = recipe.parts()
    assert isinstance(train, Correlated) and isinstance(held_out, Painted)
    assert (len(train), len(held_out)) == (800, 200)
    assert not set(pictures_of(train)) & set(pictures_of(held_out))
    assert float((law_of(train) - law_of(train).T).abs().max()) < 0.1
    assert float(law_of(train).diagonal().sum()) > 0.3
    assert float(law_of(held_out).diagonal().sum()) < 0.2
    # At its own size, by another network.
    usual = Recipe(method="vae", data=of, network="shapes_mlp")
    assert usual.data.shape == (3, 28)
    assert usual.build().decode(torch.zeros(2, 10)).shape == (2, 3, 28, 28)
    assert parts(usual.data, 1.0)[0].source == "sample"


def test_a_recipe_that_names_a_source_it_has_not() -> None:
    with pytest.raises(ValueError, match="cmnist has no twin; its source is sample or"):
        Recipe(method="vae", data={"name": "cmnist", "source": "twin"})
    with pytest.raises(ValueError, match="dsprites has no sample; its source is twin"):
        Recipe(method="vae", data={"name": "dsprites", "source": "sample"})
