"""The official files: where they come from, where they lie, how they are fetched.

pooch does the fetching: a temporary name, the checksum, and only then the file's
own name. What is added here is a download that goes on where a broken connection
stopped, a look at the free space beforehand, and errors that say what to do.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from dlib.storage import cache_folder

if TYPE_CHECKING:
    import requests
    from tqdm import tqdm

Format = Literal["npz", "hdf5", "idx", "jpeg", "png", "mat"]

log = logging.getLogger("dlib.data")

PARTIAL = ".dlib-partial-"  # folders of downloads under way
STALE = 24 * 3600.0  # seconds after which one is taken for that of a killed process
WAITS = (1.0, 3.0, 10.0)  # seconds before each further try of a broken download
TIMEOUT = (10.0, 30.0)  # seconds to connect, and between two pieces
PIECE = 1 << 18  # bytes written at a time


class DataError(ValueError):
    """A data set that cannot be had as asked; the message says what to do."""


@dataclass(frozen=True)
class OfficialFile:
    """One published file.

    Parameters
    ----------
    name : str
        Of the data set, such as ``"dsprites"``.
    format : {"npz", "hdf5", "idx", "jpeg", "png", "mat"}
        How the pictures are written, in it or in the file that it belongs to.
    filename : str
        The publisher's name for it, kept on disk.
    url : str
        Where the publisher serves it.
    checksum : str or None
        ``"algorithm:digest"``, as pooch reads it; None where nobody publishes one.
        Such a file is not fetched, but read where it was put by hand.
    size : int
        Bytes, for the look at the free space; 0 where they are not known.
    unpacked : str
        A file of the folder that this archive unpacks to, where the folder does as
        well as the archive.
    """

    name: str
    format: Format
    filename: str
    url: str
    checksum: str | None
    size: int
    unpacked: str = ""

    @property
    def algorithm(self) -> str:
        """Of the checksum, such as ``"md5"``; empty where none is published."""
        return self.checksum.split(":")[0] if self.checksum else ""


_DSPRITES = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
_DSPRITES_URL = "https://github.com/google-deepmind/dsprites-dataset/raw/master/"


def _mnist(filename: str, md5: str, size: int) -> OfficialFile:
    # sizes, and sha256 of the same files: tensorflow-datasets, url_checksums/mnist.txt.
    # https://ossci-datasets.s3.amazonaws.com/mnist/ has them too, for DLIB_MIRROR.
    url = f"https://storage.googleapis.com/cvdf-datasets/mnist/{filename}"
    return OfficialFile("mnist", "idx", filename, url, f"md5:{md5}", size)


def _flowers(filename: str, md5: str, size: int) -> OfficialFile:
    # md5 as in torchvision's loader.
    url = f"https://www.robots.ox.ac.uk/~vgg/data/flowers/102/{filename}"
    return OfficialFile("flowers", "jpeg", filename, url, f"md5:{md5}", size)


def _celeba(filename: str, id: str, md5: str, size: int) -> OfficialFile:
    # ids and md5 as in torchvision's loader; the sizes are those that it prints.
    # Google's address has not been tried: the checksum tells what comes from it.
    url = f"https://drive.usercontent.google.com/download?id={id}&export=download"
    return OfficialFile(
        "celeba", "jpeg", filename, f"{url}&confirm=t", f"md5:{md5}", size
    )


# Where a data set is published in two formats, the first is the one to fetch.
FILES: tuple[OfficialFile, ...] = (
    # md5 as in disent's and latte's loaders, which agree; the size is rounded up.
    OfficialFile(
        "dsprites",
        "npz",
        f"{_DSPRITES}.npz",
        f"{_DSPRITES_URL}{_DSPRITES}.npz",
        "md5:7da33b31b13a06f4b04a70402ce90c2e",
        26_800_000,
    ),
    # sha256 and size: tensorflow-datasets, url_checksums/dsprites.txt.
    OfficialFile(
        "dsprites",
        "hdf5",
        f"{_DSPRITES}.hdf5",
        f"{_DSPRITES_URL}{_DSPRITES}.hdf5",
        "sha256:729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb",
        28_024_106,
    ),
    # sha256 and size: tensorflow-datasets, url_checksums/shapes3d.txt.
    OfficialFile(
        "shapes3d",
        "hdf5",
        "3dshapes.h5",
        "https://storage.googleapis.com/3d-shapes/3dshapes.h5",
        "sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
        267_573_662,
    ),
    # md5: disentanglement_dataset's README, of the same files on Google's storage,
    # whose place Hugging Face has taken. The size is that of the pictures unpacked.
    OfficialFile(
        "mpi3d",
        "npz",
        "mpi3d_toy.npz",
        "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/mpi3d_toy.npz",
        "md5:55889cb7c7dfc655d6e0277beee88868",
        12_740_198_400,
    ),
    _mnist("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
    _mnist("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
    _mnist("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
    _mnist("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
    _flowers("102flowers.tgz", "52808999861908f626f3c1f4e79d11fa", 344_862_509),
    _flowers("imagelabels.mat", "e0620be6f572b9609742df49c70aed4d", 502),
    _flowers("setid.mat", "a5357ecc9cb78c4bef273ce3793fc85c", 14_989),
    # The archive of all that Reed et al. (2015) made, Sprites among it. No checksum
    # and no size of it are published that we know.
    OfficialFile(
        "sprites",
        "mat",
        "nips2015-analogy-data.tar.gz",
        "http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
        None,
        0,
        "sprites/sprites_splits.mat",
    ),
    _celeba(
        "img_align_celeba.zip",
        "0B7EVK8r0v71pZjFTYXZWM3FlRnM",
        "00d2c5bc6d35e252742224ab0c1e8fcb",
        1_443_490_838,
    ),
    _celeba(
        "list_attr_celeba.txt",
        "0B7EVK8r0v71pblRyaVFSWGxPY0U",
        "75e246fa4810816ffd6ee81facbd244c",
        26_721_026,
    ),
    _celeba(
        "list_eval_partition.txt",
        "0B7EVK8r0v71pY0NSMzRuSXJEVkk",
        "d32c9cbf5e040fd4025c592c306e6668",
        2_836_386,
    ),
    # No checksum and no size of it are published that we know.
    OfficialFile(
        "chairs",
        "png",
        "rendered_chairs.tar",
        "https://www.di.ens.fr/willow/research/seeing3Dchairs/data/rendered_chairs.tar",
        None,
        0,
    ),
)


def official_names() -> tuple[str, ...]:
    """Names of the data sets that have an official file."""
    return tuple(dict.fromkeys(file.name for file in FILES))


def official_files(name: str, format: str | None = None) -> tuple[OfficialFile, ...]:
    """The files that a data set is published as, in one format: one, or several.

    Parameters
    ----------
    name : str
        One of :func:`official_names`.
    format : {"npz", "hdf5", "idx", "jpeg", "png", "mat"}, optional
        Left out: the first that is published.

    Raises
    ------
    DataError
        If there is no such data set, or it is not published in that format.
    """
    files = [file for file in FILES if file.name == name]
    if not files:
        names = ", ".join(official_names())
        raise DataError(f"no official data set {name!r}; there are {names}")
    chosen = tuple(f for f in files if f.format == (format or files[0].format))
    if not chosen:
        formats = " and ".join(dict.fromkeys(file.format for file in files))
        raise DataError(f"{name} is published as {formats}, not as {format!r}")
    return chosen


def official_file(name: str, format: str | None = None) -> OfficialFile:
    """The first of :func:`official_files`, and mostly the only one."""
    return official_files(name, format)[0]


def data_folder(root: str | os.PathLike[str] | None = None) -> Path:
    """Where official files are looked for and put.

    ``root`` if given, else ``$DLIB_DATA``, else ``official`` in the cache folder.
    """
    given = root or os.environ.get("DLIB_DATA")
    return Path(given).expanduser() if given else cache_folder() / "official"


def place(
    file: OfficialFile, root: str | os.PathLike[str] | None = None
) -> Path | None:
    """Where an official file lies in the data folder, or the folder unpacked of it."""
    path = data_folder(root) / file.filename
    if path.is_file():
        return path
    inside = data_folder(root) / file.unpacked
    return inside.parent if file.unpacked and inside.is_file() else None


def find(name: str, root: str | os.PathLike[str] | None = None) -> Path | None:
    """The official file of a data set in the data folder, if it is there.

    Of several that belong together, the first, if all of them are there. Of an
    archive that is not there, the folder that was unpacked of it.

    Raises
    ------
    DataError
        If there is no such data set.
    """
    official_files(name)
    for format in dict.fromkeys(file.format for file in FILES if file.name == name):
        paths = [place(file, root) for file in official_files(name, format)]
        if all(paths):
            return paths[0]
    return None


def matches(path: Path, file: OfficialFile) -> bool:
    """Whether the file at ``path`` has the published checksum: not if there is none."""
    if file.checksum is None:
        return False
    algorithm, digest = file.checksum.split(":")
    import pooch

    return pooch.file_hash(str(path), alg=algorithm) == digest


def fetch(
    file: OfficialFile,
    root: str | os.PathLike[str] | None = None,
    *,
    mirror: str | None = None,
    progress: bool = True,
) -> Path:
    """Fetch an official file into the data folder, unless it is there already.

    Nothing is fetched without a checksum: a file that has none must be there.

    A broken connection is taken up where it broke, three times; where the server
    cannot do that, the download starts again. Whatever happens, the file appears
    under its own name only when its checksum is right, and nothing else stays.

    Parameters
    ----------
    file : OfficialFile
        From :func:`official_file`.
    root : path, optional
        The folder; see :func:`data_folder`.
    mirror : str, optional
        Base address that serves the same files under the same names. Left out:
        ``$DLIB_MIRROR``, else the publisher's address.
    progress : bool
        Whether to draw a bar with the time left on standard error.

    Returns
    -------
    Path
        Of the file, or of the folder that was unpacked of it by hand.

    Raises
    ------
    DataError
        If the file is not there and no checksum of it is known, the folder cannot be
        written to or lacks the room, the server cannot be reached or does not have
        the file, the connection breaks again and again, or what arrives is not the
        published file.
    """
    folder = data_folder(root)
    if file.checksum is None:
        there = place(file, root)
        if there is None:
            raise _unchecked(file, folder)
        return there
    target = folder / file.filename
    mirror = mirror or os.environ.get("DLIB_MIRROR")
    url = f"{mirror.rstrip('/')}/{file.filename}" if mirror else file.url
    try:
        if target.is_file() and matches(target, file):
            return target
        folder.mkdir(parents=True, exist_ok=True)
        _remove_stale(folder)
        check_room(folder, file.size, file.filename)
        with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=folder) as partial:
            _retrieve(url, file, Path(partial), progress)
            fetched = Path(partial) / file.filename
            # pooch's temporary files can be read by their owner only.
            fetched.chmod(0o644)
            os.replace(fetched, target)
    except OSError as error:
        raise disk_error(error, folder, f"store {file.filename}") from error
    return target


def _unchecked(file: OfficialFile, folder: Path) -> DataError:
    inside = folder / Path(file.unpacked).parent
    unpacked = f", or its folder {inside.name} as {inside}" if file.unpacked else ""
    return DataError(
        f"no checksum of {file.filename} is published, so dlib cannot tell whether "
        "what arrives is right, and does not fetch it. Its authors serve it at "
        f"{file.url}: fetch it by other means and put it into {folder}{unpacked}"
    )


def check_room(folder: Path, size: int, what: str) -> None:
    """Raise a DataError if ``folder`` has no room for ``size`` bytes."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DataError(
            f"{what} needs {megabytes(size)}, and {folder} has {megabytes(free)} "
            "free; make room, or name another folder"
        )


def disk_error(error: OSError, folder: Path, task: str) -> DataError:
    """What to tell a user whom the file system has refused something."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        why = "the disk is full; make room, or name another folder"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = "the folder cannot be written to; name another one"
    elif error.errno in (errno.ENOTDIR, errno.EEXIST):
        why = "that path leads through a file; name a folder"
    else:
        why = error.strerror or str(error)
    return DataError(f"cannot {task} in {folder}: {why}")


def megabytes(size: int) -> str:
    """``size`` bytes in words, such as ``"267.6 MB"``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def _remove_stale(folder: Path) -> None:
    """Remove what a killed process left, but not what another one is writing."""
    for left in folder.glob(f"{PARTIAL}*"):
        inside = [left, *left.glob("*")]
        if time.time() - max(path.stat().st_mtime for path in inside) > STALE:
            shutil.rmtree(left, ignore_errors=True)


def _retrieve(url: str, file: OfficialFile, partial: Path, progress: bool) -> None:
    import pooch

    # pooch announces its temporary name, which is nobody's business.
    pooch.get_logger().setLevel(logging.WARNING)
    for last in (False, True):
        downloader = _Download(file.filename, progress)
        try:
            pooch.retrieve(
                url, file.checksum, file.filename, str(partial), downloader=downloader
            )
            return
        except DataError:
            raise
        except ValueError as error:
            # A server may change a file between two halves: once more, in one go.
            if downloader.resumed and not last:
                continue
            raise DataError(
                f"what {url} serves is not the published {file.filename}: its "
                f"{file.algorithm} is not the one expected "
                f"({downloader.received:,} bytes came, about {file.size:,} were "
                f"expected{downloader.page}). It was deleted. Try again later, or "
                "fetch the file by other means and put it into the data folder (dlib "
                "data where)"
            ) from error


class _Download:
    """Writes a URL into a file, resuming; called by pooch.

    Parameters
    ----------
    name : str
        Of the file, for the bar; it need not stand in the URL.
    progress : bool
        Whether to draw a bar.
    """

    def __init__(self, name: str, progress: bool) -> None:
        self.name = name
        self.progress = progress
        self.tries = 1 + len(WAITS)
        self.resumed = False
        self.received = 0
        self.page = ""  # what is said of a web page that comes in place of the file

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        import requests
        from tqdm import tqdm

        bar = tqdm(
            desc=self.name[:24],
            unit="B",
            unit_scale=True,
            disable=not self.progress,
            file=sys.stderr,
            dynamic_ncols=True,
        )
        with bar, open(output_file, "wb") as out:
            for attempt in range(self.tries):
                try:
                    self._receive(url, out, bar)
                    return
                except requests.RequestException as error:
                    if attempt + 1 == self.tries or not self._worth_another(error):
                        raise self._explain(error, url) from error
                    log.info("%s: %s; trying again", url, error)
                    time.sleep(WAITS[attempt])

    def _receive(self, url: str, out: BinaryIO, bar: tqdm[Any]) -> None:
        """One connection: write what comes after the bytes there already are."""
        import requests

        # "identity": sizes and ranges must be those of the file, not of a gzip.
        headers = {"Accept-Encoding": "identity"}
        if self.received:
            headers["Range"] = f"bytes={self.received}-"
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as reply:
            if reply.status_code == 416:  # no such range: begin at the beginning
                self.received = 0
            reply.raise_for_status()
            # As of Google, where too many have fetched a file.
            if reply.headers.get("Content-Type", "").startswith("text/html"):
                self.page = "; it is a web page: open it in a browser to see why"
            continues = reply.status_code == 206 and reply.headers.get(
                "Content-Range", ""
            ).startswith(f"bytes {self.received}-")
            if not continues:
                out.seek(0)
                out.truncate()
                self.received = 0
                bar.reset()
            self.resumed = continues
            length = reply.headers.get("Content-Length")
            bar.total = self.received + int(length) if length else None
            bar.refresh()
            for piece in reply.iter_content(PIECE):
                out.write(piece)
                self.received += len(piece)
                bar.update(len(piece))

    def _worth_another(self, error: requests.RequestException) -> bool:
        """A refused connection or a missing file will be no better in a second."""
        if error.response is not None:
            code = error.response.status_code
            return code >= 500 or code in (408, 416, 429)
        return self.received > 0

    def _explain(self, error: requests.RequestException, url: str) -> DataError:
        import requests

        by_hand = (
            "or fetch it by other means and put it into the data folder (dlib data "
            'where). source="auto" takes what needs no file'
        )
        if error.response is not None:
            code, reason = error.response.status_code, error.response.reason
            advice = (
                "Try again later"
                if code >= 500 or code in (408, 429)
                else "The file may have moved: set DLIB_MIRROR to an address that "
                "serves it"
            )
            return DataError(
                f"the server answered {code} {reason} for {url}. {advice}, {by_hand}"
            )
        if self.received:
            return DataError(
                f"the connection to {url} broke {self.tries} times, the last time "
                f"after {self.received:,} bytes; nothing was kept. Try again later, "
                f"{by_hand}"
            )
        if isinstance(
            error,
            (
                requests.exceptions.InvalidURL,
                requests.exceptions.InvalidSchema,
                requests.exceptions.MissingSchema,
            ),
        ):
            return DataError(
                f"{url} is not an address that can be fetched from; DLIB_MIRROR must "
                "begin with http:// or https://"
            )
        if isinstance(error, requests.Timeout):
            why = "it did not answer in time"
        elif "resolve" in str(error).lower() or "getaddrinfo" in str(error):
            why = "its name cannot be resolved"
        elif "refused" in str(error).lower():
            why = "the connection was refused"
        else:
            why = type(error).__name__
        return DataError(
            f"cannot reach {url}: {why}. Is there a network? Try again with one, "
            f"{by_hand}"
        )
