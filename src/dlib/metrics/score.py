"""What every metric returns: one number, and what it was made of."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from torch import Tensor


@dataclass(frozen=True)
class Score:
    """A metric's value with its parts.

    Parameters
    ----------
    name : str
        The metric's, as in ``metrics.evaluate(which=...)``.
    value : float
        The score; ``float(score)`` gives it too.
    parts : mapping of str to float or Tensor
        What the score was made of: the score matrix, values of each factor,
        train and test accuracies. Each metric's docstring lists its own.
    noise_floor : float, optional
        What codes of pure noise get under the same protocol.

    Examples
    --------
    >>> from dlib import metrics
    >>> score = metrics.Score("mig", 0.25, {"worst": 0.125}, noise_floor=0.01)
    >>> score
    mig 0.2500 (noise 0.0100)
      worst: 0.1250
    >>> float(score), score["worst"]
    (0.25, 0.125)
    """

    name: str
    value: float
    parts: Mapping[str, float | Tensor] = field(default_factory=dict)
    noise_floor: float | None = None

    def __float__(self) -> float:
        return self.value

    def __getitem__(self, part: str) -> float | Tensor:
        if part not in self.parts:
            raise KeyError(
                f"{self.name} has no part {part!r}; there are "
                f"{', '.join(self.parts) or 'none'}"
            )
        return self.parts[part]

    def with_noise_floor(self, noise_floor: float) -> Score:
        """The same score beside what noise gets."""
        return replace(self, noise_floor=noise_floor)

    def __repr__(self) -> str:
        floor = "" if self.noise_floor is None else f" (noise {self.noise_floor:.4f})"
        lines = [f"{self.name} {self.value:.4f}{floor}"]
        lines += [f"  {name}: {_brief(part)}" for name, part in self.parts.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{html.escape(_brief(part))}</td></tr>"
            for name, part in self.parts.items()
        )
        floor = "" if self.noise_floor is None else f" (noise {self.noise_floor:.4f})"
        return (
            f"<b>{html.escape(self.name)}</b> {self.value:.4f}{floor}"
            f"<table>{rows}</table>"
        )


def _brief(part: float | Tensor) -> str:
    if not isinstance(part, Tensor):
        return f"{part:.4f}"
    if part.ndim == 1 and len(part) <= 12:
        return "[" + ", ".join(f"{v:.3g}" for v in part.tolist()) + "]"
    return "tensor of " + " x ".join(map(str, part.shape))
