"""The in-page explorer: what it carries, and what a real browser makes of it."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dlib import networks
from dlib.models import VAE, Autoencoder
from dlib.networks import FullPrecisionLinear, Networks
from dlib.viz.explorer import Explorer, explorer

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
needs_browser = pytest.mark.skipif(
    BROWSER is None,
    reason="no chromium, chromium-browser or google-chrome on the PATH: the "
    "explorer was not opened in a browser",
)


def vivid(pair: Networks, seed: int = 0, kind: type[VAE] = VAE) -> VAE:
    """An untrained method whose pictures have blacks and whites, not one grey."""
    method = kind(pair)
    networks.initialise(method, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for layer in method.decoder.modules():
            if isinstance(layer, (nn.Linear, nn.ConvTranspose2d)):
                layer.weight *= 3
    picture = method.decode(torch.ones(1, method.latent_dim))
    assert float(picture.detach().std()) > 0.1
    return method


def small_mlp(latent_dim: int = 3, channels: int = 1, size: int = 8) -> Networks:
    """The layers of ``networks.shapes_mlp``, narrow enough for a page."""
    pixels = channels * size * size
    decoder = nn.Sequential(
        FullPrecisionLinear(latent_dim, 50),
        nn.Tanh(),
        nn.Sequential(nn.Linear(50, 40), nn.Tanh()),
        nn.Linear(40, pixels, bias=False),
        nn.Unflatten(1, (channels, size, size)),
    )
    return Networks(nn.Linear(pixels, 2 * latent_dim), decoder)


def payload(shown: Explorer) -> dict[str, Any]:
    """The data that the page's script reads."""
    [text] = re.findall(
        r'<script type="application/json">(.*?)</script>', shown.html, re.DOTALL
    )
    return json.loads(text)


def decode_payload(data: dict[str, Any], codes: Tensor) -> Tensor:
    """What the payload says the picture is, by torch's own layers."""
    weights = torch.from_numpy(
        np.frombuffer(base64.b64decode(data["weights"]), "<f2").astype(np.float32)
    )
    values, used = codes, 0

    def take(*shape: int) -> Tensor:
        nonlocal used
        used += (n := int(np.prod(shape)))
        return weights[used - n : used].view(shape)

    for layer in data["layers"]:
        match layer["kind"]:
            case "linear":
                weight = take(layer["outputs"], layer["inputs"])
                values = nn.functional.linear(values, weight, take(layer["outputs"]))
            case "deconv":
                weight = take(layer["inputs"], 4, 4, layer["outputs"])
                values = nn.functional.conv_transpose2d(
                    values,
                    weight.permute(0, 3, 1, 2),
                    take(layer["outputs"]),
                    stride=2,
                    padding=1,
                )
            case "channels_last":
                shape = (layer["channels"], layer["height"], layer["width"])
                values = values.unflatten(1, shape)
            case "relu":
                values = values.relu()
            case "tanh":
                values = values.tanh()
    assert used == len(weights), "the payload holds weights that no layer uses"
    return values.sigmoid()


def sliders(shown: Explorer) -> list[tuple[str, int]]:
    """Name and latent of each slider, from the top down."""
    found = re.findall(
        r"<label><span>(.*?)</span><input [^>]*data-latent=\"(\d+)\"", shown.html
    )
    return [(html.unescape(name), int(latent)) for name, latent in found]


CASES = {
    "conv, 64, grey": lambda: networks.conv(10, 1, 64),
    "conv, 32, colour": lambda: networks.conv(6, 3, 32),
    "mlp": small_mlp,
    "mlp, colour": lambda: small_mlp(channels=3),
}


@pytest.mark.parametrize("case", CASES)
def test_payload_decodes_as_the_method_does(case: str) -> None:
    method = vivid(CASES[case]())
    data = payload(explorer(method))
    codes = torch.randn(
        8, method.latent_dim, generator=torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        wanted = method.decode(codes)
    torch.testing.assert_close(decode_payload(data, codes), wanted, atol=0.01, rtol=0)


def test_payload_reads_weights_from_any_device(device: torch.device) -> None:
    method = vivid(small_mlp())
    wanted = payload(explorer(method))
    assert payload(explorer(method.to(device))) == wanted


def test_conv_decoder_at_64_stays_near_one_megabyte() -> None:
    size = len(explorer(VAE(networks.conv(10, 3, 64))).html)
    assert 0.9e6 < size < 1.2e6


def test_notebook_gets_html_and_words() -> None:
    shown = explorer(vivid(small_mlp()), title="Two <b>& more</b> {{payload}}")
    bundle = shown._repr_mimebundle_(include=None, exclude=None)
    assert bundle["text/html"] == shown._repr_html_() == shown.html
    assert "Two <b>" in bundle["text/plain"]
    assert "Two &lt;b&gt;&amp; more" in shown.html
    assert "<b>" not in shown.html
    assert shown.html.count("{{payload}}") == 2


def test_page_reaches_for_nothing_and_names_no_ids() -> None:
    shown = explorer(vivid(small_mlp()))
    assert not re.search(r"https?://|//cdn|\bsrc=|\bimport\b|fetch\(", shown.html)
    assert not re.search(r"\bid=|getElementById|window\.", shown.html)


def test_most_active_latents_come_first_unless_an_order_is_given() -> None:
    method = vivid(small_mlp(latent_dim=4))
    with torch.no_grad():
        first = method.decoder[0]
        assert isinstance(first, nn.Linear)
        for latent, strength in enumerate((0.0, 0.1, 1.0, 0.01)):
            first.weight[:, latent] *= strength
    assert [latent for _, latent in sliders(explorer(method))] == [2, 1, 3, 0]
    assert sliders(explorer(method, order=[3, 1])) == [("z3", 3), ("z1", 1)]


def test_labels_belong_to_latents_whatever_the_order() -> None:
    method = vivid(small_mlp())
    names = ["scale", "", "x < y"]
    for labels in (names, {0: "scale", 2: "x < y"}):
        shown = explorer(method, labels=labels, order=[2, 1, 0])
        assert sliders(shown) == [("z2: x < y", 2), ("z1", 1), ("z0: scale", 0)]
        assert "x < y" not in shown.html


def test_start_is_kept_and_lengthens_its_slider() -> None:
    method = vivid(small_mlp(), kind=Autoencoder)
    start = torch.tensor([[0.25, -5.0, 1.0]], requires_grad=True)
    shown = explorer(method, start, limits=(-2, 2), order=[0, 1, 2])
    assert payload(shown)["start"] == [0.25, -5.0, 1.0]
    ends = re.findall(r'min="(\S+)" max="(\S+)"', shown.html)
    assert ends == [("-2", "2"), ("-5", "2"), ("-2", "2")]
    assert payload(explorer(method))["start"] == [0, 0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": [1.0, 2.0]}, r"shape \(3,\) or \(1, 3\); got \(2,\)"),
        ({"start": [0, 0, float("nan")]}, "start must be finite"),
        ({"limits": (3, -3)}, "the lower first"),
        ({"limits": (-3, float("inf"))}, "two finite numbers"),
        ({"labels": ["scale"]}, "3 words"),
        ({"labels": "abc"}, "3 words"),
        ({"labels": {3: "scale"}}, "labels names latents by number, 0 to 2; got 3"),
        ({"order": [0, 0]}, "at most once"),
        ({"order": []}, "at most once"),
        ({"order": [-1]}, "order names latents by number, 0 to 2; got -1"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(vivid(small_mlp()), **arguments)


def test_large_decoder_is_refused_with_its_size_and_a_way_out() -> None:
    method = VAE(networks.shapes_mlp(10, 1, 32))
    with pytest.raises(ValueError, match=r"1\d\.\d MB .*at most 3 MB.*networks\.conv"):
        explorer(method, order=[0])


@pytest.mark.parametrize("weight", [float("nan"), 1e6])
def test_weights_beyond_half_precision_are_refused(weight: float) -> None:
    method = vivid(small_mlp())
    next(method.decoder.parameters()).data[0, 0] = weight
    with pytest.raises(ValueError, match="half precision"):
        explorer(method, order=[0])


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([nn.Linear(3, 64), nn.GELU()], r"cannot run GELU.* on values of shape \(64,"),
        ([nn.Linear(3, 64)], r"must end in pictures .* got \(64,\)"),
        ([nn.Linear(3, 8), nn.Unflatten(1, (2, 2, 2))], r"got \(2, 2, 2\)"),
        ([nn.Linear(3, 8), nn.Unflatten(1, (4, 2))], "cannot run Unflatten"),
        (
            [
                nn.Linear(3, 4),
                nn.Unflatten(1, (1, 2, 2)),
                nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1),
            ],
            "cannot run ConvTranspose2d",
        ),
    ],
)
def test_layers_that_it_cannot_run_are_named(
    layers: list[nn.Module], message: str
) -> None:
    method = VAE(Networks(nn.Identity(), nn.Sequential(*layers)))
    with pytest.raises(TypeError, match=message):
        explorer(method, order=[0])


def test_method_without_decoder_is_refused() -> None:
    method: Any = nn.Linear(2, 2)
    method.latent_dim = 2
    with pytest.raises(TypeError, match="Linear has no module called decoder"):
        explorer(method)


# Frames wait until the probe asks for them: a dumped page has no next frame.
FRAMES = """
<script>
let frames = [];
window.requestAnimationFrame = (draw) => frames.push(draw);
window.cancelAnimationFrame = (frame) => { frames[frame - 1] = null; };
const report = [];
window.onerror = (message) => report.push({ error: message });
</script>
"""
# Moves sliders as a reader would, then writes what the page shows into the page.
PROBE = """
<script>
for (const root of document.querySelectorAll(".dlib-explorer")) {
  const moves = JSON.parse(root.parentNode.dataset.moves);
  const canvas = root.querySelector("canvas");
  const look = () => Array.from(canvas.getContext("2d").getImageData(
    0, 0, canvas.width, canvas.height).data);
  const start = look();
  for (const [latent, value] of Object.entries(moves)) {
    const input = root.querySelector(`[data-latent="${latent}"]`);
    for (const at of [0, 0.5, value]) {
      input.value = at;
      input.dispatchEvent(new Event("input"));
    }
  }
  const asked = frames.length, before = look();
  frames.forEach((draw) => draw());
  frames = [];
  const moved = look(), input = root.querySelector("input");
  input.dispatchEvent(new Event("input"));
  input.dispatchEvent(new Event("change"));
  const left = frames.filter(Boolean).length;
  const said = root.querySelector("[role=status]").textContent;
  frames = [];
  const times = [];
  for (let i = 0; i < 30; i++) {
    input.dispatchEvent(new Event("change"));
    times.push(Number(root.dataset.milliseconds));
  }
  root.querySelector("button").click();
  report.push({
    start, before, moved, asked, left, said, reset: look(),
    milliseconds: times.sort((a, b) => a - b)[15],
    names: Array.from(root.querySelectorAll("input"), 
      (input) => input.labels[0].firstElementChild.innerText),
    visible: root.querySelector(".dlib-explorer-stage").offsetHeight,
    waiting: root.querySelector(".dlib-explorer-waiting").offsetHeight,
  });
}
const out = document.createElement("pre");
out.id = "report";
out.textContent = JSON.stringify({
  report, wide: document.documentElement.scrollWidth <= window.innerWidth,
});
document.body.append(out);
</script>
"""


def open_page(body: str, folder: Path, *options: str) -> dict[str, Any]:
    """Open a page headless and return what its probe reported."""
    assert BROWSER is not None
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8">{FRAMES}{body}{PROBE}',
        encoding="utf-8",
    )
    dumped = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={folder / 'profile'}",
            *options,
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout
    found = re.search(r'<pre id="report">(.*?)</pre>', dumped, re.DOTALL)
    assert found, f"the page reported nothing; it begins {dumped[:500]!r}"
    return json.loads(html.unescape(found[1]))


def framed(shown: Explorer, moves: dict[int, float]) -> str:
    return f"<div data-moves='{json.dumps(moves)}'>{shown.html}</div>"


def pixels(values: list[int], like: Tensor) -> Tensor:
    """A canvas' bytes as a picture in [0, 1] of the shape of ``like``."""
    channels, height, width = like.shape
    rgba = torch.tensor(values).view(height, width, 4).permute(2, 0, 1) / 255
    assert bool((rgba[3] == 1).all()), "the picture is not opaque"
    if channels == 1:
        assert torch.equal(rgba[0], rgba[1]) and torch.equal(rgba[0], rgba[2])
    return rgba[:channels]


@needs_browser
def test_browser_shows_what_torch_decodes(tmp_path: Path) -> None:
    # Several on one page, one of them twice, as a notebook with two views has.
    shown, bodies = [], []
    for seed, case in enumerate([*CASES, "mlp"]):
        method = vivid(CASES[case](), seed=min(seed, 2))
        start = torch.linspace(-0.5, 0.5, method.latent_dim)
        moves = {0: 1.5, method.latent_dim - 1: -2.0}
        shown.append((method, start, moves))
        bodies.append(framed(explorer(method, start, labels={0: "size"}), moves))
    answer = open_page("".join(bodies), tmp_path)
    assert len(answer["report"]) == len(shown)
    for seen, (method, start, moves) in zip(answer["report"], shown, strict=True):
        assert "error" not in seen, seen
        moved = start.clone()
        for latent, value in moves.items():
            moved[latent] = value
        with torch.no_grad():
            wanted = method.decode(torch.stack([start, moved]))
        assert float((wanted[0] - wanted[1]).abs().max()) > 0.1
        for name, picture in zip(("start", "moved"), wanted, strict=True):
            difference = (pixels(seen[name], picture) - picture).abs().max()
            assert float(difference) < 0.01, name
        # Six steps of two sliders are one frame; a slider at rest needs none.
        assert (seen["asked"], seen["left"]) == (1, 0)
        assert seen["before"] == seen["reset"] == seen["start"]
        assert seen["visible"] > 0 and seen["waiting"] == 0
        assert "z0: size" in seen["names"]
        assert "of the pixels differ from the start" in seen["said"]
        print(f"{list(picture.shape)}: {seen['milliseconds']} ms a picture")
        # Loose, since the machine may be busy; alone it takes about a tenth.
        assert seen["milliseconds"] < 100


@needs_browser
def test_narrow_screen_does_not_scroll_sideways(tmp_path: Path) -> None:
    method = vivid(networks.conv(10, 1, 32))
    shown = explorer(method, labels={0: "orientation of the thing that is shown"})
    body = f'<div style="width: 300px">{framed(shown, {0: 1})}</div>'
    answer = open_page(body, tmp_path, "--window-size=500,900")
    assert answer["wide"]
