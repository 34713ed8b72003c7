"""A real sheet of the Pixel Cup's sprites, where it is at hand, beside the twin.

The sheet is not part of this package: it is a picture by the authors of the Liberated
Pixel Cup (CC BY-SA 3.0, GPL 3.0), of six characters in eight poses.
"""

from __future__ import annotations

import os

import numpy as np
import torch
from torch import Tensor

from dlib.data.download import DataError, data_folder

SHEET = "lpc_demo_64px.png"
ROWS, COLUMNS, TILE, SIDE = 6, 8, 64, 60


def real_sheet(root: str | os.PathLike[str] | None = None) -> Tensor:
    """Six real characters in eight poses, from a sheet in the data folder.

    Each tile of 64 pixels is cut to its middle 60, the size of the official pictures.

    Parameters
    ----------
    root : path, optional
        The data folder; see :func:`dlib.data.load`.

    Returns
    -------
    Tensor
        uint8 (6, 8, 3, 60, 60).

    Raises
    ------
    DataError
        If the sheet is not there, cannot be read, or has another size.
    """
    from PIL import Image

    path = data_folder(root) / SHEET
    if not path.is_file():
        raise DataError(
            f"no {SHEET} in {data_folder(root)}: it is a sheet of the Liberated Pixel "
            "Cup, and not part of this library; name a folder that has it (root=... or "
            "DLIB_DATA)"
        )
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            size = picture.size
            wanted = COLUMNS * TILE, ROWS * TILE
            if size != wanted:
                raise DataError(
                    f"{path} has {size[0]} x {size[1]} pixels, where the sheet has "
                    f"{wanted[0]} x {wanted[1]}: eight poses of six sprites"
                )
            pixels = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path} cannot be read as a PNG ({error})") from error
    tiles = torch.from_numpy(pixels.copy()).view(ROWS, TILE, COLUMNS, TILE, 3)
    tiles = tiles.permute(0, 2, 4, 1, 3)
    edge = (TILE - SIDE) // 2
    return tiles[..., edge : edge + SIDE, edge : edge + SIDE].contiguous()
