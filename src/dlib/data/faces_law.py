"""The law of the faces twin: how often faces have what, and what with what.

Whether a face is male and whether it is young come first, and most of the rest depends
on them. The tables are ours. They were chosen so that attributes are about as frequent
as in CelebA, and go together as one would expect of its photographs: beards and
neckties with being male; make-up, lipstick and earrings with not being it; gray hair,
bald heads and eyeglasses with not being young; open mouths and high cheekbones with a
smile. How strongly they do there, we have not counted.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from dlib.data.faces_space import LOOKS

FREQUENCIES = {
    "5_o_Clock_Shadow": 0.11, "Arched_Eyebrows": 0.27, "Bags_Under_Eyes": 0.20,
    "Bald": 0.02, "Bangs": 0.15, "Big_Lips": 0.24, "Big_Nose": 0.23,
    "Black_Hair": 0.24, "Blond_Hair": 0.15, "Blurry": 0.05, "Brown_Hair": 0.21,
    "Bushy_Eyebrows": 0.14, "Chubby": 0.06, "Double_Chin": 0.05, "Eyeglasses": 0.07,
    "Goatee": 0.06, "Gray_Hair": 0.04, "Heavy_Makeup": 0.39, "High_Cheekbones": 0.46,
    "Male": 0.42, "Mouth_Slightly_Open": 0.48, "Mustache": 0.04, "Narrow_Eyes": 0.12,
    "No_Beard": 0.83, "Oval_Face": 0.28, "Pale_Skin": 0.04, "Pointy_Nose": 0.28,
    "Receding_Hairline": 0.08, "Rosy_Cheeks": 0.07, "Sideburns": 0.06, "Smiling": 0.48,
    "Straight_Hair": 0.21, "Wavy_Hair": 0.32, "Wearing_Earrings": 0.19,
    "Wearing_Hat": 0.05, "Wearing_Lipstick": 0.47, "Wearing_Necklace": 0.12,
    "Wearing_Necktie": 0.07, "Young": 0.77,
}  # fmt: skip
"""How frequent attributes are in CelebA: as remembered, not counted. The law was made
to come within 0.02 of each."""

# Rows of probabilities, nested as deep as there are parents.
Table = float | tuple["Table", ...]


class Rule(NamedTuple):
    """How likely the values of a factor are, given those of its parents.

    ``table`` is nested: the first parent's values outermost, innermost the factor's
    own. Of a factor that a face has or not, the table says how likely it has it.
    """

    factor: str
    parents: tuple[str, ...]
    table: Table


# Under a hat nobody is bald, for nobody can see it.
_HATTED: Table = (0.88, 0.12, 0.0, 0.0)
_UNDER_HAT: Table = ((_HATTED, _HATTED), (_HATTED, _HATTED))

RULES = (
    Rule("male", (), 0.42),
    Rule("young", ("male",), (0.86, 0.65)),
    Rule("makeup", ("male", "young"), ((0.50, 0.70), (0.01, 0.01))),
    Rule("lipstick", ("male", "makeup"), ((0.47, 0.96), (0.01, 0.60))),
    Rule("arched_brows", ("male", "makeup"), ((0.27, 0.52), (0.04, 0.20))),
    # none, red, blue, dark
    Rule("hat", ("male",), ((0.97, 0.01, 0.01, 0.01), (0.92, 0.025, 0.02, 0.035))),
    # full, bangs, receding, bald
    Rule(
        "hairline", ("hat", "male", "young"),
        (
            (
                ((0.82, 0.12, 0.06, 0.00), (0.745, 0.22, 0.035, 0.00)),
                ((0.59, 0.03, 0.28, 0.10), (0.82, 0.10, 0.06, 0.02)),
            ),
            _UNDER_HAT, _UNDER_HAT, _UNDER_HAT,
        ),
    ),
    # short, medium, long
    Rule("hair_length", ("male",), ((0.08, 0.37, 0.55), (0.88, 0.09, 0.03))),
    # plain, straight, wavy
    Rule(
        "hair_texture", ("male", "hair_length"),
        (
            ((0.60, 0.20, 0.20), (0.34, 0.26, 0.40), (0.25, 0.27, 0.48)),
            ((0.68, 0.14, 0.18), (0.58, 0.18, 0.24), (0.50, 0.20, 0.30)),
        ),
    ),
    # black, brown, blond, gray, red, sandy
    Rule(
        "hair_colour", ("male", "young"),
        (
            ((0.12, 0.20, 0.18, 0.22, 0.10, 0.18),
             (0.21, 0.24, 0.22, 0.00, 0.11, 0.22)),
            ((0.22, 0.17, 0.05, 0.15, 0.13, 0.28),
             (0.37, 0.20, 0.07, 0.005, 0.105, 0.25)),
        ),
    ),
    # none, shadow, goatee, full
    Rule(
        "beard", ("male", "young"),
        (
            ((1.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)),
            ((0.61, 0.21, 0.14, 0.04), (0.565, 0.28, 0.13, 0.025)),
        ),
    ),
    Rule(
        "mustache", ("male", "beard"),
        ((0.0, 0.0, 0.0, 0.0), (0.03, 0.08, 0.32, 0.60)),
    ),
    Rule(
        "sideburns", ("male", "beard"),
        ((0.0, 0.0, 0.0, 0.0), (0.08, 0.17, 0.25, 0.70)),
    ),
    Rule("bushy_brows", ("male", "young"), ((0.05, 0.08), (0.20, 0.24))),
    # plain, big, pointy
    Rule(
        "nose", ("male", "young"),
        (
            ((0.58, 0.14, 0.28), (0.54, 0.09, 0.37)),
            ((0.31, 0.55, 0.14), (0.46, 0.35, 0.19)),
        ),
    ),
    Rule("big_lips", ("male",), (0.32, 0.13)),
    Rule("narrow_eyes", ("male",), (0.105, 0.14)),
    Rule("bags_under_eyes", ("male", "young"), ((0.25, 0.08), (0.48, 0.26))),
    Rule("smiling", ("male",), (0.53, 0.41)),
    Rule("high_cheekbones", ("male", "smiling"), ((0.23, 0.83), (0.11, 0.67))),
    Rule("mouth_open", ("smiling",), (0.22, 0.76)),
    Rule("chubby", ("male", "young"), ((0.08, 0.015), (0.22, 0.05))),
    Rule("double_chin", ("chubby", "young"), ((0.07, 0.012), (0.45, 0.45))),
    Rule("oval_face", ("male", "chubby"), ((0.355, 0.05), (0.205, 0.05))),
    # pale, fair, tan, brown, dark
    Rule("skin", ("male",), ((0.05, 0.46, 0.26, 0.14, 0.09),
                             (0.03, 0.45, 0.28, 0.14, 0.10))),
    Rule("rosy_cheeks", ("male", "makeup"), ((0.05, 0.15), (0.003, 0.003))),
    Rule("eyeglasses", ("male", "young"), ((0.12, 0.025), (0.20, 0.06))),
    Rule("earrings", ("male", "makeup"), ((0.25, 0.36), (0.015, 0.015))),
    # none, necklace, necktie
    Rule(
        "neckwear", ("male", "young"),
        (
            ((0.805, 0.195, 0.00), (0.805, 0.195, 0.00)),
            ((0.70, 0.01, 0.29), (0.885, 0.02, 0.095)),
        ),
    ),
    Rule("blurry", (), 0.05),
)  # fmt: skip
"""What is drawn, one after the other. All else is nuisance, and any value as likely."""


@cache
def _below(rule: Rule) -> Tensor:
    """How likely it is to have a lower value: float64, (*parents' sizes, values)."""
    table = torch.tensor(rule.table, dtype=torch.float64)
    if table.ndim == len(rule.parents):  # yes or no: how likely is yes
        table = torch.stack((1 - table, table), -1)
    return table.cumsum(-1)[..., :-1]


def draw(n: int, generator: torch.Generator) -> Tensor:
    """Faces drawn by the law.

    Parameters
    ----------
    n : int
        How many.
    generator : torch.Generator
        The same state gives the same faces.

    Returns
    -------
    Tensor
        int64 (n, k), columns as in ``LOOKS.names``, on the generator's device.
    """
    device = generator.device
    looks = LOOKS.sample(n, generator)
    for rule in RULES:
        given = tuple(looks[:, LOOKS.position(name)] for name in rule.parents)
        below = _below(rule).to(device)[given]
        u = torch.rand((n, 1), dtype=torch.float64, generator=generator, device=device)
        looks[:, LOOKS.position(rule.factor)] = (u >= below).sum(1)
    return looks
