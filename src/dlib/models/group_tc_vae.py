"""group-tcVAE, Tran, Taghanaki, Khasahmadi and Sanghi (2021)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from dlib.data.batch import Batch
from dlib.losses.groups import gaussian_kl, permute_groups
from dlib.models.factor_vae import FactorVAE
from dlib.models.group_vae import groups_of, latents_of_group, pictures_together
from dlib.models.method import Posterior
from dlib.models.vae import Likelihood
from dlib.networks import Networks

Intra = Literal["none", "style", "both"]


class GroupTCVAE(FactorVAE):
    """Groups of latents that know nothing of each other: Tran et al., Eq. (3).

    Pairs of pictures share a group of factors. Each keeps its own codes; the two
    posteriors of the shared group are drawn together by their KL divergence, and a
    discriminator keeps the groups of latents independent. As printed, Eq. (3) has the
    last term inside a bracket that is subtracted, with a minus of its own, so that it
    would be rewarded; it is a penalty, and one here.

    The discriminator is FactorVAE's, with another shuffle: *between* the groups only
    (``intra="none"``: q(z_c) q(z_s)), within the style as well (``"style"``), or
    within both (``"both"``: FactorVAE's own). A batch of ``fit`` is halved as there:
    the paper's 32 pairs are ``batch_size=64``.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder.
    groups : (int, int), optional
        Latents for the content and for the style; two halves by default.
    beta : float
        Weight of the total correlation, not negative.
    gamma : float
        Weight of the KL divergence between a pair's shared posteriors (lambda in the
        paper's section 4.2), not negative.
    intra : {"none", "style", "both"}
        Which groups are disentangled inside: the three factorisations of section 3.
        The paper does not say which its results have.
    width, depth, discriminator_rate, likelihood
        As of :class:`dlib.models.FactorVAE`.

    Raises
    ------
    ValueError
        If a number has no sense or a word is unknown; when training, if the pictures
        do not come in pairs, at least four in a batch, or as :class:`MLVAE`.
    """

    def __init__(
        self,
        networks: Networks,
        groups: tuple[int, int] | None = None,
        beta: float = 10.0,
        gamma: float = 8.0,
        intra: Intra = "none",
        width: int = 1000,
        depth: int = 6,
        discriminator_rate: float = 1e-4,
        likelihood: Likelihood = "bernoulli",
    ) -> None:
        for name, value in (("beta", beta), ("gamma", gamma)):
            if not value >= 0:  # so that NaN is refused too
                raise ValueError(f"{name} must not be negative, got {value}")
        # The weight of the total correlation is FactorVAE's gamma.
        super().__init__(networks, beta, width, depth, discriminator_rate, likelihood)
        self.apart_weight = gamma
        self.chunks = groups_of(networks.latent_dim, groups)
        if len(self.chunks) != 2:
            raise ValueError(
                f"groups must be two, content and style, got {self.chunks}"
            )
        content, style = self.chunks
        widths = {
            "none": (content, style),
            "style": (content, *[1] * style),
            "both": (1,) * (content + style),
        }
        if intra not in widths:
            raise ValueError(f"intra must be one of {', '.join(widths)}, got {intra!r}")
        self.shuffled = widths[intra]

    def pictures(self, batch: Batch) -> Tensor:
        """Pairs of pictures, (n, 2, c, h, w)."""
        _, k = pictures_together(batch)
        if k != 2:
            raise ValueError(
                f"{type(self).__name__} compares the two pictures of a pair, got {k} "
                "drawn together: give it pairs, with k = 2"
            )
        return batch.images

    def shuffle(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Each group of latents shuffled by itself."""
        return permute_groups(codes, self.shuffled, generator)

    def further(
        self, batch: Batch, posterior: Posterior, generator: torch.Generator
    ) -> dict[str, tuple[float, Tensor]]:
        """How far a pair's posteriors of what it shares are apart: a KL divergence.

        Of the first picture's from the second's, averaged over the pairs. Pairs are
        drawn alike, so that both directions occur.
        """
        mean, logvar = (part.view(-1, 2, self.latent_dim) for part in posterior)
        each = gaussian_kl(mean[:, 0], logvar[:, 0], mean[:, 1], logvar[:, 1])
        labels = None if batch.labels is None else batch.labels[: len(each)]
        shared = latents_of_group(self.chunks, labels, len(each), each.device)
        apart = torch.where(shared, each, 0.0).sum(1).mean()
        return {"apart": (self.apart_weight, apart)}
