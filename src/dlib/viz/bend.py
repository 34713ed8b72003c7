"""Codes that a reader bends in the page, and what every metric answers.

What :func:`bend` shows carries its numbers along: the scores were computed by the
cell that made it, one set for each position of the slider, and plain JavaScript
(``bend.html``, beside this file) looks them up. A published page therefore answers
without a kernel, a server or a network.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dlib.viz.bend_bars import bars, style
from dlib.viz.bend_still import moved, still
from dlib.viz.live import Live, fill
from dlib.viz.style import COLOURS

MAX_POINTS = 600  # of the scatter: each is an element of the page


@dataclass(frozen=True)
class Bending:
    """One way to bend codes, step by step.

    Parameters
    ----------
    labels : sequence of str
        What the slider says at each position, such as ``"45°"``.
    codes : sequence of Tensor
        The codes there, each of shape (n, latent_dim).
    scores : sequence of mapping of str to float
        Their scores there, by metric; NaN or infinity are not accepted.
    note : str
        One sentence about what is done.
    axes : (int, int)
        Which two codes the scatter shows.
    """

    labels: Sequence[str]
    codes: Sequence[Tensor]
    scores: Sequence[Mapping[str, float]]
    note: str = ""
    axes: tuple[int, int] = (0, 1)


class Bend(Live):
    """What :func:`bend` returns."""


def bend(
    bendings: Mapping[str, Bending],
    factors: Tensor,
    noise_floors: Mapping[str, float],
    *,
    values: Mapping[str, Sequence[str]],
    points: int = 150,
    title: str = "Bend the codes, watch the scores",
) -> Bend:
    """A scatter of codes and bars of scores that follow a slider.

    Parameters
    ----------
    bendings : mapping of str to Bending
        By the text of the button that chooses it. All start from the same codes:
        the first scores of the first one are shown before anything is moved.
    factors : Tensor
        int64 (n, k), the factors' indices; they colour the points.
    noise_floors : mapping of str to float
        What noise gets, by metric. Names the metrics, in the order of the bars.
    values : mapping of str to sequence of str
        The factors' names, each with the names of its values, six at most.
    points : int
        How many of the points the scatter shows: the first so many.
    title : str
        The line above.

    Returns
    -------
    Bend
        As the last value of a cell, it is shown.

    Raises
    ------
    ValueError
        If a bending has no position, its labels, codes and scores differ in number,
        its codes do not fit the factors or the axes, a metric has no score or one
        that is not finite, a factor has more than six values or an index that has
        no name, or ``points`` is not between 1 and 600.
    """
    if not bendings or not noise_floors:
        raise ValueError("bend needs at least one bending and one metric")
    if not 1 <= points <= MAX_POINTS:
        raise ValueError(f"points must be from 1 to {MAX_POINTS}, got {points}")
    factors = torch.as_tensor(factors).detach().cpu()
    if factors.ndim != 2 or factors.shape[1] != len(values):
        raise ValueError(
            f"factors must have shape (n, {len(values)}), one column for each entry "
            f"of values, got {tuple(factors.shape)}"
        )
    metrics = list(noise_floors)
    for metric, floor in noise_floors.items():
        _check_finite(floor, f"the noise floor of {metric}")
    payload = {
        "metrics": metrics,
        "colours": COLOURS,
        "factors": [
            _factor(name, words, factors[:, j], points)
            for j, (name, words) in enumerate(values.items())
        ],
        "bendings": [
            _bending(name, bending, metrics, len(factors), points)
            for name, bending in bendings.items()
        ],
    }
    first = next(iter(bendings.values()))
    start = {metric: first.scores[0][metric] for metric in metrics}
    parts = {
        "title": html.escape(title),
        "style": style(),
        "bendings": _buttons("bending", bendings),
        "one": " hidden" if len(bendings) == 1 else "",  # there is nothing to choose
        "factors": _buttons("factor", values),
        "bars": bars(start, noise_floors, start),
        **_still(payload, first, start),
        # "</script>" in a string would end the script that holds it.
        "payload": json.dumps(payload, ensure_ascii=False).replace("<", "\\u003c"),
    }
    return Bend(fill("bend.html", parts), title)


def _still(
    payload: dict[str, Any], first: Bending, start: Mapping[str, float]
) -> dict[str, str]:
    """The first bending at its start and half-way, for where no script runs."""
    shown, factor = payload["bendings"][0], payload["factors"][0]
    middle = len(first.labels) // 2
    chosen = sorted({0, middle})
    panels = [
        (
            str(first.labels[i]),
            torch.tensor(shown["positions"][i]["points"]).view(-1, 2),
        )
        for i in chosen
    ]
    across, upward = shown["axes"]
    ends = " and ".join(first.labels[i] for i in chosen)
    alt = f"Scatter of {across} and {upward}, coloured by {factor['name']}: {ends}."
    then = {metric: first.scores[middle][metric] for metric in start}
    said = (
        "This picture is still, since scripts are off or the notebook is not trusted. "
        f"From {first.labels[0]} to {first.labels[middle]} ({shown['name']}): "
        f"{moved(start, then)}. The table has the scores at {first.labels[0]}."
    )
    return {
        "still": still(panels, factor["labels"], (across, upward), shown["limit"]),
        "alt": html.escape(alt),
        "said": html.escape(said),
    }


def _check_finite(value: float, what: str) -> None:
    if not math.isfinite(value):
        raise ValueError(
            f"{what} must be a finite number to be drawn as a bar, got {value}"
        )


def _factor(
    name: str, words: Sequence[str], column: Tensor, points: int
) -> dict[str, Any]:
    if not 1 <= len(words) <= len(COLOURS):
        raise ValueError(
            f"a factor must have 1 to {len(COLOURS)} values, which are as many colours "
            f"as can be told apart; {name} has {len(words)}"
        )
    low, high = int(column.min()), int(column.max())
    if low < 0 or high >= len(words):
        raise ValueError(
            f"{name} has {len(words)} named values, so its indices must be from 0 to "
            f"{len(words) - 1}; got {low} to {high}"
        )
    labels = [int(label) for label in column[:points]]
    return {"name": name, "values": list(words), "labels": labels}


def _bending(
    name: str, bending: Bending, metrics: Sequence[str], n: int, points: int
) -> dict[str, Any]:
    count = len(bending.labels)
    if not count == len(bending.codes) == len(bending.scores) or count == 0:
        raise ValueError(
            f"{name} must have as many labels as codes and scores, and at least one; "
            f"got {count}, {len(bending.codes)} and {len(bending.scores)}"
        )
    shown = []
    for label, codes, scores in zip(
        bending.labels, bending.codes, bending.scores, strict=True
    ):
        where = f"{name} at {label}"
        if codes.ndim != 2 or len(codes) != n:
            raise ValueError(
                f"the codes of {where} must have shape ({n}, latent_dim), a row for "
                f"each row of factors, got {tuple(codes.shape)}"
            )
        if not all(0 <= axis < codes.shape[1] for axis in bending.axes):
            raise ValueError(
                f"axes must name two of the {codes.shape[1]} codes of {where}, got "
                f"{bending.axes}"
            )
        missing = [metric for metric in metrics if metric not in scores]
        if missing:
            raise ValueError(f"{where} has no score for {', '.join(missing)}")
        for metric in metrics:
            _check_finite(scores[metric], f"the {metric} of {where}")
        shown.append(codes[:points, list(bending.axes)].detach().cpu())
    limit = max(float(part.abs().max()) for part in shown)
    positions = [
        {
            "label": label,
            "scores": [round(float(scores[metric]), 4) for metric in metrics],
            "points": [round(value, 3) for value in part.flatten().tolist()],
        }
        for label, scores, part in zip(
            bending.labels, bending.scores, shown, strict=True
        )
    ]
    return {
        "name": name,
        "note": bending.note,
        "axes": [f"z{axis}" for axis in bending.axes],
        "limit": round(limit, 3) or 1.0,  # codes that are all zero have no extent
        "positions": positions,
    }


def _buttons(kind: str, names: Mapping[str, object]) -> str:
    return "\n".join(
        f'<button type="button" data-{kind}="{i}" '
        f'aria-pressed="{"false" if i else "true"}">{html.escape(name)}</button>'
        for i, name in enumerate(names)
    )
