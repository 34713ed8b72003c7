"""The reader of real chairs, on files made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dlib.data import DataError
from dlib.data.chairs_sample import SAMPLE, SHAPE, real_chairs


def write(folder: Path, images: np.ndarray) -> None:
    np.savez(folder / SAMPLE, images=images)


def test_pictures_are_as_they_are_stored(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (*SHAPE[:3], 1), np.uint8)
    write(tmp_path, grey.repeat(3, 3))
    found = real_chairs(tmp_path)
    assert tuple(found.shape) == (100, 1, 64, 64) and found.dtype == torch.uint8
    assert np.array_equal(found[7, 0].numpy(), grey[7, :, :, 0])


def test_what_is_no_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"no {SAMPLE} in .*DLIB_DATA"):
        real_chairs(tmp_path)
    write(tmp_path, np.zeros((3, 64, 64, 3), np.uint8))
    with pytest.raises(DataError, match=r"shape \(3, 64, 64, 3\)"):
        real_chairs(tmp_path)
    write(tmp_path, np.zeros(SHAPE, np.float32))
    with pytest.raises(DataError, match="type float32"):
        real_chairs(tmp_path)
    whole = (tmp_path / SAMPLE).read_bytes()
    (tmp_path / SAMPLE).write_bytes(whole[:100])
    with pytest.raises(DataError, match="cannot be read"):
        real_chairs(tmp_path)
    np.savez(tmp_path / SAMPLE, others=np.zeros(SHAPE, np.uint8))
    with pytest.raises(DataError, match="cannot be read"):
        real_chairs(tmp_path)
