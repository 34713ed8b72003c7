"""How faces are painted: what each factor changes, and what it leaves alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib.data.faces import FaceLooks
from dlib.data.faces_canvas import ORIGIN, UNIT, Face, oval, start
from dlib.data.faces_space import BRIGHTNESSES, LOOKS, NUISANCE, PLACES

SEEN = 12  # a difference that is seen, of 255

# Two plain faces, straight on, before a blue background.
PLAIN = {
    "young": 1, "hair_colour": 1, "skin": 1, "face_width": 1, "azimuth": 3,
    "elevation": 1, "light": 2, "brightness": 3, "background_hue": 4,
    "background_light": 1, "clothes": 1, "posX": 1, "posY": 1, "scale": 1,
}  # fmt: skip
WOMAN = {**PLAIN, "hair_length": 2}
MAN = {**PLAIN, "male": 1}


@pytest.fixture(scope="module")
def looks() -> FaceLooks:
    return FaceLooks()


def row(plain: dict[str, int], **factors: int) -> Tensor:
    """One look: as the plain face, 0 where nothing is said of either."""
    chosen = {**plain, **factors}
    return torch.tensor([[chosen.get(name, 0) for name in LOOKS.names]])


def each(plain: dict[str, int], name: str, **factors: int) -> Tensor:
    """A look for every value of a factor."""
    values = range(LOOKS.sizes[LOOKS.position(name)])
    return torch.cat([row(plain, **{**factors, name: value}) for value in values])


def columns(rows: Tensor) -> dict[str, Tensor]:
    return dict(zip(LOOKS.names, rows.unbind(1), strict=True))


def changes(looks: FaceLooks, rows: Tensor) -> Tensor:
    """Where any of the other pictures differs from the first, bool (size, size)."""
    pictures = looks.render(rows).int()
    return ((pictures[1:] - pictures[:1]).abs().amax((0, 1))) > SEEN


def between(top: float, bottom: float, size: int = 64) -> Tensor:
    """Rows of a picture, from and to a height in 64ths below the eyes."""
    rows = torch.zeros(size, size, dtype=torch.bool)
    first, last = ((y + ORIGIN[1]) * size / UNIT for y in (top, bottom))
    rows[max(0, round(first)) : round(last)] = True
    return rows


# --- what is seen -----------------------------------------------------------


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("name", LOOKS.names)
def test_every_value_of_every_factor_is_seen(name: str, size: int) -> None:
    looks = FaceLooks(size)
    # Of one that doesn't open the eyes, or has no hair, less can be said.
    for plain in (WOMAN, MAN):
        pictures = looks.render(each(plain, name)).int()
        for i in range(len(pictures)):
            for j in range(i):
                changed = (pictures[i] - pictures[j]).abs().amax(0) > SEEN
                # In pixels of 64 by 64; the smallest are irises and nostrils.
                count = int(changed.sum()) * (64 / size) ** 2
                assert count >= (6 if name == "eye_colour" else 10), (i, j, count)


@pytest.mark.parametrize(
    ("name", "top", "bottom"),
    [
        ("eyeglasses", -6, 7),
        ("makeup", -7, 5),
        ("narrow_eyes", -5, 4),
        ("eye_colour", -4, 4),
        ("bags_under_eyes", 0, 8),
        ("arched_brows", -11, -2),
        ("bushy_brows", -10, -2),
        ("nose", -4, 14),
        ("lipstick", 10, 19),
        ("big_lips", 9, 20),
        ("mouth_open", 10, 19),
        ("smiling", 4, 22),
        ("high_cheekbones", 0, 18),
        ("rosy_cheeks", 0, 15),
        ("mustache", 9, 17),
        ("beard", 4, 28),
        ("sideburns", -9, 13),
        ("earrings", 2, 14),
        ("neckwear", 20, 35),
        ("clothes", 20, 35),
        ("double_chin", 10, 34),
        ("hat", -30, -4),
    ],
)
def test_factors_change_what_they_are_named_after(
    looks: FaceLooks, name: str, top: float, bottom: float
) -> None:
    for plain in (WOMAN, MAN):
        changed = changes(looks, each(plain, name))
        assert changed.any()
        outside = changed & ~between(top, bottom)
        assert not outside.any(), outside.nonzero()


def test_the_hairline_is_above_the_eyes(looks: FaceLooks) -> None:
    for plain in (WOMAN, MAN):
        changed = changes(looks, each(plain, "hairline")[:3])  # all but bald
        assert changed.any() and not (changed & ~between(-26, -2)).any()


def test_what_is_worn_hides_nothing_else(looks: FaceLooks) -> None:
    """The colour of hair changes hair, and skin doesn't change it."""
    hair = looks.render(each(MAN, "hair_colour")).int()
    face = between(1, 21) & between(1, 21).T  # cheeks, nose and mouth
    face[:, :24] = face[:, 40:] = False
    assert (hair[:, :, face] == hair[:1, :, face]).all()
    corners = hair[:, :, :8, :8]
    assert (corners == corners[:1]).all()
    tones = looks.render(each(WOMAN, "skin")).int()
    top = tones[:, :, 8:12, 28:36]  # hair
    assert (top == top[:1]).all()
    shoulders = tones[:, :, -3:, :6]
    assert (shoulders == shoulders[:1]).all()


def test_colours_are_those_named(looks: FaceLooks) -> None:
    hair = looks.render(each(WOMAN, "hair_colour"))[:, :, 9:12, 26:38].float()
    red, green, blue = hair.mean((2, 3)).unbind(1)
    black, brown, blond, gray, redhead, sandy = range(6)
    lightness = red + green + blue
    assert lightness.argmin() == black
    assert lightness[blond] > lightness[sandy] > lightness[brown]
    assert (red - blue).abs()[gray] < 20 and lightness[gray] > lightness[brown]
    assert red[redhead] > 2 * green[redhead] and blue[blond] < 0.7 * red[blond]
    skins = (
        looks.render(each(WOMAN, "skin"))[:, :, 34:38, 26:29].float().mean((1, 2, 3))
    )
    assert (skins.diff() < -8).all()  # from pale to dark
    mouth = looks.render(each(WOMAN, "lipstick"))[:, :, 42:47, 29:35].float()
    redder = (mouth[:, 0] - mouth[:, 1]).amax((1, 2))
    assert redder[1] > redder[0] + 40


@pytest.mark.parametrize("name", ["young", "male"])
def test_age_and_sex_are_seen_in_the_face_itself(looks: FaceLooks, name: str) -> None:
    """Without hair, beard, make-up or anything worn."""
    for plain in (PLAIN, {**PLAIN, "male": 1}):
        changed = changes(looks, each(plain, name, hairline=3))
        inside = between(-13, 24)
        inside[:, :17] = inside[:, 47:] = False
        assert int((changed & inside).sum()) > 60


# --- the turn of the head, and light ----------------------------------------


def test_a_turned_head_shifts_and_narrows_its_far_side(looks: FaceLooks) -> None:
    pictures = looks.render(each(WOMAN, "azimuth", lipstick=1)).float()
    red = (pictures[:, 0] - pictures[:, 1] - 90).clamp(min=0)[:, 40:48].sum(1)
    middles = (red * torch.arange(64)).sum(1) / red.sum(1)
    assert (middles.diff() > 1).all()  # to the right as the head turns there
    assert middles[3] == pytest.approx(31.5, abs=0.3)
    assert middles[-1] - middles[3] == pytest.approx(6, abs=2)

    face = start(torch.zeros(7, 3, 256, 256), columns(each(WOMAN, "azimuth")))
    # How far the sides of the face reach from the nose, to the left and to the right.
    places = torch.stack([(face.u[:, 0] < u).sum(1) for u in (-9, 0, 9)], 1)
    left, right = places.diff(dim=1).unbind(1)
    assert left[3] == right[3] == 36
    assert left[-1] >= right[-1] + 6 and right[0] >= left[0] + 6

    # Turned the other way it is much the same in a mirror.
    plain = looks.render(each(MAN, "azimuth", hair_texture=1, background_light=0)).int()
    other = plain.flip(0)
    mirrored = (plain - other.flip(3)).abs().float().mean((1, 2, 3))
    as_it_is = (plain - other).abs().float().mean((1, 2, 3))
    assert (mirrored < 0.6 * as_it_is)[[0, 1, 5, 6]].all()


def test_light_falls_from_where_it_is_said_to(looks: FaceLooks) -> None:
    faces = looks.render(each(MAN, "light")).float().mean(1)
    left, right = faces[:, 32:40, 20:26], faces[:, 32:40, 38:44]
    lean = (right - left).mean((1, 2))
    assert (lean.diff() > 3).all() and lean[2].abs() < 3


def test_brightness_multiplies_the_whole_picture(looks: FaceLooks) -> None:
    pictures = looks.render(each(MAN, "brightness")).float()
    dark = pictures[0] / BRIGHTNESSES[0]
    for picture, brightness in zip(pictures, BRIGHTNESSES, strict=True):
        below = picture < 255
        error = (picture / brightness - dark)[below].abs()
        assert error.max() < 3


def test_the_face_moves_with_its_place(looks: FaceLooks) -> None:
    assert PLACES[1] == 0
    large = FaceLooks(160)  # where a step is three pixels
    for name, axis in (("posX", 3), ("posY", 2)):
        pictures = large.render(each(MAN, name, background_light=0)).int()
        inside = pictures[:, :, 20:-20, 40:-40]
        moved = pictures[:1].roll(3, axis)[:, :, 20:-20, 40:-40]
        assert (inside[1] - moved).abs().float().mean() < 2
        assert (inside[1] - inside[0]).abs().float().mean() > 4


def test_blurry_pictures_have_no_edges(looks: FaceLooks) -> None:
    sharp, blurry = looks.render(each(WOMAN, "blurry")).float()
    assert (sharp.mean((1, 2)) - blurry.mean((1, 2))).abs().max() < 1.5
    for axis in (1, 2):
        assert (
            blurry.diff(dim=axis).abs().max() < 0.5 * sharp.diff(dim=axis).abs().max()
        )


# --- the brush --------------------------------------------------------------


def test_edges_are_smooth(looks: FaceLooks) -> None:
    """Black hair before a light background: in between lie pixels of all lights."""
    rows = row(MAN, hair_colour=0, background_light=2, brightness=2)
    light = looks.render(rows).float().mean(1)[0, 4:12]
    bright, dark = light.amax(), light.amin()
    between_ = (light > dark + 20) & (light < bright - 40)
    assert 3 < int(between_.sum()) < 120
    # A picture of twice the size, averaged, is the same picture.
    factors = LOOKS.sample(40, torch.Generator().manual_seed(0))
    large = FaceLooks(128).render(factors).float()
    small = torch.nn.functional.avg_pool2d(large, 2)
    assert (small - looks.render(factors).float()).abs().mean() < 2


@pytest.mark.parametrize("size", [16, 50, 256])
def test_other_sizes_are_the_same_face(looks: FaceLooks, size: int) -> None:
    factors = LOOKS.sample(6, torch.Generator().manual_seed(3))
    pooled = torch.nn.functional.adaptive_avg_pool2d
    other = pooled(FaceLooks(size).render(factors).float(), 8)
    expected = pooled(looks.render(factors).float(), 8)
    assert (other - expected).abs().mean() < (8 if size == 16 else 3)


@pytest.mark.parametrize("size", [16, 64])
def test_no_window_cuts_anything_off(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is small is painted on a part of the pixels: all that it reaches."""
    factors = LOOKS.sample(64, torch.Generator().manual_seed(5))
    looks = FaceLooks(size)
    expected = looks.render(factors).int()

    def whole(face: Face, *edges: float) -> Face:
        return face

    monkeypatch.setattr(Face, "window", whole)
    assert (looks.render(factors).int() - expected).abs().max() <= 3


def test_an_ellipse_s_middle_is_inside() -> None:
    x, y = torch.tensor([0.0, 3.0, 4.0, 0.0]), torch.tensor([0.0, 0.0, 0.0, 2.0])
    inside = oval(x, y, 3.0, 2.0)
    assert inside[0] > 1 and inside[2] == pytest.approx(-1, abs=0.3)
    assert inside[1].abs() < 1e-6 and inside[3].abs() < 1e-6


def test_a_line_takes_no_more_of_a_pixel_than_it_is_wide() -> None:
    looks = columns(row(MAN))
    one = torch.ones(1, 1, 1)
    face = Face(torch.zeros(1, 3, 4, 4), looks, (one, one), (one, one), one, (one, one))
    off = torch.tensor([[[0.0, 0.2, 0.7, 2.0]]])
    assert torch.allclose(face.line(off, 0.15), torch.tensor([[[0.3, 0.3, 0.0, 0.0]]]))
    assert torch.allclose(face.line(off, 2.0), torch.tensor([[[1.0, 1.0, 1.0, 0.5]]]))


def test_nuisance_begins_where_it_is_said_to() -> None:
    assert LOOKS.names[NUISANCE - 1] == "blurry"
