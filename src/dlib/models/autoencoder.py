"""The plain autoencoder: reconstruction and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import torch
from torch import Tensor

from dlib.data.batch import Batch
from dlib.models.method import Loss, Player
from dlib.models.vae import VAE, Likelihood
from dlib.networks import Networks


class Autoencoder(VAE):
    """Encode to a point, decode, compare.

    Shares the VAE's decoder and likelihood, so that the two can be laid side by
    side. Its encoder gives codes and nothing else: build the networks with
    ``heads=1``.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder, such as ``dlib.networks.conv(latent_dim=10, heads=1)``.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes.

    Raises
    ------
    ValueError
        If the likelihood is unknown, or the encoder gives more than codes.
    """

    heads = 1

    def __init__(
        self, networks: Networks, likelihood: Likelihood = "bernoulli"
    ) -> None:
        super().__init__(networks, likelihood)

    def encode(self, images: Tensor) -> Tensor:
        """Codes, (n, latent_dim), of pictures in [0, 1]."""
        return self.encoder(images)

    def posterior(self, images: Tensor) -> NoReturn:
        """Raise TypeError: an autoencoder has no posterior, only codes."""
        raise TypeError("an autoencoder has no posterior: its codes are encode(images)")

    def players(self) -> dict[str, Player]:
        """One player owns everything."""
        return {"autoencoder": Player(list(self.parameters()))}

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """Reconstruct from the code: one loss a step."""
        output = self.decoder(self.encode(batch.images))
        nll = self._nll(output, batch.images).mean()
        yield Loss("autoencoder", nll, {"nll": nll.detach()})
