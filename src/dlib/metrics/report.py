"""Scores side by side: a table that prints, a frame, a plot."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dlib.metrics.score import Score
from dlib.metrics.table import metric_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DIGITS = 6  # significant ones, of a stored part's entries


@dataclass(frozen=True)
class Report:
    """The scores of one representation.

    Parameters
    ----------
    title : str
        What was scored.
    scores : mapping of str to Score
        In the order asked for.
    skipped : mapping of str to str
        Metrics that could not be computed, and why.
    seconds : mapping of str to float
        Wall-clock time of each, noise floor included.
    protocol : mapping of str to object
        ``protocol``, the version of how all is measured
        (:data:`dlib.metrics.PROTOCOL`); numbers of points, seed, and the like.

    Examples
    --------
    >>> from dlib.metrics import Report, Score
    >>> report = Report("mine", {"mig": Score("mig", 0.25)})
    >>> Report.from_dict(report.to_dict())["mig"].value
    0.25
    """

    title: str
    scores: Mapping[str, Score]
    skipped: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Score:
        if name in self.scores:
            return self.scores[name]
        if name in self.skipped:
            raise KeyError(f"{name} was skipped: {self.skipped[name]}")
        raise KeyError(f"no {name} in this report; there are {', '.join(self.scores)}")

    def __contains__(self, name: object) -> bool:
        return name in self.scores

    def to_frame(self) -> pd.DataFrame:
        """One row a metric: value, noise floor, seconds, reason if skipped."""
        import pandas as pd

        rows = {
            name: {
                "value": score.value,
                "noise_floor": score.noise_floor,
                "seconds": self.seconds.get(name),
                "skipped": "",
            }
            for name, score in self.scores.items()
        }
        rows |= {name: {"skipped": reason} for name, reason in self.skipped.items()}
        columns = ["value", "noise_floor", "seconds", "skipped"]
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
        for column in columns[:3]:
            frame[column] = frame[column].astype(float)
        return frame.rename_axis("metric")

    def to_dict(self) -> dict[str, Any]:
        """Everything, as what JSON has: :meth:`from_dict` gives the report back.

        Values, noise floors and parts that are numbers are kept exactly; tensors
        become nested lists, rounded to 6 significant digits. A number that JSON has
        no word for is one of the strings "nan", "inf" and "-inf".
        """
        return {
            "title": self.title,
            "protocol": dict(self.protocol),
            "scores": {
                label: {
                    "value": _plain(score.value),
                    "noise_floor": _plain(score.noise_floor),
                    "parts": {part: _plain(v) for part, v in score.parts.items()},
                }
                for label, score in self.scores.items()
            },
            "skipped": dict(self.skipped),
            "seconds": {label: _rounded(s) for label, s in self.seconds.items()},
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Report:
        """The report that :meth:`to_dict` was called on.

        Parts that were tensors are tensors again: float64, int64 or bool.

        Raises
        ------
        ValueError
            If it is not such a dictionary.
        """
        try:
            scores = {
                label: Score(
                    label,
                    float(score["value"]),
                    {part: _part(value) for part, value in score["parts"].items()},
                    None
                    if score["noise_floor"] is None
                    else float(score["noise_floor"]),
                )
                for label, score in stored["scores"].items()
            }
            return cls(
                stored["title"],
                scores,
                dict(stored["skipped"]),
                dict(stored["seconds"]),
                dict(stored["protocol"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"this is not what Report.to_dict gives ({error!r})"
            ) from error

    def to_json(self) -> str:
        """:meth:`to_dict` as text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def plot(self) -> Figure:
        """Bars of the scores that have bounds, a tick at each noise floor."""
        import matplotlib.pyplot as plt

        names = [name for name in self.scores if _bounded(name)]
        figure, axes = plt.subplots(
            figsize=(6, 0.32 * len(names) + 0.9), layout="constrained"
        )
        for row, name in enumerate(names):
            score = self.scores[name]
            axes.barh(row, score.value, height=0.6, color="#0072B2")
            if score.noise_floor is not None:
                axes.plot(
                    [score.noise_floor] * 2,
                    [row - 0.42, row + 0.42],
                    color="#E69F00",
                    linewidth=2.5,
                    label="noise floor",
                )
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        lowest = min((self.scores[name].value for name in names), default=0.0)
        axes.set_xlim(min(0.0, lowest), 1)
        axes.set_xlabel("score")
        axes.set_title(self.title)
        handles, labels = axes.get_legend_handles_labels()
        if handles:
            axes.legend(handles[:1], labels[:1], loc="lower right", frameon=False)
        return figure

    def __repr__(self) -> str:
        rows = [("metric", "score", "noise floor", "seconds"), *self._rows()]
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [self.title] if self.title else []
        for row in rows:
            first, *rest = (
                cell.ljust(w) if i == 0 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            )
            lines.append("  ".join([first, *rest]).rstrip())
        lines += [f"{name}: skipped, {why}" for name, why in self.skipped.items()]
        if self._small_print():
            lines.append(f"({self._small_print()})")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th>{c}</th>" for c in ("metric", "score", "noise floor", "seconds")
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>"
            for row in self._rows()
        )
        skipped = "".join(
            f"<tr><td>{html.escape(name)}</td>"
            f'<td colspan="3">skipped: {html.escape(why)}</td></tr>'
            for name, why in self.skipped.items()
        )
        note = self._small_print()
        caption = html.escape(f"{self.title} ({note})" if note else self.title)
        return (
            f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}{skipped}</tbody></table>"
        )

    def _small_print(self) -> str:
        words = [f"{k} {v}" for k, v in self.protocol.items()]
        if "encoding" in self.seconds:
            words.append(f"encoded in {self.seconds['encoding']:.1f} s")
        return ", ".join(words)

    def _rows(self) -> list[tuple[str, str, str, str]]:
        rows = []
        for name, score in self.scores.items():
            floor = score.noise_floor
            seconds = self.seconds.get(name)
            rows.append(
                (
                    name,
                    f"{score.value:.4f}",
                    "" if floor is None else f"{floor:.4f}",
                    "" if seconds is None else f"{seconds:.2f}",
                )
            )
        return rows


def _bounded(label: str) -> bool:
    """Whether a score fits on an axis up to 1; one of unknown metrics is taken to."""
    metric = metric_of(label)
    return metric is None or all(map(math.isfinite, metric.bounds))


def _plain(value: Any) -> Any:
    """A part as JSON has it."""
    if isinstance(value, Tensor):
        return _plain_list(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _plain_list(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain_list(v) for v in value]
    return _plain(_rounded(value))


def _rounded(value: Any) -> Any:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _part(value: Any) -> float | Tensor:
    if not isinstance(value, list):
        return float(value)
    flat = _numbers(value)
    if any(isinstance(v, float) for v in _leaves(flat)):
        return torch.tensor(flat, dtype=torch.float64)
    return torch.tensor(flat)


def _numbers(value: Any) -> Any:
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    return float(value) if isinstance(value, str) else value


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for v in value:
            yield from _leaves(v)
    else:
        yield value
