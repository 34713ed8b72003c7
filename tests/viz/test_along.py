"""Sliders along directions: what they make is what the moved code decodes to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from chromium import needs_browser
from test_explorer import framed, open_page, pixels, vivid
from torch import Tensor

from dlib import networks
from dlib.models import VAE
from dlib.viz.along import along
from dlib.viz.steered import steer


def method(seed: int = 0, latents: int = 4) -> VAE:
    return vivid(networks.conv(latents, 3, 32), seed=seed)


def picture() -> Tensor:
    return torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1))


def columns(latents: int = 4, count: int = 2) -> Tensor:
    return torch.randn(latents, count, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def test_values_add_up_along_the_directions() -> None:
    some, start = method(), torch.randn(4, generator=torch.Generator().manual_seed(0))
    steered = steer("some", some, start, columns().T)
    values = torch.tensor([[0.0, 0.0], [1.0, -2.0], [0.5, 0.5]])
    wanted = some.decode(start + values @ columns().T)
    torch.testing.assert_close(steered.decode(values), wanted)
    assert (steered.latent_dim, steered.chunks) == (2, (1, 1))


def test_each_method_moves_along_its_own() -> None:
    both = {"one": method(), "other": method(1, 6)}
    directions = {"one": columns(), "other": columns(6)}
    shown = along(both, picture(), directions, ["Hat", "Male"], notes=["a", "b"])
    named = re.findall(r"<label><span>(\w+)<small>(.*?)</small></span>", shown.html)
    assert named == [("Hat", "a"), ("Male", "b")]
    for word in ("picture", "one", "other"):
        assert f"<figcaption>{word}</figcaption>" in shown.html
    assert 'min="-2" max="2"' in shown.html


@needs_browser
def test_a_browser_moves_as_torch_does(tmp_path: Path) -> None:
    some = method()
    page = framed(
        along({"VAE": some}, picture(), {"VAE": columns()}, ["Hat", "Male"]), {1: 1.5}
    )
    seen = open_page(page, tmp_path, canvas="figure:last-of-type canvas")["report"][0]
    assert "error" not in seen, seen
    with torch.no_grad():
        wanted = some.decode(some.encode(picture()[None]) + 1.5 * columns()[:, 1])[0]
    assert float((pixels(seen["moved"], wanted) - wanted).abs().max()) < 0.01


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"methods": {}}, "at least one method"),
        ({"directions": {"other": columns()}}, "directions of other"),
        ({"directions": {"VAE": columns(5)}}, r"shape \(4, 2\).*got \(5, 2\)"),
        ({"directions": {"VAE": columns(4, 3)}}, r"got \(4, 3\)"),
        ({"picture": picture() * 255}, r"floats in \[0, 1\]"),
        ({"picture": picture()[None]}, r"shape \(c, h, w\)"),
        ({"limits": (0.0, 2.0)}, "both sides of 0"),
        ({"notes": ["one"]}, "one for each of 2 names"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], says: str) -> None:
    given: dict[str, Any] = {
        "methods": {"VAE": method()},
        "picture": picture(),
        "directions": {"VAE": columns()},
        "names": ["Hat", "Male"],
    }
    with pytest.raises(ValueError, match=says):
        along(**{**given, **change})
