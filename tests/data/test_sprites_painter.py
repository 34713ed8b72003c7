"""The white bar that the paper tells of, on the twin of the sprites."""

from __future__ import annotations

import pytest
import torch

from dlib.data import TwinSprites
from dlib.data.sprites_space import POSES


@pytest.mark.parametrize("size", [32, 60])
def test_six_positions_stand_on_a_white_bar(size: int) -> None:
    twin = TwinSprites(size)
    pictures = twin.images(torch.arange(len(POSES)))
    row = round(57.0 / 60 * size - 0.5)
    standing = pictures[:, :, row, size // 6].amin(1) > 200
    hurt = [pose.action == "hurt" for pose in POSES]
    assert standing.tolist() == hurt and sum(hurt) == 6
