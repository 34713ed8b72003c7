"""FactorVAE, Kim and Mnih (2018)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from dlib.data.batch import Batch
from dlib.losses.groups import permute_groups
from dlib.losses.total_correlation import density_ratio, discriminator_loss
from dlib.models.discriminator import code_discriminator
from dlib.models.method import Loss, Player, Posterior, chunks_of
from dlib.models.vae import VAE, Likelihood, reparametrise
from dlib.networks import Networks


class FactorVAE(VAE):
    """A VAE that pays for the total correlation which a discriminator sees.

    Algorithm 2 of Kim and Mnih (2018): two batches a step. The first trains the
    VAE; codes of the second, each latent shuffled by itself, are what codes would be
    if latents were independent, and the discriminator learns to tell the two kinds
    apart. A batch of ``fit`` is cut in two halves for it: the paper's batches of 64
    are ``batch_size=128`` here.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder.
    gamma : float
        Weight of the total correlation, not negative.
    width, depth : int
        Of the discriminator's hidden layers; the paper's are 1000 and 6.
    discriminator_rate : float
        Learning rate of the discriminator, with the paper's betas of .5 and .9.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes.
    chunks : tuple of int, optional
        Widths of pieces of the code that stay together when codes are shuffled, adding
        up to the code; all 1 by default. The total correlation is then that between
        chunks, and what is within one costs nothing.

    Raises
    ------
    ValueError
        If a weight is negative, a size or rate not positive, the likelihood unknown,
        or the chunks do not fit the codes; when training, if a batch is too small to
        be halved.
    """

    def __init__(
        self,
        networks: Networks,
        gamma: float = 10.0,
        width: int = 1000,
        depth: int = 6,
        discriminator_rate: float = 1e-4,
        likelihood: Likelihood = "bernoulli",
        chunks: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(networks, likelihood)
        if chunks is not None:
            self.chunks = chunks_of(networks.latent_dim, chunks)
        if not gamma >= 0:  # so that NaN is refused too
            raise ValueError(f"gamma must not be negative, got {gamma}")
        if not discriminator_rate > 0:
            raise ValueError(
                f"discriminator_rate must be positive, got {discriminator_rate}"
            )
        self.gamma = gamma
        self.discriminator = code_discriminator(networks.latent_dim, width, depth)
        self.discriminator_rate = discriminator_rate

    def players(self) -> dict[str, Player]:
        """The VAE, and the discriminator that it argues with."""
        return {
            "vae": Player(self.own()),
            "discriminator": Player(
                list(self.discriminator.parameters()),
                self.discriminator_rate,
                (0.5, 0.9),
            ),
        }

    def own(self) -> list[nn.Parameter]:
        """Parameters of the VAE itself."""
        return [*self.encoder.parameters(), *self.decoder.parameters()]

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """The VAE moves first, then the discriminator learns from the same codes."""
        images = self.pictures(batch)
        if len(images) < 4:
            raise ValueError(
                f"{type(self).__name__} halves a batch, so it needs at least 4 "
                f"pictures; got {len(images)}"
            )
        first, second = images[: len(images) // 2], images[len(images) // 2 :]
        # Of pictures drawn together each is one: halved first, so that none is parted.
        posterior, codes, nll, kl = self.bound(first.flatten(0, -4), generator)
        tc = density_ratio(self.judge(codes))
        loss = nll + kl + self.gamma * tc
        terms = {"nll": nll, "kl": kl, "tc": tc}
        further = self.further(batch, posterior, generator)
        for name, (weight, term) in further.items():
            loss, terms[name] = loss + weight * term, term
        yield Loss("vae", loss, {name: term.detach() for name, term in terms.items()})

        with torch.no_grad():
            other = reparametrise(self.posterior(second.flatten(0, -4)), generator)
            permuted = self.shuffle(other, generator)
        wrong = discriminator_loss(self.judge(codes.detach()), self.judge(permuted))
        yield Loss("discriminator", wrong, {"discriminator": wrong.detach()})

    def judge(self, codes: Tensor) -> Tensor:
        """The discriminator's logits, (n, 2): joint, permuted; in single precision."""
        with torch.autocast(codes.device.type, enabled=False):
            return self.discriminator(codes.float())

    def shuffle(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Codes as they would be if what should be independent were: same shape."""
        return permute_groups(codes, self.chunks, generator)

    def pictures(self, batch: Batch) -> Tensor:
        """What is encoded and decoded: (n, c, h, w), or (n, k, c, h, w)."""
        return batch.images

    def further(
        self, batch: Batch, posterior: Posterior, generator: torch.Generator
    ) -> dict[str, tuple[float, Tensor]]:
        """What a relative of FactorVAE adds: by name, a weight and a term.

        ``posterior`` is that of the batch's first half, which the VAE trains on.
        """
        return {}
