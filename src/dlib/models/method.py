"""What ``fit`` and the metrics ask of a method."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn


class Posterior(NamedTuple):
    """Means and log-variances of ``q(z|x)``, shape (n, latent_dim) each."""

    mean: Tensor
    logvar: Tensor


class Loss(NamedTuple):
    """What a player has to minimise next.

    ``player`` is a key of ``Method.players()``; ``value`` is a scalar with a
    gradient; ``logs`` are the terms it is made of, detached, to be recorded.
    """

    player: str
    value: Tensor
    logs: dict[str, Tensor]


@runtime_checkable
class Method(Protocol):
    """A module that can encode, decode, and yield its losses.

    What a method counts or averages while it trains must be a buffer: a
    checkpoint holds parameters and buffers, and takes plain attributes for
    options, which must not change.
    """

    latent_dim: int

    def encode(self, images: Tensor) -> Posterior:
        """Posterior of pictures in [0, 1], shape (n, c, h, w)."""

    def decode(self, codes: Tensor) -> Tensor:
        """Pictures in [0, 1], (n, c, h, w), of codes, (n, latent_dim)."""

    def players(self) -> dict[str, list[nn.Parameter]]:
        """The parameters that each player's optimiser owns."""

    def losses(self, images: Tensor, generator: torch.Generator) -> Iterator[Loss]:
        """One training step, as the paper's algorithm box orders it.

        ``fit`` takes a step of the player's optimiser each time a loss is
        yielded, and then resumes the generator: what follows a ``yield`` sees
        the updated weights.
        """
