"""``load``: a data set by its name, from wherever it can be had."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple, overload

import torch

from dlib.data.chairs import TwinChairs
from dlib.data.dataset import Dataset, Grid
from dlib.data.download import DataError, data_folder, find, official_files
from dlib.data.dsprites import TwinDSprites
from dlib.data.faces import TwinFaces
from dlib.data.flowers import TwinFlowers
from dlib.data.mnist import SIZES as DIGIT_SIZES
from dlib.data.mnist import Digits, official_digits, sample_digits
from dlib.data.mpi3d import TwinMPI3D
from dlib.data.painted import Painted
from dlib.data.shapes3d import TwinShapes3D
from dlib.data.sprites import SIDE as SPRITE_SIDE
from dlib.data.sprites import TwinSprites

# Most official files have no other, in pixels.
SIZE = 64

log = logging.getLogger("dlib.data")

Device = torch.device | str


class Kind(NamedTuple):
    """A data set that has a name: what it is like, and how both sources are made.

    ``own`` is the source that needs no file, which ``make`` makes and ``version`` is
    the version of; ``sizes`` are those of the official pictures, the usual one first;
    ``files`` is the name under which those are published. Photographs are ``resized``,
    so that their official pictures are of any size.
    """

    channels: int
    sizes: tuple[int, ...]
    own: Literal["twin", "sample"]
    make: Callable[[int, Device], Dataset]
    version: int
    files: str
    official: Callable[[Path, int, Device], Dataset]
    resized: bool = False


def _official_dsprites(path: Path, size: int, device: Device) -> Grid:
    from dlib.data.official import OfficialDSprites

    return OfficialDSprites(path, device)


def _official_shapes3d(path: Path, size: int, device: Device) -> Grid:
    from dlib.data.official import OfficialShapes3D

    return OfficialShapes3D(path, device)


def _official_mpi3d(path: Path, size: int, device: Device) -> Grid:
    from dlib.data.official import OfficialMPI3D

    return OfficialMPI3D(path, device)


def _official_mnist(path: Path, size: int, device: Device) -> Digits:
    return official_digits(path.parent, size, device)


def _official_cmnist(path: Path, size: int, device: Device) -> Painted:
    return Painted(_official_mnist(path, size, device))


def _sample_cmnist(size: int, device: Device) -> Painted:
    return Painted(sample_digits(size, device))


def _official_flowers(path: Path, size: int, device: Device) -> Dataset:
    from dlib.data.official_flowers import OfficialFlowers

    return OfficialFlowers(path, size, device)


def _official_sprites(path: Path, size: int, device: Device) -> Dataset:
    from dlib.data.official_sprites import OfficialSprites

    return OfficialSprites(path, device)


def _official_celeba(path: Path, size: int, device: Device) -> Dataset:
    from dlib.data.official_celeba import OfficialCelebA

    return OfficialCelebA(path, size, device)


def _official_chairs(path: Path, size: int, device: Device) -> Grid:
    from dlib.data.official_chairs import OfficialChairs

    return OfficialChairs(path, size, device)


KINDS = {
    "dsprites": Kind(
        1, (SIZE,), "twin", TwinDSprites, TwinDSprites.version, "dsprites",
        _official_dsprites,
    ),
    "shapes3d": Kind(
        3, (SIZE,), "twin", TwinShapes3D, TwinShapes3D.version, "shapes3d",
        _official_shapes3d,
    ),
    "mpi3d": Kind(
        3, (SIZE,), "twin", TwinMPI3D, TwinMPI3D.version, "mpi3d", _official_mpi3d
    ),
    "mnist": Kind(
        1, DIGIT_SIZES, "sample", sample_digits, Digits.version, "mnist",
        _official_mnist,
    ),
    "cmnist": Kind(
        3, DIGIT_SIZES, "sample", _sample_cmnist, Painted.version, "mnist",
        _official_cmnist,
    ),
    "flowers": Kind(
        3, (SIZE,), "twin", TwinFlowers, TwinFlowers.version, "flowers",
        _official_flowers, resized=True,
    ),
    "sprites": Kind(
        3, (SPRITE_SIDE,), "twin", TwinSprites, TwinSprites.version, "sprites",
        _official_sprites,
    ),
    "celeba": Kind(
        3, (SIZE,), "twin", TwinFaces, TwinFaces.version, "celeba",
        _official_celeba, resized=True,
    ),
    "chairs": Kind(
        1, (SIZE,), "twin", TwinChairs, TwinChairs.version, "chairs",
        _official_chairs, resized=True,
    ),
}  # fmt: skip
NAMES = tuple(KINDS)
SOURCES = ("auto", "twin", "sample", "official")

Chosen = Literal["auto", "twin", "sample", "official"]


@overload
def load(
    name: Literal["dsprites", "shapes3d", "mpi3d", "chairs"],
    source: Chosen = "auto",
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    device: torch.device | str = "cpu",
) -> Grid: ...


@overload
def load(
    name: str,
    source: Chosen = "auto",
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    device: torch.device | str = "cpu",
) -> Dataset: ...


def load(
    name: str,
    source: Chosen = "auto",
    size: int | None = None,
    root: str | os.PathLike[str] | None = None,
    device: torch.device | str = "cpu",
) -> Dataset:
    """A data set by its name.

    Parameters
    ----------
    name : str
        "dsprites", "shapes3d", "mpi3d", "mnist", "cmnist", "flowers", "sprites",
        "celeba" or "chairs". CMNIST is MNIST :class:`Painted` in ten hues.
    source : {"auto", "twin", "sample", "official"}
        A twin is rendered, and a sample is real pictures that a package ships: 5,000
        of MNIST's digits. Neither needs a file, and a data set has one of the two.
        ``"auto"`` takes the official files where they lie in the data folder, and the
        twin or the sample elsewhere; which of them it was stands in
        ``dataset.source`` and in what the data set prints.
    size : int, optional
        Width and height in pixels. The official files have 64 only, those of sprites
        60, which is what is taken if this is left out; twins draw other sizes, and the
        pictures of flowers, faces (CelebA) and chairs are resized to them. MNIST's
        digits have 28, or 32 with a border of two black pixels.
    root : path, optional
        Folder with the official files. Left out: ``$DLIB_DATA``, else a folder in
        the user's cache (``dlib data where`` prints it).
    device : torch.device or str
        Where pictures are made.

    Returns
    -------
    Dataset
        ``sample``, ``split`` and ``space`` are alike for all sources. All but digits,
        flowers, sprites and faces are a :class:`Grid`, which has ``render`` too. Of the
        photographs of flowers only the species is known, and of faces their attributes;
        their ``published("train")``, ``"valid"`` and ``"test"`` are the parts that
        their authors publish, and sprites have such parts too.

    Raises
    ------
    DataError
        A ValueError: if the name or the source is unknown, the data set has no such
        source, the size is not a number of pixels or not to be had from it, the
        official file is not there or cannot be read, or the package with the sample
        is not installed.

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
    kind = KINDS[name]
    if source not in ("auto", kind.own, "official"):
        raise DataError(
            f"{name} has no {source}; its source is {kind.own} or official, or auto, "
            "which takes what is there"
        )
    size = kind.sizes[0] if size is None else size
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise DataError(f"size must be a positive number of pixels, got {size!r}")

    sized = kind.resized or size in kind.sizes
    if source == "official" and not sized:
        there = " or ".join(f"{s}x{s}" for s in kind.sizes)
        other = ', or source="twin", which draws other sizes'
        raise DataError(
            f"the official {name} pictures are {there}, and size={size} was asked "
            f"for; use size={kind.sizes[0]}{other if kind.own == 'twin' else ''}"
        )
    path = find(kind.files, root) if source != kind.own and sized else None
    if source == "official" and path is None:
        folder = data_folder(root)
        files = official_files(kind.files)
        names = [file.filename for file in files]
        absent = ", ".join(n for n in names if not (folder / n).is_file())
        fetch = f"fetch it with `dlib data get {kind.files}`"
        if not all(file.checksum for file in files):
            fetch = f"get it by hand from {files[0].url}"
        raise DataError(
            f"there is no {absent} in {folder}; {fetch}, name its folder (root=... or "
            f'DLIB_DATA), or use source="{kind.own}", which needs no file'
        )
    if path is not None:
        dataset = kind.official(path, size, device)
    else:
        dataset = kind.make(size, device)
    log.info("%s", dataset)
    return dataset
