"""What the models of the chairs twin are measured by.

A chair is three groups of solids: what it stands on (:mod:`dlib.data.chairs_legs`),
the seat with the back (:mod:`dlib.data.chairs_backs`), and the arms
(:mod:`dlib.data.chairs_arms`). Each group has a style of its own, and all depend on
the chair's :class:`Frame`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dlib.data.chairs_solids import Solid

WIDTHS = ("narrow", "usual", "wide")
HEIGHTS = ("low", "high")


@dataclass(frozen=True)
class Frame:
    """Measures of a chair, in metres."""

    width: float  # of the seat
    depth: float
    seat: float  # height of the seat's upper side
    thickness: float  # of the seat
    back: float  # height of the back over the seat

    @property
    def under(self) -> float:
        """Height of the seat's lower side."""
        return self.seat - self.thickness

    @property
    def middle(self) -> float:
        """Half the height of the chair: where cameras look."""
        return (self.seat + self.back) / 2

    @property
    def rear(self) -> float:
        """Where the back meets the seat: its place along z."""
        return -self.depth / 2 + 0.03


FRAMES = tuple(
    Frame(width, depth, seat, thickness, back)
    for width, depth, seat, thickness, backs in (
        (0.38, 0.40, 0.46, 0.025, (0.40, 0.68)),
        (0.46, 0.45, 0.46, 0.055, (0.39, 0.67)),
        (0.64, 0.56, 0.43, 0.130, (0.41, 0.69)),
    )
    for back in backs
)
"""By width and height, the height fastest."""

Group = Callable[[Frame], list[Solid]]
"""One of the three groups, in a style, for a frame."""
