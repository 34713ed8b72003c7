"""Scores side by side: a table that prints, a frame, a plot."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dlib.metrics.score import Score

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Neither bounded by 1 nor better when larger: kept off the plot's axis.
UNBOUNDED = (
    "gaussian_total_correlation",
    "gaussian_wasserstein_correlation",
    "mean_code_mi",
    "reconstruction",
)


def _finite(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _finite(value) for key, value in tree.items()}
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree


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
        Numbers of points, seed, and the like.
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
        """Plain numbers: what ``to_json`` writes."""
        return {
            "title": self.title,
            "protocol": dict(self.protocol),
            "scores": {
                name: {
                    "value": score.value,
                    "noise_floor": score.noise_floor,
                    "parts": {
                        part: value
                        for part, value in score.parts.items()
                        if isinstance(value, float)
                    },
                }
                for name, score in self.scores.items()
            },
            "skipped": dict(self.skipped),
        }

    def to_json(self) -> str:
        """The values, floors and protocol as JSON; of the parts, plain numbers.

        Numbers that JSON has no word for (NaN, infinity) are null.
        """
        return json.dumps(_finite(self.to_dict()), indent=2, allow_nan=False)

    def plot(self) -> Figure:
        """Bars of the scores that lie between 0 and 1, a tick at each noise floor."""
        import matplotlib.pyplot as plt

        names = [name for name in self.scores if name not in UNBOUNDED]
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
        axes.set_xlim(0, 1)
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
