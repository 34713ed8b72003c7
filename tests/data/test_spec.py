"""Data as validated data: nested, refused where it is wrong, split as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from dlib.data import (
    BySpecies,
    Correlated,
    Kept,
    Merged,
    Pairs,
    Part,
    Resampled,
    Silhouettes,
    Views,
)
from dlib.data.dataset import Dataset
from dlib.data.spec import Data, parts

DATA: TypeAdapter[Any] = TypeAdapter(Data)
SMALL = {"name": "dsprites", "size": 16}
CORRELATED = {
    "kind": "correlated", "of": SMALL, "factors": ["posX", "posY"], "strength": 0.1,
}  # fmt: skip


def correlation(data: Dataset) -> float:
    factors = data.factors(data.draw(2000, torch.Generator().manual_seed(0)))
    return float(torch.corrcoef(factors[:, 3:].T.double())[0, 1])


def test_a_name_is_short_for_a_table() -> None:
    assert DATA.validate_python("dsprites") == DATA.validate_python(
        {"kind": "named", "name": "dsprites", "source": "twin", "size": 64}
    )
    assert DATA.validate_python(SMALL).shape == (1, 16)
    assert DATA.validate_python("shapes3d").shape == (3, 64)


def test_a_wrapper_s_size_is_that_of_all_it_wraps() -> None:
    """Named bare or with a size of their own, however deep."""
    colour = {"kind": "coloured", "of": "dsprites"}
    inner = {"kind": "merged", "of": [colour, {"name": "shapes3d", "size": 64}]}
    views = {"kind": "views", "of": inner, "augment": [{"name": "flip"}]}
    given = DATA.validate_python({**views, "size": 16})
    assert given.shape == (3, 16)
    assert given.of.of[0].of.size == given.of.of[1].size == 16
    small = {"kind": "merged", "of": [{"kind": "coloured", "of": SMALL},
                                      {"name": "shapes3d", "size": 16}]}  # fmt: skip
    assert given == DATA.validate_python({**views, "of": small})
    for size in (0, "large"):
        with pytest.raises(ValidationError, match="size"):
            DATA.validate_python({**views, "size": size})


def test_a_training_set_is_drawn_from_what_is_trained_on() -> None:
    law = {"kind": "correlated", "of": "dsprites", "factors": ["posX", "posY"],
           "strength": 0.1}  # fmt: skip
    spec = DATA.validate_python({"kind": "resampled", "of": law, "n": 500, "size": 16})
    train, held_out = parts(spec, 0.9)
    assert isinstance(train, Resampled) and len(train) == 500
    assert correlation(train) > 0.8 and abs(correlation(held_out)) < 0.1
    assert isinstance(held_out, Part)
    assert not bool(held_out.holds(train.index).any())
    with pytest.raises(ValidationError, match="greater than 0"):
        DATA.validate_python({"kind": "resampled", "of": law, "n": 0})


def test_kept_pictures_are_for_training_only() -> None:
    law = {"kind": "resampled", "of": "dsprites", "n": 50}
    spec = DATA.validate_python({"kind": "kept", "of": law, "size": 16})
    train, held_out = parts(spec, 0.9)
    assert isinstance(train, Kept) and len(train) == 50
    assert isinstance(held_out, Part) and spec.shape == (1, 16)
    assert spec.tested() == DATA.validate_python(SMALL)


def test_silhouettes_are_tested_on_silhouettes() -> None:
    spec = DATA.validate_python({"kind": "silhouettes", "of": "chairs", "size": 16})
    train, held_out = parts(spec, 0.8)
    assert isinstance(train, Silhouettes) and isinstance(held_out, Silhouettes)
    assert spec.shape == (1, 16) and spec.versions == {"chairs": 1}
    assert spec.tested() == spec


def test_confounded_flowers_are_tested_each_factor_by_itself() -> None:
    flowers = DATA.validate_python({"name": "flowers", "size": 16})
    train, held_out = parts(flowers, 0.8)
    assert train.space.names[0] == "species" and not train.uniform
    assert held_out.space.names == train.space.names[1:] and held_out.uniform
    assert isinstance(train, BySpecies) and isinstance(held_out, Part)
    index = train.draw(500, torch.Generator().manual_seed(0))
    assert not bool(held_out.holds(index % len(held_out.of)).any())
    assert len(train) // 102 + len(held_out) == 2_304_000

    independent = DATA.validate_python(
        {"kind": "independent", "of": "flowers", "size": 16}
    )
    assert independent == flowers.tested() == independent.tested()
    assert independent.shape == (3, 16)
    assert independent.versions == flowers.versions == {"flowers": 1}
    data = independent.build()
    assert (len(data), data.uniform) == (2_304_000, True)
    # Photographs are confounded, and nothing can be done about it.
    official = DATA.validate_python({"name": "flowers", "source": "official"})
    assert official.tested() == official and official.versions == {}
    for of in ("dsprites", official, independent):
        with pytest.raises(ValidationError, match="only a twin whose factors come"):
            DATA.validate_python({"kind": "independent", "of": of})


def test_the_law_is_trained_on_and_not_tested_on() -> None:
    train, held_out = parts(DATA.validate_python(CORRELATED), 0.8)
    assert isinstance(train, Correlated) and isinstance(held_out, Part)
    assert correlation(train) > 0.9 and abs(correlation(held_out)) < 0.1
    index = train.draw(500, torch.Generator().manual_seed(0))
    assert not bool(held_out.holds(index).any())
    assert len(train) + len(held_out) == 737_280


@pytest.mark.parametrize(
    "law",
    [
        {"law": "line", "strength": 0.2},
        {"law": "gaussian", "strength": 0.2, "inverted": True},
        {"table": [[float(i == j) for i in range(32)] for j in range(32)]},
    ],
)
def test_each_law_has_its_words(law: dict[str, Any]) -> None:
    given = {k: v for k, v in CORRELATED.items() if k != "strength"} | law
    found = correlation(DATA.validate_python(given).build())
    assert found < -0.6 if law.get("inverted") else found > 0.6


def test_what_is_nested_is_built_from_the_inside() -> None:
    merged = {"kind": "merged", "of": [CORRELATED, {"name": "shapes3d", "size": 16}]}
    views = {"kind": "views", "of": merged, "augment": [{"name": "flip"}], "k": 2}
    data = DATA.validate_python(views)
    assert data.shape == (3, 16)
    assert data.versions == {"dsprites": 1, "shapes3d": 1}
    train, held_out = parts(data, 0.5)
    assert isinstance(train, Views) and isinstance(train.of, Merged)
    assert isinstance(train.of.domains[0], Correlated)
    assert isinstance(held_out, Merged) and isinstance(held_out.domains[0], Part)
    batch = train.batch(8, torch.Generator().manual_seed(0))
    assert batch.images.shape == (8, 2, 3, 16, 16) and batch.labels is not None


def test_pairs_are_tested_one_picture_at_a_time() -> None:
    pairs = {"kind": "pairs", "of": SMALL, "shared": [["shape"], ["posX"]], "k": 3}
    train, held_out = parts(DATA.validate_python(pairs), 0.8)
    assert isinstance(train, Pairs) and train.k == 3
    assert not held_out.together
    flat = {**pairs, "shared": ["shape", "posX"]}
    assert DATA.validate_python(flat).build().groups == [[0, 3]]


def test_with_a_fraction_of_one_both_have_everything() -> None:
    train, held_out = parts(DATA.validate_python(SMALL), 1.0)
    assert len(train) == len(held_out) == 737_280


def test_a_folder_is_named_by_its_path(tmp_path: Path) -> None:
    for i in range(4):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / f"{i}.png")
    data = DATA.validate_python({"kind": "folder", "path": str(tmp_path), "size": 8})
    train, held_out = parts(data, 0.5)
    assert (len(train), len(held_out), data.shape) == (2, 2, (3, 8))


def test_it_survives_json() -> None:
    data = DATA.validate_python(
        {"kind": "pairs", "of": CORRELATED, "shared": ["shape"]}
    )
    assert DATA.validate_json(data.model_dump_json()) == data


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("dsprite", "no data set 'dsprite'; there are dsprites, shapes3d"),
        ({"name": "dsprites", "sise": 3}, "sise"),
        ({"name": "dsprites", "source": "auto"}, "source"),
        ({"kind": "mixed", "of": SMALL}, "kind"),
        ({k: v for k, v in CORRELATED.items() if k != "strength"}, "either a table"),
        ({**CORRELATED, "table": [[1.0]]}, "either a table"),
        ({**CORRELATED, "law": "line", "inverted": True}, "can be inverted"),
        ({**CORRELATED, "strength": 0}, "strength"),
        ({"kind": "merged", "of": [SMALL]}, "of"),
        ({"kind": "pairs", "of": SMALL, "shared": ["shape"], "k": 1}, "k"),
        ({"kind": "views", "of": SMALL, "augment": []}, "augment"),
        ({"kind": "views", "of": SMALL, "augment": [{"name": "blur"}]}, "blur"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(given: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        DATA.validate_python(given)
