"""Sliders on a renderer: what the page carries, and a real browser's pictures."""

from __future__ import annotations

import base64
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from chromium import needs_browser, report
from PIL import Image
from torch import Tensor

from dlib.data import FactorSpace, load
from dlib.data.dataset import Grid
from dlib.data.dsprites import TwinDSprites
from dlib.data.factors import Factor
from dlib.data.shapes3d import TwinShapes3D
from dlib.viz.sliders import FactorSliders, factor_sliders

SPRITES = TwinDSprites()


class Dot(Grid):
    """A bright pixel on a grey ground: a grid that the page has no formulas of."""

    def __init__(self, size: int = 8, places: int = 4) -> None:
        space = FactorSpace(
            [
                Factor("<row>", tuple(-float(i) for i in range(places))),
                Factor("column", tuple(float(i) for i in range(places))),
                Factor("ink", (0.0, 1.0), "categorical", ("red", "blue & co")),
            ]
        )
        super().__init__("dot", "twin", space, 3, size)

    def _render(self, factors: Tensor) -> Tensor:
        images = torch.full((len(factors), 3, self.size, self.size), 60).byte()
        row, column, ink = factors.unbind(1)
        images[torch.arange(len(factors)), 2 * ink, row, column] = 255
        return images


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> TwinShapes3D:
    return TwinShapes3D(size=16, root=tmp_path_factory.mktemp("cache"))


def payload(shown: FactorSliders) -> dict[str, Any]:
    """The data that the page's script reads."""
    [text] = re.findall(
        r'<script type="application/json">(.*?)</script>', shown.html, re.DOTALL
    )
    return json.loads(text)


def still(shown: FactorSliders) -> tuple[str, Tensor]:
    """What stands there where no script runs: its alt text, and its pixels."""
    [(alt, data)] = re.findall(
        r'<img alt="(.*?)" src="data:image/png;base64,(.*?)">', shown.html
    )
    picture = np.array(Image.open(io.BytesIO(base64.b64decode(data))))
    return html.unescape(alt), torch.from_numpy(picture)


def test_sliders_have_the_factors_names_and_values() -> None:
    shown = factor_sliders(SPRITES, [2, 5, 0, 16, 31])
    names = re.findall(r"<label><span>(.*?)</span>", shown.html)
    assert names == list(SPRITES.space.names)
    ends = re.findall(
        r'min="(\d+)" max="(\d+)" step="1" value="(\d+)" aria-valuetext="(.*?)"',
        shown.html,
    )
    assert ends == [
        ("0", "2", "2", "heart"),
        ("0", "5", "5", "1.00"),
        ("0", "39", "0", "0.00"),
        ("0", "31", "16", "0.52"),
        ("0", "31", "31", "1.00"),
    ]
    assert payload(shown)["words"][1] == [
        "0.50",
        "0.60",
        "0.70",
        "0.80",
        "0.90",
        "1.00",
    ]


def test_start_is_the_middle_unless_it_is_given() -> None:
    assert payload(factor_sliders(SPRITES))["start"] == [1, 3, 20, 16, 16]
    given = factor_sliders(SPRITES, torch.tensor([0, 1, 2, 3, 4]))
    assert payload(given)["start"] == [0, 1, 2, 3, 4]


def test_picture_of_the_start_stands_there_without_a_script() -> None:
    alt, picture = still(factor_sliders(SPRITES, [2, 5, 0, 16, 31]))
    assert alt == (
        "A picture of dsprites: shape heart, scale 1.00, orientation 0.00, posX 0.52, "
        "posY 1.00."
    )
    assert torch.equal(picture, SPRITES.render(torch.tensor([[2, 5, 0, 16, 31]]))[0, 0])
    alt, picture = still(factor_sliders(Dot(), [1, 2, 1]))
    assert alt == "A picture of dot: <row> \u22121.00, column 2.00, ink blue & co."
    wanted = Dot().render(torch.tensor([[1, 2, 1]]))[0]
    assert torch.equal(picture, wanted.permute(1, 2, 0))


def test_only_strips_say_that_sliders_go_back() -> None:
    strips = factor_sliders(Dot())
    assert payload(strips)["together"] is False
    assert "puts the others back" in strips.html
    whole = factor_sliders(SPRITES)
    assert payload(whole)["together"] is True
    assert "puts the others back" not in whole.html


@pytest.mark.parametrize("dataset", [SPRITES, Dot()], ids=["dsprites", "dot"])
def test_page_names_no_id_and_loads_nothing(dataset: Grid) -> None:
    page = factor_sliders(dataset).html
    assert not re.search(r"\sid=", page)
    assert not re.search(r"\shref=|@import|fetch\(|https?://", page)
    assert all(
        source.startswith("data:") for source in re.findall(r'src="(.*?)"', page)
    )


def test_a_twin_is_small(rooms: TwinShapes3D) -> None:
    assert len(factor_sliders(SPRITES).html) < 20_000
    assert len(factor_sliders(rooms).html) < 30_000


def test_words_are_escaped_and_may_look_like_places() -> None:
    page = factor_sliders(Dot(), title="<b> {{payload}} & co").html
    assert "&lt;b&gt; {{payload}} &amp; co" in page
    assert "&lt;row&gt;" in page and "<row>" not in page


def test_notebook_and_terminal_have_something_to_show() -> None:
    shown = factor_sliders(SPRITES, title="Move it")
    assert shown._repr_html_() == shown.html
    assert shown._repr_mimebundle_() == {
        "text/html": shown.html,
        "text/plain": "FactorSliders('Move it'), shown where HTML is shown",
    }


def test_renderer_of_any_device_is_shown(device: torch.device) -> None:
    there = factor_sliders(TwinDSprites(device=device))
    assert there.html == factor_sliders(SPRITES).html


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([0, 0, 0, 0], r"5 integers.* shape, scale, .*got \[0, 0, 0, 0\]"),
        ([0, 0, 40, 0, 0], "orientation must be in 0..39, got 40"),
        ([0, -1, 0, 0, 0], "scale must be in 0..5, got -1"),
        ([0, 0, 0.5, 0, 0], "factors are integer indices, got torch.float32"),
        ([[0, 0, 0, 0, 0]], "5 integers"),
        ("heart", "5 integers.*got 'heart'"),
    ],
)
def test_start_that_does_not_fit_is_refused(start: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"(?s)start must be .*{message}"):
        factor_sliders(SPRITES, start)


def test_what_renders_no_factors_is_refused() -> None:
    part, _ = load("dsprites", source="twin").split()
    with pytest.raises(TypeError, match=r"must be a grid.* got Part\..*`of`"):
        factor_sliders(part)  # type: ignore[arg-type]


def test_strips_that_would_burden_a_page_are_refused() -> None:
    class Noise(Dot):
        def _render(self, factors: Tensor) -> Tensor:
            draws = torch.Generator().manual_seed(0)
            shape = (len(factors), 3, self.size, self.size)
            return torch.randint(256, shape, generator=draws, dtype=torch.uint8)

    with pytest.raises(ValueError, match=r"1\.\d MB .*most 1 MB .*66 pictures of 64"):
        factor_sliders(Noise(size=64, places=32))


# Moves the sliders as a reader would, and writes what each canvas shows into the page.
PROBE = """
<script>
(async () => {
  const errors = [], report = [];
  window.onerror = (message) => errors.push(message);
  window.onunhandledrejection = (event) => errors.push(String(event.reason));
  for (const root of document.querySelectorAll(".dlib-sliders")) {
    const stage = root.querySelector(".dlib-sliders-stage");
    // Time is virtual here, and pictures are decoded in real time: be patient.
    for (let i = 0; i < 2500 && stage.hidden; i++)
      await new Promise((done) => setTimeout(done, 20));
    const canvas = root.querySelector("canvas");
    const look = () => btoa(Array.from(canvas.getContext("2d").getImageData(
      0, 0, canvas.width, canvas.height).data, (b) => String.fromCharCode(b)).join(""));
    const inputs = Array.from(root.querySelectorAll("input"));
    const start = look(), pictures = [], times = [];
    for (const row of JSON.parse(root.parentNode.dataset.rows)) {
      row.forEach((index, j) => {
        if (index === null) return;
        inputs[j].value = index;
        inputs[j].dispatchEvent(new Event("input"));
        inputs[j].dispatchEvent(new Event("change"));
      });
      pictures.push(look());
      times.push(Number(root.dataset.milliseconds));
    }
    const words = inputs.map((input) => [
      input.getAttribute("aria-valuetext"),
      input.parentNode.lastElementChild.innerText,
    ]);
    const address = root.querySelector(".dlib-sliders-address").innerText;
    const said = root.querySelector("[role=status]").innerText;
    const press = (to) => root.querySelector(`[data-to=${to}]`).click();
    const drawn = new Set();
    for (let i = 0; i < 20; i++) {
      press("random");
      drawn.add(inputs.map((input) => input.value).join());
    }
    press("start");
    report.push({
      start, pictures, times, words, address, said, drawn: drawn.size, reset: look(),
      back: inputs.map((input) => input.valueAsNumber),
      visible: stage.offsetHeight,
      waiting: root.querySelector(".dlib-sliders-waiting").offsetHeight,
    });
  }
  const out = document.createElement("pre");
  out.id = "report";
  out.textContent = JSON.stringify({
    errors, report, wide: document.documentElement.scrollWidth <= window.innerWidth,
  });
  document.body.append(out);
})();
</script>
"""


def open_page(body: str, folder: Path, *options: str) -> dict[str, Any]:
    """Open a page headless and return what its probe reported."""
    answer = report(body + PROBE, folder, "--virtual-time-budget=60000", *options)
    assert answer["errors"] == []
    return answer


def framed(shown: FactorSliders, rows: list[list[int | None]]) -> str:
    return f"<div data-rows='{json.dumps(rows)}'>{shown.html}</div>"


def seen(data: str, like: Tensor) -> Tensor:
    """A canvas' bytes as a picture of the shape of ``like``, int16."""
    channels, height, width = like.shape
    rgba = torch.frombuffer(bytearray(base64.b64decode(data)), dtype=torch.uint8)
    rgba = rgba.view(height, width, 4).permute(2, 0, 1).short()
    assert bool((rgba[3] == 255).all()), "the picture is not opaque"
    if channels == 1:
        assert torch.equal(rgba[0], rgba[1]) and torch.equal(rgba[0], rgba[2])
    return rgba[:channels]


def differences(
    dataset: Grid, factors: Tensor, folder: Path
) -> tuple[dict[str, Any], Tensor]:
    """What the page reports, and where it differs from ``render``, (n, c, h, w)."""
    start = [size // 2 for size in dataset.space.sizes]
    rows = factors.tolist()
    answer = open_page(framed(factor_sliders(dataset), rows), folder)["report"][0]
    images = dataset.render(torch.cat([torch.tensor([start]), factors])).short()
    pictures = [answer["start"], *answer["pictures"]]
    assert answer["reset"] == answer["start"] and answer["back"] == start
    gaps = [seen(a, b) - b for a, b in zip(pictures, images, strict=True)]
    print(f"{sorted(answer['times'])[len(rows) // 2]} ms a picture")
    return answer, torch.stack(gaps).abs()


@needs_browser
@pytest.mark.parametrize("size", [64, 24])
def test_browser_draws_the_sprites_that_torch_draws(size: int, tmp_path: Path) -> None:
    dataset = TwinDSprites(size)
    factors = dataset.space.sample(200, torch.Generator().manual_seed(size))
    factors[:3, 2] = torch.tensor([0, 39, 39])  # both ends of the circle
    answer, gaps = differences(dataset, factors, tmp_path)
    differing = (gaps > 0).sum((1, 2, 3))
    print(f"{int((differing > 0).sum())} of {len(differing)} differ in a pixel or two")
    assert differing.max() <= 2 and (differing > 0).float().mean() < 0.05
    row = dataset.space.to_index(factors[-1:])
    assert answer["address"] == (
        f"Factors ({', '.join(map(str, factors[-1].tolist()))}), flat index "
        f"{int(row):,} of 737,280."
    )
    value = dataset.space.factors[4].values[int(factors[-1, 4])]
    assert answer["words"][4] == [f"{value:.2f}", f"{value:.2f}"]
    assert answer["said"].startswith(f"posY at {value:.2f}: ")
    assert answer["drawn"] > 10
    assert answer["visible"] > 0 and answer["waiting"] == 0


@needs_browser
def test_browser_draws_the_rooms_that_torch_draws(
    rooms: TwinShapes3D, tmp_path: Path
) -> None:
    factors = rooms.space.sample(40, torch.Generator().manual_seed(0))
    factors[:, 4] = torch.arange(40) % 4  # every solid
    _, gaps = differences(rooms, factors, tmp_path)
    print(f"mean {gaps.float().mean():.3f}, largest {int(gaps.max())} of 255")
    # Rounding, and single rays that pass along an edge: one of 36 in a pixel here.
    assert gaps.float().mean() < 0.5
    assert (gaps > 2).float().mean() < 0.001 and gaps.max() < 30


@needs_browser
def test_browser_shows_strips_one_factor_at_a_time(tmp_path: Path) -> None:
    dataset, start = Dot(), [2, 2, 1]
    moves: list[list[int | None]] = [[0, None, None], [None, 3, None], [None, None, 0]]
    answer = open_page(framed(factor_sliders(dataset), moves), tmp_path)["report"][0]
    for move, data in zip(moves, answer["pictures"], strict=True):
        factors = [s if m is None else m for s, m in zip(start, move, strict=True)]
        wanted = dataset.render(torch.tensor([factors]))[0].short()
        assert torch.equal(seen(data, wanted), wanted)
    assert answer["address"].startswith("Factors (2, 2, 0), flat index 20 of 32")
    assert answer["said"] == "ink at red: 2 of 64 pixels changed."
    assert answer["drawn"] > 1


@needs_browser
def test_several_fit_on_a_narrow_screen(rooms: TwinShapes3D, tmp_path: Path) -> None:
    several = [factor_sliders(SPRITES), factor_sliders(rooms), factor_sliders(rooms)]
    body = "".join(framed(shown, []) for shown in several)
    body = f'<div style="width: 300px">{body}</div>'
    answer = open_page(body, tmp_path, "--window-size=500,900")
    assert answer["wide"]
    assert all(figure["visible"] > 0 for figure in answer["report"])
