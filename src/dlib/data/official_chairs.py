"""The reader of 3D Chairs: renderings of models of chairs, in a tar.

The pictures take 354 MB of the cache folder at 64 pixels. No checksum of the archive is
published, so all that is read is looked at. What it holds besides is passed over.
"""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from dlib.data.dataset import Grid
from dlib.data.download import DataError, official_file
from dlib.data.factors import Factor, FactorSpace
from dlib.data.official_pictures import PictureArchive, decoded
from dlib.data.order import BlockOrder

if TYPE_CHECKING:
    from PIL.Image import Image

# Model, elevation and azimuth, as in rendered_chairs/1a2b...09a4/renders/
# image_001_p020_t011_r096.png. The first number runs from 000 to 030 at the lower
# elevation and from 032 to 062 at the other one, and the last, the distance, is always
# 096: so programs of several authors have it that read the files (the azimuths: 000,
# 011, 023, 034 and so on, whole degrees of 360 k / 31), for we have not seen them.
# Whatever stands before the folder: what is wrong with it is said, not passed over.
MEMBER = re.compile(
    r"(?:.*/)?rendered_chairs/([^/]+)/renders/"
    r"image_[0-9]+_p([0-9]{1,3})_t([0-9]{1,3})_r[0-9]+\.png"
)
LARGEST_MEMBER = 1 << 24  # bytes of a picture; its pixels take 1 MB, not packed
LARGEST_PICTURE = 20_000_000  # its pixels; the official ones have 360,000

TRAINING = 0.8  # of the models


class Published(NamedTuple):
    """What the archive is held to."""

    models: int
    azimuths: int  # evenly around the chair, from 0
    elevations: tuple[int, ...]  # degrees


PUBLISHED = Published(1393, 31, (20, 30))


class OfficialChairs(Grid):
    """3D Chairs (Aubry et al. 2014), from the official file.

    1,393 models of chairs, each seen from 31 azimuths and 2 elevations. Models are
    numbered in the order in which the archive has them. Azimuths and elevations are in
    degrees; the file's names have the whole degrees only.

    Pictures are made grey and resized from 600 x 600 pixels; nothing is cropped. A
    pixel is the mean of those that it takes the place of: Lanczos' filter would draw
    rings on the white around a chair.

    A part has all views of a model or none. The first 80% of the models come first: as
    Kumar et al. (2018) say of theirs, ``part(0, 0.8)`` has the "First 80% of the
    models", and ``part(0.8, 1)`` the rest. But they take 809 models, "Following earlier
    work that ignores near-duplicates". Which these are is listed nowhere that we have,
    so all 1,393 are read.

    Parameters
    ----------
    path : path
        The archive, ``rendered_chairs.tar``.
    size : int
        Side of the pictures in pixels.
    device : torch.device or str
        Where pictures are delivered.
    published : Published
        What the archive is checked against.

    Raises
    ------
    DataError
        If the archive is missing or damaged, a model lacks a view or has one twice or
        another one, there are more models or fewer, a picture cannot be read, is not
        square, is too large or no plain file, or there is no room in the cache folder.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: int = 64,
        device: torch.device | str = "cpu",
        published: Published = PUBLISHED,
    ) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            file = official_file("chairs")
            raise DataError(
                f"there is no archive {self.path}; name {file.filename}, which its "
                f"authors serve at {file.url}"
            )
        models, azimuths, elevations = published
        space = FactorSpace(
            [
                Factor("model", tuple(map(float, range(models))), "categorical"),
                Factor("azimuth", tuple(k * 360 / azimuths for k in range(azimuths))),
                Factor("elevation", tuple(map(float, elevations))),
            ]
        )
        super().__init__("chairs", "official", space, 1, size, device)
        self.looks = azimuths * len(elevations)  # the views of a model stay together
        self._rows = _Archive(self.path, size, published).rows(space)

    def _render(self, factors: Tensor) -> Tensor:
        rows = self._rows.take(self.space.to_index(factors)).to(self.device)
        return rows.view(-1, 1, self.size, self.size)

    def random_order(self, seed: int) -> BlockOrder:
        """Of models: the first 80% in a random order, then the others in another."""
        models = self.space.sizes[0]
        first = round(TRAINING * models)
        return BlockOrder([first, models - first], seed)

    def __repr__(self) -> str:
        return f"{super().__repr__()}, from {self.path}"


class _Archive(PictureArchive):
    """The pictures, grey and resized, a row for each view of each model."""

    kind = "square picture"

    def __init__(self, path: Path, size: int, published: Published) -> None:
        models, azimuths, elevations = published
        views = [(k * 360 // azimuths, e) for k in range(azimuths) for e in elevations]
        super().__init__(
            path,
            "views",
            (models * len(views), size, size, 1),
            "It is not as we know its authors to publish it: get it again from "
            f"{official_file('chairs').url}; if it still is so, this reader, which was "
            "written without the file at hand, may be wrong",
        )
        self.views = views  # azimuth and elevation, in the order of rows
        self.models: dict[str, int] = {}  # their numbers, in the archive's order

    def members(self) -> Iterator[tuple[int, str, bytes]]:
        places = {view: place for place, view in enumerate(self.views)}
        with tarfile.open(self.path, "r:") as archive:
            for member in archive:
                match = MEMBER.fullmatch(member.name)
                if not match:
                    continue
                model, elevation, azimuth = match.groups()
                if member.name.startswith("/") or ".." in member.name.split("/"):
                    raise self.odd(
                        f"holds {member.name!r}, which leads out of the archive"
                    )
                place = places.get((int(azimuth), int(elevation)))
                if place is None:
                    azimuths, elevations = (
                        ", ".join(map(str, sorted(set(angles))))
                        for angles in zip(*self.views, strict=True)
                    )
                    raise self.odd(
                        f"holds {member.name!r}, where azimuths (t) are {azimuths} and "
                        f"elevations (p) {elevations}"
                    )
                number = self.models.setdefault(model, len(self.models))
                row = number * len(self.views) + place
                if row >= self.shape[0]:
                    raise self.odd(
                        f"holds {member.name!r}, of one model more than the "
                        f"{number:,} that are expected"
                    )
                yield row, member.name, self.content(archive, member, LARGEST_MEMBER)

    def name(self, row: int) -> str:
        number, place = divmod(row, len(self.views))
        azimuth, elevation = self.views[place]
        model = [*self.models, "one more model"][min(number, len(self.models))]
        return f"that from azimuth {azimuth} and elevation {elevation} of {model}"

    def picture(self, content: bytes) -> Image:
        """A picture in grey, resized."""
        from PIL.Image import Resampling

        whole = decoded(content, "PNG", "L", LARGEST_PICTURE)
        if whole.width != whole.height:
            raise ValueError(f"it has {whole.width} x {whole.height} pixels")
        size = self.shape[1]
        return whole.resize((size, size), Resampling.BOX)
