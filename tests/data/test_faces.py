"""The faces twin: the looks there are, which faces it has, and how it is split."""

from __future__ import annotations

import hashlib

import pytest
import torch

from dlib.data.faces import FACES, SPLITS, TOGETHER, FaceLooks, TwinFaces
from dlib.data.faces_space import ATTRIBUTES, LOOKS, NUISANCE, SPACE, attributes


@pytest.fixture(scope="module")
def twin() -> TwinFaces:
    return TwinFaces(16)


# --- the looks --------------------------------------------------------------


def test_the_order_of_the_factors() -> None:
    assert LOOKS.names[:3] == ("male", "young", "hair_colour")
    assert LOOKS.names[NUISANCE:] == (
        "eye_colour", "face_width", "azimuth", "elevation", "light", "brightness",
        "background_hue", "background_light", "clothes", "posX", "posY", "scale",
    )  # fmt: skip
    assert LOOKS.sizes[NUISANCE:] == (4, 3, 7, 3, 5, 5, 6, 3, 4, 3, 3, 3)
    assert len(LOOKS) < 2**62
    for factor in LOOKS.factors:
        named = factor.kind == "categorical"
        assert len(factor.labels) == (factor.size if named else 0), factor.name


def test_pictures_have_the_promised_form(device: torch.device) -> None:
    looks = FaceLooks(16, device)
    images, factors = looks.sample(40, torch.Generator(device).manual_seed(0))
    assert images.shape == (40, 3, 16, 16) and images.dtype == torch.uint8
    assert images.device.type == device.type and factors.device.type == device.type
    again, _ = looks.sample(40, torch.Generator(device).manual_seed(0))
    assert torch.equal(images, again)
    assert torch.equal(looks.render(factors), images)
    assert looks.render(factors[:0]).shape == (0, 3, 16, 16)
    index = LOOKS.to_index(factors).view(5, 8)
    assert torch.equal(looks.images(index).flatten(0, 1), images)
    assert torch.equal(looks.factors(index).flatten(0, 1), factors)


def test_faces_have_the_promised_form(device: torch.device) -> None:
    twin = TwinFaces(16, device)
    generator = torch.Generator(device).manual_seed(0)
    images, factors = twin.sample(20, generator)
    assert images.shape == (20, 3, 16, 16) and images.dtype == torch.uint8
    assert factors.shape == (20, len(ATTRIBUTES)) and factors.dtype == torch.long
    assert images.device.type == device.type == factors.device.type
    index = torch.arange(6, device=device).view(2, 3)
    assert twin.images(index).shape == (2, 3, 3, 16, 16)
    assert twin.factors(index).shape == (2, 3, len(ATTRIBUTES))
    assert twin.factors(index[:0]).shape == (0, 3, len(ATTRIBUTES))
    batch = twin.batch(4, generator)
    assert batch.labels is None and batch.population == FACES


def test_devices_agree(device: torch.device) -> None:
    factors = LOOKS.sample(100, torch.Generator().manual_seed(1))
    here = FaceLooks(32).render(factors).int()
    difference = (FaceLooks(32, device).render(factors).cpu().int() - here).abs()
    assert difference.max() <= 2  # roundings of some forty layers
    assert (difference > 0).float().mean() < 0.02


def test_a_picture_is_the_same_alone_and_in_a_batch() -> None:
    looks = FaceLooks(32)
    factors = LOOKS.sample(TOGETHER + 30, torch.Generator().manual_seed(2))
    alone = torch.cat([looks.render(one) for one in factors.split(1)]).int()
    difference = (alone - looks.render(factors).int()).abs()
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 1e-3


def test_wrong_sizes_and_factors_are_refused(twin: TwinFaces) -> None:
    for size in (15, 257):
        with pytest.raises(ValueError, match=f"at 16 to 256 pixels a side, not {size}"):
            FaceLooks(size)
        with pytest.raises(ValueError, match="16 to 256"):
            TwinFaces(size)
    row = torch.zeros(1, len(LOOKS.names), dtype=torch.long)
    row[0, LOOKS.position("beard")] = 4
    with pytest.raises(ValueError, match=r"beard must be in 0\.\.3, got 4"):
        twin.independent.render(row)


# --- the faces --------------------------------------------------------------


def test_there_are_as_many_faces_as_in_celeba(twin: TwinFaces) -> None:
    assert len(twin) == FACES == 202_599
    assert twin.space is SPACE and twin.space.names == ATTRIBUTES
    assert twin.drawn.shape == (FACES,) and twin.drawn.dtype == torch.long
    assert len(twin.drawn.unique()) == FACES  # no face is there twice
    assert repr(twin).startswith("celeba (twin): 202,599 images, 3x16x16, FactorSpace(")


def test_the_faces_are_the_same_everywhere(twin: TwinFaces) -> None:
    text = ",".join(map(str, twin.drawn.tolist()))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "d7c344b321b09707"
    assert torch.equal(TwinFaces(32).drawn, twin.drawn)


def test_a_face_is_what_was_drawn(twin: TwinFaces) -> None:
    index = torch.tensor([0, 5, FACES - 1])
    looks = LOOKS.to_factors(twin.drawn[index])
    assert torch.equal(twin.images(index), twin.independent.render(looks))
    assert torch.equal(twin.factors(index), attributes(looks))
    image, factors = twin[5]
    assert torch.equal(image, twin.images(index)[1])
    assert torch.equal(factors, twin.factors(index)[1])


def test_partners_share_attributes(twin: TwinFaces) -> None:
    generator = torch.Generator().manual_seed(0)
    index = twin.draw(500, generator)
    columns = [SPACE.position(name) for name in ("Male", "Smiling", "Bangs")]
    other = twin.sharing(index, columns, generator)
    assert torch.equal(twin.factors(other)[:, columns], twin.factors(index)[:, columns])
    assert (other != index).float().mean() > 0.9


# --- the splits -------------------------------------------------------------


def test_the_published_splits_follow_one_another(twin: TwinFaces) -> None:
    start = 0
    for split, size in (("train", 162_770), ("valid", 19_867), ("test", 19_962)):
        part = twin.published(split)  # type: ignore[arg-type]
        assert len(part) == size == SPLITS[split]
        ends = part.points(torch.tensor([0, size - 1]))
        assert ends.tolist() == [start, start + size - 1]
        assert part.space is SPACE
        index = part.draw(50, torch.Generator().manual_seed(0))
        assert (index >= start).all() and (index < start + size).all()
        start += size
    assert start == len(twin)
    assert repr(part).endswith("the published test")
    with pytest.raises(ValueError, match="train, valid, test; got 'dev'"):
        twin.published("dev")  # type: ignore[arg-type]


def test_parts_share_no_face_and_keep_to_the_splits(twin: TwinFaces) -> None:
    train, rest = twin.split((0.75, 0.25), seed=3)
    mine = train.points(torch.arange(len(train)))
    theirs = rest.points(torch.arange(len(rest)))
    assert len(torch.cat((mine, theirs)).unique()) == FACES
    assert mine.max() < SPLITS["train"]
    assert (theirs >= SPLITS["train"]).sum() == SPLITS["valid"] + SPLITS["test"]
    other = twin.part(0, 0.75, seed=4).points(torch.arange(len(train)))
    assert not torch.equal(mine, other)
    inner, outer = twin.published("train").split((0.5, 0.5))
    first = inner.points(torch.arange(len(inner)))
    assert first.max() < SPLITS["train"]
    assert (outer.positions(first[:100]) < 0).all()
