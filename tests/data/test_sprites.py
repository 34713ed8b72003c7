"""The sprites twin: what its factors do, who its characters are, how they are split."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from dlib.data import (
    Correlated,
    DataError,
    Part,
    Resampled,
    SpriteLooks,
    TwinSprites,
    load,
)
from dlib.data.listed import Listed
from dlib.data.sprites import TOGETHER
from dlib.data.sprites_painter import kept
from dlib.data.sprites_space import POSES, SPACE, SPLITS, Pose
from dlib.data.sprites_weapons import ARMED

REAL = Path(__file__).parents[2] / ".." / "shared" / "reference" / "images"
SHEET = "lpc_demo_64px.png"

LOOKS = SPACE.names[:6]
SEEN = 40  # a difference that is seen, of 255


@pytest.fixture(scope="module")
def looks() -> SpriteLooks:
    return SpriteLooks()


@pytest.fixture(scope="module")
def small() -> SpriteLooks:
    return SpriteLooks(32)


@pytest.fixture(scope="module")
def twin() -> TwinSprites:
    return TwinSprites(16)


def rows(poses: list[int] | None = None, **factors: Any) -> Tensor:
    """One character in some poses, or in all; what is not said of it is 0."""
    chosen = list(range(len(POSES))) if poses is None else poses
    character = [factors.get(name, 0) for name in SPACE.names[:-1]]
    return torch.tensor([[*character, pose] for pose in chosen])


def some_characters() -> list[dict[str, Any]]:
    """A few that together have every value of every factor."""
    return [
        {name: i % size for name, size in zip(SPACE.names[:-1], SPACE.sizes[:-1],
                                              strict=True)}
        for i in range(max(SPACE.sizes[:-1]))
    ]  # fmt: skip


# --- the space --------------------------------------------------------------


def test_the_poses_are_those_of_21_animations() -> None:
    assert SPACE.names == (*LOOKS, "weapon", "pose")
    assert SPACE.sizes == (2, 4, 3, 6, 2, 2, 2, 178)
    assert len(POSES) == len(set(POSES)) == 178
    assert POSES[0] == ("spellcast", "back", 0) and POSES[-1] == ("hurt", "front", 5)
    assert POSES[7] == ("spellcast", "left", 0)
    assert len({(pose.action, pose.view) for pose in POSES}) == 21
    assert SPACE.factors[-1].labels[POSES.index(Pose("slash", "front", 3))] == (
        "slash front 3"
    )


# --- the pictures -----------------------------------------------------------


def test_pictures_have_the_promised_form(device: torch.device) -> None:
    looks = SpriteLooks(16, device)
    images, factors = looks.sample(40, torch.Generator(device).manual_seed(0))
    assert images.shape == (40, 3, 16, 16) and images.dtype == torch.uint8
    assert images.device.type == device.type and factors.device.type == device.type
    again, _ = looks.sample(40, torch.Generator(device).manual_seed(0))
    assert torch.equal(images, again)
    assert torch.equal(looks.render(factors), images)
    assert looks.render(factors[:0]).shape == (0, 3, 16, 16)
    index = SPACE.to_index(factors).view(5, 8)
    assert torch.equal(looks.images(index).flatten(0, 1), images)
    assert looks.images(index[:0]).shape == (0, 8, 3, 16, 16)
    assert torch.equal(looks.factors(index).flatten(0, 1), factors)
    assert (int(images.min()), int(images.max())) > (0, 200)


def test_devices_agree(small: SpriteLooks, device: torch.device) -> None:
    factors = SPACE.sample(100, torch.Generator().manual_seed(1))
    there = SpriteLooks(32, device).render(factors).cpu().int()
    difference = (there - small.render(factors).int()).abs()
    assert difference.max() <= 4  # a rounding more in each layer
    assert (difference > 0).float().mean() < 0.02


def test_a_picture_is_the_same_alone_and_in_a_batch(small: SpriteLooks) -> None:
    factors = SPACE.sample(3 * TOGETHER + 1, torch.Generator().manual_seed(2))
    alone = torch.cat([small.render(one) for one in factors.split(1)])
    assert torch.equal(alone, small.render(factors))


def test_data_sets_of_one_size_share_what_they_are_painted_from() -> None:
    first, second = TwinSprites(16), SpriteLooks(16)
    index = first.points(torch.arange(178))
    assert torch.equal(first.images(index), second.images(index))
    assert kept(16, torch.device("cpu")) is kept(16, torch.device("cpu"))


@pytest.mark.parametrize("size", [32, 60])
def test_every_pose_looks_different(size: int) -> None:
    looks = SpriteLooks(size)
    for character in some_characters()[::2]:
        images = looks.render(rows(**character)).flatten(1).float()
        apart = torch.cdist(images, images, p=1) / images.shape[1]
        # Pictures are 20 to 30 light on the average, of 255.
        assert apart.fill_diagonal_(255).min() > 0.6
        for number, image in enumerate(images):
            seen = ((images - image).abs() > SEEN).sum(1)
            seen[number] = images.shape[1]
            assert seen.min() >= 3


def changes(looks: SpriteLooks, name: str) -> Tensor:
    """How many pixels, of sixty by sixty, tell the two values of a factor that are
    most alike from each other, for some characters in all poses."""
    found = []
    for character in some_characters():
        values = range(SPACE.sizes[SPACE.position(name)])
        images = [looks.render(rows(**{**character, name: v})).int() for v in values]
        pairs = [
            ((images[v] - images[other]).abs().amax(1) > SEEN).sum((1, 2))
            for v in values
            for other in range(v)
        ]
        found.append(torch.stack(pairs).amin(0) * (60 / looks.size) ** 2)
    return torch.stack(found)


@pytest.mark.parametrize("size", [32, 60])
@pytest.mark.parametrize("name", LOOKS)
def test_every_value_of_every_factor_is_seen(name: str, size: int) -> None:
    """The body, hair and legs in every pose; the rest may be hidden in a few, such
    as hands that are before the body, from behind."""
    changed = changes(SpriteLooks(size), name)
    assert changed.mean() > 70
    assert (changed >= 18).float().mean() > 0.85
    if name in ("body", "hair", "leg"):
        assert changed.min() >= 12


def test_the_weapon_is_seen_in_three_actions_only(looks: SpriteLooks) -> None:
    armed = torch.tensor([pose.action in ARMED for pose in POSES])
    assert int(armed.sum()) == 4 * (8 + 6 + 13)
    for character in some_characters():
        first, second = (
            looks.render(rows(**{**character, "weapon": held})) for held in (0, 1)
        )
        assert torch.equal(first[~armed], second[~armed])
    changed = changes(looks, "weapon")[:, armed]
    assert changed.mean() > 35
    # From behind, long hair and broad backs may hide it: not in all characters.
    assert (changed >= 6).float().mean() > 0.9 and changed.mean(0).min() > 4


@pytest.mark.parametrize("size", [32, 60, 64])
def test_sprites_stand_before_black_and_are_not_cut_off(size: int) -> None:
    looks = SpriteLooks(size)
    for character in some_characters():
        images = looks.render(rows(**character))
        edge = torch.cat(
            [images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]], 2
        )
        assert int(edge.max()) == 0
        lit = (images.amax(1) > SEEN).float().mean((1, 2))
        assert lit.min() > 0.08 and lit.max() < 0.35


def test_other_sizes_show_the_same(small: SpriteLooks) -> None:
    """Drawn larger and made smaller again, a sprite is much as it is drawn small."""
    factors = SPACE.sample(60, torch.Generator().manual_seed(3))
    large = SpriteLooks(64).render(factors).float()
    halved = torch.nn.functional.avg_pool2d(large, 2)
    error = (halved - small.render(factors).float()).abs()
    assert error.mean() < 3


def test_a_view_from_the_other_side_is_not_a_mirror_image(looks: SpriteLooks) -> None:
    """The blade stays in the right hand."""
    left, right = (POSES.index(Pose("slash", view, 1)) for view in ("left", "right"))
    images = looks.render(rows([left, right])).int()
    assert (images[0] - images[1].flip(-1)).abs().float().mean() > 2


@pytest.mark.parametrize("size", [8, 15, 129])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"16 to 128 pixels a side, not {size}"):
        SpriteLooks(size)
    with pytest.raises(ValueError, match="the official pictures have 60"):
        TwinSprites(size)


# --- the characters ---------------------------------------------------------


def test_there_are_672_characters_in_178_poses(twin: TwinSprites) -> None:
    assert len(twin) == 119_616 and twin.uniform
    assert twin.characters.shape == (672, 7)
    factors = twin.factors(twin.points(torch.arange(len(twin)))).view(672, 178, 8)
    assert torch.equal(factors[..., :7], twin.characters[:, None].expand(-1, 178, -1))
    assert torch.equal(factors[..., 7], torch.arange(178).expand(672, -1))
    # The same on every machine: runs record the version only.
    digest = hashlib.sha256(twin.characters.numpy().tobytes()).hexdigest()
    assert digest[:16] == "cdec9339fbcea9b3"


def test_two_that_follow_differ_in_the_weapon_only(twin: TwinSprites) -> None:
    first, second = twin.characters[::2], twin.characters[1::2]
    assert torch.equal(first[:, :6], second[:, :6])
    assert (first[:, 6] == 0).all() and (second[:, 6] == 1).all()
    assert len(first.unique(dim=0)) == 336


def test_each_value_is_about_as_frequent_in_every_split(twin: TwinSprites) -> None:
    parts = twin.characters.split(list(SPLITS.values()))
    for part, most in zip((twin.characters, *parts), (1.1, 1.15, 1.6, 1.6),
                          strict=True):  # fmt: skip
        for column, size in enumerate(SPACE.sizes[:7]):
            share = part[:, column].bincount(minlength=size) / len(part) * size
            assert share.max() < most and share.min() > 2 - most


def test_no_look_is_in_two_splits(twin: TwinSprites) -> None:
    seen: list[set[tuple[int, ...]]] = []
    for split, n in SPLITS.items():
        part = twin.published(split)
        assert isinstance(part, Listed) and len(part) == n * 178
        assert repr(part).endswith(f"672 characters, the published {split}")
        factors = part.factors(part.points(torch.arange(len(part))))
        seen.append({tuple(look) for look in factors[:, :6].unique(dim=0).tolist()})
        assert len(seen[-1]) == n // 2
    assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]
    with pytest.raises(ValueError, match="train, valid, test; got 'val'"):
        twin.published("val")


def test_parts_keep_to_the_splits(twin: TwinSprites) -> None:
    train, rest = twin.part(0, 500 / 672, 3), twin.part(500 / 672, 1, 3)
    assert (len(train), len(rest)) == (500 * 178, 172 * 178)
    published = twin.published("train")
    index = train.points(torch.arange(len(train)))
    assert (published.positions(index) >= 0).all() and len(index.unique()) == len(index)
    assert not torch.equal(index, published.points(torch.arange(len(train))))
    assert (train.positions(rest.points(torch.arange(len(rest)))) == -1).sum() == 0
    assert isinstance(rest, Part)
    other = rest.points(torch.arange(len(rest)))
    assert not bool(train.holds(other).any()) and bool(rest.holds(other).all())
    # A part of the rest is cut again in an order of its own.
    assert len(rest.part(0, 0.5)) == len(rest) // 2


# --- laws -------------------------------------------------------------------


def test_points_are_drawn_from_the_characters(twin: TwinSprites) -> None:
    generator = torch.Generator().manual_seed(0)
    index = twin.draw(5000, generator)
    assert (twin.positions(index) >= 0).all()
    factors = twin.factors(index)
    known = {tuple(c) for c in twin.characters.tolist()}
    assert {tuple(c) for c in factors[:, :7].tolist()} <= known
    other = twin.sharing(index, [1, 7], generator)
    assert (twin.positions(other) >= 0).all()
    assert torch.equal(twin.factors(other)[:, [1, 7]], factors[:, [1, 7]])
    images, factors = twin[178 * 5 + 3]
    assert factors.tolist() == [*twin.characters[5].tolist(), 3]
    assert images.shape == (3, 16, 16)
    batch = twin.batch(6, generator)
    assert batch.images.shape == (6, 3, 16, 16)


def test_wrappers_take_the_twin(twin: TwinSprites) -> None:
    kept = Resampled(twin.published("train"), 400)
    assert len(kept) == 400
    assert (twin.published("train").positions(kept.index) >= 0).all()
    law = Correlated(twin, ("skin", "hair"), torch.eye(4, 6) + 1e-3)
    factors = law.factors(law.draw(300, torch.Generator().manual_seed(0)))
    assert (factors[:, 1] == factors[:, 3]).float().mean() > 0.9
    assert (twin.positions(law.draw(50, torch.Generator().manual_seed(1))) >= 0).all()


def test_by_name() -> None:
    dataset = load("sprites", source="twin")
    assert isinstance(dataset, TwinSprites)
    assert (dataset.name, dataset.source, dataset.size) == ("sprites", "twin", 60)
    assert repr(dataset).endswith("pose: 178), 672 characters")
    assert load("sprites", source="twin", size=32).size == 32


# --- beside real ones -------------------------------------------------------


def measures(images: Tensor) -> Tensor:
    """Of each picture: top, bottom, left and right of what is lit, and how much is."""
    lit = images.amax(1) > 30
    down, across = lit.any(2).float(), lit.any(1).float()
    size = images.shape[-1]
    ends = [down.argmax(1), size - 1 - down.flip(1).argmax(1),
            across.argmax(1), size - 1 - across.flip(1).argmax(1),
            lit.sum((1, 2))]  # fmt: skip
    return torch.stack(ends, 1).float()


@pytest.mark.parametrize(
    "column, pose",
    [(0, Pose("walk", "front", 0)), (1, Pose("walk", "left", 2)),
     (3, Pose("spellcast", "front", 5)), (7, Pose("hurt", "front", 5))],
)  # fmt: skip
def test_sprites_are_as_large_and_stand_where_real_ones_do(
    looks: SpriteLooks, column: int, pose: Pose
) -> None:
    if not (REAL / SHEET).is_file():
        pytest.skip(f"no real sprites here ({SHEET} is not shipped)")
    with Image.open(REAL / SHEET) as picture:
        sheet = torch.from_numpy(np.asarray(picture.convert("RGB")).copy())
    tiles = sheet.view(6, 64, 8, 64, 3).permute(2, 0, 4, 1, 3)
    # The official pictures are the middle of a tile.
    real = measures(tiles[column][..., 2:62, 2:62])
    place = [POSES.index(pose)]
    drawn = torch.cat(
        [looks.render(rows(place, **{**character, "body": body}))
         for character in some_characters() for body in (0, 1)]
    )  # fmt: skip
    if pose.action == "hurt":  # the sheet has no white bar
        bar = drawn[..., 55:59, :]
        bar *= ~(bar > 200).all(1, keepdim=True)
    ours = measures(drawn)
    assert ((ours - real.mean(0)).abs()[:, :4] <= 6.5).all()
    assert ((ours - real.mean(0)).mean(0).abs()[:4] <= 5).all()
    share = ours[:, 4] / real[:, 4].mean()
    assert 0.7 < float(share.mean()) < 1.2


def test_official_sprites_that_are_not_there_are_got_by_hand(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no nips2015.* by hand from http://www\.scott"
    ):
        load("sprites", source="official", root=tmp_path)
    assert load("sprites", root=tmp_path).source == "twin"
