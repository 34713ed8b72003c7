"""group-tcVAE, Tran, Taghanaki, Khasahmadi and Sanghi (2021)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from dlib.data.batch import Batch
from dlib.losses.groups import gaussian_kl, permute_groups
from dlib.losses.total_correlation import density_ratio, discriminator_loss
from dlib.models.factor_vae import FactorVAE
from dlib.models.group_vae import groups_of, latents_of_group, pictures_together
from dlib.models.method import Loss, Posterior
from dlib.models.vae import Likelihood, reparametrise
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
        do not come in pairs, at least four in a batch, or a label names a group that
        there is not.
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
        super().__init__(networks, gamma, width, depth, discriminator_rate, likelihood)
        self.chunks = groups_of(networks.latent_dim, groups)
        if len(self.chunks) != 2:
            raise ValueError(
                f"groups must be two, content and style, got {self.chunks}"
            )
        if not beta >= 0:
            raise ValueError(f"beta must not be negative, got {beta}")
        content, style = self.chunks
        widths = {
            "none": (content, style),
            "style": (content, *[1] * style),
            "both": (1,) * (content + style),
        }
        if intra not in widths:
            raise ValueError(f"intra must be one of {', '.join(widths)}, got {intra!r}")
        self.tc_weight = beta
        self.shuffled = widths[intra]

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """The VAE moves first, then the discriminator learns from the same codes."""
        n, k = pictures_together(batch)
        if k != 2 or n < 4:
            raise ValueError(
                f"{type(self).__name__} needs at least four pairs a batch, got {n} "
                f"groups of {k} pictures"
            )
        half = n // 2
        images = batch.images[:half].flatten(0, 1)
        posterior, codes, nll, kl = self.bound(images, generator)
        tc = density_ratio(self.judge(codes))
        labels = None if batch.labels is None else batch.labels[:half]
        apart = self.apart(posterior, labels)
        loss = nll + kl + self.tc_weight * tc + self.gamma * apart
        terms = {"nll": nll, "kl": kl, "tc": tc, "apart": apart}
        yield Loss("vae", loss, {name: term.detach() for name, term in terms.items()})

        with torch.no_grad():
            others = batch.images[half:].flatten(0, 1)
            other = reparametrise(self.posterior(others), generator)
            permuted = permute_groups(other, self.shuffled, generator)
        wrong = discriminator_loss(self.judge(codes.detach()), self.judge(permuted))
        yield Loss("discriminator", wrong, {"discriminator": wrong.detach()})

    def apart(self, posterior: Posterior, labels: Tensor | None) -> Tensor:
        """KL divergence of a pair's posteriors of what it shares, averaged over pairs.

        Parameters
        ----------
        posterior : Posterior
            Of pairs one after the other, shape (2 n, d).
        labels : Tensor or None
            Which group each pair shares, int64 (n,).
        """
        mean, logvar = (part.view(-1, 2, self.latent_dim) for part in posterior)
        each = gaussian_kl(mean[:, 0], logvar[:, 0], mean[:, 1], logvar[:, 1])
        shared = latents_of_group(self.chunks, labels, len(each), each.device)
        return torch.where(shared, each, 0.0).sum(1).mean()
