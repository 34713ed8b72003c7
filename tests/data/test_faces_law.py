"""The law of the faces twin: what is as frequent as in CelebA, and goes together."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib.data.faces_law import FREQUENCIES, RULES, draw
from dlib.data.faces_space import (
    ATTRIBUTES,
    LOOKS,
    MISSING,
    NUISANCE,
    OFFICIAL,
    SPACE,
    attributes,
)


@pytest.fixture(scope="module")
def looks() -> Tensor:
    return draw(60_000, torch.Generator().manual_seed(7))


@pytest.fixture(scope="module")
def has(looks: Tensor) -> dict[str, Tensor]:
    return dict(zip(ATTRIBUTES, attributes(looks).unbind(1), strict=True))


def column(looks: Tensor, factor: str, label: str) -> Tensor:
    """Which faces have a value of a factor, bool (n,)."""
    place = LOOKS.position(factor)
    return looks[:, place] == LOOKS.factors[place].labels.index(label)


# --- the attributes ---------------------------------------------------------


def test_attributes_have_the_official_names_in_the_official_order() -> None:
    assert len(OFFICIAL) == 40 == len(set(OFFICIAL))
    assert list(OFFICIAL) == sorted(OFFICIAL)
    assert OFFICIAL[0] == "5_o_Clock_Shadow" and OFFICIAL[-1] == "Young"
    assert tuple(n for n in OFFICIAL if n in ATTRIBUTES) == ATTRIBUTES == SPACE.names
    assert set(ATTRIBUTES) | set(MISSING) == set(OFFICIAL)
    assert not set(ATTRIBUTES) & set(MISSING) and "Attractive" in MISSING
    assert all(len(why) > 10 for why in MISSING.values())
    assert set(SPACE.sizes) == {2} and set(SPACE.kinds) == {"categorical"}
    assert {factor.labels for factor in SPACE.factors} == {("no", "yes")}


def test_attributes_are_read_off_the_looks() -> None:
    plain = torch.zeros(1, len(LOOKS.names), dtype=torch.long)
    told = dict(zip(ATTRIBUTES, attributes(plain)[0].tolist(), strict=True))
    yes = {name for name, value in told.items() if value}
    assert yes == {"Black_Hair", "No_Beard", "Pale_Skin"}
    for factor, value, gained, lost in (
        ("male", 1, {"Male"}, set()),
        ("hair_colour", 2, {"Blond_Hair"}, {"Black_Hair"}),
        ("hair_colour", 4, set(), {"Black_Hair"}),
        ("hair_texture", 2, {"Wavy_Hair"}, set()),
        ("hairline", 1, {"Bangs"}, set()),
        ("hairline", 3, {"Bald"}, {"Black_Hair"}),
        ("beard", 1, {"5_o_Clock_Shadow"}, {"No_Beard"}),
        ("beard", 3, set(), {"No_Beard"}),
        ("nose", 2, {"Pointy_Nose"}, set()),
        ("skin", 4, set(), {"Pale_Skin"}),
        ("hat", 3, {"Wearing_Hat"}, set()),
        ("neckwear", 2, {"Wearing_Necktie"}, set()),
        ("azimuth", 5, set(), set()),
    ):
        changed = plain.clone()
        changed[0, LOOKS.position(factor)] = value
        now = attributes(changed)[0].tolist()
        found = {n for n, v in zip(ATTRIBUTES, now, strict=True) if v}
        assert found == (yes | gained) - lost, (factor, value)
    assert attributes(plain[:0]).shape == (0, len(ATTRIBUTES))


def test_every_attribute_has_a_factor_and_none_is_nuisance(looks: Tensor) -> None:
    nuisance = looks.clone()
    nuisance[:, NUISANCE:] = 0
    assert torch.equal(attributes(looks), attributes(nuisance))
    assert attributes(looks).sum(0).min() > 0


# --- how frequent -----------------------------------------------------------


def test_the_tables_fit_the_factors() -> None:
    drawn: list[str] = []
    for rule in RULES:
        assert set(rule.parents) <= set(drawn), rule.factor  # parents come first
        sizes = [LOOKS.sizes[LOOKS.position(name)] for name in rule.parents]
        table = torch.tensor(rule.table, dtype=torch.float64)
        if table.ndim > len(sizes):
            size = LOOKS.sizes[LOOKS.position(rule.factor)]
            assert list(table.shape) == [*sizes, size], rule.factor
            assert torch.allclose(table.sum(-1), torch.ones(()).double()), rule.factor
        else:
            assert list(table.shape) == sizes, rule.factor
        assert table.min() >= 0 and table.max() <= 1
        drawn.append(rule.factor)
    assert sorted(drawn) == sorted(LOOKS.names[:NUISANCE])


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_are_about_as_frequent_as_in_celeba(
    has: dict[str, Tensor], name: str
) -> None:
    assert float(has[name].double().mean()) == pytest.approx(
        FREQUENCIES[name], abs=0.02
    )


def test_nuisance_is_uniform_and_tells_nothing(looks: Tensor) -> None:
    male = looks[:, LOOKS.position("male")].double()
    for place in range(NUISANCE, len(LOOKS.names)):
        size = LOOKS.sizes[place]
        shares = looks[:, place].bincount(minlength=size) / len(looks)
        assert (shares - 1 / size).abs().max() < 0.01, LOOKS.names[place]
        both = torch.stack((male, looks[:, place].double()))
        assert both.corrcoef()[0, 1].abs() < 0.02, LOOKS.names[place]


# --- what goes together -----------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "sign"),
    [
        *(("Male", name, 1) for name in (
            "5_o_Clock_Shadow", "Goatee", "Mustache", "Sideburns", "Bushy_Eyebrows",
            "Big_Nose", "Wearing_Necktie", "Bald", "Receding_Hairline", "Chubby",
            "Bags_Under_Eyes", "Wearing_Hat", "Eyeglasses",
        )),
        *(("Male", name, -1) for name in (
            "Heavy_Makeup", "Wearing_Lipstick", "Arched_Eyebrows", "No_Beard", "Young",
            "Wearing_Earrings", "Wearing_Necklace", "Wavy_Hair", "Blond_Hair",
            "Rosy_Cheeks", "Pointy_Nose", "Bangs", "Smiling", "High_Cheekbones",
        )),
        *(("Young", name, -1) for name in (
            "Gray_Hair", "Bald", "Receding_Hairline", "Eyeglasses", "Bags_Under_Eyes",
            "Double_Chin", "Chubby", "Big_Nose", "Wearing_Necktie",
        )),
        *(("Young", name, 1) for name in ("Heavy_Makeup", "Black_Hair")),
        *(("Smiling", name, 1) for name in ("High_Cheekbones", "Mouth_Slightly_Open")),
        ("Heavy_Makeup", "Wearing_Lipstick", 1),
        ("Heavy_Makeup", "Arched_Eyebrows", 1),
        ("Chubby", "Double_Chin", 1),
        ("Chubby", "Oval_Face", -1),
    ],
)  # fmt: skip
def test_attributes_go_together_as_one_would_think(
    has: dict[str, Tensor], first: str, second: str, sign: int
) -> None:
    both = torch.stack((has[first], has[second])).double()
    assert sign * float(both.corrcoef()[0, 1]) > 0.02


def test_nothing_contradicts(looks: Tensor, has: dict[str, Tensor]) -> None:
    colours = [has[f"{name}_Hair"] for name in ("Black", "Blond", "Brown", "Gray")]
    assert torch.stack(colours).sum(0).max() == 1
    for together in (
        ("Straight_Hair", "Wavy_Hair"),
        ("Bald", "Bangs", "Receding_Hairline"),
        ("5_o_Clock_Shadow", "Goatee", "No_Beard"),
        ("Wearing_Necklace", "Wearing_Necktie"),
        ("Wearing_Hat", "Bald"),
        ("Wearing_Hat", "Receding_Hairline"),
        ("Bald", "Black_Hair"),
        ("Bald", "Wavy_Hair"),
    ):
        assert torch.stack([has[name] for name in together]).sum(0).max() == 1
    women = has["Male"] == 0
    for name in ("Mustache", "Sideburns", "Bald", "Wearing_Necktie"):
        assert not has[name][women].any(), name
    assert has["No_Beard"][women].all()
    assert not (
        column(looks, "hair_colour", "gray") & (has["Young"] == 1) & women
    ).any()


def test_most_women_have_long_hair_and_most_men_short(looks: Tensor) -> None:
    male = column(looks, "male", "yes")
    short = column(looks, "hair_length", "short")
    assert short[male].double().mean() > 0.8 and short[~male].double().mean() < 0.15


def test_the_law_is_a_function_of_the_generator(device: torch.device) -> None:
    first = draw(500, torch.Generator(device).manual_seed(1))
    again = draw(500, torch.Generator(device).manual_seed(1))
    other = draw(500, torch.Generator(device).manual_seed(2))
    assert first.device.type == device.type and first.dtype == torch.long
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(LOOKS.check(first), first)
