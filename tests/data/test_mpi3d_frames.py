"""Real frames of MPI3D: where they come from, and how near the twin is to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from test_official_mpi3d import sparse
from torch import Tensor

from dlib.data.download import DataError
from dlib.data.mpi3d import SPACE, TwinMPI3D
from dlib.data.mpi3d_frames import (
    PANELS,
    WHOLE,
    frame_factors,
    panel_factors,
    real_frames,
)

REAL = Path(__file__).parents[2] / ".." / "shared" / "reference" / "images"

# Mean red, green and blue of the real frames' rows 0 to 59.
MEANS = """
59.0 60.8 60.5  58.6 56.1 55.8  55.1 58.1 60.0  56.7 58.4 56.7
55.1 57.9 59.3  54.6 58.2 61.1  55.1 58.1 60.0  55.0 57.7 59.0
55.3 57.7 58.5  55.3 57.7 58.5  55.0 58.2 60.0  55.1 58.1 60.0
55.0 58.5 60.4  55.1 58.1 60.0  55.1 58.1 60.0  54.7 56.9 58.4
56.9 56.7 63.4  55.1 58.1 60.0  55.1 58.1 60.0  57.4 56.7 59.6
54.9 58.4 60.8  54.1 56.9 59.1  55.2 58.0 59.3  54.9 56.9 57.5
54.8 58.2 60.7  55.1 58.2 60.0  55.0 58.2 60.2  54.9 58.0 59.9
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLIB_CACHE", str(tmp_path / "cache"))


def whole(images: Tensor) -> Tensor:
    return images[..., :WHOLE, :].float()


def means() -> Tensor:
    return torch.tensor([float(word) for word in MEANS.split()]).view(28, 3)


def test_in_each_four_frames_one_factor_rises() -> None:
    factors = frame_factors()
    assert factors.shape == (28, 7) and factors.dtype == torch.long
    SPACE.check(factors)
    for panel, (four, size) in enumerate(
        zip(factors.view(7, 4, 7), SPACE.sizes, strict=True)
    ):
        rest = torch.arange(7) != panel
        assert torch.equal(four[:, rest], four[:1, rest].expand(4, -1))
        moving = four[:, panel]
        assert torch.equal(moving, moving.sort().values)
        assert len(moving.unique()) == min(4, size)
        # The axes come within one step of their ends: panels skip some.
        slack = 1 if size == 40 else 0
        assert moving[0] <= slack and moving[-1] >= size - 1 - slack


def test_panels_go_to_the_last_value_and_back() -> None:
    moving = panel_factors()[1, :, 1].tolist()  # shape, which rests at 4
    assert moving == [4, 5, 5, 5, 4, 4, 3, 2, 2, 1, 1, 0, 0, 0, 1, 1, 2, 3, 3, 4]


def test_the_frames_are_those_of_the_panels(tmp_path: Path) -> None:
    """Each made-up frame holds its own factors, in its first seven pixels."""
    images = np.zeros((7, 20, 64, 64, 3), np.uint8)
    images[:, :, 0, :7, 1] = panel_factors().numpy()
    np.savez(tmp_path / PANELS, images=images)
    frames, factors = real_frames(tmp_path)
    assert frames.shape == (28, 3, 64, 64) and frames.dtype == torch.uint8
    assert torch.equal(frames[:, 1, 0, :7].long(), factors)


def test_without_panels_they_are_the_official_files(tmp_path: Path) -> None:
    factors = frame_factors()
    rows = {
        int(index): np.full((64, 64, 3), number, np.uint8)
        for number, index in enumerate(SPACE.to_index(factors))
    }
    sparse(tmp_path / "mpi3d_toy.npz", rows)
    frames, same = real_frames(tmp_path)
    assert torch.equal(same, factors) and frames.shape == (28, 3, 64, 64)
    # Points that are shown twice hold what was written last.
    wanted = [int(rows[int(index)][0, 0, 0]) for index in SPACE.to_index(factors)]
    assert frames[:, 0, 5, 5].tolist() == wanted


def test_where_there_are_none_the_error_says_how_to_have_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither .*toy1_panels.*dlib data get mpi3d"):
        real_frames(tmp_path)


def test_what_is_no_panels_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / PANELS, images=np.zeros((7, 3, 64, 64, 3), np.uint8))
    with pytest.raises(DataError, match=r"shape \(7, 3, .*\(7, 20, "):
        real_frames(tmp_path)
    np.savez(tmp_path / PANELS, frames=np.zeros(3))
    with pytest.raises(DataError, match="cannot be read as panels"):
        real_frames(tmp_path)
    (tmp_path / PANELS).write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be read as panels"):
        real_frames(tmp_path)


def test_the_twin_has_the_real_frames_mean_colours() -> None:
    """Of the real frames this holds everywhere: their mean colours are numbers."""
    drawn = whole(TwinMPI3D().render(frame_factors())).mean((2, 3))
    assert (drawn - means()).abs().max() < 0.8
    # A factor moves the mean as it does in the real frames: what all frames share,
    # such as the base, is left out by taking the four frames' own mean.
    ours, theirs = (
        m.view(7, 4, 3) - m.view(7, 4, 3).mean(1, True) for m in (drawn, means())
    )
    assert (ours - theirs).abs().max() < 0.4
    assert theirs.abs().max() > 2


def test_the_twin_is_close_to_these_frames() -> None:
    if not (REAL / PANELS).is_file():
        pytest.skip(f"no real MPI3D pictures here ({PANELS} is not shipped)")
    real, factors = real_frames(REAL)
    assert (whole(real).mean((2, 3)) - means()).abs().max() < 0.06
    error = (whole(TwinMPI3D().render(factors)) - whole(real)).square()
    decibels = 10 * torch.log10(255**2 / error.mean((1, 2, 3)))
    assert decibels.mean() >= 32.5 and decibels.min() >= 27  # 26 is asked for


@pytest.mark.parametrize(
    "name, base", [("toy1", None), ("toy2", (2, 2, 0, 0, 0, 39, 27))]
)
def test_real_shapes_and_sizes_are_told_by_the_nearest_twin(
    name: str, base: tuple[int, ...] | None
) -> None:
    """The other factors known. What misses are solids seen from their tip, or cut."""
    path = REAL / f"mpi3d_{name}_panels.npz"
    if not path.is_file():
        pytest.skip(f"no real MPI3D pictures here ({path.name} is not shipped)")
    with np.load(path, allow_pickle=False) as panels:
        images = torch.from_numpy(panels["images"]).permute(0, 1, 4, 2, 3)
    factors = (panel_factors() if base is None else panel_factors(base)).flatten(0, 1)
    real = whole(images.flatten(0, 1))
    for column, least in ((1, 130), (2, 140)):
        size = SPACE.sizes[column]
        tried = factors.repeat_interleave(size, 0)
        tried[:, column] = torch.arange(size).repeat(len(factors))
        drawn = whole(TwinMPI3D().render(tried)).unflatten(0, (-1, size))
        nearest = (drawn - real[:, None]).square().sum((2, 3, 4)).argmin(1)
        assert int((nearest == factors[:, column]).sum()) >= least
