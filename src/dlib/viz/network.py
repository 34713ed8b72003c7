"""Encoder and decoder as a diagram, drawn from the modules themselves."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass, field
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from torch import Tensor, nn

from dlib.inference import device_of, evaluating
from dlib.models.method import Method
from dlib.networks import Networks
from dlib.viz.style import COLOURS, GROUND, INK

WIDTH = 5.0  # inches: two columns whose letters can be read on a phone
MIDDLE = 0.72  # inches from the middle of the figure to that of a column's boxes
LINE = 0.14  # inches that a line of text takes; a row has one more
LONGEST = 18  # letters of a line that fit beside a box
HARD_SPACE = "\u00a0"  # where a line is not broken
FILLS = {"encoder": COLOURS[5], "decoder": COLOURS[1]}

ACTIVATIONS = {
    nn.ReLU: "ReLU",
    nn.LeakyReLU: "leaky ReLU",
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
}


@dataclass
class Layer:
    """A box of the diagram.

    Attributes
    ----------
    kind : str
        What the layer does, such as ``conv 4×4, ÷2``.
    shape : tuple of int
        Of its output for one picture, or of what the output is unflattened to.
    notes : list of str
        What follows it and has no box of its own, such as ``ReLU``.
    """

    kind: str
    shape: tuple[int, ...]
    notes: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The lines beside the box: two, or more where they would be too long."""
        size = " × ".join(str(number) for number in self.shape)
        parts = [part.replace(" ", HARD_SPACE) for part in (size, *self.notes)]
        lines = textwrap.wrap(", ".join(parts), LONGEST, break_long_words=False)
        return "\n".join([self.kind, *lines]).replace(HARD_SPACE, " ")


def network(method: Method | Networks, *, title: str = "") -> Figure:
    """Draw an encoder and the decoder that answers it, layer by layer.

    A picture of zeros passes the modules, and what each layer makes of it is what
    is drawn: a box for each layer with weights, the higher the larger its maps,
    the wider the more channels or numbers it gives (both on a log scale). The
    encoder is read downwards on the left, the decoder upwards on the right.

    Parameters
    ----------
    method : Method or Networks
        With ``encoder``, ``decoder``, ``latent_dim`` and ``heads``, such as a
        ``VAE`` or what ``dlib.networks.conv()`` returns.
    title : str
        Above the diagram.

    Returns
    -------
    Figure

    Raises
    ------
    TypeError
        If there is no encoder or no decoder.
    ValueError
        If the decoder does not make pictures of codes, or the encoder does not make
        ``heads * latent_dim`` numbers of a picture.
    """
    encoder, decoder = layers_of(method)
    rows = [0.0] * max(len(encoder), len(decoder))
    for column in (encoder, decoder[::-1]):
        for row, layer in enumerate(column):
            text = LINE * (2 + layer.words.count("\n"))
            rows[row] = max(rows[row], text, _height(layer) + 0.12)
    top, bottom = 0.45, 0.62
    height = top + sum(rows) + bottom
    figure = plt.figure(figsize=(WIDTH, height), layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-WIDTH / 2, WIDTH / 2), ylim=(-height, 0))
    axes.axis("off")
    middles = [-top - sum(rows[:row]) - rows[row] / 2 for row in range(len(rows))]
    end = -height + bottom
    for name, column, side in (
        ("encoder", encoder, -1),
        ("decoder", decoder[::-1], 1),
    ):
        _head(axes, name, getattr(method, name), side)
        _column(axes, column, middles, end, side, FILLS[name])
    _code(axes, method.latent_dim, method.heads, end)
    if title:
        figure.suptitle(title, y=1.0, va="bottom", color=INK, fontsize=10)
    return figure


def layers_of(method: Method | Networks) -> tuple[list[Layer], list[Layer]]:
    """The boxes of an encoder, its picture first, and of its decoder.

    Raises
    ------
    TypeError, ValueError
        As :func:`network`.
    """
    for name in ("encoder", "decoder"):
        if not isinstance(getattr(method, name, None), nn.Module):
            raise TypeError(
                f"{type(method).__name__} has no {name}: give a method with encoder "
                "and decoder, or the networks that dlib.networks.build returns"
            )
    modules: Any = method
    encoder, decoder = modules.encoder, modules.decoder
    codes = torch.zeros(1, method.latent_dim, device=device_of(decoder))
    back = _trace(decoder, codes)
    shape = back[-1].shape if back else ()
    if len(shape) != 3:
        raise ValueError(
            "the decoder must make pictures, (channels, height, width), of codes; it "
            f"makes {shape}"
        )
    picture = torch.zeros(1, *shape, device=device_of(encoder))
    there = _trace(encoder, picture)
    wanted = method.heads * method.latent_dim
    if not there or there[-1].shape != (wanted,):
        raise ValueError(
            f"the encoder must make {method.heads} × {method.latent_dim} = {wanted} "
            f"numbers of a picture; it makes {there[-1].shape if there else ()}"
        )
    return [Layer("picture", shape), *there], back


def _trace(network: nn.Module, values: Tensor) -> list[Layer]:
    """What each layer makes of ``values``, in the order in which they run."""
    layers: list[Layer] = []

    def note(layer: nn.Module, _: Any, output: Tensor) -> None:
        shape = tuple(output.shape[1:])
        norm = isinstance(layer, nn.modules.batchnorm._BatchNorm)
        if not norm and next(layer.parameters(), None) is not None:
            layers.append(Layer(_kind(layer), shape))
        elif layers:
            # Flattening loses the maps that the box has; unflattening gains them.
            if len(shape) >= len(layers[-1].shape):
                layers[-1].shape = shape
            if words := _note(layer):
                layers[-1].notes.append(words)

    leaves = [m for m in network.modules() if not list(m.children())]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves]
    try:
        with evaluating(network):
            network(values)
    finally:
        for hook in hooks:
            hook.remove()
    return layers


def _kind(layer: nn.Module) -> str:
    if isinstance(layer, nn.Linear):
        return "linear"
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        name = "conv" if isinstance(layer, nn.Conv2d) else "deconv"
        sign = "÷" if isinstance(layer, nn.Conv2d) else "×"
        (high, wide), (down, across) = layer.kernel_size, layer.stride
        words = f"{name} {high}×{wide}"
        if down == across:
            return words if down == 1 else f"{words}, {sign}{down}"
        return f"{words}, {sign}({down}, {across})"
    return type(layer).__name__


def _note(layer: nn.Module) -> str:
    """What the diagram says of a layer that has no box; nothing of a reshaping."""
    if isinstance(layer, (nn.Flatten, nn.Unflatten, nn.Identity)):
        return ""
    if isinstance(layer, nn.modules.batchnorm._BatchNorm):
        return "batch norm"
    return ACTIVATIONS.get(type(layer), type(layer).__name__)


def _height(layer: Layer) -> float:
    side = layer.shape[-1] if len(layer.shape) == 3 else 1
    return 0.14 + 0.11 * math.log2(side)


def _width(layer: Layer) -> float:
    return 0.14 + 0.1 * math.log2(max(1, layer.shape[0]))


def _head(axes: Axes, name: str, module: nn.Module, side: int) -> None:
    weights = sum(parameter.numel() for parameter in module.parameters())
    arrow = "↓" if name == "encoder" else "↑"
    middle: dict[str, Any] = {"ha": "center", "va": "top", "color": INK}
    place = side * WIDTH / 4
    bold: dict[str, Any] = {"fontsize": 10, "fontweight": "bold"}
    axes.text(place, -0.06, f"{name} {arrow}", **bold, **middle)
    axes.text(place, -0.23, f"{weights:,} parameters", fontsize=8.5, **middle)


def _column(
    axes: Axes,
    column: list[Layer],
    middles: list[float],
    end: float,
    side: int,
    fill: str,
) -> None:
    """Boxes from the top down, joined to each other and to the code below."""
    x = side * MIDDLE
    corners = []
    for layer, y in zip(column, middles, strict=False):
        high, wide = _height(layer), _width(layer)
        corners.append((x, y + high / 2, y - high / 2, wide / 2))
    below = (side * 0.16, end - 0.1, end - 0.1, 0.1)  # the code's upper edge
    for upper, lower in zip(corners, [*corners[1:], below], strict=True):
        (x1, _, y1, half1), (x2, y2, _, half2) = upper, lower
        axes.add_patch(
            Polygon(
                [
                    (x1 - half1, y1),
                    (x1 + half1, y1),
                    (x2 + half2, y2),
                    (x2 - half2, y2),
                ],
                facecolor=fill,
                alpha=0.25,
                linewidth=0,
            )
        )
    for layer, (_, y, _, half) in zip(column, corners, strict=True):
        high = _height(layer)
        axes.add_patch(
            Rectangle(
                (x - half, y - high),
                2 * half,
                high,
                facecolor=fill,
                edgecolor=INK,
                linewidth=0.8,
            )
        )
        axes.text(
            side * (WIDTH / 2 - 0.03),
            y - high / 2,
            layer.words,
            ha="left" if side < 0 else "right",
            va="center",
            fontsize=8.5,
            linespacing=1.15,
            color=INK,
        )


def _code(axes: Axes, latent_dim: int, heads: int, end: float) -> None:
    axes.add_patch(
        Rectangle(
            (-0.3, end - 0.32),
            0.6,
            0.22,
            facecolor=GROUND,
            edgecolor=COLOURS[2],
            linewidth=2,
        )
    )
    axes.text(0, end - 0.21, "code", ha="center", va="center", fontsize=9, color=INK)
    latents = "1 latent" if latent_dim == 1 else f"{latent_dim} latents"
    each = "a mean μ and a log-variance ln σ² of each" if heads == 2 else ""
    if heads > 2:
        each = f"{heads} numbers of each"
    axes.text(
        0,
        end - 0.37,
        f"{latents}: {each}" if each else latents,
        ha="center",
        va="top",
        fontsize=8.5,
        color=INK,
    )
