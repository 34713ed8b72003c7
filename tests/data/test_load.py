"""load(): which source is taken, and what it says where it cannot."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from dlib.data import official
from dlib.data.download import DataError, official_file
from dlib.data.dsprites import SPACE, TwinDSprites
from dlib.data.factors import Factor, FactorSpace
from dlib.data.load import load
from dlib.data.official import OfficialDSprites

THIN = FactorSpace([Factor(f.name, f.values[:2], f.kind) for f in SPACE.factors])


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DLIB_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def small_official(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small dSprites file under the official name, where load looks."""
    monkeypatch.setattr(OfficialDSprites.__init__, "__defaults__", ("cpu", THIN))
    path = folders / "data" / official_file("dsprites").filename
    path.parent.mkdir()
    images = TwinDSprites().render(THIN.grid())[:, 0].numpy() // 255
    classes = np.insert(THIN.grid().numpy(), 0, 0, axis=1)
    np.savez_compressed(path, imgs=images, latents_classes=classes)
    return path


def test_auto_without_a_file_is_the_twin(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "dlib.data"):
        dataset = load("dsprites")
    assert dataset.source == "twin"
    assert "(twin)" in repr(dataset)
    assert "dsprites (twin): 737,280 images" in caplog.text


def test_auto_takes_the_official_file(
    small_official: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "dlib.data"):
        dataset = load("dsprites")
    assert dataset.source == "official"
    assert "(official)" in repr(dataset)
    assert str(small_official) in repr(dataset)
    assert "dsprites (official): 32 images" in caplog.text
    assert load("dsprites", source="twin").source == "twin"


def test_root_goes_before_the_environment(small_official: Path, tmp_path: Path) -> None:
    assert load("dsprites", root=tmp_path).source == "twin"
    assert load("dsprites", root=small_official.parent).source == "official"


def test_both_sources_have_one_face(small_official: Path) -> None:
    official, twin = load("dsprites"), load("dsprites", source="twin")
    factors = THIN.grid()
    assert torch.equal(official.render(factors), twin.render(factors))
    parts = official.split((0.5, 0.25), seed=1)
    assert [len(part) for part in parts] == [16, 8]
    assert parts[0].source == "official"
    images, drawn = parts[1].sample(5, torch.Generator().manual_seed(0))
    assert torch.equal(images, twin.render(drawn))


def test_other_sizes_are_the_twin(small_official: Path) -> None:
    dataset = load("dsprites", size=32)
    assert dataset.source == "twin"
    assert dataset.size == 32
    with pytest.raises(DataError, match=r"pictures are 64x64, and size=32 .*twin"):
        load("dsprites", source="official", size=32)


def test_shapes3d_by_name() -> None:
    dataset = load("shapes3d", source="auto", size=8)
    assert (dataset.name, dataset.source, dataset.size) == ("shapes3d", "twin", 8)
    assert dataset.channels == 3


def test_official_that_is_not_there(folders: Path) -> None:
    with pytest.raises(
        DataError, match=r"no 3dshapes\.h5 in .*dlib data get shapes3d.*twin"
    ):
        load("shapes3d", source="official")


def test_a_damaged_official_file_is_not_passed_over(small_official: Path) -> None:
    small_official.write_bytes(small_official.read_bytes()[:-100])
    with pytest.raises(DataError, match="truncated or damaged"):
        load("dsprites")


def test_official_file_of_another_size_of_grid(
    small_official: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OfficialDSprites.__init__, "__defaults__", ("cpu", SPACE))
    with pytest.raises(DataError, match=r"where the official file has \(737280, 64"):
        load("dsprites")
    assert official.SIZE == 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "imagenet"}, "no data set 'imagenet'; there are dsprites, shapes3d"),
        (
            {"name": "dsprites", "source": "web"},
            "one of auto, twin, sample, official; got",
        ),
        ({"name": "dsprites", "size": 0}, "positive number of pixels, got 0"),
        ({"name": "dsprites", "size": 64.0}, r"positive number of pixels, got 64\.0"),
        ({"name": "dsprites", "size": True}, "positive number of pixels, got True"),
        ({"name": "dsprites", "size": 4}, "size must be at least 8"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(**arguments)
