"""Codes of the reader's own, bent where a kernel runs."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dlib.viz.bend import Bend
from dlib.viz.bend_bars import bars, style
from dlib.viz.page import is_page, say

if TYPE_CHECKING:
    import ipywidgets

Bender = Callable[[Tensor, float], Tensor]
Scorer = Callable[[Tensor], Mapping[str, float]]


class BendWidget:
    """What :func:`bend_widget` returns: Jupyter shows it.

    Attributes
    ----------
    choice : ipywidgets.Dropdown
        Which bending.
    amount : ipywidgets.FloatSlider
        How far, 0 to 1; heard when the slider comes to rest, since scores take time.
    bars : ipywidgets.HTML
        The scores, or what a bending or a metric objected to.
    floors : dict of str to float
        What noise got, by metric.
    """

    def __init__(
        self,
        bendings: Mapping[str, Bender],
        scores: Scorer,
        codes: Tensor,
        floors: Mapping[str, float],
    ) -> None:
        import ipywidgets

        self._bendings, self._scores, self._codes = bendings, scores, codes
        self.floors = dict(floors)
        self._start = _checked(scores(codes), "the codes as they are")
        missing = [metric for metric in self._start if metric not in floors]
        if missing:
            raise ValueError(f"noise_floors has no floor for {', '.join(missing)}")
        self.choice = ipywidgets.Dropdown(options=list(bendings), description="bend by")
        self.amount = ipywidgets.FloatSlider(
            min=0, max=1, step=0.05, continuous_update=False, description="how far"
        )
        self.bars = ipywidgets.HTML()
        self._show(self._start)
        self.choice.observe(self._restart, "value")
        self.amount.observe(self._bend, "value")

    def _restart(self, _: object = None) -> None:
        if self.amount.value == 0:
            self._bend()
        else:
            self.amount.value = 0  # which is heard, and bends

    def _bend(self, _: object = None) -> None:
        how, far = self.choice.value, self.amount.value
        try:
            bent = self._bendings[how](self._codes, far)
            if len(bent) != len(self._codes):
                raise ValueError(
                    f"{how} must keep the {len(self._codes)} points, gave {len(bent)}"
                )
            self._show(_checked(self._scores(bent), f"{how} at {far:.2f}"))
        except Exception as error:
            # Raised in a callback it would end in a log that no reader opens.
            self.bars.value = (
                f"<p><b>{html.escape(how)} at {far:.2f}:</b> "
                f"{html.escape(type(error).__name__)}: {html.escape(str(error))}</p>"
            )

    def _show(self, scores: Mapping[str, float]) -> None:
        floors = {metric: self.floors[metric] for metric in self._start}
        self.bars.value = (
            f'<div class="dlib-bend"><style>{style()}</style>'
            f"{bars(scores, floors, self._start)}</div>"
        )

    @property
    def box(self) -> ipywidgets.VBox:
        """Everything, one above the other."""
        import ipywidgets

        return ipywidgets.VBox([self.choice, self.amount, self.bars])

    def __repr__(self) -> str:
        return "BendWidget(): a slider, shown where a kernel runs"

    def _repr_mimebundle_(self, **_: object) -> Any:
        return self.box._repr_mimebundle_()


def bend_widget(
    bendings: Mapping[str, Bender],
    scores: Scorer,
    codes: Tensor,
    *,
    noise_floors: Mapping[str, float] | None = None,
    stand_in: Bend | None = None,
) -> BendWidget | Bend | None:
    """Bend codes of your own, and watch the scores: computed as you move the slider.

    Parameters
    ----------
    bendings : mapping of str to callable
        By name: a function of the codes and of how far to bend, 0 (not at all) to 1,
        that returns codes for the same points.
    scores : callable
        A function of codes, shape (n, latent_dim), that returns each metric's score.
        It knows the factors; it runs at every rest of the slider, so leave what is
        slow out.
    codes : Tensor
        Shape (n, latent_dim): the codes' rows are the factors' rows.
    noise_floors : mapping of str to float, optional
        What noise gets, by metric. By default the mean of ``scores`` over three
        draws of standard-normal codes of the same shape.
    stand_in : Bend, optional
        What the built page shows in its place, where no kernel runs: a figure of
        :func:`dlib.viz.bend.bend`.

    Returns
    -------
    BendWidget, Bend or None
        As the last value of a cell, it is shown. On the built page a sentence is
        shown and ``stand_in`` returned.

    Raises
    ------
    ValueError
        If there is no bending, the codes are no matrix of at least two points, a
        score is not finite, or a metric has no noise floor.
    TypeError
        If the codes are no tensor.
    ImportError
        If there is no ipywidgets.
    """
    if not bendings:
        raise ValueError("bend_widget needs at least one bending, got none")
    if not isinstance(codes, Tensor):
        raise TypeError(
            f"codes must be a tensor of shape (n, latent_dim), got "
            f"{type(codes).__name__}: torch.as_tensor(codes) makes one of an array"
        )
    if codes.ndim != 2 or len(codes) < 2 or codes.shape[1] < 1:
        raise ValueError(
            "codes must have shape (n, latent_dim), a row for each of at least two "
            f"points, got {tuple(codes.shape)}"
        )
    if not codes.isfinite().all():
        raise ValueError("codes must be finite, and some are NaN or infinite")
    if is_page():
        say(
            "*Where a kernel runs, in Jupyter or Colab, this cell shows a slider that "
            "bends your own codes"
            + ("; here is the figure with ours.*" if stand_in else ".*")
        )
        return stand_in
    try:
        import ipywidgets  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "bend_widget needs ipywidgets, which is not installed: run "
            "`pip install ipywidgets` and restart the kernel"
        ) from error
    codes = codes.detach()
    if noise_floors is None:
        noise_floors = _floors(scores, codes)
    else:
        noise_floors = _checked(noise_floors, "noise_floors")
    return BendWidget(bendings, scores, codes, noise_floors)


def _floors(scores: Scorer, codes: Tensor, draws: int = 3) -> dict[str, float]:
    generator = torch.Generator().manual_seed(0)
    found = [
        _checked(
            scores(torch.randn(codes.shape, generator=generator).to(codes)), "noise"
        )
        for _ in range(draws)
    ]
    return {m: sum(draw[m] for draw in found) / draws for m in found[0]}


def _checked(scores: Mapping[str, float], where: str) -> dict[str, float]:
    if not scores:
        raise ValueError(
            f"scores must name at least one metric; of {where} it gave none"
        )
    for metric, value in scores.items():
        if not math.isfinite(value):
            raise ValueError(f"the {metric} of {where} must be finite, got {value}")
    return {metric: float(value) for metric, value in scores.items()}
