"""beta-TCVAE, Chen, Li, Grosse and Duvenaud (2018)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dlib.data.batch import Batch
from dlib.losses.total_correlation import Sampling, total_correlation
from dlib.models.method import Loss
from dlib.models.vae import VAE, Likelihood
from dlib.networks import Networks


class BetaTCVAE(VAE):
    """A VAE whose total correlation weighs ``beta`` and all else one.

    The KL term has three parts, Chen et al. (2018), Eq. (2); the objective, Eq. (4)
    with their alpha and gamma of 1, weighs the middle one. That is the VAE's loss and
    ``beta - 1`` times the total correlation: only this excess is estimated from the
    minibatch, the rest is the KL term in closed form.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder.
    beta : float
        Weight of the total correlation, not negative; 1 is a VAE.
    sampling : {"weighted", "stratified"}
        How q(z) is estimated from a minibatch; see
        :func:`dlib.losses.decompose_kl`.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes.

    Raises
    ------
    ValueError
        If ``beta`` is negative, or the sampling or the likelihood is unknown; when
        training, if the batch does not say how many pictures the data set has.
    """

    def __init__(
        self,
        networks: Networks,
        beta: float = 6.0,
        sampling: Sampling = "weighted",
        likelihood: Likelihood = "bernoulli",
    ) -> None:
        super().__init__(networks, likelihood)
        if not beta >= 0:  # so that NaN is refused too
            raise ValueError(f"beta must not be negative, got {beta}")
        if sampling not in ("weighted", "stratified"):
            raise ValueError(
                f'sampling must be "weighted" or "stratified", got {sampling!r}'
            )
        self.excess = beta - 1
        self.sampling = sampling

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """Reconstruct, regularise, and part the latents: one loss a step."""
        posterior, codes, nll, kl = self.bound(batch.images, generator)
        tc = total_correlation(codes, *posterior, batch.population, self.sampling)
        loss = nll + kl + self.excess * tc
        terms = {"nll": nll, "kl": kl, "tc": tc}
        yield Loss("vae", loss, {name: term.detach() for name, term in terms.items()})
