"""DIP-VAE-I and DIP-VAE-II, Kumar, Sattigeri and Balakrishnan (2018)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from dlib.losses.dip import (
    covariance,
    dip_penalty,
    inferred_prior_covariance,
    third_central_moment_penalty,
)
from dlib.models.method import Posterior
from dlib.models.vae import VAE, Likelihood
from dlib.networks import Networks


class DIPVAE(VAE):
    """A VAE whose inferred prior is held to have the identity for covariance.

    Kind I penalises the covariance of the posterior means, Eq. (6); kind II
    that of the inferred prior q(z), Eq. (7).

    Parameters
    ----------
    networks : Networks
        Encoder and decoder.
    kind : {"I", "II"}
    lambda_od, lambda_d : float
        Weights of the off-diagonal and the diagonal part. ``lambda_d``
        defaults to the paper's choice on 2D Shapes: ten times ``lambda_od``
        for kind I, the same as ``lambda_od`` for kind II.
    lambda_3 : float
        Weight of the third central moments of q(z); the paper uses 200 with
        kind II on 2D Shapes, and none otherwise.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes.
    pixel_weight : float
        As of :class:`dlib.models.VAE`.

    Raises
    ------
    ValueError
        If the kind or the likelihood is unknown, or a weight is negative, or that of
        the pixels not positive.
    """

    def __init__(
        self,
        networks: Networks,
        kind: Literal["I", "II"] = "II",
        lambda_od: float = 5.0,
        lambda_d: float | None = None,
        lambda_3: float = 0.0,
        likelihood: Likelihood = "bernoulli",
        pixel_weight: float = 1.0,
    ) -> None:
        super().__init__(networks, likelihood, pixel_weight)
        if kind not in ("I", "II"):
            raise ValueError(f'kind must be "I" or "II", got {kind!r}')
        if lambda_d is None:
            lambda_d = 10 * lambda_od if kind == "I" else lambda_od
        for name, weight in (
            ("lambda_od", lambda_od),
            ("lambda_d", lambda_d),
            ("lambda_3", lambda_3),
        ):
            if not weight >= 0:  # so that NaN is refused too
                raise ValueError(f"{name} must not be negative, got {weight}")
        self.kind = kind
        self.lambda_od, self.lambda_d, self.lambda_3 = lambda_od, lambda_d, lambda_3

    def penalties(self, posterior: Posterior, codes: Tensor) -> dict[str, Tensor]:
        """The covariance penalties of Eq. (6) or (7), and the third moments."""
        if self.kind == "I":
            matrix = covariance(posterior.mean)
        else:
            matrix = inferred_prior_covariance(*posterior)
        off_diagonal, diagonal = dip_penalty(matrix, self.lambda_od, self.lambda_d)
        terms = {"off_diagonal": off_diagonal, "diagonal": diagonal}
        if self.lambda_3:
            moments = third_central_moment_penalty(*posterior)
            terms["third_moment"] = self.lambda_3 * moments
        return terms
