"""beta-VAE, Higgins et al. (2017)."""

from __future__ import annotations

from dlib.models.vae import VAE, Likelihood
from dlib.networks import Networks


class BetaVAE(VAE):
    """A VAE whose KL term weighs ``beta``, Kumar et al. (2018), Eq. (8).

    Parameters
    ----------
    networks : Networks
        Encoder and decoder.
    beta : float
        Weight of the KL term, not negative. The likelihood is a sum over
        pixels, as in the paper; where it is a mean, beta is another number.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes.
    pixel_weight : float
        As of :class:`VAE`.

    Raises
    ------
    ValueError
        If ``beta`` is negative, the likelihood is unknown, or the weight not positive.
    """

    def __init__(
        self,
        networks: Networks,
        beta: float = 4.0,
        likelihood: Likelihood = "bernoulli",
        pixel_weight: float = 1.0,
    ) -> None:
        super().__init__(networks, likelihood, pixel_weight)
        if not beta >= 0:  # so that NaN is refused too
            raise ValueError(f"beta must not be negative, got {beta}")
        self.beta = beta
