"""A hundred real pictures of 3D Chairs, where they are at hand, beside the twin.

They are not part of this package: an npz of a sample sheet that the authors of a
library of disentanglement have published (github.com/YannDubs/disentangling-vae), a
picture that was a JPEG on its way, so that its white is not quite white.
"""

from __future__ import annotations

import os
import zipfile

import numpy as np
import torch
from torch import Tensor

from dlib.data.download import DataError, data_folder

SAMPLE = "chairs_real100_64px.npz"  # images: uint8 (100, 64, 64, 3)
SHAPE = (100, 64, 64, 3)


def real_chairs(root: str | os.PathLike[str] | None = None) -> Tensor:
    """A hundred real chairs, grey on white, from a file in the data folder.

    Parameters
    ----------
    root : path, optional
        The data folder; see :func:`dlib.data.load`.

    Returns
    -------
    Tensor
        uint8 (100, 1, 64, 64). Which chairs and which views they are, nobody says.

    Raises
    ------
    DataError
        If the file is not there, cannot be read, or is not of this form.
    """
    path = data_folder(root) / SAMPLE
    if not path.is_file():
        raise DataError(
            f"no {SAMPLE} in {data_folder(root)}: it is a sample of 3D Chairs, and not "
            "part of this library; name a folder that has it (root=... or DLIB_DATA)"
        )
    try:
        with np.load(path, allow_pickle=False) as sample:
            images = sample["images"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as a sample ({error})") from error
    if images.shape != SHAPE or images.dtype != np.uint8:
        raise DataError(
            f"{path}: images has shape {images.shape} and type {images.dtype}, where "
            f"the sample has {SHAPE} and uint8"
        )
    # Grey pictures, three times the same.
    return torch.from_numpy(images[..., 0].copy())[:, None]
