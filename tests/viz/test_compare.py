"""Several decoders under one set of sliders."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from chromium import needs_browser
from test_explorer import open_page, pixels, vivid
from torch import nn

from dlib import networks
from dlib.data import load
from dlib.inference import to_float
from dlib.models import VAE
from dlib.viz.compare import best_latent, compare

DATA = load("dsprites", source="twin", size=32)


def pair_of_methods() -> dict[str, VAE]:
    return {
        "one": vivid(networks.conv(4, 1, 32), seed=0),
        "two & more": vivid(networks.conv(6, 1, 32), seed=1),
    }


def models_of(html: str) -> list[dict[str, Any]]:
    [text] = re.findall(
        r'<script type="application/json">(.*?)</script>', html, re.DOTALL
    )
    return json.loads(text)


def test_best_latent_is_the_one_that_a_line_predicts_from() -> None:
    draw = torch.Generator().manual_seed(0)
    factor = torch.randn(500, generator=draw, dtype=torch.float64)
    noise = torch.randn(500, 3, generator=draw, dtype=torch.float64)
    codes = noise.clone()
    codes[:, 1] = -2 * factor + 0.1 * noise[:, 1]
    codes[:, 2] = 0  # silent: no correlation, not a number
    latent, sign, share = best_latent(codes, factor)
    assert (latent, sign) == (1, -1.0)
    assert share == pytest.approx(1, abs=0.01)


def test_sliders_are_the_ordered_factors_and_carry_their_latents() -> None:
    methods = pair_of_methods()
    every = ["scale", "orientation", "posX", "posY"]
    shown = compare(methods, DATA, 5, factors=every, points=200)
    names = re.findall(r"<label><span>(\w+)<small>(.*?)</small></span>", shown.html)
    assert [name for name, _ in names] == every
    assert all(re.fullmatch(r"z\d: 0\.\d\d; z\d: 0\.\d\d", note) for _, note in names)
    models = models_of(shown.html)
    assert [len(model["moves"]) for model in models] == [4, 4]
    for model, method in zip(models, methods.values(), strict=True):
        with torch.no_grad():
            wanted = method.encode(to_float(DATA[5][0][None]))[0]
        torch.testing.assert_close(
            torch.tensor(model["base"]), wanted, atol=1e-5, rtol=0
        )
        assert {abs(unit) for _, unit in model["moves"]} == {1}
    assert "two &amp; more" in shown.html and "two & more" not in shown.html
    some = compare(methods, DATA, factors=["scale"], points=200)
    assert len(re.findall("<label>", some.html)) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"methods": {}}, "at least one method"),
        ({"factors": ["shape"]}, "must be ordered factors"),
        ({"factors": ["hue"]}, "got 'hue'"),
        ({"limits": (1, 2)}, "both sides of 0"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    change: dict[str, Any], says: str
) -> None:
    given = {"methods": pair_of_methods(), "dataset": DATA, "points": 100, **change}
    with pytest.raises(ValueError, match=says):
        compare(given.pop("methods"), given.pop("dataset"), **given)


def test_method_without_page_decoder_is_refused() -> None:
    class Bare(nn.Module):
        latent_dim, chunks = 4, (1, 1, 1, 1)

        def encode(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1)[:, :4]

    with pytest.raises(TypeError, match="page_decoder"):
        compare({"bare": Bare()}, DATA, points=100)  # type: ignore[dict-item]


def test_factors_that_no_latent_predicts_get_no_slider() -> None:
    # Untrained: something of position and size passes, nothing of the angle.
    shown = compare(pair_of_methods(), DATA, points=500)
    named = re.findall(r"<label><span>(\w+)<small>", shown.html)
    assert 0 < len(named) < 4 and "orientation" not in named
    moves = [len(model["moves"]) for model in models_of(shown.html)]
    assert moves == [len(named)] * 2

    class Silent(VAE):
        def encode(self, images: torch.Tensor) -> torch.Tensor:
            return torch.zeros(len(images), self.latent_dim)

    silent = vivid(networks.conv(4, 1, 32), kind=Silent)
    assert (
        len(models_of(compare({"mute": silent}, DATA, points=100).html)[0]["moves"])
        == 4
    )


@needs_browser
def test_one_slider_moves_both_pictures(tmp_path: Path) -> None:
    methods = pair_of_methods()
    shown = compare(methods, DATA, 5, factors=["scale", "posX"], points=200)
    models = models_of(shown.html)
    latent, unit = models[0]["moves"][0]
    body = f"<div data-moves='{json.dumps({latent: 2.0})}'>{shown.html}</div>"
    # The probe of the explorer's tests looks at the first picture; ask for the second.
    second = body.replace("<figure><canvas", "<figure><canvas data-first", 1)
    for at, page in ((0, body), (1, second)):
        folder = tmp_path / str(at)
        folder.mkdir()
        answer = open_page(page, folder, canvas="canvas:not([data-first])")
        [seen] = answer["report"]
        assert "error" not in seen, seen
        model, method = models[at], list(methods.values())[at]
        code = torch.tensor(model["base"])
        moved = code.clone()
        latent, unit = model["moves"][0]
        moved[latent] += 2.0 * unit
        with torch.no_grad():
            wanted = method.decode(torch.stack([code, moved]))
        for name, picture in zip(("start", "moved"), wanted, strict=True):
            assert float((pixels(seen[name], picture) - picture).abs().max()) < 0.01
        assert seen["before"] == seen["reset"] == seen["start"]
        assert re.search(r"\d+% and \d+% of the pixels differ", seen["said"])
