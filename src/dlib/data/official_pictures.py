"""What the readers of archives of pictures share: Flowers, CelebA and 3D Chairs.

An archive is read once from its beginning to its end, and nothing is extracted: each
picture goes through memory into its row of an array in the cache folder, one for each
size that is asked for. How much of a member is read is limited, and so is how many
pixels it is unpacked to.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from dlib.data.dataset import Dataset
from dlib.data.download import DataError, OfficialFile, matches
from dlib.data.factors import FactorSpace
from dlib.data.listed import Listed
from dlib.data.official import _check_exists, _Contents, _Rows, _unpack

if TYPE_CHECKING:
    from PIL.Image import Image

Split = Literal["train", "valid", "test"]

# The last is of a zip whose members are encrypted, or packed in an unknown way.
DAMAGE = (
    tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, OSError, RuntimeError,
)  # fmt: skip


class Photographs(Dataset):
    """Photographs of an archive, and the parts of them that their authors publish.

    Parameters
    ----------
    name : str
        Of the data set.
    space : FactorSpace
        Names and kinds of what is known of them.
    archive : PictureArchive
        Whose pictures have three channels.
    splits : dict
        The points of each official part, int64.
    device : torch.device or str
        Where pictures are delivered.
    """

    def __init__(
        self,
        name: str,
        space: FactorSpace,
        archive: PictureArchive,
        splits: dict[Split, Tensor],
        device: torch.device | str,
    ) -> None:
        super().__init__(name, "official", space, 3, archive.shape[1], device)
        self.path = archive.path
        self._length = archive.shape[0]
        self._splits = splits
        self._rows = archive.rows(space)

    def __len__(self) -> int:
        return self._length

    def images(self, index: Tensor) -> Tensor:
        rows = self._rows.take(index.reshape(-1)).to(self.device)
        pictures = rows.view(-1, self.size, self.size, 3).permute(0, 3, 1, 2)
        shape = (*index.shape, 3, self.size, self.size)
        return pictures.contiguous().view(shape)

    def published(self, split: Split) -> Dataset:
        """One of the three parts that the authors publish.

        Parameters
        ----------
        split : {"train", "valid", "test"}
            To train, to validate and to test on.

        Raises
        ------
        ValueError
            If there is no such part.
        """
        if split not in self._splits:
            raise ValueError(
                f"the official parts are {', '.join(self._splits)}; got {split!r}"
            )
        return Listed(self, self._splits[split], f"the official {split}")

    def __repr__(self) -> str:
        return f"{super().__repr__()}, from {self.path}"


class PictureArchive(_Contents):
    """The pictures of an archive, each made into a row, in the archive's order.

    Parameters
    ----------
    path : Path
        The archive.
    what : str
        What it holds, such as ``"photographs"``.
    shape : (int, int, int, int)
        Of all rows: number of pictures, size, size, channels.
    advice : str
        What to do if it is not as it should be: a sentence without its full stop.
    """

    # Of a picture that is not what it should be, it is said that it is no such one.
    kind = "picture"

    def __init__(
        self, path: Path, what: str, shape: tuple[int, int, int, int], advice: str
    ) -> None:
        super().__init__(path, what, shape, np.uint8)
        self.variant = f"-{shape[1]}"
        self.advice = advice

    def members(self) -> Iterator[tuple[int, str, bytes]]:
        """The row, the name and the content of each picture, in the archive's order."""
        raise TypeError(f"{type(self).__name__} must define members")

    def name(self, row: int) -> str:
        """What the picture of a row is called, for people."""
        raise TypeError(f"{type(self).__name__} must define name")

    def picture(self, content: bytes) -> Image:
        """A picture as it is kept, of its row's size and channels.

        What Pillow raises, or a ValueError, if it cannot be had from ``content``.
        """
        raise TypeError(f"{type(self).__name__} must define picture")

    def rows(self, space: FactorSpace) -> _Rows:
        """The rows, from the cache folder; they are written there if need be."""
        return _Rows(_unpack(self, space, None, constants=0, bits=False))

    def placed(self) -> Iterator[tuple[int, np.ndarray]]:
        seen = np.zeros(self.shape[0], bool)
        try:
            for row, name, content in self.members():
                if seen[row]:
                    raise self.odd(f"has {name!r} twice")
                yield row, self._read(name, content)
                seen[row] = True
        except DAMAGE as error:
            # What the disk refuses has a number; what is wrong with the file has none.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise self.odd(f"is truncated or damaged ({error})") from error
        if not seen.all():
            raise self.odd(
                f"has {int(seen.sum()):,} of {len(seen):,} {self.pictures}; the first "
                f"that is missing is {self.name(int(seen.argmin()))}"
            )

    def _read(self, name: str, content: bytes) -> np.ndarray:
        from PIL.Image import DecompressionBombError

        try:
            pixels = np.asarray(self.picture(content))
        except (OSError, ValueError, SyntaxError, DecompressionBombError) as error:
            raise self.odd(
                f"holds {name}, which is no whole {self.kind} ({error})"
            ) from error
        return pixels.reshape(1, *self.shape[1:])

    def check_size(self, name: str, size: int, largest: int) -> None:
        """Raise unless a member is small enough to be read."""
        if size > largest:
            raise self.odd(
                f"holds {name!r} with {size:,} bytes; at most {largest:,} are read"
            )

    def content(
        self, archive: tarfile.TarFile, member: tarfile.TarInfo, largest: int
    ) -> bytes:
        """What is in a member of a tar, if it is a file and small enough."""
        if not member.isreg():
            raise self.odd(f"holds {member.name!r} as something else than a plain file")
        self.check_size(member.name, member.size, largest)
        file = archive.extractfile(member)
        assert file is not None  # it is a regular file
        return file.read()

    def odd(self, what: str) -> DataError:
        """Of an archive that is not as it should be: what it is, or holds."""
        return DataError(f"{self.path} {what}. {self.advice}")


def decoded(content: bytes, format: str, mode: str, largest: int) -> Image:
    """A picture of one format only, with so many pixels at most, in a mode of Pillow.

    What Pillow raises, or a ValueError, if there is none.
    """
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=[format]) as picture:
        width, height = picture.size
        if width * height > largest:
            raise ValueError(f"{width} x {height} pixels are too many")
        return picture.convert(mode)


# --- whether a file is what was published -----------------------------------


def again(file: OfficialFile) -> str:
    """What to do about a file that is not the published one."""
    return f"Delete it and fetch it again (dlib data get {file.name})"


def check_file(path: Path, file: OfficialFile) -> None:
    """Raise a DataError unless a file is there and of its published size."""
    _check_exists(path)
    size = path.stat().st_size
    if size != file.size:
        raise DataError(
            f"{path} has {size:,} bytes, and the published one {file.size:,}. "
            f"{again(file)}"
        )


def check_sum(path: Path, file: OfficialFile) -> None:
    """Raise a DataError unless a file has its published checksum."""
    if not matches(path, file):
        raise DataError(
            f"{path} does not have the published {file.algorithm}. {again(file)}"
        )


def beside(path: Path, files: tuple[OfficialFile, ...]) -> list[Path]:
    """Where the files are that belong to an archive, the first of ``files``.

    All are looked at, and their checksums are compared, but for the archive's own:
    that is for where it is read.

    Raises
    ------
    DataError
        If one is missing or is not the published one.
    """
    paths = [path, *(path.with_name(file.filename) for file in files[1:])]
    for each, file in zip(paths, files, strict=True):
        check_file(each, file)
    for each, file in zip(paths[1:], files[1:], strict=True):
        check_sum(each, file)
    return paths[1:]
