"""What can be seen of a face of the twin, and which attributes that gives it.

Looks are factors that can each be set by itself, with no contradiction among them: hair
has one colour, so that no face has black and blond hair at once. Attributes are those
of CelebA (Liu et al. 2015): yes-or-no questions, under the names and in the order of
the official file. They are read off the looks, so nobody had to judge.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from dlib.data.factors import Factor, FactorSpace

# Degrees: the turn of the head to the picture's right, and its lift.
AZIMUTHS = (-24.0, -16.0, -8.0, 0.0, 8.0, 16.0, 24.0)
ELEVATIONS = (-8.0, 0.0, 8.0)
LIGHTS = (-1.0, -0.5, 0.0, 0.5, 1.0)  # from the left, the front, the right
BRIGHTNESSES = (0.55, 0.70, 0.85, 1.00, 1.15)  # a picture is so many times as light
FACE_WIDTHS = (0.96, 1.0, 1.04)
BACKGROUND_HUES = (0.02, 0.10, 0.28, 0.45, 0.58, 0.75)  # in turns, from red
BACKGROUND_LIGHTS = (0.25, 0.50, 0.76)
PLACES = (-1.2, 0.0, 1.2)  # of the face, in 64ths of a picture
SCALES = (0.95, 1.0, 1.05)


def _named(name: str, *labels: str) -> Factor:
    return Factor(
        name, tuple(float(i) for i in range(len(labels))), "categorical", labels
    )


def _has(name: str) -> Factor:
    return _named(name, "no", "yes")


def yes_or_no(names: Sequence[str]) -> FactorSpace:
    """Attributes as factors: 0 where a face lacks one, 1 where it has it."""
    return FactorSpace([_has(name) for name in names])


LOOKS = FactorSpace(
    [
        _has("male"),
        _has("young"),
        _named("hair_colour", "black", "brown", "blond", "gray", "red", "sandy"),
        _named("hair_texture", "plain", "straight", "wavy"),
        _named("hairline", "full", "bangs", "receding", "bald"),
        _named("hair_length", "short", "medium", "long"),
        _named("beard", "none", "shadow", "goatee", "full"),
        _has("mustache"),
        _has("sideburns"),
        _has("arched_brows"),
        _has("bushy_brows"),
        _named("nose", "plain", "big", "pointy"),
        _has("big_lips"),
        _has("narrow_eyes"),
        _has("bags_under_eyes"),
        _has("high_cheekbones"),
        _has("chubby"),
        _has("double_chin"),
        _has("oval_face"),
        _named("skin", "pale", "fair", "tan", "brown", "dark"),
        _has("rosy_cheeks"),
        _has("smiling"),
        _has("mouth_open"),
        _has("makeup"),
        _has("lipstick"),
        _has("eyeglasses"),
        _named("hat", "none", "red", "blue", "dark"),
        _has("earrings"),
        _named("neckwear", "none", "necklace", "necktie"),
        _has("blurry"),
        # From here on nuisance: no attribute tells of it.
        _named("eye_colour", "brown", "hazel", "green", "blue"),
        Factor("face_width", FACE_WIDTHS),
        Factor("azimuth", AZIMUTHS),
        Factor("elevation", ELEVATIONS),
        Factor("light", LIGHTS),
        Factor("brightness", BRIGHTNESSES),
        Factor("background_hue", BACKGROUND_HUES),
        Factor("background_light", BACKGROUND_LIGHTS),
        _named("clothes", "white", "blue", "dark", "green"),
        Factor("posX", PLACES),
        Factor("posY", PLACES),
        Factor("scale", SCALES),
    ]
)
"""What can be seen of a face. The turn and the lift of the head are in degrees, light
falls from the left (-1) to the right (1), brightness multiplies the picture, places are
in 64ths of its side, to the right and down. There are 4.0e18 looks, fewer than int64
can count."""

NUISANCE = LOOKS.position("eye_colour")  # the first column of which no attribute tells

OFFICIAL = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald",
    "Bangs", "Big_Lips", "Big_Nose", "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair",
    "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses", "Goatee", "Gray_Hair",
    "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache",
    "Narrow_Eyes", "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose",
    "Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair",
    "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick",
    "Wearing_Necklace", "Wearing_Necktie", "Young",
)  # fmt: skip
"""The forty attributes of CelebA, in the order of the official file."""

MISSING = {"Attractive": "a rater's opinion, which no formula draws"}
"""The official attributes that the twin doesn't have, and why."""

# A face has an attribute if a factor of its looks has one of these values.
_TOLD_BY: dict[str, tuple[str, tuple[str, ...]]] = {
    "5_o_Clock_Shadow": ("beard", ("shadow",)),
    "Arched_Eyebrows": ("arched_brows", ("yes",)),
    "Bags_Under_Eyes": ("bags_under_eyes", ("yes",)),
    "Bald": ("hairline", ("bald",)),
    "Bangs": ("hairline", ("bangs",)),
    "Big_Lips": ("big_lips", ("yes",)),
    "Big_Nose": ("nose", ("big",)),
    "Black_Hair": ("hair_colour", ("black",)),
    "Blond_Hair": ("hair_colour", ("blond",)),
    "Blurry": ("blurry", ("yes",)),
    "Brown_Hair": ("hair_colour", ("brown",)),
    "Bushy_Eyebrows": ("bushy_brows", ("yes",)),
    "Chubby": ("chubby", ("yes",)),
    "Double_Chin": ("double_chin", ("yes",)),
    "Eyeglasses": ("eyeglasses", ("yes",)),
    "Goatee": ("beard", ("goatee",)),
    "Gray_Hair": ("hair_colour", ("gray",)),
    "Heavy_Makeup": ("makeup", ("yes",)),
    "High_Cheekbones": ("high_cheekbones", ("yes",)),
    "Male": ("male", ("yes",)),
    "Mouth_Slightly_Open": ("mouth_open", ("yes",)),
    "Mustache": ("mustache", ("yes",)),
    "Narrow_Eyes": ("narrow_eyes", ("yes",)),
    "No_Beard": ("beard", ("none",)),
    "Oval_Face": ("oval_face", ("yes",)),
    "Pale_Skin": ("skin", ("pale",)),
    "Pointy_Nose": ("nose", ("pointy",)),
    "Receding_Hairline": ("hairline", ("receding",)),
    "Rosy_Cheeks": ("rosy_cheeks", ("yes",)),
    "Sideburns": ("sideburns", ("yes",)),
    "Smiling": ("smiling", ("yes",)),
    "Straight_Hair": ("hair_texture", ("straight",)),
    "Wavy_Hair": ("hair_texture", ("wavy",)),
    "Wearing_Earrings": ("earrings", ("yes",)),
    "Wearing_Hat": ("hat", ("red", "blue", "dark")),
    "Wearing_Lipstick": ("lipstick", ("yes",)),
    "Wearing_Necklace": ("neckwear", ("necklace",)),
    "Wearing_Necktie": ("neckwear", ("necktie",)),
    "Young": ("young", ("yes",)),
}
# Of hair that isn't there: what is left around a bald head tells nothing.
_OF_HAIR = ("hair_colour", "hair_texture")

ATTRIBUTES = tuple(name for name in OFFICIAL if name not in MISSING)
"""The official attributes that the twin has, in the order of the official file."""

SPACE = yes_or_no(ATTRIBUTES)
"""The attributes as factors: all that the official file tells of a picture."""


def attributes(looks: Tensor) -> Tensor:
    """Which attributes faces have.

    Parameters
    ----------
    looks : Tensor
        int64 (n, k), columns as in ``LOOKS.names``.

    Returns
    -------
    Tensor
        int64 (n, len(ATTRIBUTES)): 1 where a face has it. The bald have no colour of
        hair and no texture.
    """
    hair = looks[:, LOOKS.position("hairline")] != _value("hairline", "bald")
    columns = []
    for name in ATTRIBUTES:
        factor, values = _TOLD_BY[name]
        column = looks[:, LOOKS.position(factor)]
        has = torch.zeros_like(hair)
        for value in values:
            has |= column == _value(factor, value)
        columns.append(has & hair if factor in _OF_HAIR else has)
    return torch.stack(columns, 1).long()


def _value(factor: str, label: str) -> int:
    return LOOKS.factors[LOOKS.position(factor)].labels.index(label)
