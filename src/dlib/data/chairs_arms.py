"""The arms of the twin's chairs."""

from __future__ import annotations

from dlib.data.chairs_models import Frame, Group
from dlib.data.chairs_solids import Solid, block, both


def _no_arms(f: Frame) -> list[Solid]:
    return []


def _open_arms(f: Frame) -> list[Solid]:
    x, top = f.width / 2 + 0.03, f.seat + 0.21
    front = 0.3 * f.depth
    rest = block((x, top, (front + f.rear) / 2), (0.026, 0.016, (front - f.rear) / 2))
    post = block((x, (top + f.under) / 2, front - 0.03), (0.016, (top - f.under) / 2,
                                                         0.016))  # fmt: skip
    return both([rest, post])


def _closed_arms(f: Frame) -> list[Solid]:
    half = 0.035 + 0.15 * f.thickness
    top, low = f.seat + 0.19, f.under - 0.05
    return both(
        [
            block(
                (f.width / 2 + half - 0.005, (top + low) / 2, 0.0),
                (half, (top - low) / 2, f.depth / 2),
                cushion=True,
            )
        ]
    )


ARMS: dict[str, Group] = {
    "none": _no_arms,
    "open": _open_arms,
    "closed": _closed_arms,
}
