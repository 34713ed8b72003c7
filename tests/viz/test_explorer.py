"""The in-page explorer: what it carries, and what a real browser makes of it."""

from __future__ import annotations

import base64
import html
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from chromium import needs_browser, report
from torch import Tensor, nn

from dlib import networks
from dlib.models import VAE, Autoencoder, PageDecoder, page_decoder
from dlib.networks import FullPrecisionLinear, Networks
from dlib.viz.explorer import Explorer, explorer


def vivid(pair: Networks, seed: int = 0, kind: type[VAE] = VAE) -> VAE:
    """An untrained method whose pictures have blacks and whites, not one grey.

    Its batch norms have seen codes, and turned into something of their own.
    """
    method = kind(pair)
    generator = torch.Generator().manual_seed(seed)
    networks.initialise(method, generator)
    with torch.no_grad():
        for layer in method.decoder.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                layer.weight *= 3
            if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
                nn.init.uniform_(layer.weight, 0.5, 2, generator)
                nn.init.uniform_(layer.bias, -1, 1, generator)
        for _ in range(20):
            method.decode(torch.randn(64, method.latent_dim, generator=generator))
        method.eval()
        # What passes many small layers may have faded to grey.
        contrast = method.decoder(torch.ones(1, method.latent_dim)).std()
        last = [x for x in method.decoder.modules() if hasattr(x, "weight")][-1]
        last.weight *= (2 / contrast).clamp(min=1)
    picture = method.decode(torch.ones(1, method.latent_dim))
    assert float(picture.detach().std()) > 0.1
    return method


def pair(*decoder: nn.Module, latent_dim: int = 3) -> Networks:
    return Networks(nn.Identity(), nn.Sequential(*decoder), latent_dim, 1, 8)


def small_mlp(latent_dim: int = 3, channels: int = 1, size: int = 8) -> Networks:
    """The layers of ``networks.shapes_mlp``, narrow enough for a page."""
    return pair(
        FullPrecisionLinear(latent_dim, 50),
        nn.Tanh(),
        nn.Sequential(nn.Linear(50, 40), nn.Tanh()),
        nn.Linear(40, channels * size * size, bias=False),
        nn.Unflatten(1, (channels, size, size)),
        latent_dim=latent_dim,
    )


def dcgan() -> Networks:
    """Hu et al. (2018), Table 1: d512k4-d512k4s2-...-d3k2, a hundredth as wide."""
    return pair(
        nn.Unflatten(1, (3, 1, 1)),
        nn.ConvTranspose2d(3, 16, 4),
        nn.BatchNorm2d(16),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(8, 3, 2, stride=2),
    )


def began() -> Networks:
    """Hu et al. (2018), Table 1: f4096-r(8,8,64)-c64k3-c64k3-u-...-c3, narrower."""
    return pair(
        nn.Linear(3, 128),
        nn.Unflatten(1, (8, 4, 4)),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(0.2),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.LeakyReLU(0.2),
        nn.UpsamplingNearest2d(scale_factor=2),
        nn.Conv2d(6, 3, 1),
    )


def from_one_pixel() -> Networks:
    """Deconvolutions all the way, as Inoue et al., section 4.2, have six."""
    layers: list[nn.Module] = [nn.Unflatten(1, (3, 1, 1))]
    for inputs, outputs in ((3, 16), (16, 16), (16, 8), (8, 1)):
        layers += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.ReLU()]
    return pair(*layers[:-1])


def lopsided() -> Networks:
    """Kernels, strides and paddings whose two numbers differ; oblong pictures."""
    return pair(
        nn.Linear(3, 24),
        nn.Sigmoid(),
        nn.Unflatten(1, (2, 3, 4)),
        nn.ConvTranspose2d(2, 4, (3, 5), (2, 3), (1, 2), output_padding=(1, 0)),
        nn.Tanh(),
        nn.Conv2d(4, 4, (3, 2), padding=(4, 0)),
        nn.ReLU(),
        nn.Conv2d(4, 4, (1, 3), padding="same"),
        nn.LeakyReLU(0.3),
        nn.Upsample(size=(24, 18)),
        nn.ConvTranspose2d(4, 1, (5, 1), padding=(2, 0)),
    )


def payload(shown: Explorer, at: int = 0) -> dict[str, Any]:
    """The data that the page's script reads, of one of its decoders."""
    [text] = re.findall(
        r'<script type="application/json">(.*?)</script>', shown.html, re.DOTALL
    )
    return json.loads(text)[at]


def start_of(shown: Explorer) -> list[float]:
    """The code that the page starts from."""
    data, starts = payload(shown), re.findall(r'data-start="(\S+)"', shown.html)
    code = list(data["base"])
    for (latent, unit), value in zip(data["moves"], starts, strict=True):
        code[latent] += unit * float(value)
    return code


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
                weight = take(layer["inputs"], *layer["kernel"], layer["outputs"])
                bias, stride = take(layer["outputs"]), layer["stride"]
                # All stamps, uncropped; then the piece that the page keeps.
                sheet = nn.functional.conv_transpose2d(
                    values, weight.permute(0, 3, 1, 2), stride=stride
                )
                (rows, columns), (top, left) = layer["size"], layer["padding"]
                sheet = nn.functional.pad(
                    sheet,
                    (
                        -left,
                        columns + left - sheet.shape[3],
                        -top,
                        rows + top - sheet.shape[2],
                    ),
                )
                values = sheet + bias.view(-1, 1, 1)
            case "upsample":
                values = values.repeat_interleave(layer["factor"], 2)
                values = values.repeat_interleave(layer["factor"], 3)
            case "channels_last":
                shape = (layer["channels"], layer["height"], layer["width"])
                values = values.unflatten(1, shape)
            case "relu":
                values = values.where(values > 0, layer["slope"] * values)
            case "tanh":
                values = values.tanh()
            case "sigmoid":
                values = values.sigmoid()
            case kind:
                pytest.fail(f"no layer is called {kind}")
    assert used == len(weights), "the payload holds weights that no layer uses"
    match data["activation"]:
        case "sigmoid":
            return values.sigmoid()
        case "tanh":
            return (values.tanh() + 1) / 2
        case "identity":
            return values.clamp(0, 1)
        case activation:
            pytest.fail(f"no activation is called {activation}")


def sliders(shown: Explorer) -> list[tuple[str, int]]:
    """Name and latent of each slider, from the top down."""
    names = re.findall(r"<label><span>(.*?)</span><input ", shown.html)
    latents = [latent for latent, _ in payload(shown)["moves"]]
    return list(zip(map(html.unescape, names), latents, strict=True))


CASES = {
    "conv, 64, grey": lambda: networks.conv(10, 1, 64),
    "conv, 32, colour": lambda: networks.conv(6, 3, 32),
    "mlp": small_mlp,
    "mlp, colour": lambda: small_mlp(channels=3),
    "dcgan": dcgan,
    "began": began,
    "from one pixel": from_one_pixel,
    "lopsided": lopsided,
}


class TanhEnded(VAE):
    """A method whose decoder ends in a tanh of its own."""

    def __init__(self, pair: Networks, likelihood: str = "bernoulli") -> None:
        super().__init__(pair, likelihood)
        self.decoder = nn.Sequential(self.decoder, nn.Tanh())

    def decode(self, codes: Tensor) -> Tensor:
        return (self.decoder(codes) + 1) / 2

    def page_decoder(self) -> PageDecoder:
        return page_decoder(self.decoder, "tanh")


class Clamped(VAE):
    """A method whose decoder's output is the picture, where it is in [0, 1]."""

    def decode(self, codes: Tensor) -> Tensor:
        return self.decoder(codes).clamp(0, 1)

    def page_decoder(self) -> PageDecoder:
        return page_decoder(self.decoder, "identity")


class SaysSigmoid(TanhEnded):
    """Decodes with a tanh, tells the page of a sigmoid: what used to be silent."""

    def page_decoder(self) -> PageDecoder:
        return page_decoder(self.decoder[0], "sigmoid")


KINDS = {"sigmoid": VAE, "tanh": TanhEnded, "identity": Clamped}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_payload_decodes_as_the_method_does(case: str, kind: str) -> None:
    method = vivid(CASES[case](), kind=KINDS[kind])
    data = payload(explorer(method))
    assert data["activation"] == kind
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
    assert not re.search(
        r"https?://|//cdn|\bsrc=(?!.data:)|\bimport\b|fetch\(", shown.html
    )
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
    method = vivid(small_mlp()._replace(heads=1), kind=Autoencoder)
    start = torch.tensor([[0.25, -5.0, 1.0]], requires_grad=True)
    shown = explorer(method, start, limits=(-2, 2), order=[0, 1, 2])
    assert start_of(shown) == [0.25, -5.0, 1.0]
    ends = re.findall(r'min="(\S+)" max="(\S+)"', shown.html)
    assert ends == [("-2", "2"), ("-5", "2"), ("-2", "2")]
    assert start_of(explorer(method)) == [0, 0, 0]


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


class DoubledLinear(nn.Linear):
    """Looks like a layer that the page runs, and does something else."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


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
                nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, dilation=2),
            ],
            "cannot run ConvTranspose2d",
        ),
        (
            [
                nn.Linear(3, 16),
                nn.Unflatten(1, (1, 4, 4)),
                nn.Conv2d(1, 1, 4, stride=2, padding=1),
            ],
            "cannot run Conv2d",
        ),
        (
            [
                nn.Linear(3, 16),
                nn.Unflatten(1, (1, 4, 4)),
                nn.Upsample(scale_factor=2, mode="bilinear"),
            ],
            "cannot run Upsample",
        ),
        ([nn.Linear(3, 4), nn.Unflatten(1, (1, 3, 3))], "cannot run Unflatten"),
        ([DoubledLinear(3, 4), nn.Unflatten(1, (1, 2, 2))], "cannot run DoubledLinear"),
    ],
)
def test_layers_that_it_cannot_run_are_named(
    layers: list[nn.Module], message: str
) -> None:
    method = VAE(pair(*layers))
    with pytest.raises(TypeError, match=message):
        explorer(method, order=[0])


def test_method_without_page_decoder_is_refused() -> None:
    method: Any = nn.Linear(2, 2)
    method.latent_dim = 2
    with pytest.raises(TypeError, match=r"Linear has no page_decoder\(\)"):
        explorer(method)


class ForgetsALayer(VAE):
    def page_decoder(self) -> PageDecoder:
        layers = [layer for layer in self.decoder if not isinstance(layer, nn.Tanh)]
        return page_decoder(nn.Sequential(*layers), "sigmoid")


class OtherSize(VAE):
    def page_decoder(self) -> PageDecoder:
        return page_decoder(
            nn.Sequential(self.decoder, nn.Upsample(scale_factor=2)), "sigmoid"
        )


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (SaysSigmoid, r"a pixel that differs by 0\.\d+ of 1.* it states 'sigmoid'"),
        (ForgetsALayer, "a pixel that differs by"),
        (OtherSize, r"shape \(1, 16, 16\), not \(1, 8, 8\)"),
    ],
)
def test_page_that_would_show_another_picture_is_refused(
    kind: type[VAE], message: str
) -> None:
    wanted = rf"{kind.__name__}\.page_decoder\(\) does not agree .*{message}"
    with pytest.raises(ValueError, match=wanted):
        explorer(vivid(small_mlp(), kind=kind))


def test_code_that_the_page_starts_from_is_compared() -> None:
    class GoesBlack(VAE):
        """Decodes to black far out: no code within the limits can tell."""

        def decode(self, codes: Tensor) -> Tensor:
            near = codes.abs().amax(1) < 4
            return super().decode(codes) * near.view(-1, 1, 1, 1)

    method = vivid(small_mlp(), kind=GoesBlack)
    explorer(method)
    with pytest.raises(ValueError, match="does not agree"):
        explorer(method, [0, 0, 5.0])


def test_method_is_left_as_it_was() -> None:
    method = vivid(dcgan()).train()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    explorer(method)
    assert method.training and method.decoder[2].training
    for name, value in method.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_latents_of_chunks_are_named_by_chunk() -> None:
    method = vivid(small_mlp(latent_dim=4))
    method.chunks = (1, 3)
    shown = explorer(method, labels={2: "size"}, order=[0, 1, 2, 3])
    names = [name for name, _ in sliders(shown)]
    assert names == ["chunk 0 [0]", "chunk 1 [0]", "chunk 1 [1]: size", "chunk 1 [2]"]


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
  const models = JSON.parse(
    root.querySelector('script[type="application/json"]').textContent);
  const latents = models[0].moves.map(([latent]) => latent);
  const inputs = root.querySelectorAll("input");
  const look = () => Array.from(canvas.getContext("2d").getImageData(
    0, 0, canvas.width, canvas.height).data);
  const start = look();
  for (const [latent, value] of Object.entries(moves)) {
    const input = inputs[latents.indexOf(Number(latent))];
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


def open_page(
    body: str, folder: Path, *options: str, canvas: str = "canvas"
) -> dict[str, Any]:
    """Open a page headless and return what its probe reported of a canvas."""
    probe = PROBE.replace('querySelector("canvas")', f'querySelector("{canvas}")')
    return report(FRAMES + body + probe, folder, *options)


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
    pages = [(case, "sigmoid") for case in [*CASES, "mlp"]]
    pages += [("mlp", "tanh"), ("dcgan", "tanh"), ("began", "identity")]
    for seed, (case, kind) in enumerate(pages):
        method = vivid(CASES[case](), seed=min(seed, 2), kind=KINDS[kind])
        start = torch.linspace(-0.5, 0.5, method.latent_dim)
        moves = {0: 1.5, method.latent_dim - 1: -2.0}
        shown.append((method, start, moves))
        bodies.append(framed(explorer(method, start, labels={0: "size"}), moves))
    answer = open_page("".join(bodies), tmp_path)
    assert len(answer["report"]) == len(shown)
    for seen, (method, start, moves), page in zip(
        answer["report"], shown, pages, strict=True
    ):
        assert "error" not in seen, seen
        moved = start.clone()
        for latent, value in moves.items():
            moved[latent] = value
        with torch.no_grad():
            wanted = method.decode(torch.stack([start, moved]))
        assert float((wanted[0] - wanted[1]).abs().max()) > 0.1
        differences = [
            float((pixels(seen[name], picture) - picture).abs().max())
            for name, picture in zip(("start", "moved"), wanted, strict=True)
        ]
        print(
            f"{page}, {list(wanted.shape[1:])}: {seen['milliseconds']} ms a picture, "
            f"pixels differ by {max(differences):.4f} at most"
        )
        assert max(differences) < 0.01, page
        # Six steps of two sliders are one frame; a slider at rest needs none.
        assert (seen["asked"], seen["left"]) == (1, 0)
        assert seen["before"] == seen["reset"] == seen["start"]
        assert seen["visible"] > 0 and seen["waiting"] == 0
        assert "z0: size" in seen["names"]
        assert "of the pixels differ from the start" in seen["said"]
        # Loose, since the machine may be busy; alone it takes about a tenth.
        assert seen["milliseconds"] < 100


@needs_browser
def test_narrow_screen_does_not_scroll_sideways(tmp_path: Path) -> None:
    method = vivid(networks.conv(10, 1, 32))
    shown = explorer(method, labels={0: "orientation of the thing that is shown"})
    body = f'<div style="width: 300px">{framed(shown, {0: 1})}</div>'
    answer = open_page(body, tmp_path, "--window-size=500,900")
    assert answer["wide"]
