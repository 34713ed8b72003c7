"""Hair: behind a head, on it and in the face."""

from __future__ import annotations

import torch
from torch import Tensor

from dlib.data.faces_canvas import Colour, Face, bump, oval
from dlib.data.faces_head import Outline, half_width, lit, outline, skin

COLOURS: tuple[Colour, ...] = (
    (0.07, 0.06, 0.07), (0.36, 0.21, 0.11), (0.90, 0.72, 0.38), (0.68, 0.68, 0.71),
    (0.66, 0.22, 0.06), (0.58, 0.43, 0.26),
)  # fmt: skip
FULL, BANGS, RECEDING, BALD = range(4)
PLAIN, STRAIGHT, WAVY = range(3)
SHORT = 0
# Where hair ends, by its length: behind the head, and beside the face.
LOWEST, BESIDE = (1.0, 19.0, 40.0), (-1.5, 17.0, 40.0)


def strands_colour(face: Face) -> Tensor:
    """The colour of hair, (n, 3, 1, 1)."""
    return face.colour("hair_colour", COLOURS)


def strands(face: Face) -> Tensor:
    """How light hair is: smooth, in straight strands with a gloss, or in waves."""
    straight = face.has("hair_texture", STRAIGHT)
    wavy = face.has("hair_texture", WAVY)
    side = face.x + 3 * face.turn
    bend = wavy * 1.7 * (0.62 * face.y + 0.2 * side.abs()).sin()
    streak = (1.45 * side + bend).sin_().add_((0.53 * side + 0.6 * bend + 1).sin_())
    light = streak.mul_(0.03 + 0.10 * straight + 0.15 * wavy)
    gloss = bump(face.y, -15.5, 2.0) * (0.30 * straight + 0.10)
    return light.add_(1.02 - 0.05 * wavy + gloss).mul_(lit(face))


def hair_behind(face: Face, width: Tensor, light: Tensor) -> None:
    """What is seen of hair at the sides of a head and below it."""
    bald, wavy = face.has("hairline", BALD), face.has("hair_texture", WAVY)
    # What is left around a bald head is short.
    short = face.has("hair_length", SHORT).maximum(bald)
    lowest = face.choose("hair_length", LOWEST) * (1 - bald) + LOWEST[SHORT] * bald
    x = (face.x + 3.0 * face.turn).abs()
    half = width + 3.6 - 2.3 * short + 1.4 * wavy - 0.5 * bald
    # A dome, from where it is widest straight down and a little out.
    dome = oval(x, (face.y + 2.0).clamp(max=0), half, 21.5 - 3.5 * bald)
    hang = half + 0.10 * (face.y - 2).clamp(min=0) * (1 - short) - x
    waves = wavy * (1 - 0.7 * short) * (0.62 * face.y).sin()
    inside = torch.where(face.y < -2.0, dome, hang)
    inside += waves * (face.y / 4 + 2).clamp(0, 1)
    inside = inside.minimum(lowest + 0.8 * (1.3 * face.x).sin() - face.y)
    inside = inside.minimum(face.y + 9.0 + 40 * (1 - bald))
    face.lay(face.cover(inside), strands_colour(face), light * 0.72)


def hair_before(face: Face, shape: Outline, light: Tensor) -> None:
    """Hair from the crown to the hairline, and down at the sides of the face."""
    wavy, straight = face.has("hair_texture", WAVY), face.has("hair_texture", STRAIGHT)
    receding, bald = face.has("hairline", RECEDING), face.has("hairline", BALD)
    short = face.has("hair_length", SHORT)
    grown, cap = _cap(face, shape.width)

    # The face looks out of it, through an opening that is painted on the head.
    side = face.u.abs()
    half = shape.width - 1.1 + 0.9 * short
    drop = oval(face.u, (face.v - 4.0).clamp(max=0), half, 17.6 - 0.4 * receding)
    # Straight hair is parted in the middle, plain hair aside.
    drop += 1.5 * straight * (2.4 - side).clamp(0, 2.4)
    drop -= 0.7 * (1 - straight) * (1 - wavy) * (face.u * 0.22 + 0.4).sin()
    # At the temples a receding hairline goes up, and leaves some in the middle.
    temple = 6.6 * bump(side, 7.4, 3.4) + 2.4
    drop += receding * temple * bump(face.v, -15.0, 6.0)

    bottom = face.choose("hair_length", BESIDE) - 90 * bald
    inside = cap.maximum((grown - (face.x - 2.0 * face.turn).abs()).minimum(face.y))
    inside = inside.minimum(-drop).minimum(bottom - face.y)
    # A shadow of the hair on the forehead, then the hair.
    under = face.cover(shape.inside) * (1 - drop / 1.8).clamp_(0, 1)
    under *= face.cover(bottom - face.y) * 0.30
    face.tint(under, (0.45, 0.35, 0.32))
    groove = face.line(face.u, 0.40) * ((face.v < -12) * 0.25 * straight)
    face.lay(face.cover(inside), strands_colour(face), light * (1 - groove))


def _cap(face: Face, width: Tensor) -> tuple[Tensor, Tensor]:
    """Half the width of hair on a head, and the distance from its upper edge."""
    wavy, short = face.has("hair_texture", WAVY), face.has("hair_length", SHORT)
    x = face.x - 2.0 * face.turn
    # It is larger than the head it sits on, and more is seen of a turned head's back.
    grown = width + 1.8 + 1.0 * wavy + 1.0 * (1 - short)
    grown = grown + 5.0 * (-face.turn * x.sign()).clamp(min=0)
    cap = oval(x, face.y + 1.0, grown, 22.4 + 0.8 * wavy)
    return grown, cap.add_(0.5 * wavy * ((0.5 * x).cos() * (0.62 * face.y).sin()))


def bangs(face: Face) -> None:
    """Hair that falls on the forehead."""
    top = face.window(-22, -26, 22, -2)
    width = half_width(top)
    jagged = 0.7 * (1.9 * top.u).sin() + 0.3 * (4.1 * top.u).sin()
    fringe = -7.0 - jagged - 0.012 * top.u.square() - top.v
    inside = _cap(top, width)[1].minimum(fringe)
    inside = inside.minimum(width + 1.0 - (top.x - 2.0 * top.turn).abs())
    shadow = (fringe / 1.6 + 1).clamp_(0, 1) * top.cover(outline(top).inside)
    top.tint(shadow * 0.35, (0.45, 0.35, 0.32))
    top.lay(top.cover(inside), strands_colour(top), strands(top))


# --- in the face ------------------------------------------------------------


def beard_colour(face: Face) -> Tensor:
    """A little darker than the hair, and mixed with what shines through."""
    return strands_colour(face) * 0.72 + skin(face) * 0.05


def beard(face: Face) -> None:
    """A shadow of a beard, a beard on the chin, or one all over the jaw."""
    low = face.window(-19, 5, 19, 28)
    shadow, goatee = low.has("beard", 1), low.has("beard", 2)
    full = low.has("beard", 3)
    head = outline(low).inside
    side = low.u.abs()
    cheek = low.v - 8.2 - 0.006 * (14 - side).clamp(min=0).square()
    jaw = cheek.minimum(low.v - 16.2 + 0.62 * (side - 3.4).clamp(min=0))
    jaw = jaw.minimum(head + 0.9)
    lips = oval(low.u, low.v - 14.6, 6.4, 3.1)
    grain = 0.95 + 0.08 * (2.6 * low.x + 0.8 * (1.9 * low.y).sin()).sin()

    lip = (low.v - 10.6).minimum(13.0 - low.v + 0.2 * side).minimum(6.4 - side)
    stubble = (jaw / 2.2).clamp_(0, 1).maximum((lip / 1.2 + 0.2).clamp_(0, 1))
    stubble = stubble * (-lips).clamp(0, 1) * (shadow * 0.52)
    low.tint(stubble * grain, (0.36, 0.40, 0.46))

    tuft = oval(low.u, low.v - 21.2, 4.6, 4.3).minimum(low.v - 17.9)
    cover = low.cover(jaw.minimum(-lips)) * full
    cover = cover.maximum(low.cover(tuft.minimum(head + 1.2)) * goatee)
    low.lay(cover * 0.94, beard_colour(low), grain * lit(low))


def mustache(face: Face) -> None:
    """A mustache."""
    near = face.window(-16, 8, 16, 16)
    u = near.u - 0.8 * near.turn
    side = u.abs()
    middle = 11.9 + 0.035 * side.square()
    thick = 1.25 - 0.11 * side
    inside = (thick - (near.v - middle).abs()).minimum(6.4 - side)
    grain = 0.95 + 0.10 * (2.6 * near.x).sin() * bump(near.v, 12.0, 3.0)
    near.lay(near.cover(inside), beard_colour(near), grain)


def sideburns(face: Face) -> None:
    """Hair before the ears."""
    near = face.window(-19, -10, 19, 13)
    side = near.u.abs()
    inside = (side - 10.9 - 0.05 * (near.v - 2)).minimum(outline(near).inside + 0.4)
    inside = inside.minimum(10.6 - near.v).minimum(near.v + 8.0)
    near.lay(near.cover(inside) * 0.95, beard_colour(near), 0.92 * lit(near))
