"""The features of a face: eyes, brows, nostrils and a mouth."""

from __future__ import annotations

import torch
from torch import Tensor

from dlib.data.faces_canvas import Colour, Face, bump, oval
from dlib.data.faces_hair import strands_colour
from dlib.data.faces_head import skin

IRISES: tuple[Colour, ...] = (
    (0.26, 0.15, 0.08), (0.46, 0.32, 0.14), (0.28, 0.44, 0.26), (0.30, 0.50, 0.72),
)  # fmt: skip
EYES_APART = 7.4  # half of it
LASHES: Colour = (0.10, 0.07, 0.07)
SHADOW: Colour = (0.50, 0.34, 0.58)  # on the lids, of a face that is made up
LIPSTICK: Colour = (0.78, 0.07, 0.20)
INSIDE: Colour = (0.22, 0.05, 0.06)
TEETH: Colour = (0.97, 0.95, 0.92)
NOSE_BEFORE = 3.0  # how far the tip of the nose is before the face


def eyes(face: Face) -> None:
    """Two eyes, their lids, lashes and what is put on them."""
    near = face.window(-19, -8.5, 19, 6)
    male, narrow = near.has("male"), near.has("narrow_eyes")
    made_up = near.has("makeup")
    out = near.u.abs() - EYES_APART  # towards the temples
    v = near.v + 0.08 * out  # the outer corners are higher
    half = 3.7 - 0.25 * male
    bow = (1 - (out / half).square()).clamp(min=0)
    opening = (2.25 - 0.35 * male + 0.1 * made_up) * (1 - 0.66 * narrow)
    upper, lower = -opening * bow, 0.72 * opening * bow
    ends = near.cover(half - out.abs())

    # Eye shadow reaches from the lid half way to the brow.
    lid = bump(out, 0.3, 3.4) * near.cover(v + 4.6) * near.cover(upper - v + 0.4)
    near.tint(lid * (0.85 * made_up), SHADOW)

    crease = near.line(v - upper + 1.25 - 0.45 * narrow, 0.30) * ends
    near.tint(crease * 0.45, (0.45, 0.35, 0.33))

    open_ = near.cover((v - upper).minimum(lower - v)) * ends
    near.lay_plain(open_, (0.95, 0.94, 0.93))
    round_ = torch.hypot(out, near.v + 0.2)
    near.lay(near.cover(1.85 - round_) * open_, near.colour("eye_colour", IRISES))
    near.lay_plain(near.cover(0.85 - round_) * open_, (0.03, 0.03, 0.03))
    shine = torch.hypot(near.u.abs() - EYES_APART + 0.6 * near.u.sign(), near.v + 0.9)
    near.lay_plain(near.cover(0.5 - shine) * open_, (1.0, 1.0, 1.0))

    thick = 0.36 + 0.48 * made_up - 0.08 * male
    lashes = near.line(v - upper, thick) * near.cover(half + 0.3 - out.abs())
    # Lashes that are made up reach beyond the eye, and up.
    wing = near.line(v + 0.2 + 0.55 * (out - half), 0.45)
    wing = wing * near.cover(out - half + 1.2) * near.cover(half + 2.0 - out)
    near.lay_plain(lashes.maximum(wing * made_up), LASHES)
    below = near.line(v - lower, 0.26) * ends
    near.tint(below * (0.40 + 0.35 * made_up), (0.35, 0.26, 0.25))


def brows(face: Face) -> None:
    """Two brows."""
    near = face.window(-20, -11, 20, -2)
    male, arched = near.has("male"), near.has("arched_brows")
    bushy, made_up = near.has("bushy_brows"), near.has("makeup")
    out = near.u.abs() - EYES_APART
    flat = -5.2 + 0.35 * male + 0.02 * (out + 1.0).square()
    middle = flat - 0.35 * bushy - arched * (2.1 - 0.09 * (out - 0.5).square())
    thick = 0.62 + 0.22 * male + 0.85 * bushy - 0.05 * made_up
    # Thick towards the nose, thin towards the temple.
    thick = thick * (1.05 - 0.085 * out).clamp(0.4, 1.3)
    ends = near.cover(4.9 + 0.7 * bushy - (out + 0.1 - 0.5 * bushy).abs())
    inside = thick - (near.v - middle).abs()
    near.lay(near.cover(inside) * ends * (0.80 + 0.20 * bushy), brow_colour(near))


def brow_colour(face: Face) -> Tensor:
    """Of brows and beards: the hair's, a little darker."""
    return strands_colour(face) * 0.62


def nose(face: Face) -> None:
    """Nostrils, and the edge of the nose that shows when a head is turned."""
    near = face.window(-15, -3, 15, 14)
    big, pointy = near.has("nose", 1), near.has("nose", 2)
    u = near.u - NOSE_BEFORE * near.turn
    v = near.v + NOSE_BEFORE * near.lift
    place = 1.75 + 1.15 * big - 0.55 * pointy
    hole = oval(u.abs() - place, v - 9.5, 0.95 + 0.45 * big - 0.25 * pointy, 0.62)
    near.tint(near.cover(hole) * 0.85, (0.30, 0.16, 0.14))
    # A big nose has wings with an edge.
    wing = torch.hypot((u.abs() - 2.9) / 1.15, v - 8.4)
    edge = near.line(wing - 2.3, 0.42) * near.cover(u.abs() - 3.4)
    near.tint(edge * (0.60 * big), (0.48, 0.36, 0.34))
    # A pointed one has a narrow ridge, and a shadow below its tip, which hangs.
    tip = (2.1 - 1.35 * u.abs()).minimum(10.9 - v - 1.2 * u.abs()).minimum(v - 9.2)
    near.tint(near.cover(tip) * (0.55 * pointy), (0.55, 0.42, 0.40))
    far = u * near.turn.sign() - (0.8 + 0.16 * (v - 1.0)).clamp(min=0.5) - 0.7 * big
    ends = bump(v, 5.0, 4.2)
    near.tint(near.line(far, 0.45) * ends * near.turn.abs() * 1.3, (0.5, 0.4, 0.38))


def mouth(face: Face) -> None:
    """Lips, closed or open, and teeth."""
    near = face.window(-17, 9, 17, 20)
    male, smile = near.has("male"), near.has("smiling")
    open_, big = near.has("mouth_open"), near.has("big_lips")
    lipstick = near.has("lipstick")
    half = 4.7 + 1.5 * smile - 0.3 * open_ * (1 - smile) + 0.4 * big
    across = near.u / half
    bow = (1 - across.square()).clamp(min=0)
    # The corners go up in a smile, and a little down otherwise.
    v = near.v - 14.2 + 2.3 * smile * (across.square().clamp(max=1.2) - 0.45)
    v = v + 0.35 * (1 - smile) * across.square().clamp(max=1.2)
    ends = near.cover(half - near.u.abs())
    gap = open_ * (1.25 + 0.45 * smile)
    full = (0.85 - 0.15 * male) * (1 + 1.25 * big)
    heart = 1 - 0.35 * bump(near.u, 0.0, 0.9)
    top = -gap * bow - (1.35 - 0.3 * smile) * full * bow.sqrt() * heart
    bottom = gap * bow + 1.75 * full * bow.sqrt()

    lips = near.cover((v - top).minimum(bottom - v)) * ends
    paint = near.picture.new_tensor(LIPSTICK)[None, :, None, None]
    pink = near.picture.new_tensor((0.88, 0.57, 0.56))[None, :, None, None]
    bare = skin(near) * pink
    light = 1 + 0.16 * bump(v, 1.6 + gap, 0.9) - 0.14 * near.cover(-v)
    colour = bare + lipstick[..., None] * (paint - bare)
    near.lay(lips * (0.70 + 0.30 * lipstick), colour, light)

    hollow = near.cover(gap * bow - v.abs()) * ends * open_
    near.lay_plain(hollow, INSIDE)
    teeth = near.cover(gap * bow - v.abs() - 0.1) * near.cover(0.25 + 0.55 * smile - v)
    near.lay_plain(teeth * open_ * near.cover(half * 0.86 - near.u.abs()), TEETH)
    seam = near.line(v, 0.34) * ends * (1 - open_)
    near.tint(seam * 0.75, (0.38, 0.22, 0.22))
    # Corners: a dimple beside a smile.
    dimple = bump(near.u.abs(), half + 0.5, 0.8) * bump(v, 0.2, 1.2)
    near.tint(dimple * (0.20 + 0.32 * smile), (0.50, 0.40, 0.38))
