"""Real frames of MPI3D toy, where they are at hand, to hold the twin against.

None of the pictures is part of this package. They come from the official file, or
from panels that its authors publish: on their page one factor at a time goes to its
last value and back, from one fixed point, in twenty frames.

Pictures: Gondal et al. (2019), github.com/rr-learning/disentanglement_dataset,
CC BY 4.0.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dlib.data.download import DataError, data_folder, find
from dlib.data.mpi3d import SPACE

PANELS = "mpi3d_toy1_panels.npz"  # images: uint8 (7 panels, 20 frames, 64, 64, 3)
FRAMES = 20  # of a panel
BASE = (3, 4, 1, 1, 1, 22, 21)  # what these panels rest at: a large blue pyramid
EACH = 4  # frames of a panel that are taken
WHOLE = 60  # rows of a panel's frame that are picture; those below are its white edge


def panel_factors(base: Sequence[int] = BASE) -> Tensor:
    """Factors of the published panels: one goes up to its last value, and back.

    Parameters
    ----------
    base : sequence of int
        Indices that the factors rest at.

    Returns
    -------
    Tensor
        int64 (7 panels, 20 frames, 7).
    """
    frames = torch.tensor(base).repeat(len(SPACE.sizes), FRAMES, 1)
    for panel, (first, n) in enumerate(zip(base, SPACE.sizes, strict=True)):
        steps = np.linspace(first, first + 2 * n, FRAMES, endpoint=False)
        index = np.ceil(steps - 1e-9).astype(int) % (2 * n)
        frames[panel, :, panel] = torch.tensor(np.minimum(index, 2 * n - 1 - index))
    return frames


def frame_factors() -> Tensor:
    """Factors of the frames of :func:`real_frames`, int64 (28, 7): 4 for each factor.

    In each group of four, one factor goes through its values in their order.
    """
    return _chosen(panel_factors())


def real_frames(root: str | os.PathLike[str] | None = None) -> tuple[Tensor, Tensor]:
    """28 real frames of MPI3D toy and what they show, four for each factor.

    From the published panels where they lie in the data folder as an npz
    (``mpi3d_toy1_panels.npz``), else from the official file. A frame of a panel has
    256 colours at most, and its rows 60 to 63 are not picture but the panel's white
    edge; leave them out of any comparison.

    Parameters
    ----------
    root : path, optional
        The data folder; see :func:`dlib.data.load`.

    Returns
    -------
    images : Tensor
        uint8 (28, 3, 64, 64).
    factors : Tensor
        int64 (28, 7).

    Raises
    ------
    DataError
        If neither is there, or the panels are not of the form that is expected.

    Notes
    -----
    Pictures by Gondal et al. (2019), "On the Transfer of Inductive Bias from
    Simulation to the Real World: a New Disentanglement Dataset", CC BY 4.0.
    """
    factors = frame_factors()
    path = data_folder(root) / PANELS
    if path.is_file():
        return _chosen(_read(path)), factors
    if find("mpi3d", root) is None:
        raise DataError(
            f"no real frames of MPI3D in {data_folder(root)}: there is neither "
            f"{PANELS} nor the official file. `dlib data get mpi3d` fetches the "
            "latter; or name a folder that has one of them (root=... or DLIB_DATA)"
        )
    from dlib.data.load import load  # which imports the twin beside this

    return load("mpi3d", source="official", root=root).render(factors), factors


def _read(path: os.PathLike[str]) -> Tensor:
    shape = (len(SPACE.sizes), FRAMES, 64, 64, 3)
    try:
        with np.load(path, allow_pickle=False) as panels:
            images = panels["images"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} cannot be read as panels ({error})") from error
    if images.shape != shape or images.dtype != np.uint8:
        raise DataError(
            f"{path}: images has shape {images.shape} and type {images.dtype}, where "
            f"panels have {shape} and uint8"
        )
    return torch.from_numpy(images).permute(0, 1, 4, 2, 3)


def _chosen(panels: Tensor) -> Tensor:
    """Four frames of each panel, its factor rising: (7, 20, ...) to (28, ...)."""
    kept = torch.linspace(0, FRAMES - 1, EACH).round().long()
    moving = panel_factors().diagonal(dim1=0, dim2=2).T  # (7, 20)
    order = moving.argsort(dim=1, stable=True)[:, kept]
    return torch.cat([panel[k] for panel, k in zip(panels, order, strict=True)])
