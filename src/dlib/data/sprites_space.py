"""What is known of each picture of Sprites, and how its poses are numbered.

Sprites (Reed et al. 2015) are animated characters from the Liberated Pixel Cup: 672 of
them, each in the 178 frames of 21 animations. Five actions are seen from four sides,
and a sixth, being hurt, from the front only.
"""

from __future__ import annotations

from typing import NamedTuple

from dlib.data.factors import Factor, FactorSpace

VIEWS = ("back", "left", "front", "right")
ACTIONS = {"spellcast": 7, "thrust": 8, "walk": 9, "slash": 6, "shoot": 13}
HURT = 6  # frames, from the front

CHARACTERS = 672
SPLITS = {"train": 500, "valid": 72, "test": 100}  # characters; no one is in two


class Pose(NamedTuple):
    """One frame of an animation, numbered from 0."""

    action: str
    view: str
    frame: int


def _poses() -> tuple[Pose, ...]:
    poses = [
        Pose(action, view, frame)
        for action, frames in ACTIONS.items()
        for view in VIEWS
        for frame in range(frames)
    ]
    return (*poses, *(Pose("hurt", "front", frame) for frame in range(HURT)))


POSES = _poses()
"""The 178 poses, by action, then view, then frame: the rows of a sheet of the Pixel Cup
from top to bottom, each from left to right."""


def _named(name: str, *labels: str) -> Factor:
    return Factor(
        name, tuple(float(i) for i in range(len(labels))), "categorical", labels
    )


SPACE = FactorSpace(
    [
        _named("body", "male", "female"),
        _named("skin", "light", "tan", "dark", "blue"),
        _named("vest", "shirt", "jacket", "armour"),
        _named("hair", "green", "orange", "violet", "red", "blond", "silver"),
        _named("arm", "bare", "sleeved"),
        _named("leg", "white", "brown"),
        _named("weapon", "first", "second"),
        _named("pose", *(f"{p.action} {p.view} {p.frame}" for p in POSES)),
    ]
)
"""The official labels' order and numbers of values; their words are the twin's, for the
official files have numbers only. The weapon is seen in some actions only, and
even there the body may be before it."""
