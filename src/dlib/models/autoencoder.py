"""The plain autoencoder: reconstruction and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from dlib.models.method import Loss
from dlib.models.vae import VAE


class Autoencoder(VAE):
    """Encode to a point, decode, compare.

    Shares the VAE's networks and face, so that the two can be laid side by
    side; the log-variances that the encoder also gives are not used.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes.
    """

    def losses(self, images: Tensor, generator: torch.Generator) -> Iterator[Loss]:
        """Reconstruct from the mean: one loss a step."""
        nll = self._nll(self.decoder(self.encode(images).mean), images).mean()
        yield Loss("vae", nll, {"nll": nll.detach()})
