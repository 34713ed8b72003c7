"""Heads: ears, neck, and a skin that light falls on.

The relief of a face is a sum of soft hills and hollows, each the product of a bell
across and a bell down, so that all of them together are one product of matrices.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from dlib.data.faces_canvas import Colour, Face, bump, oval
from dlib.data.faces_space import FACE_WIDTHS, LIGHTS

SKINS: tuple[Colour, ...] = (
    (0.96, 0.88, 0.85), (0.92, 0.74, 0.62), (0.84, 0.63, 0.47), (0.62, 0.42, 0.29),
    (0.41, 0.27, 0.19),
)  # fmt: skip
WAIST = -1.0  # where a head is widest
CROWN = 19.5  # how far it reaches above
LINE: Colour = (0.50, 0.40, 0.38)  # of what is dark in a skin, as a glass
SHINE, SIDE = 0.22, 0.16  # how much light is lost at the rim, and away from the light


class Outline(NamedTuple):
    """The outline of a head: coordinates about its middle, and how it is shaped.

    ``level`` is 1 in the middle, 0 on the edge and negative outside; ``inside`` is the
    distance from the edge, (n, h, w). ``width`` is half the head's, (n, 1, 1).
    """

    level: Tensor
    inside: Tensor
    width: Tensor


def half_width(face: Face) -> Tensor:
    """Half the width of a head where it is widest."""
    width = 13.9 + 0.7 * face.has("male") + 2.4 * face.has("chubby")
    width = width - 1.2 * face.has("oval_face")
    return width * face.choose("face_width", FACE_WIDTHS)


def outline(face: Face) -> Outline:
    """An egg: an ellipse above, and a jaw below that tapers and is more or less square.

    On a turned head the jaw, which is before the axis, is shifted.
    """
    male, chubby, oval_ = face.has("male"), face.has("chubby"), face.has("oval_face")
    width = half_width(face)
    down = face.y + 2.0 * face.lift - WAIST
    jaw = 24.0 + 0.9 * male + 2.2 * oval_
    below = (down / jaw).clamp(min=0)
    above = (down / CROWN).clamp(max=0)
    power = 2.6 + 1.4 * male + 0.6 * chubby - 0.8 * oval_
    taper = 0.19 - 0.12 * male - 0.10 * chubby + 0.13 * oval_
    # Where the jaw is square, it tapers towards its lower half only.
    narrow = 1 / (width * (1 - taper * below))
    bent = below.pow(power)
    shift = face.turn * (5.0 + 3.0 * below)
    along = (face.x - shift) * narrow
    level = 1 - bent - above.square() - along.square()
    slope_down = power * bent / below.clamp(min=1e-2) / jaw - 2 * above / CROWN
    slope = (2 * along * narrow).square_().add_(slope_down.square())
    inside = level * slope.clamp_(min=1e-4).rsqrt_()
    return Outline(level, inside, width)


def skin(face: Face) -> Tensor:
    """The colour of each face's skin, (n, 3, 1, 1)."""
    tone = face.colour("skin", SKINS)
    # With the years, a little yellower and duller.
    old = tone.new_tensor((0.93, 0.90, 0.86))[None, :, None, None]
    return torch.where(face.looks["young"][:, None, None, None] == 1, tone, tone * old)


def lit(face: Face) -> Tensor:
    """How light it is from left to right, (n, 1, w)."""
    towards = face.choose("light", LIGHTS)
    return 1 + SIDE * towards * (face.x / 15).clamp(-1.3, 1.3)


# --- neck and ears ----------------------------------------------------------


def neck(face: Face) -> None:
    """A neck in the shadow of the chin."""
    low = face.window(-22, 9, 22, 36)
    male, chubby = low.has("male"), low.has("chubby")
    half = 6.2 + 2.9 * male + 1.6 * chubby
    # It widens towards the shoulders.
    flare = half + 0.09 * (low.y - 24).clamp(min=0).square()
    inside = (flare - (low.x - 1.0 * low.turn).abs()).minimum(low.y - 12)
    shadow = 0.90 - 0.30 * bump(low.y, 23.5, 5.0) * bump(low.x, 3 * low.turn, 11.0)
    # The apple of a man's throat.
    apple = 0.13 * male * bump(low.y, 28.6, 1.2) * bump(low.x, 0.0, 1.6)
    low.lay(low.cover(inside), skin(low), (shadow - apple) * lit(low))


def double_chin(face: Face) -> None:
    """Flesh below the chin, and the crease between."""
    low = face.window(-15, 6, 15, 32)
    male = low.has("male")
    x = low.x - 6.0 * low.turn
    y = low.y + 2.0 * low.lift - 0.9 * male - 2.2 * low.has("oval_face") - 17.6
    inside = oval(x, y, 10.4 + 1.2 * male, 9.4)
    # Dark below the chin, a roll of light, and a dark crease below it.
    light = 0.70 + 0.26 * bump(y, 7.6, 1.5) * bump(x, 0.0, 8.0)
    low.tint(low.line(inside, 0.9) * bump(x, 0.0, 7.0) * 0.55, (0.45, 0.35, 0.33))
    low.lay(low.cover(inside), skin(low), light * lit(low))


def ears(face: Face, width: Tensor) -> None:
    """Two ears, of which a turned head hides one."""
    near = face.window(-21, -7, 21, 12)
    x = (near.x + 1.5 * near.turn).abs() - width - 0.4
    y = near.y - 1.6 + 3.0 * near.lift
    x = x + 0.15 * y
    cover = near.cover(oval(x, y, 2.2, 4.6))
    inner = 0.30 * bump(x, 0.3, 0.9) * bump(y, -0.3, 2.4)
    near.lay(cover, skin(near), (0.90 - inner) * lit(near))


# --- the face ---------------------------------------------------------------

# Hills and hollows: where, across (on both sides of the face) and down, and how wide.
HILLS: dict[str, tuple[float, float, float, float]] = {
    "socket": (7.4, 4.6, -1.2, 3.0),
    "ridge": (5.5, 5.5, -3.2, 1.6),
    "forehead": (0.0, 9.0, -11.0, 5.0),
    "cheek": (8.6, 3.4, 5.6, 2.2),
    "hollow": (10.0, 2.8, 11.0, 2.6),
    "bridge": (0.0, 1.1, 3.0, 5.0),
    "beside": (2.8, 1.3, 3.6, 4.0),
    "tip": (0.0, 1.7, 8.0, 1.7),
    "wing": (2.6, 1.2, 8.6, 1.5),
    "wide wing": (4.4, 1.3, 8.9, 1.9),
    "wide tip": (0.0, 3.0, 7.9, 2.4),
    "round wing": (5.5, 0.9, 9.0, 2.2),
    "below": (0.0, 2.6, 10.7, 0.9),
    "philtrum": (0.0, 0.7, 12.0, 1.2),
    "below lips": (0.0, 3.4, 18.4, 1.0),
    "chin": (0.0, 3.0, 20.8, 2.0),
    "bag": (7.4, 3.0, 4.7, 1.0),
    "puff": (7.4, 2.9, 3.2, 0.7),
    "jowl": (7.5, 2.2, 18.5, 2.6),
    "full cheek": (9.6, 3.6, 10.5, 4.2),
}


def _heights(face: Face) -> dict[str, Tensor]:
    """How high each hill is, (n, 1, 1); hollows are negative."""
    male, old = face.has("male"), 1 - face.has("young")
    big, pointy = face.has("nose", 1), face.has("nose", 2)
    high, bags = face.has("high_cheekbones"), face.has("bags_under_eyes")
    chubby, smile = face.has("chubby"), face.has("smiling")
    return {
        "socket": -0.05 - 0.08 * male,
        "ridge": -0.13 * male,
        "forehead": 0.06 + 0 * male,
        "cheek": 0.03 + 0.20 * high + 0.03 * smile,
        "hollow": -0.02 - 0.20 * high + 0.05 * chubby,
        "bridge": 0.08 + 0.16 * pointy,
        "beside": -0.07 - 0.09 * pointy + 0.04 * big,
        "tip": 0.09 + 0.13 * pointy,
        "wing": -0.10 * (1 - big) - 0.10 * pointy,
        "wide wing": 0.12 * big,
        "wide tip": 0.13 * big,
        "round wing": -0.30 * big,
        "below": -0.14 - 0.12 * big - 0.05 * pointy,
        "philtrum": -0.06 + 0 * male,
        "below lips": -0.12 + 0 * male,
        "chin": 0.05 + 0.03 * male,
        "bag": -0.46 * bags,
        "puff": 0.08 * bags,
        "jowl": -0.10 * old,
        "full cheek": 0.07 * chubby,
    }


def relief(face: Face) -> Tensor:
    """What hills, hollows and a light from aside do to the lightness of a skin."""
    heights = _heights(face)
    table = face.x.new_tensor([HILLS[name] for name in heights])
    u0, wide, v0, high = (column[None, :, None] for column in table.unbind(1))
    across = bump(face.u.abs(), u0, wide)  # (n, hills, w)
    down = bump(face.v.mT, v0, high) * torch.cat(list(heights.values()), 1)
    # The side of the nose that is turned away from the light is dark.
    towards = face.choose("light", LIGHTS)
    side = (face.u / 2.2) * bump(face.u, 0.0, 2.4) * (0.20 * towards)
    across = torch.cat((across, side), 1)
    down = torch.cat((down, bump(face.v.mT, 4.5, 4.5)), 1)
    return torch.bmm(down.mT, across)


def head(face: Face, shape: Outline) -> None:
    """The head, from the crown to the chin, without any features."""
    rim = (1 - shape.level).clamp_(0, 1).square_()
    light = relief(face).add_(0.97).sub_(rim.mul_(SHINE)).mul_(lit(face))
    face.lay(face.cover(shape.inside), skin(face), light)


def cheeks(face: Face) -> None:
    """Cheeks that are pink, or a little so."""
    near = face.window(-20, 0, 20, 16)
    amount = 0.08 + 0.62 * near.has("rosy_cheeks")
    spot = bump(near.u.abs(), 8.6, 3.6) * (bump(near.v, 7.6, 3.2) * amount)
    near.tint(spot, (1.05, 0.58, 0.60))


def folds(face: Face) -> None:
    """Folds from the nose to the mouth: deep in old faces, soft in a smile."""
    low = face.window(-17, 3, 17, 21)
    smile, old = low.has("smiling"), low.has("young", 0)
    fold = low.u.abs() - (3.6 + 0.42 * (low.v - 8.0) + 0.8 * smile)
    amount = (0.16 * smile + 0.10 * low.has("chubby") + 0.78 * old).clamp(max=0.85)
    low.tint(low.line(fold, 0.55) * (bump(low.v, 12.2, 3.6) * amount), LINE)


def wrinkles(face: Face) -> None:
    """Lines on the forehead and beside the eyes."""
    high = face.window(-16, -14, 16, -6)
    ends = bump(high.u, 0.0, 7.5) * 0.80
    for place in (-12.4, -9.8):
        bend = high.v - place - 0.012 * high.u.square()
        high.tint(high.line(bend, 0.40) * ends, LINE)
    beside = face.window(-19, -4, 19, 5)
    out = beside.u.abs() - 12.4
    rays = torch.zeros_like(beside.picture[:, 0])
    for slope in (-0.55, 0.15, 0.8):
        rays = rays.maximum(beside.line(beside.v - 0.4 - slope * out, 0.28))
    beside.tint(rays * (bump(out, 0.0, 1.6) * 0.90), LINE)
