"""Widgets for where a kernel runs: train again with another number, and compare."""

from __future__ import annotations

import base64
import html
import io
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from dlib.data.dataset import Dataset
from dlib.inference import device_of, encode, evaluating, to_float
from dlib.models.method import Method
from dlib.progress import duration
from dlib.training import WINDOW, fit
from dlib.viz.page import is_page
from dlib.viz.plots import image_grid, traverse

KEPT = 6  # results that stay on the screen
STEPS = 7  # pictures in a row of what is shown by default


class Retrain:
    """What :func:`retrain` returns where a kernel runs.

    Attributes
    ----------
    widget : ipywidgets.VBox
        Slider, button, progress and results: what a notebook shows.
    slider : ipywidgets.FloatLogSlider
    button : ipywidgets.Button
    bar : ipywidgets.IntProgress
    note : ipywidgets.Label
        How far the training is, and how much time is left.
    results : ipywidgets.VBox
        One caption and one picture for each training, the newest first.
    method : Method or None
        The one trained last.
    """

    def __init__(
        self,
        build: Callable[[float], Method],
        dataset: Dataset,
        *,
        steps: int,
        name: str,
        limits: tuple[float, float],
        value: float,
        show: Callable[[Method, Dataset], Figure],
        seed: int,
        device: str,
    ) -> None:
        import ipywidgets

        self.build, self.dataset, self.show = build, dataset, show
        self.steps, self.name, self.seed, self.device = steps, name, seed, device
        self.method: Method | None = None
        low, high = (math.log10(limit) for limit in limits)
        self.slider = ipywidgets.FloatLogSlider(
            value=value, min=low, max=high, step=(high - low) / 60, description=name
        )
        self.slider.readout_format = ".3g"
        self.button = ipywidgets.Button(description="Train", button_style="primary")
        self.bar = ipywidgets.IntProgress(min=0, max=steps)
        self.note = ipywidgets.Label(f"{steps:,} steps")
        self.results = ipywidgets.VBox()
        self.button.on_click(self.train)
        controls = ipywidgets.HBox([self.slider, self.button])
        progress = ipywidgets.HBox([self.bar, self.note])
        self.widget = ipywidgets.VBox([controls, progress, self.results])

    def __repr__(self) -> str:
        return f"Retrain({self.name}): a slider and a button, where a kernel runs"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)

    def train(self, _: object = None) -> None:
        """Train with the slider's value, and put the result before the others.

        What goes wrong is written beside the bar: a notebook shows no traceback of
        a callback.
        """
        value = float(self.slider.value)
        self.button.disabled = self.slider.disabled = True
        try:
            words = self._train(value)
        except (Exception, KeyboardInterrupt) as error:
            self.bar.bar_style = "danger"
            self.note.value = f"{type(error).__name__}: {error}"
            return
        finally:
            self.button.disabled = self.slider.disabled = False
        self.bar.bar_style = "success"
        self.note.value = words

    def _train(self, value: float) -> str:
        import ipywidgets
        import matplotlib.pyplot as plt

        self.bar.value, self.bar.bar_style = 0, "info"
        began = time.monotonic()
        method = self.build(value)
        with tempfile.TemporaryDirectory() as folder:
            for done in [*range(WINDOW, self.steps, WINDOW), self.steps]:
                # A training that is asked for more steps goes on where it stood.
                history = fit(
                    method,
                    self.dataset,
                    steps=done,
                    seed=self.seed,
                    device=self.device,
                    checkpoint=Path(folder) / "training.safetensors",
                    checkpoint_every=WINDOW,
                    progress=False,
                )
                self.bar.value = done
                spent = time.monotonic() - began
                left = duration(spent / done * (self.steps - done))
                self.note.value = f"{done:,} of {self.steps:,} steps, {left} left"
        self.method = method
        terms = ", ".join(
            f"{term} {values[-1]:.1f}"
            for term, values in history.terms.items()
            if values[-1] is not None
        )
        figure = self.show(method, self.dataset)
        file = io.BytesIO()
        figure.savefig(file, format="png")
        plt.close(figure)
        words = f"{self.name} = {value:.3g}"
        caption = ipywidgets.Label(f"{words}: {terms} (nats a picture)")
        # HTML, since an Image of ipywidgets has no alt text.
        alt = html.escape(f"Reconstructions and traversals with {words}")
        data = base64.b64encode(file.getvalue()).decode()
        picture = ipywidgets.HTML(
            f'<img alt="{alt}" style="max-width: 100%" '
            f'src="data:image/png;base64,{data}">'
        )
        result = ipywidgets.VBox([caption, picture])
        self.results.children = (result, *self.results.children)[:KEPT]
        return f"{self.steps:,} steps in {duration(time.monotonic() - began)}"


def retrain(
    build: Callable[[float], Method],
    dataset: Dataset,
    *,
    steps: int = 500,
    name: str = "β",
    limits: tuple[float, float] = (0.25, 64.0),
    value: float | None = None,
    show: Callable[[Method, Dataset], Figure] | None = None,
    stand_in: object = None,
    seed: int = 0,
    device: str = "auto",
) -> Any:
    """A slider, a button that trains with its value, and the results to compare.

    Parameters
    ----------
    build : callable
        Makes a fresh method of the slider's value, such as
        ``lambda beta: BetaVAE(fresh(), beta=beta)``.
    dataset : Dataset
        To train on, and to draw pictures from.
    steps : int
        Of each training.
    name : str
        What the slider is called.
    limits : (float, float)
        Its ends, both positive: it moves on a log scale.
    value : float, optional
        Where it starts; in the middle by default.
    show : callable, optional
        Draws a trained method and its data set; by default reconstructions, and
        traversals of the six latents that vary most.
    stand_in : object, optional
        Shown in its place on a built page, where no kernel runs: a string is
        Markdown, anything else is returned as it is.
    seed : int
        Of the batches and of the noise.
    device : str
        To train on, as for :func:`dlib.training.fit`.

    Returns
    -------
    Retrain, or the stand-in
        As the last value of a cell, it is shown.

    Raises
    ------
    ValueError
        If ``limits`` are not two positive numbers, the lower first, ``value`` is
        not between them, or ``steps`` is not positive.
    """
    low, high = limits
    if not 0 < low < high < math.inf:
        raise ValueError(
            "limits must be two positive numbers, the lower first, since the slider "
            f"moves on a log scale; got {limits}"
        )
    value = math.sqrt(low * high) if value is None else value
    if not low <= value <= high:
        raise ValueError(f"value must be from {low:g} to {high:g}, got {value:g}")
    if steps < 1:
        raise ValueError(f"steps must be positive, got {steps}")
    if is_page():
        if isinstance(stand_in, str):
            from IPython.display import Markdown

            return Markdown(stand_in)
        return stand_in
    return Retrain(
        build,
        dataset,
        steps=steps,
        name=name,
        limits=limits,
        value=value,
        show=show or rebuilt_and_traversed,
        seed=seed,
        device=device,
    )


def rebuilt_and_traversed(
    method: Method, dataset: Dataset, *, rows: int = 6, seed: int = 0
) -> Figure:
    """Pictures, what a method makes of them, and traversals of the first of them.

    Parameters
    ----------
    method : Method
    dataset : Dataset
        One that draws a picture at a time.
    rows : int
        Latents to traverse: those whose codes vary most over 500 pictures.
    seed : int
        Of the draw.

    Returns
    -------
    Figure
    """
    generator = torch.Generator(device=dataset.device).manual_seed(seed)
    index = dataset.draw(500, generator)
    codes = encode(method, dataset.images, index)
    order = codes.std(0).argsort(descending=True)[:rows].tolist()
    images = dataset.images(index[:STEPS])
    with evaluating(method):
        rebuilt = method.decode(codes[:STEPS].to(device_of(method))).cpu()
    moved = traverse(method, images[0], order=order, steps=STEPS)
    return image_grid(
        torch.cat([to_float(images, "cpu"), rebuilt, moved]),
        columns=STEPS,
        row_titles=["picture", "rebuilt", *(f"z{latent}" for latent in order)],
        scale=0.6,
    )
