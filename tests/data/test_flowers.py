"""The flowers twin: what its factors do, and how its species confound them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib.data import (
    Correlated,
    Dataset,
    FlowerLooks,
    Part,
    Pictures,
    TwinFlowers,
    load,
)
from dlib.data import flowers_painter as painter
from dlib.data.flowers import CAUSED, LOOKS, SPACE, TOGETHER, BySpecies
from dlib.data.flowers_species import FAMILIES, KEPT, SPECIES, laws, looks

# A round red flower of five petals in the middle, before a sky.
PLAIN = dict(zip(LOOKS.names, (2, 0, 5, 0, 0, 3, 0, 2, 2), strict=True))


@pytest.fixture(scope="module")
def flowers() -> FlowerLooks:
    return FlowerLooks()


@pytest.fixture(scope="module")
def twin() -> TwinFlowers:
    return TwinFlowers(size=16)


def row(**factors: int) -> Tensor:
    """One look: the plain flower wherever nothing else is said."""
    return torch.tensor([[factors.get(name, PLAIN[name]) for name in LOOKS.names]])


def each(name: str, **factors: int) -> Tensor:
    """A look for every value of a factor."""
    values = range(LOOKS.sizes[LOOKS.position(name)])
    return torch.cat([row(**{**factors, name: value}) for value in values])


def information(first: Tensor, second: Tensor) -> float:
    """Mutual information of two columns of indices, in nats."""
    joint = torch.zeros(int(first.max()) + 1, int(second.max()) + 1).double()
    ones = torch.ones(len(first)).double()
    joint.index_put_((first, second), ones, accumulate=True)
    joint /= joint.sum()
    apart = joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True)
    there = joint > 0
    return float((joint[there] * (joint[there] / apart[there]).log()).sum())


def drawn(data: Dataset, n: int = 20_000) -> dict[str, Tensor]:
    factors = data.factors(data.draw(n, torch.Generator().manual_seed(0)))
    return dict(zip(data.space.names, factors.unbind(1), strict=True))


# --- the factors ------------------------------------------------------------


def test_the_order_of_the_factors() -> None:
    assert SPACE.names == (
        "species",
        "petal_number",
        "petal_shape",
        "petal_hue",
        "centre",
        "background",
        "scale",
        "turn",
        "posX",
        "posY",
    )
    assert SPACE.sizes == (102, 6, 4, 8, 4, 5, 4, 6, 5, 5)
    assert LOOKS.names == SPACE.names[1:]
    assert len(LOOKS) == 2_304_000
    species = SPACE.factors[0]
    assert species.values == tuple(range(1, 103))
    assert species.labels[:2] == ("iris 1", "iris 2") and len(set(SPECIES)) == 102
    assert LOOKS.factors[0].values == (3, 4, 5, 6, 8, 12)
    hues = LOOKS.factors[2]
    assert len(hues.labels) == len(hues.values) and hues.kind == "continuous"


def test_pictures_have_the_promised_form(device: torch.device) -> None:
    twin = TwinFlowers(size=16, device=device)
    images, factors = twin.sample(40, torch.Generator(device).manual_seed(0))
    assert images.shape == (40, 3, 16, 16) and images.dtype == torch.uint8
    assert images.device.type == device.type and factors.device.type == device.type
    again, _ = twin.sample(40, torch.Generator(device).manual_seed(0))
    assert torch.equal(images, again)
    assert torch.equal(twin.render(factors), images)
    assert torch.equal(twin.independent.render(factors[:, 1:]), images)
    assert twin.render(factors[:0]).shape == (0, 3, 16, 16)
    assert (int(images.min()), int(images.max())) > (0, 200)
    index = SPACE.to_index(factors).view(5, 8)
    assert torch.equal(twin.images(index).flatten(0, 1), images)
    assert torch.equal(twin.factors(index).flatten(0, 1), factors)


def test_devices_agree(flowers: FlowerLooks, device: torch.device) -> None:
    factors = LOOKS.sample(100, torch.Generator().manual_seed(1))
    there = FlowerLooks(device=device).render(factors).cpu().int()
    difference = (there - flowers.render(factors).int()).abs()
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 0.01


def test_a_picture_is_the_same_alone_and_in_a_batch(flowers: FlowerLooks) -> None:
    factors = LOOKS.sample(4 * TOGETHER, torch.Generator().manual_seed(2))
    factors[:, 1] %= 2  # so that some are painted in several goes
    alone = torch.cat([flowers.render(one) for one in factors.split(1)]).int()
    difference = (alone - flowers.render(factors).int()).abs()
    # Vectors and remainders round cosines otherwise, by one where they do.
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 1e-3


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("name", LOOKS.names)
def test_every_value_of_every_factor_is_seen(name: str, size: int) -> None:
    flowers = FlowerLooks(size)
    for shape in range(4):
        start = {"petal_number": 5} if name == "turn" else {}
        if name != "petal_shape":
            start["petal_shape"] = shape
        pictures = flowers.render(each(name, **start)).int()
        for i in range(len(pictures)):
            for j in range(i):
                changed = (pictures[i] - pictures[j]).abs().amax(0) > 20
                # More than 1% of the picture, clearly.
                assert changed.float().mean() > 0.01, (name, shape, i, j)


def test_factors_change_what_they_are_named_after(flowers: FlowerLooks) -> None:
    middle = slice(30, 34), slice(30, 34)
    corners = torch.zeros(64, 64, dtype=torch.bool)
    corners[:8, :8] = corners[:8, -8:] = True

    for name in ("petal_number", "petal_shape", "petal_hue", "centre", "turn"):
        pictures = flowers.render(each(name))
        assert (pictures[1:, :, corners] == pictures[:1, :, corners]).all(), name
        if name != "centre":
            same = pictures[1:, :, *middle] == pictures[:1, :, *middle]
            assert same.all(), name
    backgrounds = flowers.render(each("background")).int()
    assert (backgrounds[1:, :, *middle] == backgrounds[:1, :, *middle]).all()
    colours = backgrounds[:, :, corners].float().mean(2)
    assert torch.pdist(colours).min() > 60


def test_colours_are_those_named(flowers: FlowerLooks) -> None:
    """Looked at where the upright petal is: between the centre and its tip."""
    petals = flowers.render(each("petal_hue"))[:, :, 14:18, 31:33].float().mean((2, 3))
    red, _, blue = petals.unbind(1)
    assert (red[5:] > 2 * blue[5:]).all() and (blue[:3] > red[:3]).all()
    # From blue over red to yellow: red comes, and blue goes.
    assert (red.diff()[:4] > -1).all() and (blue.diff()[2:5] < 1).all()
    yellow, _, dark, _ = flowers.render(each("centre"))[:, :, 31:33, 31:33].float()
    assert yellow[:2].min() > 150 and yellow[2].max() < 100 and dark.max() < 80


def test_petals_can_be_counted(flowers: FlowerLooks) -> None:
    """Straps, along a circle: so many times from background to petal."""
    white = flowers.render(each("petal_number", petal_shape=3, background=4)).float()
    angle = torch.arange(720) * (2 * torch.pi / 720)
    radius = 0.8 * painter.SCALES[3]
    rows = ((0.5 - radius * angle.cos()) * 64).long()
    columns = ((0.5 + radius * angle.sin()) * 64).long()
    on = white[:, 0, rows, columns] > 128
    rises = (on & ~on.roll(1, 1)).sum(1)
    assert rises.tolist() == [3, 4, 5, 6, 8, 12]


def test_a_turn_of_one_petal_comes_back(flowers: FlowerLooks) -> None:
    """Six sixths of the way to the next petal: the steps are even, and the last
    is as far from the first as the first from the second."""
    pictures = flowers.render(each("turn")).float()
    steps = (pictures - pictures.roll(1, 0)).abs().mean((1, 2, 3))
    assert steps.max() < 1.2 * steps.min()


def test_the_flower_and_all_behind_it_move_together(flowers: FlowerLooks) -> None:
    """Along the picture's side: two steps of the place are 5.12 pixels, at 64."""
    across = flowers.render(each("posX", background=1)).float()
    for first, second in ((0, 2), (2, 4)):
        moved = across[second].roll(-5, 2)[..., 10:-10]
        still = across[second][..., 10:-10]
        wanted = across[first][..., 10:-10]
        assert (moved - wanted).abs().mean() < 0.3 * (still - wanted).abs().mean()


def test_edges_are_smooth(flowers: FlowerLooks) -> None:
    """A red petal before black: in between lie pixels of all lights, and few."""
    shade = row(background=4)
    light = flowers.render(shade)[0, 0].float()
    petal, dark = light[15, 32], 50.0
    between = ((light > dark + 15) & (light < 0.6 * petal)).float().mean()
    assert 0.01 < between < 0.15
    # A picture of twice the size, averaged, is the same picture.
    large = FlowerLooks(128).render(shade).float()
    small = torch.nn.functional.avg_pool2d(large, 2)
    assert (small[0, 0] - light).abs().mean() < 1.5


def test_an_ellipse_s_middle_is_inside() -> None:
    """Where its equation and its slope are both 0."""
    x, y = torch.tensor([0.56, 0.56, 1.0, 1.1]), torch.tensor([0.0, 0.3, 0.0, 0.0])
    inside = painter.round_petal(x, y, torch.tensor(0.3))
    assert inside[0] > 0.2
    assert inside[1].abs() < 1e-6 and inside[2].abs() < 1e-6
    assert inside[3] == pytest.approx(-0.1, abs=0.03)


@pytest.mark.parametrize("size", [8, 50, 128])
def test_other_sizes_are_the_same_flower(flowers: FlowerLooks, size: int) -> None:
    factors = LOOKS.sample(20, torch.Generator().manual_seed(3))
    large = torch.nn.functional.interpolate(
        FlowerLooks(size).render(factors).float(), (64, 64), mode="area"
    )
    tiny = torch.nn.functional.adaptive_avg_pool2d(large, 8)
    expected = torch.nn.functional.adaptive_avg_pool2d(
        flowers.render(factors).float(), 8
    )
    assert (tiny - expected).abs().mean() < (10 if size == 8 else 3)


def test_wrong_sizes_and_factors_are_refused(twin: TwinFlowers) -> None:
    for size in (7, 257):
        with pytest.raises(ValueError, match=f"at 8 to 256 pixels a side, not {size}"):
            TwinFlowers(size)
    with pytest.raises(ValueError, match=r"petal_hue must be in 0\.\.7, got 8"):
        twin.independent.render(row(petal_hue=8))
    with pytest.raises(ValueError, match=r"species must be in 0\.\.101, got 102"):
        twin.render(torch.cat([torch.tensor([[102]]), row()], 1))


# --- the species ------------------------------------------------------------


def test_species_differ_and_every_value_has_some() -> None:
    assert len(FAMILIES) * 6 == len(SPECIES) == 102
    assert len(looks().unique(dim=0)) == 102
    for column, law in zip(looks().T, laws(), strict=True):
        assert set(column.tolist()) == set(range(law.shape[1]))
        assert torch.allclose(law.sum(1), torch.ones(102)) and (law > 0).all()
        assert torch.equal(law.argmax(1), column)


def test_most_flowers_look_as_their_species_does(twin: TwinFlowers) -> None:
    factors = torch.stack(list(drawn(twin).values()), 1)
    as_usual = factors[:, 1 : 1 + CAUSED] == looks()[factors[:, 0]]
    shares = as_usual.float().mean(0)
    assert torch.allclose(shares, torch.tensor(KEPT), atol=0.02)
    counts = factors[:, 0].bincount(minlength=102)
    assert counts.min() > 120 and counts.max() < 290  # 196 on average


def test_species_confound_what_is_seen(twin: TwinFlowers) -> None:
    together, apart = drawn(twin), drawn(twin.independent)
    pairs = [
        ("petal_hue", "background"),
        ("petal_hue", "petal_shape"),
        ("petal_shape", "background"),
        ("petal_number", "petal_hue"),
    ]
    for first, second in pairs:
        confounded = information(together[first], together[second])
        independent = information(apart[first], apart[second])
        print(f"{first}, {second}: {confounded:.3f} and {independent:.4f} nats")
        assert confounded > 0.05 and independent < 0.003
    # Nuisance tells nothing of what is confounded.
    assert information(together["petal_hue"], together["scale"]) < 0.003
    assert information(together["species"], together["posX"]) < 0.02


def test_given_the_species_what_is_seen_is_independent(twin: TwinFlowers) -> None:
    generator = torch.Generator().manual_seed(1)
    iris = torch.zeros(20_000, dtype=torch.long)
    partners = twin.factors(twin.sharing(iris, [0], generator))
    assert (partners[:, 0] == 0).all()
    hue, background = partners[:, 3], partners[:, 5]
    assert information(hue, background) < 0.003
    for column, law in ((hue, laws()[2]), (background, laws()[4])):
        shares = column.bincount(minlength=law.shape[1]) / len(column)
        assert (shares - law[0]).abs().max() < 0.015


def test_the_label_is_the_species_and_shows_nowhere(twin: TwinFlowers) -> None:
    index = twin.draw(50, torch.Generator().manual_seed(0))
    assert torch.equal(twin.labels(index), twin.factors(index)[:, 0])
    other = (index + 7 * len(LOOKS)) % len(twin)
    assert torch.equal(twin.images(index), twin.images(other))
    assert not torch.equal(twin.labels(index), twin.labels(other))
    batch = twin.batch(4, torch.Generator().manual_seed(0))
    assert batch.labels is not None and batch.population == 102 * len(LOOKS)


def test_partners_share_what_they_should(twin: TwinFlowers) -> None:
    generator = torch.Generator().manual_seed(0)
    index = twin.draw(2000, generator)
    own = twin.factors(index)
    for columns in ([0], [3, 5], [0, 2, 9], list(range(10))):
        other = twin.factors(twin.sharing(index, columns, generator))
        assert torch.equal(other[:, columns], own[:, columns])
    # Hue and background tell much of the species; neither is the other's cause.
    other = twin.factors(twin.sharing(index, [3, 5], generator))
    same = float((other[:, 0] == own[:, 0]).float().mean())
    hue, background = laws()[2], laws()[4]
    joint = (hue[:, :, None] * background[:, None, :]).flatten(1)
    given = joint / joint.sum(0)
    assert same == pytest.approx(float((joint * given).sum(0).sum() / 102), abs=0.04)


def test_parts_share_no_picture(twin: TwinFlowers) -> None:
    train, rest = twin.split((0.75, 0.25), seed=1)
    assert isinstance(train, BySpecies) and len(train) + len(rest) == len(twin)
    generator = torch.Generator().manual_seed(0)
    index = train.draw(3000, generator)
    assert (rest.positions(index) == -1).all()
    place = train.positions(index)
    assert torch.equal(train.points(place), index)
    assert (place >= 0).all() and (place < len(train)).all()
    other = train.sharing(index, [0, 3], generator)
    assert (train.positions(other) >= 0).all()
    # The law stays, and so does what lies under it.
    factors = train.factors(index)
    assert information(factors[:, 3], factors[:, 5]) > 0.2
    assert isinstance(rest, BySpecies) and isinstance(rest.independent, Part)
    _, factors = train[len(train) - 1]
    assert factors[0] == 101


def test_parts_share_no_picture_within_a_law_either(twin: TwinFlowers) -> None:
    table = torch.rand(8, 4, generator=torch.Generator().manual_seed(0))
    law = Correlated(twin, ("petal_hue", "scale"), table)
    train, rest = law.split((0.75, 0.25), seed=1)
    assert len(train) + len(rest) == len(twin) and len(rest) % 102 == 0
    index = train.draw(300, torch.Generator().manual_seed(0))
    assert torch.equal(train.points(train.positions(index)), index)
    for species in range(102):
        same = species * len(LOOKS) + index % len(LOOKS)
        assert (train.positions(same) >= 0).all() and (rest.positions(same) < 0).all()
    neighbours = rest.points(torch.arange(102))
    assert torch.equal(rest.labels(neighbours), torch.arange(102))


def test_a_fixed_number_of_flowers_can_be_kept(twin: TwinFlowers) -> None:
    images, factors = twin.sample(300, torch.Generator().manual_seed(0))
    kept = Pictures(images, factors, twin.space, labels=factors[:, 0])
    assert len(kept) == 300 and torch.equal(kept[5][0], images[5])


def test_a_law_by_species_takes_looks_only(twin: TwinFlowers) -> None:
    with pytest.raises(ValueError, match="FlowerLooks or a part of them; got flowers"):
        BySpecies(twin)
    with pytest.raises(ValueError, match="takes the looks of flowers"):
        BySpecies(load("dsprites", source="twin", size=8))


def test_by_name() -> None:
    dataset = load("flowers", source="twin", size=32)
    assert (dataset.name, dataset.source, dataset.size) == ("flowers", "twin", 32)
    assert repr(dataset).endswith("posY: 5), by species")
