"""Sliders on a latent space that decode in the reader's browser.

What :func:`explorer` shows carries the decoder's weights and a decoder written in
plain JavaScript (``explorer.html``, beside this file). A published page therefore
answers without a kernel, a server or a network.
"""

from __future__ import annotations

import base64
import copy
import html
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlib.inference import device_of, evaluating
from dlib.models.method import Method
from dlib.models.page import PageDecoder
from dlib.networks import FullPrecisionLinear
from dlib.viz.live import Live, fill

MAX_BYTES = 3_000_000  # of HTML: what a page may carry without being a burden
SHOWN = 256  # pixels of the screen that a picture takes, about
STEPS = 120  # of a slider from end to end
TOLERANCE = 0.02  # of a pixel, between the page and method.decode
STILLS = 5  # pictures of a slider's way that are shown where no script runs
STILL_ROWS = 5  # sliders that they are shown of

# A layer is run by the page if it does what one of these does. Subclasses that
# do more would be shown wrong.
LAYERS = (
    nn.Linear,
    FullPrecisionLinear,
    nn.Unflatten,
    nn.ConvTranspose2d,
    nn.Conv2d,
    nn.Upsample,
    nn.ReLU,
    nn.LeakyReLU,
    nn.Tanh,
    nn.Sigmoid,
)


@dataclass(frozen=True)
class Slider:
    """A line of the controls.

    Attributes
    ----------
    name : str
    value, low, high : float
        Where it starts, and its ends.
    note : str
        In small letters below the name.
    """

    name: str
    value: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class Decoding:
    """A decoder in the page, and what each slider does to its code.

    Attributes
    ----------
    name : str
        Above its picture, where there are several.
    method : Method
    base : list of float
        The code to which the sliders' shares are added.
    moves : list of (int, float)
        For each slider: a latent, and what a unit of the slider adds to it.
    """

    name: str
    method: Method
    base: list[float]
    moves: list[tuple[int, float]]

    def codes(self, values: Tensor) -> Tensor:
        """Codes (n, latent_dim) at sliders' values (n, sliders)."""
        codes = torch.tensor(self.base).repeat(len(values), 1)
        for (latent, unit), value in zip(self.moves, values.T, strict=True):
            codes[:, latent] += unit * value
        return codes


class Explorer(Live):
    """What :func:`explorer` returns."""


@torch.no_grad()
def explorer(
    method: Method,
    start: Tensor | Sequence[float] | None = None,
    *,
    limits: tuple[float, float] = (-3, 3),
    labels: Sequence[str] | Mapping[int, str] | None = None,
    order: Sequence[int] | None = None,
    title: str = "Move a latent, watch the picture",
) -> Explorer:
    """A slider for each latent, and the picture that the decoder makes of them.

    Parameters
    ----------
    method : Method
        Its ``page_decoder()`` is what the page runs. It may be made of ``Linear``,
        ``Unflatten``, ``ConvTranspose2d`` and ``Conv2d`` of stride 1 (neither with
        groups or dilation), ``Upsample`` to the nearest, ``ReLU``, ``LeakyReLU``,
        ``Tanh`` and ``Sigmoid``. Pictures have one channel or three.
    start : Tensor or sequence of float, optional
        The code to start from and to return to, shape (latent_dim,) or
        (1, latent_dim), such as a picture's ``method.encode(...)``; the
        prior's mean, zeros, by default. A slider whose start lies outside the
        limits is made longer.
    limits : (float, float)
        Ends of the sliders, in units of the prior's standard deviation.
    labels : sequence or mapping, optional
        What a latent carries: one word for each latent (``labels[i]`` is z\\ i's,
        whatever the order), or a mapping from some latents to words. An empty word
        adds nothing to the latent's own name: ``z0``, ``z1``, ..., or
        ``chunk 0 [0]``, ``chunk 0 [1]``, ... where ``method.chunks`` are wider.
    order : sequence of int, optional
        Which latents get a slider, from the top down. By default all of them,
        those first that change the picture most between the limits.
    title : str
        The line above.

    Returns
    -------
    Explorer
        As the last value of a cell, it is shown.

    Raises
    ------
    TypeError
        If ``method`` has no page decoder, or a layer of it is none of the above.
    ValueError
        If ``start``, ``limits``, ``labels`` or ``order`` does not fit the method's
        latents, a weight is not finite in half precision, the page's pictures
        differ from those of ``method.decode``, or the HTML would be larger than
        3 MB.

    Notes
    -----
    Weights travel in half precision: a pixel differs from ``method.decode`` by
    less than 0.01 as a rule, and by 0.02 at most at the start and at four codes
    within the limits, which are compared before anything is shown. The
    convolutional decoder at 64x64 makes about 1 MB of HTML.
    """
    code = _start(start, method.latent_dim)
    low, high = (float(limit) for limit in limits)
    if not low < high or not np.isfinite([low, high]).all():
        raise ValueError(
            f"limits must be two finite numbers, the lower first; got {limits}"
        )
    page_of(method)  # refuses what the page can't run, before anything is decoded
    if order is None:
        with evaluating(method):
            order = _by_activity(method, code, low, high)
    elif len(set(order)) < len(order) or not order:
        raise ValueError(f"order must name each latent at most once, got {order}")
    for latent in order:
        _check_latent(latent, method.latent_dim, "order")
    words = _words(labels, method.latent_dim)
    names = [
        f"{name}: {word}" if word else name
        for name, word in zip(_names(method), words, strict=True)
    ]

    sliders, base = [], list(code)
    for latent in order:
        value, base[latent] = code[latent], 0.0
        ends = min(low, value), max(high, value)
        sliders.append(Slider(names[latent], value, *ends))
    moves = [(latent, 1.0) for latent in order]
    return assemble([Decoding("", method, base, moves)], sliders, title)


@torch.no_grad()
def assemble(
    decodings: Sequence[Decoding], sliders: Sequence[Slider], title: str
) -> Explorer:
    """One set of sliders, and a picture for each decoder that they drive.

    Raises
    ------
    TypeError, ValueError
        As :func:`explorer`.
    """
    models: list[dict[str, Any]] = []
    stages, counts = [], 0
    for decoding in decodings:
        page = page_of(decoding.method)
        layers, weights, shape = _read(page, decoding.method.latent_dim)
        with evaluating(decoding.method):
            _compare(decoding, page, sliders)
        counts += len(weights) // 2
        models.append(
            {
                "base": [round(value, 6) for value in decoding.base],
                "moves": decoding.moves,
                "channels": shape[0],
                "activation": page.activation,
                "layers": layers,
                "weights": base64.b64encode(weights).decode(),
            }
        )
        stages.append(_stage(decoding.name, shape))
    parts = {
        "title": html.escape(title),
        "stages": "\n".join(stages),
        "sliders": "\n".join(map(_slider, sliders)),
        "still": _still(decodings, sliders),
        # "</script>" in a string would end the script that holds it.
        "payload": json.dumps(models).replace("<", "\\u003c"),
    }
    filled = fill("explorer.html", parts)
    size = len(filled.encode())
    if size > MAX_BYTES:
        raise ValueError(
            f"the explorer would add {size / 1e6:.1f} MB of HTML to the "
            f"page, and at most {MAX_BYTES / 1e6:g} MB are accepted: the decoder has "
            f"{counts:,} parameters. Use a smaller one, such as "
            "dlib.networks.conv, or draw the latents with dlib.viz.traversals"
        )
    return Explorer(filled, title)


def _stage(name: str, shape: tuple[int, ...]) -> str:
    """The canvas of a decoder, and its name."""
    _, height, width = shape
    # A whole number of screen pixels for each of the picture's.
    shown = width * max(1, round(SHOWN / width))
    label = f"Decoded picture, {width} by {height} pixels"
    label = f"{name}: {label}" if name else label
    caption = f"<figcaption>{html.escape(name)}</figcaption>" if name else ""
    return (
        f'<figure><canvas width="{width}" height="{height}" style="width: {shown}px" '
        f'role="img" aria-label="{html.escape(label)}"></canvas>{caption}</figure>'
    )


def _still(decodings: Sequence[Decoding], sliders: Sequence[Slider]) -> str:
    """What the first sliders do, as one picture: for where no script runs."""
    from PIL import Image

    rows = []
    for at, slider in enumerate(sliders[:STILL_ROWS]):
        values = torch.tensor([s.value for s in sliders]).repeat(STILLS, 1)
        values[:, at] = torch.linspace(slider.low, slider.high, STILLS)
        for decoding in decodings:
            with evaluating(decoding.method):
                codes = decoding.codes(values).to(device_of(decoding.method))
                pictures = decoding.method.decode(codes).cpu().clamp(0, 1)
            framed = nn.functional.pad(pictures, (1, 1, 1, 1), value=0.5)
            rows.append(torch.cat(list(framed), dim=2))
    sheet = (255 * torch.cat(rows, dim=1)).byte().permute(1, 2, 0).numpy()
    stored = io.BytesIO()
    Image.fromarray(sheet.squeeze()).save(stored, "PNG", optimize=True)
    names = ", ".join(slider.name for slider in sliders[:STILL_ROWS])
    of = ", ".join(decoding.name for decoding in decodings if decoding.name)
    words = f"From left to right, from a slider's lower to its upper end. Rows: {names}"
    words = html.escape(words + (f"; of each, {of}." if of else "."))
    data = base64.b64encode(stored.getvalue()).decode()
    return f'<img alt="{words}" src="data:image/png;base64,{data}"><p>{words}</p>'


def _start(start: Tensor | Sequence[float] | None, latent_dim: int) -> list[float]:
    if start is None:
        return [0.0] * latent_dim
    code = torch.as_tensor(start, dtype=torch.float32).detach().cpu()
    if tuple(code.shape) not in {(latent_dim,), (1, latent_dim)}:
        raise ValueError(
            f"start must be one code, of shape ({latent_dim},) or (1, {latent_dim}); "
            f"got {tuple(code.shape)}"
        )
    if not bool(code.isfinite().all()):
        raise ValueError(f"start must be finite, got {code.flatten().tolist()}")
    return code.flatten().tolist()


def _check_latent(latent: object, latent_dim: int, where: str) -> None:
    if not isinstance(latent, (int, np.integer)) or not 0 <= latent < latent_dim:
        raise ValueError(
            f"{where} names latents by number, 0 to {latent_dim - 1}; got {latent!r}"
        )


def _words(
    labels: Sequence[str] | Mapping[int, str] | None, latent_dim: int
) -> list[str]:
    words = [""] * latent_dim
    if isinstance(labels, Mapping):
        for latent, word in labels.items():
            _check_latent(latent, latent_dim, "labels")
            words[latent] = word
    elif isinstance(labels, str) or (labels and len(labels) != latent_dim):
        raise ValueError(
            f"labels must be {latent_dim} words, one for each latent, or a mapping "
            f"from some latents to words; got {labels!r}"
        )
    elif labels:
        words = list(labels)
    return words


def _names(method: Method) -> list[str]:
    """Of the latents: by number, or by chunk and place where chunks are wider."""
    chunks = method.chunks
    if max(chunks) == 1:
        return [f"z{latent}" for latent in range(method.latent_dim)]
    return [
        f"chunk {chunk} [{place}]"
        for chunk, width in enumerate(chunks)
        for place in range(width)
    ]


def _by_activity(
    method: Method, code: Sequence[float], low: float, high: float
) -> list[int]:
    """Latents by the mean change of a pixel between the limits, largest first."""
    dim = method.latent_dim
    # Latent i at its lower end is row i, at its upper end row dim + i.
    codes = torch.tensor(code).repeat(2 * dim, 1)
    latents = torch.arange(dim)
    codes[latents, latents] = low
    codes[dim + latents, latents] = high
    lower, upper = method.decode(codes.to(device_of(method))).chunk(2)
    change = (upper - lower).abs().flatten(1).mean(1)
    return change.argsort(descending=True, stable=True).tolist()


def _slider(slider: Slider) -> str:
    low, high = slider.low, slider.high
    note = f"<small>{html.escape(slider.note)}</small>" if slider.note else ""
    # autocomplete: some browsers put old positions back when a page is reloaded,
    # beside a picture that starts afresh.
    return (
        f"<label><span>{html.escape(slider.name)}{note}</span>"
        f'<input type="range" min="{low:g}" max="{high:g}" '
        f'step="{(high - low) / STEPS:g}" '
        f'value="{slider.value:g}" data-start="{slider.value:.6g}" autocomplete="off">'
        '<span class="dlib-explorer-value" aria-hidden="true"></span></label>'
    )


def page_of(method: Method) -> PageDecoder:
    """The method's page decoder, its weights as half precision leaves them."""
    if not callable(getattr(method, "page_decoder", None)):
        raise TypeError(
            f"{type(method).__name__} has no page_decoder(), which says what the page "
            "runs: return dlib.models.page_decoder(self.decoder, activation) there"
        )
    layers, activation = method.page_decoder()
    layers = copy.deepcopy(layers).cpu().float()
    for weight in layers.parameters():
        largest = float(weight.abs().max())
        if not largest <= 65_504:  # also when it is not a number
            raise ValueError(
                "the explorer sends weights in half precision, which ends at 65,504; "
                f"the largest of this decoder is {largest:g}: train it again at a "
                "lower learning rate"
            )
        weight.copy_(weight.half())
    return PageDecoder(layers, activation)


def _read(
    page: PageDecoder, latent_dim: int
) -> tuple[list[dict[str, Any]], bytes, tuple[int, ...]]:
    """The page decoder's layers, its weights in float16, and its pictures' shape.

    Weights stand one after the other as the layers use them, each followed by its
    bias: (outputs, inputs) of a linear layer as in torch, (inputs, kernel height,
    kernel width, outputs) of a transposed convolution, since the browser keeps
    channels last.
    """
    layers: list[dict[str, Any]] = []
    weights: list[Tensor] = []
    values = torch.zeros(1, latent_dim)
    for layer in page.layers:
        before = tuple(values.shape[1:])
        try:
            values = layer(values)
            described, used = _describe(layer, before, tuple(values.shape[1:]))
        except (RuntimeError, ValueError):  # torch's own, or NotImplementedError
            raise TypeError(
                f"the explorer cannot run {layer} on values of shape {before}; it runs "
                "Linear, Unflatten to (channels, height, width), ConvTranspose2d, "
                "Conv2d of stride 1, Upsample to the nearest, ReLU, LeakyReLU, Tanh "
                "and Sigmoid. Draw the latents with dlib.viz.traversals instead"
            ) from None
        layers.append(described)
        weights += used
    shape = tuple(values.shape[1:])
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise TypeError(
            "the decoder must end in pictures of shape (1 or 3, height, width), "
            f"got {shape}"
        )
    flat = torch.cat([weight.flatten() for weight in weights])
    return layers, flat.numpy().astype("<f2").tobytes(), shape


def _describe(
    layer: nn.Module, before: tuple[int, ...], after: tuple[int, ...]
) -> tuple[dict[str, Any], list[Tensor]]:
    """A layer that turns shape ``before`` into ``after``, as the page reads it."""
    if not any(type(layer).forward is known.forward for known in LAYERS):
        raise NotImplementedError
    match layer:
        case nn.ReLU():
            return {"kind": "relu", "slope": 0}, []
        case nn.LeakyReLU():
            return {"kind": "relu", "slope": layer.negative_slope}, []
        case nn.Tanh():
            return {"kind": "tanh"}, []
        case nn.Sigmoid():
            return {"kind": "sigmoid"}, []
        case nn.Linear() if len(before) == 1:
            described = {"kind": "linear", "inputs": before[0], "outputs": after[0]}
            return described, [layer.weight, _bias(layer, after[0])]
        case nn.Unflatten() if len(before) == 1 and len(after) == 3:
            return {"kind": "channels_last", **_maps(after)}, []
        case nn.Upsample(mode="nearest") if len(before) == 3:
            factor = after[1] // before[1]
            if after[1:] == (factor * before[1], factor * before[2]):
                return {"kind": "upsample", "factor": factor, **_maps(before)}, []
        case nn.ConvTranspose2d(groups=1, dilation=(1, 1)) if len(before) == 3:
            padding = [int(pixels) for pixels in layer.padding]
            return _deconv(layer, layer.weight, padding, before, after)
        case nn.Conv2d(
            groups=1, dilation=(1, 1), stride=(1, 1), padding_mode="zeros"
        ) if len(before) == 3:
            # Collecting is stamping with the kernel turned around.
            stamp = layer.weight.flip(2, 3).transpose(0, 1)
            crop = [
                size - 1 - (new - old)
                for size, new, old in zip(
                    layer.kernel_size, after[1:], before[1:], strict=True
                )
            ]
            if not any(twice % 2 for twice in crop):  # as much on both sides
                padding = [twice // 2 for twice in crop]
                return _deconv(layer, stamp, padding, before, after)
    raise NotImplementedError


def _maps(shape: tuple[int, ...]) -> dict[str, int]:
    return dict(zip(("channels", "height", "width"), shape, strict=True))


def _deconv(
    layer: nn.ConvTranspose2d | nn.Conv2d,
    stamp: Tensor,  # (inputs, outputs, kernel height, kernel width)
    padding: Sequence[int],
    before: tuple[int, ...],
    after: tuple[int, ...],
) -> tuple[dict[str, Any], list[Tensor]]:
    described = {
        "kind": "deconv",
        "inputs": before[0],
        "height": before[1],
        "width": before[2],
        "outputs": after[0],
        "size": after[1:],
        "kernel": layer.kernel_size,
        "stride": layer.stride,
        "padding": padding,
    }
    return described, [stamp.permute(0, 2, 3, 1), _bias(layer, after[0])]


def _bias(layer: nn.Linear | nn.ConvTranspose2d | nn.Conv2d, outputs: int) -> Tensor:
    return torch.zeros(outputs) if layer.bias is None else layer.bias


def _compare(decoding: Decoding, page: PageDecoder, sliders: Sequence[Slider]) -> None:
    """Refuse a page that would show other pictures than ``method.decode`` makes."""
    method = decoding.method
    low, high = (
        torch.tensor([getattr(s, e) for s in sliders]) for e in ("low", "high")
    )
    draws = torch.Generator().manual_seed(0)
    values = low + (high - low) * torch.rand(5, len(sliders), generator=draws)
    values[0] = torch.tensor([slider.value for slider in sliders])
    codes = decoding.codes(values)
    wanted = method.decode(codes.to(device_of(method))).cpu()
    shown = page.decode(codes)
    if wanted.shape != shown.shape:
        how = f"gives pictures of shape {tuple(shown.shape[1:])}, not "
        how += f"{tuple(wanted.shape[1:])}"
    else:
        difference = float((wanted - shown).abs().max())
        if difference <= TOLERANCE:
            return
        how = f"gives a pixel that differs by {difference:.2g} of 1"
    name = type(method).__name__
    raise ValueError(
        f"{name}.page_decoder() does not agree with {name}.decode(): it {how}. It must "
        "hold every layer that decode runs, and state the activation after the last "
        f"of them; it states {page.activation!r}"
    )
