"""Folders of pictures: points that fill no grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dlib.data import DataError, FactorSpace, Pairs, Pictures, folder
from dlib.data.factors import Factor


def picture(path: Path, shade: int, shape: tuple[int, int] = (20, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*shape, 3), shade, np.uint8)).save(path)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    for i in range(6):
        picture(tmp_path / ("cat" if i % 2 else "dog") / f"{i}.png", 10 * i)
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = ["file,hair,age,smiling"]
    for i in range(8):
        picture(tmp_path / f"{i}.png", 20 * i)
        hair = "" if i == 3 else ("black" if i % 2 else "blond")
        rows.append(f"{i}.png,{hair},{20.5 + i % 3},{i % 2}")
    (tmp_path / "factors.csv").write_text("\n".join(rows))
    return tmp_path


def test_subfolders_are_a_factor_and_a_label(animals: Path) -> None:
    data = folder(animals, size=8)
    assert len(data) == 6 and data.source == "folder"
    assert data.space.names == ("folder",)
    assert data.space.factors[0].labels == ("cat", "dog")
    index = torch.arange(6)
    assert data.images(index).shape == (6, 3, 8, 8)
    assert data.labels(index).tolist() == [0, 0, 0, 1, 1, 1]
    assert data.images(index)[:, 0, 0, 0].tolist() == [10, 30, 50, 0, 20, 40]
    batch = data.batch(4, torch.Generator().manual_seed(0))
    assert batch.labels.shape == (4,) and batch.population == 6


def test_a_table_says_what_is_known_of_each(table: Path, device: torch.device) -> None:
    data = folder(table, size=8, channels=1, device=device)
    assert data.space.names == ("hair", "age", "smiling")
    assert data.space.kinds == ("categorical", "continuous", "categorical")
    assert data.space.factors[1].values == (20.5, 21.5, 22.5)
    factors = data.factors(torch.arange(8, device=device))
    assert factors[:, 0].tolist() == [1, 0, 1, -1, 1, 0, 1, 0]
    assert factors[:, 1].tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert data.images(torch.tensor([2], device=device)).shape == (1, 1, 8, 8)
    assert data.labels(torch.tensor([0])) is None


def test_pairs_of_a_folder_share_a_factor(table: Path) -> None:
    data = Pairs(folder(table, size=8), ["hair"], k=3)
    factors = data.factors(data.draw(100, torch.Generator().manual_seed(0)))
    assert bool((factors[..., 0] == factors[:, :1, 0]).all())
    assert not bool((factors[..., 1] == factors[:, :1, 1]).all())


def test_a_folder_is_split_without_a_common_picture(table: Path) -> None:
    first, second = folder(table, size=8).split((0.5, 0.5))
    places = [set(p.points(torch.arange(len(p))).tolist()) for p in (first, second)]
    assert places[0] | places[1] == set(range(8)) and not places[0] & places[1]


def test_pictures_are_cropped_to_a_centred_square(tmp_path: Path) -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    Image.fromarray(wide).save(tmp_path / "a.png")
    data = folder(tmp_path, size=10)
    assert int(data.images(torch.tensor([0])).min()) == 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,a\nmissing.png,1", "names 1 files that are not in"),
        ("file,a\n../outside.png,1", "names 1 files that are not in"),
        ("file\n0.png", "at least one factor"),
        ("picture,a\n0.png,1", "needs a column file"),
        ("file,a\n0.png,", "the column a is empty"),
        ("", "not a table with a header"),
    ],
)
def test_tables_that_make_no_sense_are_refused(
    table: Path, content: str, message: str
) -> None:
    picture(table.parent / "outside.png", 0)
    (table / "factors.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        folder(table, size=8)


def test_other_mistakes_say_what_is_wrong(animals: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        folder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"there is no picture in .*empty"):
        folder(tmp_path / "empty")
    with pytest.raises(DataError, match="channels must be 1 or 3"):
        folder(animals, channels=2)
    (animals / "cat" / "broken.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(DataError, match=r"broken\.png cannot be read as a picture"):
        folder(animals)


def test_too_many_values_are_no_factor(tmp_path: Path) -> None:
    rows = ["file,row"]
    picture(tmp_path / "a.png", 0)
    rows += [f"a.png,{i}" for i in range(1001)]
    (tmp_path / "factors.csv").write_text("\n".join(rows))
    with pytest.raises(DataError, match="1,001 different values"):
        folder(tmp_path, size=8)


def test_pictures_in_memory_are_checked() -> None:
    space = FactorSpace([Factor("a", (0.0, 1.0))])
    images, factors = torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.zeros(4, 1)
    with pytest.raises(ValueError, match="images must be uint8"):
        Pictures(images.float(), factors.long(), space)
    with pytest.raises(ValueError, match=r"factors must have shape \(4, 1\)"):
        Pictures(images, factors[:3].long(), space)
    with pytest.raises(ValueError, match=r"a must be in 0\.\.1"):
        Pictures(images, factors.long() + 2, space)
    with pytest.raises(ValueError, match=r"labels must have shape \(4,\)"):
        Pictures(images, factors.long(), space, torch.zeros(3))
