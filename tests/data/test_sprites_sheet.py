"""The reader of a real sheet, on sheets made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dlib.data import DataError
from dlib.data.sprites_sheet import SHEET, real_sheet


def write(folder: Path, width: int = 512, height: int = 384) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(folder / SHEET)
    return pixels


def test_tiles_are_where_they_stand_and_cut_to_their_middle(tmp_path: Path) -> None:
    pixels = write(tmp_path)
    sheet = real_sheet(tmp_path)
    assert tuple(sheet.shape) == (6, 8, 3, 60, 60) and sheet.dtype == torch.uint8
    tile = pixels[2 * 64 : 3 * 64, 5 * 64 : 6 * 64][2:62, 2:62]
    assert np.array_equal(sheet[2, 5].permute(1, 2, 0).numpy(), tile)


def test_what_is_no_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no {SHEET} in .*DLIB_DATA"):
        real_sheet(tmp_path)
    write(tmp_path, 256)
    with pytest.raises(DataError, match=r"256 x 384 pixels.* 512 x 384"):
        real_sheet(tmp_path)
    write(tmp_path)
    whole = (tmp_path / SHEET).read_bytes()
    (tmp_path / SHEET).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot be read as a PNG"):
        real_sheet(tmp_path)
    (tmp_path / SHEET).write_bytes(b"not a picture")
    with pytest.raises(DataError, match="cannot be read as a PNG"):
        real_sheet(tmp_path)
