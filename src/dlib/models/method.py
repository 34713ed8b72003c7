"""What ``fit`` and the metrics ask of a method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from dlib.data.batch import Batch
from dlib.models.page import PageDecoder


class Posterior(NamedTuple):
    """Means and log-variances of ``q(z|x)``, shape (n, latent_dim) each."""

    mean: Tensor
    logvar: Tensor


class Player(NamedTuple):
    """Whose turn it can be: some parameters and how Adam moves them.

    Attributes
    ----------
    parameters : list of nn.Parameter
        What this player's loss may change, and nothing else.
    learning_rate : float or None
        The paper's, where its appendix has one; ``fit``'s where it is None.
    betas : (float, float)
        Of Adam.
    """

    parameters: list[nn.Parameter]
    learning_rate: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)


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
    options, which must not change. A network of its own, such as a discriminator,
    it builds itself; :func:`dlib.networks.initialise` draws all weights.

    Attributes
    ----------
    latent_dim : int
        Numbers in a code.
    chunks : tuple of int
        Widths of the pieces that a code is cut into, adding up to ``latent_dim``:
        all 1 where each number is a latent of its own.
    heads : int
        Numbers that the encoder must give for each latent.
    shipped : tuple of str
        The modules that encoding and decoding need: all that a shipped run keeps.
    """

    latent_dim: int
    chunks: tuple[int, ...]
    heads: int
    shipped: tuple[str, ...]

    def encode(self, images: Tensor) -> Tensor:
        """Codes (n, latent_dim) of pictures in [0, 1], (n, c, h, w); no noise."""

    def decode(self, codes: Tensor) -> Tensor:
        """Pictures in [0, 1], (n, c, h, w), of codes, (n, latent_dim)."""

    def players(self) -> dict[str, Player]:
        """Each player's parameters, learning rate and betas."""

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """One training step, as the paper's algorithm box orders it.

        ``batch`` has pictures in [0, 1], labels where there are some, the step and
        the population's size. ``fit`` takes a step of the player's optimiser each
        time a loss is yielded, and then resumes the generator: what follows a
        ``yield`` sees the updated weights. A gradient reaches the yielding
        player's own parameters only.
        """

    def page_decoder(self) -> PageDecoder:
        """The decoder as the explorer in the page runs it."""


def chunks_of(
    latent_dim: int, chunks: Sequence[int] | None, what: str = "chunks"
) -> tuple[int, ...]:
    """Widths of the pieces of a code: those given, or one for each number.

    ``what`` is what the message calls them.

    Raises
    ------
    ValueError
        If they do not fit the code.
    """
    widths = (1,) * latent_dim if chunks is None else tuple(chunks)
    if len(widths) < 2 or min(widths) < 1 or sum(widths) != latent_dim:
        raise ValueError(
            f"{what} must be at least two positive widths that add up to the code's "
            f"{latent_dim}, got {widths}"
        )
    return widths
