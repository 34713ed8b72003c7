"""The variational autoencoder, Kingma & Welling (2013)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from dlib.data.batch import Batch
from dlib.losses.elbo import bernoulli_nll, gaussian_nll, kl_to_standard_normal
from dlib.models.method import Loss, Player, Posterior
from dlib.models.page import PageDecoder, page_decoder
from dlib.networks import Networks

Likelihood = Literal["bernoulli", "gaussian"]
LIKELIHOODS = get_args(Likelihood)


class Bound(NamedTuple):
    """The ELBO's halves of a batch, and the codes that were sampled for it.

    Attributes
    ----------
    posterior : Posterior
        Shape (n, latent_dim) each.
    codes : Tensor
        One sample of each posterior, (n, latent_dim).
    nll, kl : Tensor
        Means over the batch, in nats; the ELBO is minus their sum.
    """

    posterior: Posterior
    codes: Tensor
    nll: Tensor
    kl: Tensor


class VAE(nn.Module):
    """Maximise the evidence lower bound, Kumar et al. (2018), Eq. (1).

    Parameters
    ----------
    networks : Networks
        Encoder and decoder, such as ``dlib.networks.conv(latent_dim=10)``.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes. Bernoulli reads the decoder's output as
        logits; Gaussian (unit scale) passes it through a sigmoid first.
    pixel_weight : float
        What the likelihood is multiplied with, positive. Each weight stands against a
        sum over pixels: where pictures of 32x32 are to weigh as much as ones of
        64x64, a pixel stands for 4.

    Raises
    ------
    ValueError
        If the likelihood is unknown, the weight not positive, or the encoder gives
        another number of numbers for each latent than two.
    """

    beta = 1.0
    heads = 2  # a mean and a log-variance for each latent
    shipped: tuple[str, ...] = ("encoder", "decoder")

    def __init__(
        self,
        networks: Networks,
        likelihood: Likelihood = "bernoulli",
        pixel_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if not pixel_weight > 0:  # so that NaN is refused too
            raise ValueError(f"pixel_weight must be positive, got {pixel_weight}")
        if likelihood not in LIKELIHOODS:
            raise ValueError(
                f"likelihood must be one of {', '.join(LIKELIHOODS)}, "
                f"got {likelihood!r}"
            )
        if networks.heads != self.heads:
            raise ValueError(
                f"{type(self).__name__} needs an encoder with {self.heads} numbers for "
                f"each latent (heads={self.heads}), got one with {networks.heads}"
            )
        self.encoder = networks.encoder
        self.decoder = networks.decoder
        self.latent_dim = networks.latent_dim
        self.chunks = (1,) * networks.latent_dim
        self.likelihood, self.pixel_weight = likelihood, pixel_weight

    def posterior(self, images: Tensor) -> Posterior:
        """``q(z|x)`` of pictures in [0, 1], shape (n, c, h, w)."""
        mean, logvar = self.encoder(images).chunk(2, dim=1)
        return Posterior(mean, logvar)

    def encode(self, images: Tensor) -> Tensor:
        """Posterior means, (n, latent_dim), of pictures in [0, 1]."""
        return self.posterior(images).mean

    def decode(self, codes: Tensor) -> Tensor:
        """Pictures in [0, 1], (n, c, h, w), of codes, (n, latent_dim)."""
        return self.decoder(codes).float().sigmoid()

    def page_decoder(self) -> PageDecoder:
        """The decoder as the page and the exporter run it."""
        return page_decoder(self.decoder, "sigmoid")

    def players(self) -> dict[str, Player]:
        """One player owns everything."""
        return {"vae": Player(list(self.parameters()))}

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """Reconstruct, regularise: one loss a step."""
        bound = self.bound(batch.images, generator)
        extra = self.penalties(bound.posterior, bound.codes)
        loss = self.pixel_weight * bound.nll + self.beta * bound.kl
        loss = loss + sum(extra.values())
        terms = {"nll": bound.nll, "kl": bound.kl, **extra}
        yield Loss("vae", loss, {name: term.detach() for name, term in terms.items()})

    def bound(self, images: Tensor, generator: torch.Generator) -> Bound:
        """Encode, sample, decode: the two halves of the ELBO, means over the batch."""
        posterior = self.posterior(images)
        codes = reparametrise(posterior, generator)
        nll = self._nll(self.decoder(codes), images).mean()
        kl = kl_to_standard_normal(*posterior).sum(1).mean()
        return Bound(posterior, codes, nll, kl)

    def penalties(self, posterior: Posterior, codes: Tensor) -> dict[str, Tensor]:
        """What a relative of the VAE adds to the loss, by name."""
        return {}

    def _nll(self, output: Tensor, images: Tensor) -> Tensor:
        if self.likelihood == "bernoulli":
            return bernoulli_nll(output, images)
        return gaussian_nll(output.float().sigmoid(), images)


def reparametrise(posterior: Posterior, generator: torch.Generator) -> Tensor:
    """Sample codes so that gradients reach the posterior.

    ``z = mean + exp(logvar / 2) * noise`` with noise from N(0, I): Kingma &
    Welling (2013), section 2.4.
    """
    mean, logvar = posterior
    noise = torch.randn(
        mean.shape, generator=generator, device=mean.device, dtype=mean.dtype
    )
    return mean + (0.5 * logvar).exp() * noise
