"""Recipes: what is refused, what the hash follows, what is built."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from dlib import models
from dlib.models import BetaVAE
from dlib.runs import Recipe
from dlib.runs import recipe as recipes

SMALL = {"name": "dsprites", "size": 16}
TINY = Recipe(method="vae", data=SMALL, steps=20, batch_size=8, precision="32-true")


def changed(**update: Any) -> Recipe:
    return Recipe.model_validate({**TINY.model_dump(), **update})


def test_the_hash_follows_every_field() -> None:
    recipes_ = [
        changed(**update)
        for update in (
            {"seed": 1},
            {"steps": 21},
            {"method": "beta_vae"},
            {"options": {"likelihood": "gaussian"}},
            {"data": {**SMALL, "size": 32}},
            {"data": {"kind": "pairs", "of": SMALL, "shared": ["shape"]}},
            {"data": {"kind": "pairs", "of": SMALL, "shared": [["shape"], ["posX"]]}},
            {"data": {"kind": "correlated", "of": SMALL, "factors": ["posX", "posY"],
                      "strength": 0.2}},
            {"precision": "bf16-mixed"},
            {"train_fraction": 0.7},
            {"network": "shapes_mlp"},
            {"latent_dim": 4},
            {"learning_rate": 2e-3},
        )
    ]  # fmt: skip
    hashes = {recipe.hash for recipe in [TINY, *recipes_]}
    assert len(hashes) == len(recipes_) + 1
    assert changed().hash == TINY.hash


def test_what_equals_the_default_does_not_change_the_hash() -> None:
    plain = Recipe(method="beta_vae")
    said = Recipe(
        method="beta_vae",
        options={"beta": 4, "likelihood": "bernoulli"},
        data={"kind": "named", "name": "dsprites", "source": "twin", "size": 64},
        train_fraction=0.8,
    )
    assert plain.hash == said.hash and plain.complete() == said.complete()
    assert plain.complete()["options"] == {
        "beta": 4.0, "likelihood": "bernoulli", "pixel_weight": 1.0,
    }  # fmt: skip


def test_a_new_option_with_a_default_leaves_old_hashes(monkeypatch) -> None:
    before = Recipe(method="beta_vae", options={"beta": 8.0})

    class Newer(BetaVAE):
        def __init__(self, networks, beta: float = 4.0, warm_up: int = 0) -> None:
            super().__init__(networks, beta)

    monkeypatch.setitem(models.METHODS, "beta_vae", Newer)
    # (This one lost an option too, which had its default.)
    assert Recipe(method="beta_vae", options={"beta": 8.0}).hash == before.hash
    newer = Recipe(method="beta_vae", options={"beta": 8.0, "warm_up": 3})
    assert newer.hash != before.hash


def test_the_schema_is_in_the_hash(monkeypatch) -> None:
    before = TINY.hash
    monkeypatch.setattr(recipes, "SCHEMA", 99)
    assert TINY.hash != before


def test_options_keep_the_signature_s_types(monkeypatch) -> None:
    class Chosen(BetaVAE):
        def __init__(
            self,
            networks,
            beta: float = 4.0,
            groups: int = 2,
            sizes: tuple[int, ...] = (),
            on: bool = False,
            names: dict[str, float] | None = None,
        ) -> None:
            super().__init__(networks, beta)

    monkeypatch.setitem(models.METHODS, "chosen", Chosen)
    options = {
        "beta": 8, "groups": 3, "sizes": [1, 2], "on": True, "names": {"a": 1}
    }  # fmt: skip
    checked = Recipe(method="chosen", options=options).options
    assert checked == {
        "beta": 8.0, "groups": 3, "sizes": (1, 2), "on": True, "names": {"a": 1.0}
    }  # fmt: skip
    assert isinstance(checked["beta"], float) and isinstance(checked["groups"], int)
    for wrong in ({"groups": 2.5}, {"groups": True}, {"beta": True}, {"on": 1},
                  {"sizes": ["a"]}, {"beta": "4"}, {"names": {"a": "b"}}):  # fmt: skip
        with pytest.raises(ValidationError, match="options of chosen"):
            Recipe(method="chosen", options=wrong)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "vae", "lambda": 3}, "lambda"),
        ({"method": "gan"}, "no method 'gan'; there are autoencoder, vae"),
        ({"method": "vae", "steps": 0}, "steps"),
        ({"method": "vae", "precision": "16-mixed"}, "precision"),
        ({"method": "vae", "network": "resnet"}, "no network 'resnet'"),
        ({"method": "vae", "data": "dsprite"}, "no data set 'dsprite'"),
        ({"method": "vae", "train_fraction": 0}, "train_fraction"),
        ({"method": "vae", "options": {"beta": 2.0}}, r"options of vae.*beta"),
        ({"method": "dip_vae", "options": {"kind": "III"}}, r"options of dip_vae"),
        ({"method": "dip_vae", "options": {"lambda_od": True}}, "valid number"),
    ],
    ids=str,
)
def test_a_recipe_refuses_what_it_does_not_know(given: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=rf"(?s){message}"):
        Recipe.model_validate(given)


def test_a_value_without_sense_is_refused_when_it_is_built() -> None:
    with pytest.raises(ValueError, match="beta must not be negative"):
        changed(method="beta_vae", options={"beta": -1.0}).build()


def test_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = TINY.build().state_dict()
    torch.manual_seed(2)
    again = TINY.build().state_dict()
    other = changed(seed=1).build().state_dict()
    assert all(torch.equal(first[k], again[k]) for k in first)
    assert not all(torch.equal(first[k], other[k]) for k in first)


@pytest.mark.parametrize("name", sorted(models.METHODS))
def test_every_method_is_built_with_the_heads_that_it_needs(name: str) -> None:
    method = changed(method=name, latent_dim=4).build()
    assert method.encode(torch.zeros(2, 1, 16, 16)).shape == (2, 4)


def test_parts_are_those_of_the_data() -> None:
    train, held_out = TINY.parts()
    assert (len(train), len(held_out)) == (589_824, 147_456)
    pairs = changed(data={"kind": "pairs", "of": SMALL, "shared": ["shape"]})
    assert pairs.parts()[0].together and not pairs.parts()[1].together
