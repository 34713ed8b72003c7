"""Pairs of codes to mix, and what is decoded of them: for metrics of mixtures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from dlib.inference import device_of, evaluating
from dlib.metrics.inputs.applicable import NotApplicable
from dlib.metrics.inputs.chunks import chunk_widths

FEWEST = 20  # pictures, of which any mean says something


class Pairs(NamedTuple):
    """Codes of two pictures each.

    Attributes
    ----------
    first, second : Tensor
        Codes, (n, d).
    places : Tensor
        Which rows of all codes they are: int64 (n, 2).
    widths : list of int
        Of the method's chunks.
    random : torch.Generator
        What else is drawn comes from it, on the CPU.
    """

    first: Tensor
    second: Tensor
    places: Tensor
    widths: list[int]
    random: torch.Generator


@dataclass(frozen=True)
class MixtureTask:
    """The protocol of a metric that decodes mixtures: how many pairs, and which.

    Raises
    ------
    ValueError
        If ``pairs`` is below 20.
    """

    metric: ClassVar[str]

    pairs: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        if self.pairs < FEWEST:
            raise ValueError(f"pairs must be at least {FEWEST}, got {self.pairs}")

    def require(self, count: int) -> None:
        """Raise NotApplicable if there are too few pictures."""
        if count < FEWEST:
            raise NotApplicable(
                f"{self.metric} needs at least {FEWEST} pictures, got {count}"
            )


def pairs_of(method: Any, codes: Tensor, pairs: int, seed: int) -> Pairs:
    """Pairs of different pictures, at most as many as there are codes."""
    widths = chunk_widths(method, codes.shape[1])
    codes = codes.to(device_of(method))
    random = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(codes), generator=random)
    places = torch.stack([rows, rows.roll(1)], 1)[:pairs].to(codes.device)
    return Pairs(codes[places[:, 0]], codes[places[:, 1]], places, widths, random)


def decoded(method: Any, codes: Tensor) -> Tensor:
    """Pictures of codes in evaluation mode, float32, in one new tensor."""
    with evaluating(method):
        return torch.cat([method.decode(some).float() for some in codes.split(512)])
