"""What a face wears, and what is behind it."""

from __future__ import annotations

import colorsys

import torch
from torch import Tensor

from dlib.data.faces_canvas import Colour, Face, bump, oval
from dlib.data.faces_head import half_width, lit
from dlib.data.faces_space import BACKGROUND_HUES, BACKGROUND_LIGHTS

CLOTHES: tuple[Colour, ...] = (
    (0.86, 0.85, 0.83), (0.25, 0.36, 0.58), (0.17, 0.17, 0.20), (0.30, 0.44, 0.33),
)  # fmt: skip
HATS: tuple[Colour, ...] = (
    (0.0, 0.0, 0.0), (0.74, 0.13, 0.14), (0.16, 0.30, 0.62), (0.20, 0.20, 0.22),
)  # fmt: skip
GOLD: Colour = (0.98, 0.80, 0.28)
FRAME: Colour = (0.08, 0.07, 0.08)
TIE: Colour = (0.62, 0.10, 0.16)
SHIRT: Colour = (0.95, 0.95, 0.96)


def backgrounds(size: int) -> Tensor:
    """All backgrounds, float32 (hues, lights, 3, size, size): a glow in a colour."""
    middles = (torch.arange(size) + 0.5) / size
    x, y = middles[None, :], middles[:, None]
    glow = (-((x - 0.3) ** 2 + (y - 0.35) ** 2) / 0.35).exp()
    shade = 0.78 + 0.30 * glow - 0.12 * y
    colours = torch.tensor(
        [
            [colorsys.hsv_to_rgb(hue, 0.38, light) for light in BACKGROUND_LIGHTS]
            for hue in BACKGROUND_HUES
        ]
    )
    return (colours[..., None, None] * shade).clamp_(0, 1)


def clothes(face: Face) -> None:
    """Shoulders, with an open neck."""
    low = face.window(-40, 22, 40, 40)
    male = low.has("male")
    neckline = oval(low.x, low.y - 25.0, 8.4 + 1.4 * male, 5.4 - 1.6 * male)
    inside = _shoulders(low).minimum(-neckline)
    fold = 0.90 + 0.10 * bump(low.x.abs(), 14.0, 6.0) - 0.012 * (low.y - 30)
    low.lay(low.cover(inside), low.colour("clothes", CLOTHES), fold * lit(low))


def _shoulders(face: Face) -> Tensor:
    """How far pixels are below the shoulders' edge."""
    side, male = face.x.abs(), face.has("male")
    slope = 27.2 - 0.6 * male + 0.012 * (side - 6).clamp(min=0).square()
    return face.y - (slope + 0.18 * (side - 9 - 2 * male).clamp(min=0))


def necktie(face: Face) -> None:
    """A white shirt in the opening of a jacket, and a tie."""
    low = face.window(-16, 22, 16, 40)
    side, y = low.x.abs(), low.y
    opening = (9.6 + 0.9 * low.has("male") - 0.34 * (y - 25) - side).minimum(
        _shoulders(low) + 2.0
    )
    opening = opening.minimum(y - 25.0 - 0.05 * (9 - side).clamp(min=0))
    shirt = low.cover(opening)
    low.lay_plain(shirt, SHIRT)
    collar = low.line(side - (0.85 * (y - 24.6)).clamp(0, 4.6), 0.3)
    low.tint(collar * shirt * 0.45, (0.5, 0.5, 0.55))
    knot = (2.1 - 0.25 * (y - 25.4) - side).minimum(y - 25.6).minimum(28.6 - y)
    blade = (1.3 + 0.36 * (y - 28.2) - side).minimum(y - 28.4)
    low.lay_plain(low.cover(knot.maximum(blade)), TIE)
    low.tint(low.line(y - 28.5, 0.3) * low.cover(2.0 - side), (0.4, 0.3, 0.3))


def necklace(face: Face) -> None:
    """Beads of gold on a string, and a pendant."""
    low = face.window(-16, 18, 16, 36)
    side = low.x.abs()
    hang = low.y - 29.2 + 0.042 * side.square() + 0.0012 * side.square() * side
    beads = 0.75 + 0.30 * (3.0 * low.x).cos()
    inside = (beads - hang.abs()).minimum(9.0 - side)
    pendant = 1.6 - torch.hypot(low.x, low.y - 30.6)
    low.lay_plain(low.cover(inside.maximum(pendant)), GOLD)


def earrings(face: Face) -> None:
    """Drops of gold below the ears."""
    near = face.window(-22, 3, 22, 16)
    x = (near.x + 1.5 * near.turn).abs() - half_width(near) - 0.5
    y = near.y - 8.6 + 3.0 * near.lift
    cover = near.cover((1.75 - torch.hypot(x, y)).maximum(0.6 - torch.hypot(x, y + 2)))
    shine = 0.8 + 0.45 * bump(x, -0.5, 0.9) * bump(y, -0.5, 0.9)
    near.lay(cover, near.picture.new_tensor(GOLD)[None, :, None, None], shine)


def eyeglasses(face: Face) -> None:
    """A dark frame around each eye, a bridge and temples."""
    near = face.window(-21, -7, 21, 8)
    u = near.u - 1.2 * near.turn
    out, v = u.abs() - 7.4, near.v - 0.5
    # A rounded square: between a circle and a box.
    round_ = (out.square().square() / 4.7**4 + v.square().square() / 4.1**4).clamp(
        min=1e-4
    ) ** 0.25
    rim = near.line((round_ - 1) * 4.4, 0.55)
    bridge = near.line(v + 1.2 - 0.15 * u.square(), 0.5) * near.cover(2.9 - u.abs())
    arm = near.line(v + 1.4, 0.5) * near.cover(u.abs() - 12.0)
    arm = arm * near.cover(15.2 - (near.x - 2.0 * near.turn).abs())
    near.tint(near.cover((1 - round_) * 4.4) * 0.22, (0.75, 0.82, 0.86))
    near.lay_plain(rim.maximum(bridge).maximum(arm), FRAME)


def hat(face: Face) -> None:
    """A hat with a brim and a band."""
    high = face.window(-32, -30, 32, 1)
    x = high.x - 1.0 * high.turn
    y = high.y + 4.0 * high.lift
    width = half_width(high)
    wide = width + 2.6
    crown = oval(x, y + 11.0, wide, 15.0).minimum(-10.6 - y + 0.010 * x.square())
    brim = oval(x, y + 10.6 - 0.010 * x.square(), wide + 6.2, 2.3)
    colour = high.colour("hat", HATS)
    light = (1.02 - 0.25 * (x / wide).square()) * lit(high)
    high.lay(high.cover(crown), colour, light)
    band = high.cover(1.5 - (y + 14.2 - 0.010 * x.square()).abs()) * high.cover(crown)
    high.lay(band, colour, 0.55 * light)
    under = bump(y, -7.8 + 0.01 * x.square(), 1.6) * high.cover(width - x.abs())
    high.tint(under * 0.45, (0.35, 0.30, 0.30))
    high.lay(high.cover(brim), colour, 0.86 * lit(high))
