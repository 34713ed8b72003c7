"""The plots that more than one chapter draws. Each returns its figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from torch import Tensor

from dlib.data.dataset import Dataset
from dlib.inference import device_of, evaluating, to_float
from dlib.models.method import Method
from dlib.viz.style import COLOURS, INK

# Where a point's label may stand, in points of type from the point: beside it, and
# further off where others are in the way.
SPOTS = tuple(
    (x * far, y * far)
    for far in (8, 14, 20)
    for x, y in ((1, 1), (-1, 1), (1, -1), (-1, -1), (0, 1.2), (0, -1.2), (1.3, 0))
)


class Recorded(Protocol):
    """What a training wrote down, such as ``dlib.training.History``."""

    @property
    def steps(self) -> Sequence[int]: ...

    @property
    def terms(self) -> Mapping[str, Sequence[float | None]]: ...


def image_grid(
    images: Tensor,
    *,
    columns: int,
    row_titles: Sequence[str] = (),
    column_titles: Sequence[str] = (),
    scale: float = 0.75,
) -> Figure:
    """Pictures in rows, as one sheet with thin gaps.

    Parameters
    ----------
    images : Tensor
        ``uint8`` or floats in [0, 1], shape (n, c, h, w).
    columns : int
        How many pictures a row has.
    row_titles, column_titles : sequence of str
        Beside the rows, above the columns.
    scale : float
        Inches that a picture takes.

    Raises
    ------
    ValueError
        If ``images`` is not a batch of pictures or ``columns`` not positive.
    """
    if images.ndim != 4 or columns < 1:
        raise ValueError(
            "images must have shape (n, c, h, w) and columns be positive, got "
            f"{tuple(images.shape)} and {columns}"
        )
    pictures = to_float(images.detach(), "cpu")
    n, _, height, width = pictures.shape
    rows = -(-n // columns)
    gap = max(1, height // 32)
    # Gaps are transparent: the page shows through, whatever its colour.
    sheet = np.zeros((rows * (height + gap) - gap, columns * (width + gap) - gap, 4))
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        place = (slice(top, top + height), slice(left, left + width))
        colour = picture.expand(3, -1, -1).permute(1, 2, 0)
        sheet[(*place, slice(0, 3))] = colour.clamp(0, 1).numpy()
        sheet[(*place, 3)] = 1
    margin = 0.085 * max((len(title) for title in row_titles), default=0)
    figure, axes = plt.subplots(figsize=(columns * scale + margin, rows * scale + 0.2))
    axes.imshow(sheet, interpolation="nearest")
    axes.tick_params(length=0, labelsize=9)
    axes.spines[:].set_visible(False)
    middle_y = np.arange(len(row_titles)) * (height + gap) + height / 2
    middle_x = np.arange(len(column_titles)) * (width + gap) + width / 2
    axes.set_yticks(middle_y, row_titles)
    axes.set_xticks(middle_x, column_titles)
    axes.xaxis.tick_top()
    return figure


def reconstructions(
    methods: Mapping[str, Method], dataset: Dataset, *, n: int = 10, seed: int = 0
) -> Figure:
    """Pictures of a data set above what each method makes of them.

    Parameters
    ----------
    methods : mapping of str to Method
        By the title of their row.
    dataset : Dataset
        One that draws a picture at a time.
    n, seed : int
        How many pictures, and of which draw.
    """
    generator = torch.Generator(device=dataset.device).manual_seed(seed)
    images, _ = dataset.sample(n, generator)
    rows = [to_float(images, "cpu")]
    for method in methods.values():
        with evaluating(method):
            codes = method.encode(to_float(images, device_of(method)))
            rows.append(method.decode(codes).cpu())
    return image_grid(
        torch.cat(rows), columns=n, row_titles=["picture", *methods], column_titles=()
    )


def traverse(
    method: Method,
    image: Tensor,
    *,
    order: Sequence[int] | None = None,
    limit: float = 2.5,
    steps: int = 9,
) -> Tensor:
    """The pictures of :func:`traversals`, row after row.

    Parameters
    ----------
    method : Method
    image : Tensor
        ``uint8``, shape (c, h, w): the picture to start from.
    order : sequence of int, optional
        Which latents; all by default.
    limit : float
        A latent runs from ``-limit`` to ``limit``.
    steps : int
        Pictures in a row.

    Returns
    -------
    Tensor
        Floats in [0, 1] on the CPU, shape (len(order) * steps, c, h, w).

    Raises
    ------
    ValueError
        If ``order`` names a latent that the method does not have.
    """
    order = list(range(method.latent_dim)) if order is None else list(order)
    wrong = [latent for latent in order if not 0 <= latent < method.latent_dim]
    if wrong or not order:
        raise ValueError(
            f"order names latents by number, 0 to {method.latent_dim - 1}, and at "
            f"least one; got {order}"
        )
    with evaluating(method):
        code = method.encode(to_float(image[None], device_of(method)))  # (1, d)
        values = torch.linspace(-limit, limit, steps, device=code.device)
        codes = code.repeat(len(order) * steps, 1)
        for row, latent in enumerate(order):
            codes[row * steps : (row + 1) * steps, latent] = values
        return method.decode(codes).cpu()


def traversals(
    method: Method,
    image: Tensor,
    *,
    order: Sequence[int] | None = None,
    limit: float = 2.5,
    steps: int = 9,
    labels: Sequence[str] | None = None,
) -> Figure:
    """One latent varied a row, the others held at the picture's code.

    Parameters
    ----------
    method : Method
    image : Tensor
        ``uint8``, shape (c, h, w): the picture to start from.
    order : sequence of int, optional
        Which latents, from the top down; all by default.
    limit : float
        A latent runs from ``-limit`` to ``limit``, in units of the prior's
        standard deviation.
    steps : int
        Pictures in a row.
    labels : sequence of str, optional
        Titles of the rows, in the same order; ``z0`` and so on by default.
    """
    order = list(range(method.latent_dim)) if order is None else list(order)
    pictures = traverse(method, image, order=order, limit=limit, steps=steps)
    values = torch.linspace(-limit, limit, steps).tolist()
    return image_grid(
        pictures,
        columns=steps,
        row_titles=[f"z{i}" for i in order] if labels is None else labels,
        column_titles=[f"{value:+.1f}" for value in values],
        scale=0.6,
    )


def covariance_map(
    matrices: Mapping[str, Tensor], *, limit: float | None = None
) -> Figure:
    """Covariance matrices side by side on one diverging scale."""
    arrays = {title: np.asarray(m.detach().cpu()) for title, m in matrices.items()}
    limit = limit or max(float(np.abs(a).max()) for a in arrays.values())
    figure, axes = plt.subplots(
        1, len(arrays), figsize=(2.6 * len(arrays) + 0.6, 2.8), squeeze=False
    )
    for axis, (title, array) in zip(axes[0], arrays.items(), strict=True):
        shown = axis.imshow(array, cmap="PuOr", vmin=-limit, vmax=limit)
        axis.set_title(title)
        axis.set_xticks(range(0, len(array), 3))
        axis.set_yticks(range(0, len(array), 3))
        axis.spines[:].set_visible(False)
    bar = figure.colorbar(shown, ax=axes, shrink=0.8)
    bar.outline.set_visible(False)
    return figure


def score_map(matrix: Tensor, factors: Sequence[str], *, title: str = "") -> Figure:
    """A latents-by-factors matrix with its numbers written in.

    Parameters
    ----------
    matrix : Tensor
        Shape (latent_dim, len(factors)), entries from 0 to 1.
    factors : sequence of str
        Names of the columns.
    """
    array = np.asarray(matrix.detach().cpu(), dtype=float)
    figure, axes = plt.subplots(
        figsize=(1.1 * array.shape[1] + 0.6, 0.34 * array.shape[0] + 0.7)
    )
    axes.imshow(array, vmin=0, vmax=1, aspect="auto", cmap="cividis")
    for (row, column), value in np.ndenumerate(array):
        ink = "black" if value > 0.55 else "white"
        axes.text(
            column, row, f"{value:.2f}", ha="center", va="center", color=ink, fontsize=8
        )
    axes.set_yticks(range(len(array)), [f"z{i}" for i in range(len(array))])
    axes.set_xticks(range(len(factors)), factors)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if title:
        axes.set_title(title)
    return figure


def training_curves(histories: Mapping[str, Recorded], term: str) -> Figure:
    """One term of the loss over the steps, a line for each run.

    Where a term was not logged (None), the line goes on to where it was.
    """
    figure, axes = plt.subplots(figsize=(5.6, 3.0))
    for title, history in histories.items():
        logged = zip(history.steps, history.terms[term], strict=True)
        points = [(step, value) for step, value in logged if value is not None]
        axes.plot(*zip(*points, strict=True), label=title)
    axes.set(xlabel="step", ylabel=f"{term} (nats a picture)", yscale="log")
    axes.grid(True)
    axes.legend()
    return figure


def trade_off(
    curves: Mapping[str, Sequence[tuple[float, float, float]]],
    *,
    xlabel: str,
    ylabel: str,
    axes: Axes | None = None,
) -> Figure:
    """Curves of a sweep: each point is marked with its setting.

    Parameters
    ----------
    curves : mapping of str to sequence of (setting, x, y)
        By title; several triples with one setting are seeds: they are shown as
        dots, and the line goes through their mean.
    xlabel, ylabel : str
    axes : Axes, optional
        To draw on; a new figure by default.
    """
    if axes is None:
        _, axes = plt.subplots(figsize=(5.6, 3.6))
    markers = "osD^v<"
    labels: list[Annotation] = []
    for i, (title, points) in enumerate(curves.items()):
        colour = COLOURS[i % len(COLOURS)]
        settings = sorted({point[0] for point in points})
        means = np.array(
            [np.mean([p[1:] for p in points if p[0] == s], axis=0) for s in settings]
        )
        every = np.array([p[1:] for p in points])
        axes.plot(
            *means.T, marker=markers[i % 6], color=colour, label=title, markersize=5
        )
        axes.scatter(every[:, 0], every[:, 1], s=10, color=colour, alpha=0.5)
        labels += [
            axes.annotate(
                names,
                place,
                xytext=SPOTS[0],
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize=8,
                color=INK,
            )
            for names, place in _labels(settings, means)
        ]
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(True)
    axes.legend()
    figure = axes.figure
    if not isinstance(figure, Figure):
        raise TypeError("axes must belong to a figure, not to a part of one")
    _spread(labels, figure)
    return figure


def _spread(labels: Sequence[Annotation], figure: Figure) -> None:
    """Move labels around their points until none lies on another, if they can."""
    figure.draw_without_rendering()  # axes get their places
    taken: list[Bbox] = []
    for label in labels:
        for spot in SPOTS:
            label.set_position(spot)
            box = label.get_window_extent()
            if not any(box.overlaps(other) for other in taken):
                break
        else:
            label.set_position(SPOTS[0])
        taken.append(label.get_window_extent())


def _labels(
    settings: Sequence[float], means: np.ndarray
) -> list[tuple[str, tuple[float, float]]]:
    """What to write where: one label for points that lie on top of each other."""
    near = 0.04 * np.maximum(np.ptp(means, axis=0), 1e-12)
    labels: list[tuple[str, tuple[float, float]]] = []
    for setting, (x, y) in zip(settings, means, strict=True):
        if labels:
            names, (before_x, before_y) = labels[-1]
            if abs(x - before_x) < near[0] and abs(y - before_y) < near[1]:
                labels[-1] = (f"{names}, {setting:g}", (before_x, before_y))
                continue
        labels.append((f"{setting:g}", (float(x), float(y))))
    return labels
