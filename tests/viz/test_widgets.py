"""The widget that trains again, without a browser: its callbacks are called."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from dlib import networks, viz
from dlib.data import load
from dlib.data.dataset import Dataset
from dlib.models import BetaVAE
from dlib.training import fit
from dlib.viz.widgets import Retrain, rebuilt_and_traversed

DATA = load("dsprites", source="twin", size=16)


def build(beta: float) -> BetaVAE:
    method = BetaVAE(networks.conv(7, 1, 16), beta=beta)
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def nothing(method: BetaVAE, dataset: Dataset) -> Figure:
    return plt.figure(figsize=(1, 1))


@pytest.fixture(autouse=True)
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLIB_PAGE", raising=False)


def captions(widget: Retrain) -> list[str]:
    return [result.children[0].value for result in widget.results.children]


def test_button_trains_with_the_slider_s_value_and_keeps_what_it_gave() -> None:
    widget = viz.retrain(build, DATA, steps=60, limits=(1, 100), device="cpu")
    assert widget.slider.value == pytest.approx(10)
    assert (widget.slider.min, widget.slider.max) == (0, 2)
    widget.button.click()
    assert widget.method.beta == pytest.approx(10)
    assert widget.bar.value == widget.bar.max == 60
    assert widget.bar.bar_style == "success"
    assert widget.note.value.startswith("60 steps in ")
    assert not widget.button.disabled and not widget.slider.disabled
    widget.slider.value = 1
    widget.button.click()
    assert [words.split(":")[0] for words in captions(widget)] == ["β = 1", "β = 10"]
    assert re.fullmatch(
        r"β = 1: nll \d+\.\d, kl \d+\.\d \(nats a picture\)", captions(widget)[0]
    )
    for result in widget.results.children:
        picture = result.children[1].value
        assert 'alt="Reconstructions and traversals with β = ' in picture
        [data] = re.findall('base64,([^"]+)', picture)
        assert Image.open(io.BytesIO(base64.b64decode(data))).width > 200
    assert plt.get_fignums() == []


def test_training_in_pieces_is_one_training() -> None:
    """The bar moves between the pieces; the weights must not know."""
    widget = viz.retrain(
        build, DATA, steps=110, value=4, show=nothing, seed=3, device="cpu"
    )
    notes: list[str] = []
    widget.note.observe(lambda change: notes.append(change["new"]), "value")
    widget.train()
    whole = build(4)
    fit(whole, DATA, steps=110, seed=3, device="cpu", progress=False)
    for name, value in whole.state_dict().items():
        assert torch.equal(widget.method.state_dict()[name], value), name
    assert [note.split(" of")[0] for note in notes[:3]] == ["50", "100", "110"]
    assert notes[0].endswith(" left")


def test_no_more_than_six_results_are_kept() -> None:
    widget = viz.retrain(build, DATA, steps=1, show=nothing, device="cpu")
    for value in range(1, 9):
        widget.slider.value = value
        widget.train()
    kept = [words.split(":")[0] for words in captions(widget)]
    assert kept == [f"β = {value}" for value in range(8, 2, -1)]


def test_what_goes_wrong_is_said_and_the_button_works_again() -> None:
    def fails(value: float) -> BetaVAE:
        raise RuntimeError("no network today")

    widget = viz.retrain(fails, DATA, steps=10, name="λ_od")
    widget.button.click()
    assert widget.note.value == "RuntimeError: no network today"
    assert widget.bar.bar_style == "danger"
    assert not widget.button.disabled
    assert widget.method is None and widget.results.children == ()


def test_built_page_shows_the_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLIB_PAGE", "1")
    shown = viz.retrain(build, DATA, stand_in="Runs **in Jupyter**.")
    assert shown._repr_markdown_() == "Runs **in Jupyter**."
    figure = object()
    assert viz.retrain(build, DATA, stand_in=figure) is figure
    assert viz.retrain(build, DATA) is None


def test_notebook_is_shown_the_widget() -> None:
    widget = viz.retrain(build, DATA)
    bundle: Any = widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "Retrain(β)" in repr(widget)


def test_figure_has_the_latents_that_vary_most() -> None:
    method = build(1)
    figure = rebuilt_and_traversed(method, DATA, rows=3)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    images = DATA.images(DATA.draw(500, torch.Generator().manual_seed(0)))
    with torch.no_grad():
        codes = method.encode(images.float() / 255)
    order = codes.std(0).argsort(descending=True)[:3].tolist()
    assert labels == ["picture", "rebuilt", *(f"z{latent}" for latent in order)]
    plt.close(figure)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limits": (0, 10)}, r"two positive numbers.*got \(0, 10\)"),
        ({"limits": (10, 1)}, "the lower first"),
        ({"limits": (1, float("inf"))}, "two positive numbers"),
        ({"value": 100}, "from 0.25 to 64, got 100"),
        ({"steps": 0}, "steps must be positive, got 0"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        viz.retrain(build, DATA, **options)
