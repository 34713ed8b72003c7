"""Codes of the reader's own under a slider: its callbacks, without a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from dlib import viz
from dlib.viz.bend import Bend
from dlib.viz.bend_widget import BendWidget, bend_widget

CODES = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
BENDINGS = {
    "shrink": lambda codes, t: codes * (1 - t),
    "shift": lambda codes, t: codes + t,
}


def scores(codes: Tensor) -> Mapping[str, float]:
    return {"size": float(codes.abs().mean()), "mean": float(codes.mean())}


@pytest.fixture(autouse=True)
def _no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLIB_PAGE", raising=False)


def made(**changes: Any) -> BendWidget:
    arguments: dict[str, Any] = {
        "bendings": BENDINGS, "scores": scores, "codes": CODES, **changes,
    }  # fmt: skip
    widget = bend_widget(
        arguments.pop("bendings"),
        arguments.pop("scores"),
        arguments.pop("codes"),
        **arguments,
    )
    assert isinstance(widget, BendWidget)
    return widget


def shown(widget: BendWidget) -> dict[str, str]:
    """What the bars say, by metric."""
    found = re.findall(
        r'<th scope="row">(.*?)</th>.*?<td class="dlib-bend-number">(.*?)</td>',
        widget.bars.value,
    )
    return dict(found)


def written(codes: Tensor) -> dict[str, str]:
    return {m: f"{v:.2f}".replace("-", "\u2212") for m, v in scores(codes).items()}


def test_scores_of_the_readers_codes_stand_there_at_once() -> None:
    widget = made()
    assert shown(widget) == written(CODES)
    assert widget.choice.options == ("shrink", "shift")


def test_slider_and_choice_bend_the_codes() -> None:
    widget = made()
    widget.amount.value = 0.5
    assert shown(widget) == written(CODES / 2)
    widget.choice.value = "shift"  # begins anew
    assert widget.amount.value == 0
    assert shown(widget) == written(CODES)
    widget.amount.value = 1
    assert shown(widget) == written(CODES + 1)
    widget.amount.value = 0
    widget.choice.value = "shrink"  # from the slider's left end too
    widget.amount.value = 1
    assert shown(widget) == {"size": "0.00", "mean": "0.00"}


def test_floors_are_what_noise_of_the_same_shape_gets() -> None:
    # E|z| of a standard normal is sqrt(2 / pi).
    floors = made(codes=100 * torch.ones(4_000, 2)).floors
    assert floors == pytest.approx({"size": 0.798, "mean": 0.0}, abs=0.02)
    given = {"size": 0.25, "mean": 0.5, "more": 1.0}
    widget = made(noise_floors=given)
    assert 'dlib-bend-floor" style="left: 25.00%' in widget.bars.value
    assert "more" not in widget.bars.value


def test_what_goes_wrong_under_the_slider_is_shown_there() -> None:
    def refuse(codes: Tensor) -> Mapping[str, float]:
        if codes.abs().max() < 1e-3:
            raise ValueError("these codes <say> nothing")
        return scores(codes)

    widget = made(scores=refuse)
    widget.amount.value = 1
    assert "shrink at 1.00:</b> ValueError: these codes &lt;say&gt;" in (
        widget.bars.value
    )
    widget.amount.value = 0.5  # and it goes on
    assert shown(widget) == written(CODES / 2)
    fewer = made(bendings={"cut": lambda codes, t: codes[:10] if t else codes})
    fewer.amount.value = 0.5
    assert "cut must keep the 50 points, gave 10" in fewer.bars.value
    infinite = made(scores=lambda c: {"one": float(1 / c.abs().mean())})
    infinite.amount.value = 1
    assert "the one of shrink at 1.00 must be finite, got inf" in infinite.bars.value


def test_jupyter_is_given_all_three_parts() -> None:
    widget = made()
    children = widget.box.children
    assert list(children) == [widget.choice, widget.amount, widget.bars]
    bundle = widget._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle


@pytest.mark.parametrize("stand_in", [None, Bend("<p>bent</p>", "Bent")])
def test_page_says_that_it_has_no_kernel(
    stand_in: Bend | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DLIB_PAGE", "1")
    assert viz.is_page()

    def never(codes: Tensor) -> Mapping[str, float]:
        raise AssertionError("nothing is computed for a page")

    shown = bend_widget(BENDINGS, never, CODES, stand_in=stand_in)
    assert shown is stand_in
    assert "Markdown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"bendings": {}}, ValueError, "at least one bending"),
        ({"codes": [[1.0, 2.0]]}, TypeError, "codes must be a tensor.*got list"),
        ({"codes": torch.ones(5)}, ValueError, r"shape \(n, latent_dim\).*got \(5,\)"),
        ({"codes": torch.ones(1, 3)}, ValueError, r"two points, got \(1, 3\)"),
        ({"codes": torch.ones(3, 0)}, ValueError, r"got \(3, 0\)"),
        ({"codes": torch.full((3, 2), torch.nan)}, ValueError, "some are NaN"),
        ({"scores": lambda c: {}}, ValueError, "must name at least one metric"),
        (
            {"scores": lambda c: {"MIG": float("nan")}},
            ValueError,
            "the MIG of noise must be finite, got nan",
        ),
        ({"noise_floors": {"size": 0.1}}, ValueError, "no floor for mean"),
    ],
)
def test_what_cannot_be_bent_is_said(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        made(**changes)


def test_ipywidgets_is_imported_only_where_it_is_shown() -> None:
    code = "import sys, dlib.viz.bend_widget; print('ipywidgets' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "False"


def test_missing_ipywidgets_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match="pip install ipywidgets"):
        made()
