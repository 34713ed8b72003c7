"""Sliders on a latent space that decode in the reader's browser.

What :func:`explorer` shows carries the decoder's weights and a decoder written in
plain JavaScript (``explorer.html``, beside this file). A published page therefore
answers without a kernel, a server or a network.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dlib.models.method import Method

MAX_BYTES = 3_000_000  # of HTML: what a page may carry without being a burden
SHOWN = 256  # pixels of the screen that a picture takes, about
STEPS = 120  # of a slider from end to end


class Explorer:
    """What :func:`explorer` returns: a notebook, or a built page, shows it.

    Attributes
    ----------
    html : str
        Markup, style, weights and script, complete in itself. It names no ids, so
        that one page can hold it twice.
    title : str
        The line above the sliders.
    """

    def __init__(self, html: str, title: str) -> None:
        self.html = html
        self.title = title

    def __repr__(self) -> str:
        return f"Explorer({self.title!r}): sliders, shown where HTML is shown"

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": repr(self)}


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
        With a ``decoder`` that maps codes to logits, made of the layers of
        :mod:`dlib.networks`: ``Linear``, ``ReLU``, ``Tanh``, ``Unflatten``, and
        ``ConvTranspose2d`` with kernel 4, stride 2, padding 1. Pictures have one
        channel or three.
    start : Tensor or sequence of float, optional
        The code to start from and to return to, shape (latent_dim,) or
        (1, latent_dim), such as a picture's ``method.encode(...).mean``; the
        prior's mean, zeros, by default. A slider whose start lies outside the
        limits is made longer.
    limits : (float, float)
        Ends of the sliders, in units of the prior's standard deviation.
    labels : sequence or mapping, optional
        What a latent carries: one word for each latent (``labels[i]`` is z\\ i's,
        whatever the order), or a mapping from some latents to words. An empty word
        adds nothing to ``z0``, ``z1``, ...
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
        If ``method`` has no decoder, or a layer of it is none of the above.
    ValueError
        If ``start``, ``limits``, ``labels`` or ``order`` does not fit the method's
        latents, a weight is not finite in half precision, or the HTML would be
        larger than 3 MB.

    Notes
    -----
    Weights travel in half precision: a pixel differs from ``method.decode`` by
    less than 0.01. The convolutional decoder at 64x64 makes about 1 MB of HTML.
    """
    code = _start(start, method.latent_dim)
    low, high = (float(limit) for limit in limits)
    if not low < high or not np.isfinite([low, high]).all():
        raise ValueError(
            f"limits must be two finite numbers, the lower first; got {limits}"
        )
    layers, weights, (channels, height, width) = _read(method)
    if order is None:
        order = _by_activity(method, code, low, high)
    elif len(set(order)) < len(order) or not order:
        raise ValueError(f"order must name each latent at most once, got {order}")
    for latent in order:
        _check_latent(latent, method.latent_dim, "order")
    words = _words(labels, method.latent_dim)

    payload = {
        "start": [round(value, 6) for value in code],
        "channels": channels,
        "layers": layers,
        "weights": base64.b64encode(weights).decode(),
    }
    parts = {
        "title": html.escape(title),
        "width": str(width),
        "height": str(height),
        # A whole number of screen pixels for each of the picture's.
        "shown": str(width * max(1, round(SHOWN / width))),
        "sliders": "\n".join(
            _slider(latent, words[latent], code[latent], low, high) for latent in order
        ),
        # "</script>" in a string would end the script that holds it.
        "payload": json.dumps(payload).replace("<", "\\u003c"),
    }
    # Bit by bit, since a title may look like a place to be filled.
    template = resources.files("dlib.viz").joinpath("explorer.html")
    head, *rest = template.read_text(encoding="utf-8").split("{{")
    page = head
    for piece in rest:
        name, text = piece.split("}}", 1)
        page += parts[name] + text
    if len(page.encode()) > MAX_BYTES:
        raise ValueError(
            f"the explorer would add {len(page.encode()) / 1e6:.1f} MB of HTML to the "
            f"page, and at most {MAX_BYTES / 1e6:g} MB are accepted: the decoder has "
            f"{len(weights) // 2:,} parameters. Use a smaller one, such as "
            "dlib.networks.conv, or draw the latents with dlib.viz.traversals"
        )
    return Explorer(page, title)


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
    decoder: Any = method
    device = next(decoder.parameters()).device
    lower, upper = method.decode(codes.to(device)).chunk(2)
    change = (upper - lower).abs().flatten(1).mean(1)
    return change.argsort(descending=True, stable=True).tolist()


def _slider(latent: int, word: str, value: float, low: float, high: float) -> str:
    low, high = min(low, value), max(high, value)
    name = html.escape(f"z{latent}: {word}" if word else f"z{latent}")
    # autocomplete: some browsers put old positions back when a page is reloaded,
    # beside a picture that starts afresh.
    return (
        f'<label><span>{name}</span><input type="range" data-latent="{latent}" '
        f'min="{low:g}" max="{high:g}" step="{(high - low) / STEPS:g}" '
        f'value="{value:g}" autocomplete="off">'
        '<span class="dlib-explorer-value" aria-hidden="true"></span></label>'
    )


def _read(method: Method) -> tuple[list[dict[str, Any]], bytes, tuple[int, ...]]:
    """The decoder's layers, its weights in float16, and its pictures' shape.

    Weights stand one after the other as the layers use them, each followed by its
    bias: (outputs, inputs) of a linear layer as in torch, (inputs, 4, 4, outputs)
    of a transposed convolution, since the browser keeps channels last.
    """
    decoder = getattr(method, "decoder", None)
    if not isinstance(decoder, nn.Module):
        raise TypeError(
            f"{type(method).__name__} has no module called decoder: the explorer "
            "shows methods such as dlib.models.VAE"
        )
    layers: list[dict[str, Any]] = []
    weights: list[Tensor] = []
    shape: tuple[int, ...] = (method.latent_dim,)
    for layer in _flat(decoder):
        if isinstance(layer, nn.ReLU):
            layers.append({"kind": "relu"})
        elif isinstance(layer, nn.Tanh):
            layers.append({"kind": "tanh"})
        elif isinstance(layer, nn.Linear) and shape == (layer.in_features,):
            inputs, outputs = layer.in_features, layer.out_features
            layers.append({"kind": "linear", "inputs": inputs, "outputs": outputs})
            weights += [layer.weight, _bias(layer, outputs)]
            shape = (outputs,)
        elif isinstance(layer, nn.Unflatten) and len(layer.unflattened_size) == 3:
            shape = tuple(int(n) for n in layer.unflattened_size)
            names = ("channels", "height", "width")
            layers.append(
                {"kind": "channels_last", **dict(zip(names, shape, strict=True))}
            )
        elif isinstance(layer, nn.ConvTranspose2d) and _is_supported(layer, shape):
            inputs, height, width = shape
            outputs = layer.out_channels
            layers.append(
                {
                    "kind": "deconv",
                    "height": height,
                    "width": width,
                    "inputs": inputs,
                    "outputs": outputs,
                }
            )
            weights += [layer.weight.permute(0, 2, 3, 1), _bias(layer, outputs)]
            shape = (outputs, 2 * height, 2 * width)
        else:
            raise TypeError(
                f"the explorer cannot run {layer} on values of shape {shape}; it runs "
                "Linear, ReLU, Tanh, Unflatten to (channels, height, width), and "
                "ConvTranspose2d with kernel 4, stride 2, padding 1. Draw the latents "
                "with dlib.viz.traversals instead"
            )
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise TypeError(
            "the decoder must end in pictures of shape (1 or 3, height, width), "
            f"got {shape}"
        )
    flat = torch.cat([weight.detach().flatten().float().cpu() for weight in weights])
    largest = float(flat.abs().max())
    if not largest <= 65_504:  # also when it is not a number
        raise ValueError(
            "the explorer sends weights in half precision, which ends at 65,504; the "
            f"largest of this decoder is {largest:g}: train it again at a lower "
            "learning rate"
        )
    return layers, flat.numpy().astype("<f2").tobytes(), shape


def _flat(module: nn.Module) -> Iterator[nn.Module]:
    if isinstance(module, nn.Sequential):
        for child in module:
            yield from _flat(child)
    else:
        yield module


def _is_supported(layer: nn.ConvTranspose2d, shape: tuple[int, ...]) -> bool:
    return (
        len(shape) == 3
        and shape[0] == layer.in_channels
        and layer.kernel_size == (4, 4)
        and layer.stride == (2, 2)
        and layer.padding == (1, 1)
        and layer.output_padding == (0, 0)
        and layer.dilation == (1, 1)
        and layer.groups == 1
    )


def _bias(layer: nn.Linear | nn.ConvTranspose2d, outputs: int) -> Tensor:
    return torch.zeros(outputs) if layer.bias is None else layer.bias
