"""The README's picture comes from renderings, and from runs that are there."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from dlib import runs
from dlib.data.dsprites import TwinDSprites
from dlib.viz import hero, style

RECIPE = runs.Recipe(
    method="vae",
    data={"kind": "named", "name": "dsprites", "size": 16},
    latent_dim=3,
    steps=1,
    batch_size=2,
    precision="32-true",
)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A finished run, of one step."""
    runs.fit_or_load(RECIPE, root=tmp_path, device="cpu", progress=False)
    return tmp_path / f"{RECIPE.hash}.json"


def test_rows_show_the_data_set_s_own_pictures() -> None:
    dataset = TwinDSprites(size=16)
    figure = hero.factor_rows([dataset], hero.FROM, columns=4)
    [axes] = figure.axes
    shown = [np.asarray(image.get_array())[..., 0] for image in axes.get_images()]
    assert len(shown) == 3 + 4 * 4  # there are three shapes
    words = [text.get_text() for text in axes.texts]
    assert words == ["dSprites (twin)", *dataset.space.names]
    # The last row is posY: four heights, the first and the last index among them.
    factors = torch.tensor([[2, 4, 0, 16, y] for y in (0, 10, 21, 31)])
    wanted = dataset.render(factors)[:, 0].numpy()
    np.testing.assert_array_equal(np.stack(shown[-4:]), wanted)
    plt.close(figure)


def test_too_few_columns_and_unknown_starts_are_refused() -> None:
    dataset = TwinDSprites(size=16)
    with pytest.raises(ValueError, match="at least 2 pictures"):
        hero.factor_rows([dataset], hero.FROM, columns=1)
    with pytest.raises(KeyError, match="dsprites"):
        hero.factor_rows([dataset], {})
    plt.close("all")


def test_every_start_lies_in_its_data_set_s_grid() -> None:
    from dlib.data import dsprites, shapes3d

    for name, space in {"dsprites": dsprites.SPACE, "shapes3d": shapes3d.SPACE}.items():
        assert tuple(hero.FROM[name]) == space.names
        space.check(torch.tensor([list(hero.FROM[name].values())]))


def test_a_run_is_drawn_on_the_style_s_ground(record: Path, tmp_path: Path) -> None:
    with plt.rc_context():
        hero.main([str(tmp_path / "hero.png"), str(record)])
        assert plt.rcParams["text.color"] == style.INK
    picture = plt.imread(tmp_path / "hero.png")
    assert picture[0, 0, :3].tolist() == [1, 1, 1]


def test_runs_that_are_not_there_or_misnamed_are_refused(
    record: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="there is no finished run at"):
        hero.run_rows(tmp_path / "none.json")
    for suffix in (".json", ".safetensors"):
        record.with_suffix(suffix).rename(tmp_path / f"other{suffix}")
    with pytest.raises(ValueError, match=f"holds the recipe {RECIPE.hash}"):
        hero.run_rows(tmp_path / "other.json")
    with pytest.raises(SystemExit), plt.rc_context():
        hero.main([str(tmp_path / "hero.png"), str(tmp_path / "none.json")])
