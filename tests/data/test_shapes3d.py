"""The 3DShapes twin: what its factors do, how close it comes, how it is kept."""

from __future__ import annotations

import hashlib
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from dlib.data import buffers, shapes3d
from dlib.data.shapes3d import SPACE, TwinShapes3D

REAL = Path(__file__).parents[2] / ".." / "shared" / "reference" / "images"
LABELLED = REAL / "3dshapes_labelled25.npz"
INFERRED = REAL / "3dshapes_real75_inferred.npz"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that the tests of this file share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def twin(kept: Path) -> TwinShapes3D:
    return TwinShapes3D(size=16, root=kept)


def row(**factors: int) -> Tensor:
    """One point of the grid: zero wherever nothing else is said."""
    return torch.tensor([[factors.get(name, 0) for name in SPACE.names]])


def test_the_space_is_the_official_one() -> None:
    names = ("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation")
    assert SPACE.names == names
    assert SPACE.sizes == (10, 10, 10, 8, 4, 15)
    assert len(SPACE) == 480_000
    first, last = SPACE.to_values(
        torch.stack([row()[0], torch.tensor(SPACE.sizes) - 1])
    )
    assert torch.allclose(first, torch.tensor([0, 0, 0, 0.75, 0, -30.0]))
    assert torch.allclose(last, torch.tensor([0.9, 0.9, 0.9, 1.25, 3, 30.0]))
    assert SPACE.kinds[4] == "categorical"


def test_pictures_have_the_promised_form(kept: Path, device: torch.device) -> None:
    twin = TwinShapes3D(size=16, device=device, root=kept)
    images, factors = twin.sample(5, torch.Generator(device).manual_seed(0))
    assert images.shape == (5, 3, 16, 16) and images.dtype == torch.uint8
    assert images.device.type == device.type and factors.device.type == device.type
    again, _ = twin.sample(5, torch.Generator(device).manual_seed(0))
    assert torch.equal(images, again)


def test_devices_agree(twin: TwinShapes3D, kept: Path, device: torch.device) -> None:
    factors = SPACE.sample(20, torch.Generator().manual_seed(1))
    there = TwinShapes3D(size=16, device=device, root=kept).render(factors)
    assert torch.equal(there.cpu(), twin.render(factors))


# Where a picture shows one surface whatever else is drawn, at 16 pixels a side.
FLOOR, WALL, SOLID, SKY = (15, 1), (7, 3), (9, 8), (0, 8)


@pytest.mark.parametrize(
    ("name", "changed"),
    [("floor_hue", FLOOR), ("wall_hue", WALL), ("object_hue", SOLID)],
)
def test_a_hue_colours_its_own_surface_only(
    twin: TwinShapes3D, name: str, changed: tuple[int, int]
) -> None:
    red, azure = twin.render(torch.cat([row(scale=7), row(scale=7, **{name: 6})]))
    for y, x in (FLOOR, WALL, SOLID, SKY):
        assert torch.equal(red[:, y, x], azure[:, y, x]) == ((y, x) != changed)
    y, x = changed
    assert int(red[:, y, x].argmax()) == 0 and int(azure[:, y, x].argmax()) == 2


def test_every_hue_has_its_colour(twin: TwinShapes3D) -> None:
    """On the dim side wall nothing clips: a channel is its level times the light."""
    factors = row(orientation=0).repeat(10, 1)
    factors[:, 1] = torch.arange(10)
    wall = twin.render(factors)[:, :, 7, 15].float()
    light = wall[0, 0]
    warm = [[5, 0, 0], [5, 3, 0], [4, 5, 0], [1, 5, 0], [0, 5, 2]]
    cold = [[0, 5, 5], [0, 2, 5], [1, 0, 5], [4, 0, 5], [5, 0, 3]]
    assert 80 < light < 254
    assert (wall - torch.tensor(warm + cold) / 5 * light).abs().max() <= 1


def test_the_sky_is_the_official_colour(twin: TwinShapes3D) -> None:
    assert twin.render(row())[0, :, 0, 8].tolist() == [153, 226, 249]


def solid_mask(twin: TwinShapes3D, **factors: int) -> Tensor:
    """Pixels that the solid's hue changes."""
    one, other = twin.render(torch.cat([row(**factors), row(object_hue=5, **factors)]))
    return (one != other).any(0)


def test_scale_makes_the_solid_larger(twin: TwinShapes3D) -> None:
    areas = [int(solid_mask(twin, shape=2, scale=s).sum()) for s in (0, 3, 7)]
    assert areas[0] < areas[1] < areas[2]


def test_shapes_have_their_proportions(twin: TwinShapes3D) -> None:
    masks = [solid_mask(twin, shape=s, scale=5, orientation=7) for s in range(4)]
    heights = [int(m.any(1).sum()) for m in masks]
    widths = [int(m.any(0).sum()) for m in masks]
    assert heights[3] == max(heights) and heights[3] > heights[2]
    assert widths[3] < widths[2]
    assert len({tuple(m.flatten().tolist()) for m in masks}) == 4


def test_orientation_turns_the_room_about_the_solid(twin: TwinShapes3D) -> None:
    """From either side the other side wall shows, and the sphere stays in place."""
    left, right = twin.render(
        torch.cat([row(shape=2, orientation=0), row(shape=2, orientation=14)])
    )
    wall = left[0, 7].int(), right[0, 7].int()
    assert wall[0][15] < wall[0][1]
    assert wall[1][0] < wall[1][14]
    overlap = solid_mask(twin, shape=2) == solid_mask(twin, shape=2, orientation=14)
    assert overlap.float().mean() > 0.95


def test_other_sizes_are_the_same_view(twin: TwinShapes3D, tmp_path: Path) -> None:
    factors = SPACE.sample(50, torch.Generator().manual_seed(2))
    small = TwinShapes3D(size=8, root=tmp_path).render(factors).float()
    pooled = torch.nn.functional.avg_pool2d(twin.render(factors).float(), 2)
    assert (small - pooled).abs().mean() < 2


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"8, 16, 32, .*not 50"):
        TwinShapes3D(size=50)


@pytest.mark.parametrize("size", shapes3d.SIZES)
def test_rays_divide_into_pixels(size: int) -> None:
    rays = shapes3d._rays_per_side(size)
    assert rays % size == 0 and rays >= 2 * size


def test_pixels_cannot_overflow(twin: TwinShapes3D) -> None:
    """Planes are bytes: their sum at the highest levels must stay a byte."""
    planes = twin._planes.view(shapes3d.GEOMETRIES, shapes3d.SHADES, -1).int()
    brightest = planes[:, 5] + planes[:, 11] + planes[:, 17] + planes[:, 18:].amax(1)
    assert int(brightest.max()) == 255


# -- closeness ----------------------------------------------------------------


def closeness(path: Path, turned: tuple[int, ...] = ()) -> np.ndarray:
    """PSNR in dB of each real picture, over rows 0 to 62.

    Row 63 of the labelled pictures is covered by the frame of a plot. Pictures
    ``turned`` are taken to have the orientation before the one in the file.
    """
    if not path.is_file():
        pytest.skip(f"no real 3DShapes pictures here ({path.name} is not shipped)")
    with np.load(path, allow_pickle=False) as real:
        images = torch.from_numpy(real["images"]).permute(0, 3, 1, 2).float()
        key = next(k for k in real.files if k.startswith("factors_index"))
        factors = torch.from_numpy(real[key])
    factors[list(turned), 5] -= 1
    drawn = TwinShapes3D(size=64).render(factors).float()
    error = ((drawn - images)[:, :, :63] ** 2).mean((1, 2, 3))
    return (10 * torch.log10(255**2 / error)).numpy()


def test_the_twin_is_close_to_the_labelled_pictures() -> None:
    decibels = closeness(LABELLED)
    print(f"25 labelled: mean {decibels.mean():.2f} dB, least {decibels.min():.2f}")
    assert len(decibels) == 25
    assert decibels.mean() >= 33.0  # 29.5 is asked for
    assert decibels.min() >= 30.0


def test_the_twin_is_close_to_the_other_pictures() -> None:
    """Their factors were inferred with an earlier twin, not read from the file.

    Four of the seven that came out as orientation 11 fit 10 better by 7 to 10
    dB (34 to 36 dB against 25 to 27), so they are compared as 10.
    """
    decibels = closeness(INFERRED, turned=(12, 39, 66, 70))
    print(f"75 others: mean {decibels.mean():.2f} dB, least {decibels.min():.2f}")
    assert len(decibels) == 75
    assert decibels.mean() >= 33.0
    assert decibels.min() >= 28.5


# -- the file on disk ---------------------------------------------------------


def build_elsewhere(root: str, answers: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    """What each of two processes does at once."""
    torch.set_num_threads(1)
    planes = TwinShapes3D(size=8, root=root)._planes
    answers.put(hashlib.sha256(planes.numpy().tobytes()).hexdigest())


def test_two_processes_may_build_at_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    both = [
        spawn.Process(target=build_elsewhere, args=(str(tmp_path), answers))
        for _ in range(2)
    ]
    for process in both:
        process.start()
    digests = {answers.get(timeout=280) for _ in both}
    for process in both:
        process.join()
    here = TwinShapes3D(size=8, root=tmp_path)._planes
    assert digests == {hashlib.sha256(here.numpy().tobytes()).hexdigest()}
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
    assert not list(tmp_path.glob("*.part"))


class Counted:
    """Builds a small tensor, and counts how often."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Tensor:
        self.times += 1
        return torch.arange(600, dtype=torch.int32).view(20, 30).to(torch.uint8)

    def get(self, folder: Path, shape: tuple[int, ...] = (20, 30)) -> Tensor:
        return buffers.load_or_build("small", self, shape, torch.uint8, folder)


def test_a_second_call_reads_what_the_first_built(tmp_path: Path) -> None:
    build = Counted()
    assert torch.equal(build.get(tmp_path / "new"), build.get(tmp_path / "new"))
    assert build.times == 1


def test_a_damaged_file_is_built_again(tmp_path: Path) -> None:
    build = Counted()
    good = build.get(tmp_path)
    path = tmp_path / "small.safetensors"
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-7] ^= 0x10
    for damage in (whole[:-40], bytes(flipped), b"", b"not a tensor" * 9):
        path.write_bytes(damage)
        before = build.times
        assert torch.equal(build.get(tmp_path), good)
        assert build.times == before + 1
        assert path.read_bytes() == whole


def test_a_file_of_another_shape_is_built_again(tmp_path: Path) -> None:
    build = Counted()
    build.get(tmp_path)
    build.get(tmp_path, shape=(30, 20))
    assert build.times == 2


def test_a_folder_that_cannot_be_written_to_costs_a_warning(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    build = Counted()
    with pytest.warns(RuntimeWarning, match=r"file is a file.*in memory.*DLIB_CACHE"):
        kept = build.get(in_the_way / "cache")
    assert kept.shape == (20, 30)


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_written(path: Path, content: bytes) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half_written)
    with pytest.warns(RuntimeWarning, match="No space left"):
        Counted().get(tmp_path)
    assert [p.suffix for p in tmp_path.iterdir()] in ([], [".lock"])


def test_a_neighbour_that_never_finishes_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffers, "SECONDS_TO_WAIT", 0.1)
    build = Counted()
    with buffers.FileLock(tmp_path / "small.lock"):
        build.get(tmp_path)
    build.get(tmp_path)
    assert build.times == 1
