"""InfoVAE, Zhao, Song and Ermon (2019)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dlib.data.batch import Batch
from dlib.losses.mmd import mmd
from dlib.models.method import Loss
from dlib.models.vae import VAE, Likelihood
from dlib.networks import Networks


class InfoVAE(VAE):
    """A VAE that holds q(z), not each posterior, to the prior.

    ``nll + (1 - alpha) KL(q(z|x) || p(z)) + (alpha + lambda - 1) MMD(q(z), p(z))``:
    Zhao et al. (2019), section 3. Alpha of 1 leaves codes free to say all they can
    about their picture, as long as all codes together look like the prior.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder.
    alpha : float
        How much of the KL term is given up, at most 1.
    lambda_info : float
        The paper's lambda: ``alpha + lambda_info`` is at least 1.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes.

    Raises
    ------
    ValueError
        If a weight that follows from ``alpha`` and ``lambda_info`` is negative, or
        the likelihood is unknown.
    """

    def __init__(
        self,
        networks: Networks,
        alpha: float = 0.0,
        lambda_info: float = 1000.0,
        likelihood: Likelihood = "bernoulli",
    ) -> None:
        super().__init__(networks, likelihood)
        if not (alpha <= 1 and alpha + lambda_info >= 1):
            raise ValueError(
                "alpha must be at most 1 and alpha + lambda_info at least 1, so that "
                f"no weight is negative; got {alpha} and {lambda_info}"
            )
        self.beta = 1 - alpha
        self.mmd_weight = alpha + lambda_info - 1

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """Reconstruct, and compare codes with as many draws of the prior."""
        _, codes, nll, kl = self.bound(batch.images, generator)
        prior = torch.randn(
            codes.shape, generator=generator, device=codes.device, dtype=codes.dtype
        )
        discrepancy = mmd(codes, prior)
        loss = nll + self.beta * kl + self.mmd_weight * discrepancy
        terms = {"nll": nll, "kl": kl, "mmd": discrepancy}
        yield Loss("vae", loss, {name: term.detach() for name, term in terms.items()})
