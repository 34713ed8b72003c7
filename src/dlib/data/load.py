"""``load``: a data set by its name, from wherever it can be had."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from dlib.data.dataset import Grid
from dlib.data.download import DataError, data_folder, find, official_file
from dlib.data.dsprites import TwinDSprites
from dlib.data.mpi3d import TwinMPI3D
from dlib.data.shapes3d import TwinShapes3D

# The official files have no other, in pixels.
SIZE = 64

log = logging.getLogger("dlib.data")

Device = torch.device | str


class Kind(NamedTuple):
    """A data set that has a name: its channels, and how both sources are made."""

    channels: int
    twin: type[TwinDSprites] | type[TwinShapes3D] | type[TwinMPI3D]
    official: Callable[[Path, Device], Grid]


def _official_dsprites(path: Path, device: Device) -> Grid:
    from dlib.data.official import OfficialDSprites

    return OfficialDSprites(path, device)


def _official_shapes3d(path: Path, device: Device) -> Grid:
    from dlib.data.official import OfficialShapes3D

    return OfficialShapes3D(path, device)


def _official_mpi3d(path: Path, device: Device) -> Grid:
    from dlib.data.official import OfficialMPI3D

    return OfficialMPI3D(path, device)


KINDS = {
    "dsprites": Kind(1, TwinDSprites, _official_dsprites),
    "shapes3d": Kind(3, TwinShapes3D, _official_shapes3d),
    "mpi3d": Kind(3, TwinMPI3D, _official_mpi3d),
}
NAMES = tuple(KINDS)
SOURCES = ("auto", "twin", "official")


def load(
    name: str,
    source: Literal["auto", "twin", "official"] = "auto",
    size: int = 64,
    root: str | os.PathLike[str] | None = None,
    device: torch.device | str = "cpu",
) -> Grid:
    """A data set by its name.

    Parameters
    ----------
    name : {"dsprites", "shapes3d", "mpi3d"}
        Which.
    source : {"auto", "twin", "official"}
        The twin is rendered and needs no file. ``"auto"`` takes the official file
        where it lies in the data folder, and the twin elsewhere; which of the two
        it was stands in ``dataset.source`` and in what the data set prints.
    size : int
        Width and height in pixels. The official files have 64 only.
    root : path, optional
        Folder with the official files. Left out: ``$DLIB_DATA``, else a folder in
        the user's cache (``dlib data where`` prints it).
    device : torch.device or str
        Where pictures are made.

    Returns
    -------
    Grid
        ``render``, ``sample``, ``split`` and ``space`` are alike for both sources.

    Raises
    ------
    DataError
        A ValueError: if the name or the source is unknown, the size is not a
        number of pixels or not to be had from the official file, or the official
        file is not there or cannot be read.

    Examples
    --------
    >>> dataset = load("dsprites", source="twin", size=32)
    >>> images, factors = dataset.sample(4, torch.Generator().manual_seed(0))
    >>> tuple(images.shape)
    (4, 1, 32, 32)
    """
    if name not in NAMES:
        raise DataError(f"no data set {name!r}; there are {', '.join(NAMES)}")
    if source not in SOURCES:
        raise DataError(f"source must be one of {', '.join(SOURCES)}; got {source!r}")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise DataError(f"size must be a positive number of pixels, got {size!r}")

    if source == "official" and size != SIZE:
        raise DataError(
            f"the official {name} pictures are {SIZE}x{SIZE}, and size={size} was "
            f'asked for; use size={SIZE}, or source="twin", which draws other sizes'
        )
    path = find(name, root) if source != "twin" and size == SIZE else None
    if source == "official" and path is None:
        raise DataError(
            f"there is no {official_file(name).filename} in {data_folder(root)}; "
            f"fetch it with `dlib data get {name}`, name its folder (root=... or "
            'DLIB_DATA), or use source="twin", which needs no file'
        )
    if path is not None:
        dataset = KINDS[name].official(path, device)
    else:
        dataset = KINDS[name].twin(size, device)
    log.info("%s", dataset)
    return dataset
