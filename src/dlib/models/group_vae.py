"""VAEs of pictures that share some factors: ML-VAE, GVAE, and their adaptive kin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch import Tensor

from dlib.data.batch import Batch
from dlib.losses.elbo import kl_to_standard_normal
from dlib.losses.groups import (
    average_of_gaussians,
    gaussian_kl,
    harmonic_gaussian,
    product_of_gaussians,
    wide,
)
from dlib.models.method import Loss, Posterior, chunks_of
from dlib.models.vae import VAE, Likelihood, reparametrise
from dlib.networks import Networks


class GroupVAE(VAE):
    """Pictures drawn together have one posterior for what they share.

    The objective is Eq. (1) of Tran et al., *Weakly-supervised group disentanglement
    using total correlation*, averaged over all pictures: the bound of each, with the
    shared latents' posterior in place of its own. Latents come in groups, the first
    for the first group of factors that ``pairs`` may share, and so on; a batch's label
    says which group its pictures share. How posteriors are made one, and which latents
    are, is for the four methods to say: :class:`MLVAE`, :class:`GVAE`,
    :class:`AdaMLVAE`, :class:`AdaGVAE`.

    The KL term of what is shared counts once for each picture, as in Tran et al. and
    Locatello et al. (2020); the bound of Bouchacourt et al. (2018) counts it once a
    group, 1/k of that. Each picture draws a sample of the shared posterior for itself,
    which on average is the same as one sample for all.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder.
    groups : tuple of int, optional
        Latents of each group, at least two groups, adding up to the codes' latents.
        Two halves by default: Tran et al. have ten latents, five for the content and
        five for the style.
    beta : float
        Weight of the KL term, not negative.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes.

    Raises
    ------
    ValueError
        If the groups do not fit the codes, ``beta`` is negative or the likelihood
        unknown; when training, if the batch's pictures are not drawn together, or, on
        the CPU, a label names a group that there is not (on CUDA that is a device-side
        assertion).
    """

    def __init__(
        self,
        networks: Networks,
        groups: tuple[int, ...] | None = None,
        beta: float = 1.0,
        likelihood: Likelihood = "bernoulli",
    ) -> None:
        super().__init__(networks, likelihood)
        self.chunks = groups_of(networks.latent_dim, groups)
        if not beta >= 0:  # so that NaN is refused too
            raise ValueError(f"beta must not be negative, got {beta}")
        self.beta = beta

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """Encode all, share, sample for each, reconstruct: one loss a step."""
        n, k = pictures_together(batch)
        images = batch.images.flatten(0, 1)
        own = Posterior(*(part.view(n, k, -1) for part in self.posterior(images)))
        shared = self.shared(own, batch.labels)[:, None]  # (n, 1, d)
        posterior = Posterior(
            *(
                torch.where(shared, one[:, None], each).flatten(0, 1)
                for one, each in zip(self.combine(own), own, strict=True)
            )
        )
        codes = reparametrise(posterior, generator)
        nll = self._nll(self.decoder(codes), images).mean()
        kl = kl_to_standard_normal(*posterior).sum(1).mean()
        logs = {"nll": nll.detach(), "kl": kl.detach()}
        yield Loss("vae", nll + self.beta * kl, logs)

    def combine(self, own: Posterior) -> Posterior:
        """One posterior, (n, d), of those of pictures drawn together, (n, k, d)."""
        raise TypeError(f"{type(self).__name__} must define combine")

    def shared(self, own: Posterior, labels: Tensor | None) -> Tensor:
        """Which latents the pictures share, bool (n, d): the group that is named."""
        return latents_of_group(self.chunks, labels, len(own.mean), own.mean.device)


class MLVAE(GroupVAE):
    """The shared posterior is a product: Bouchacourt, Tomioka and Nowozin (2018).

    Parameters
    ----------
    networks, groups, beta, likelihood
        As of :class:`GroupVAE`.
    variance : {"product", "harmonic"}
        Of the shared posterior: that of the product of Gaussians, or k times as much,
        which three libraries have under ML-VAE's name
        (:func:`dlib.losses.harmonic_gaussian`).

    Raises
    ------
    ValueError
        As :class:`GroupVAE`, or if the variance is unknown.
    """

    def __init__(
        self,
        networks: Networks,
        groups: tuple[int, ...] | None = None,
        beta: float = 1.0,
        likelihood: Likelihood = "bernoulli",
        variance: Literal["product", "harmonic"] = "product",
    ) -> None:
        super().__init__(networks, groups, beta, likelihood)
        if variance not in ("product", "harmonic"):
            raise ValueError(
                f'variance must be "product" or "harmonic", got {variance!r}'
            )
        self.variance = variance

    def combine(self, own: Posterior) -> Posterior:
        """The product of the pictures' posteriors, or its look-alike."""
        if self.variance == "harmonic":
            return Posterior(*harmonic_gaussian(*own))
        return Posterior(*product_of_gaussians(*own))


class GVAE(GroupVAE):
    """The shared posterior has averaged means and variances: Hosoya (2019).

    Parameters, and errors, are those of :class:`GroupVAE`.
    """

    def combine(self, own: Posterior) -> Posterior:
        """Means of the pictures' means and variances."""
        return Posterior(*average_of_gaussians(*own))


class AdaMLVAE(MLVAE):
    """ML-VAE that finds out which latents a pair shares: Locatello et al. (2020).

    A pair's latents are shared where its two posteriors differ least: where their KL
    divergence is below the middle between that pair's smallest and largest,
    ``shared_by_divergence``. Labels are not looked at; ``groups`` only says how
    codes are cut when they are scored. The authors' own code has the variance
    ``"harmonic"``.

    Parameters, and errors, are those of :class:`MLVAE`; but labels may be any, and a
    batch that is not of pairs is refused when training.
    """

    def shared(self, own: Posterior, labels: Tensor | None) -> Tensor:
        """The latents in which the two posteriors differ least, bool (n, d)."""
        return shared_by_divergence(own)


class AdaGVAE(GVAE):
    """GVAE that finds out which latents a pair shares: Locatello et al. (2020).

    As :class:`AdaMLVAE`, with averaged means and variances, and parameters as of
    :class:`GVAE`.
    """

    def shared(self, own: Posterior, labels: Tensor | None) -> Tensor:
        """The latents in which the two posteriors differ least, bool (n, d)."""
        return shared_by_divergence(own)


def shared_by_divergence(own: Posterior) -> Tensor:
    """Latents in which a pair's posteriors are alike, by Locatello et al. (2020).

    ``KL(q(z_i | x1) || q(z_i | x2)) < (max_j KL_j + min_j KL_j) / 2``, pair by pair.

    Parameters
    ----------
    own : Posterior
        Of pairs, shape (n, 2, d) each.

    Returns
    -------
    Tensor
        bool (n, d). Two pictures that are the same share nothing: no latent differs
        less than the others.

    Raises
    ------
    ValueError
        If they are not of pairs.
    """
    if own.mean.shape[1] != 2:
        raise ValueError(
            "which latents are shared is decided between two pictures, got "
            f"{own.mean.shape[1]} drawn together: give it pairs, with k = 2"
        )
    (mean, other), (logvar, other_logvar) = (part.unbind(1) for part in own)
    divergence = gaussian_kl(mean, logvar, other, other_logvar)
    least, most = divergence.aminmax(dim=1, keepdim=True)
    return divergence < (least + most) / 2


def latents_of_group(
    groups: tuple[int, ...], labels: Tensor | None, n: int, device: torch.device
) -> Tensor:
    """Which latents are of the group that each label names, bool (n, d).

    Without labels it is the first group for all.

    Raises
    ------
    ValueError
        On the CPU, if a label names a group that there is not. On CUDA index_select's
        assertion says so, since to look would wait for the device in every step.
    """
    count = len(groups)
    if labels is None:
        labels = torch.zeros(n, dtype=torch.long, device=device)
    if labels.device.type == "cpu":
        wrong = labels[(labels < 0) | (labels >= count)]
        if len(wrong):
            raise ValueError(
                f"a label names the group {int(wrong[0])}, and the codes have {count} "
                "groups of latents: give one for each group of factors that pictures "
                "may share"
            )
    named = torch.eye(count, dtype=torch.bool, device=device)
    return wide(named.index_select(0, labels.to(device)), groups)


def pictures_together(batch: Batch) -> tuple[int, int]:
    """How many groups of pictures, and pictures in a group, a batch has.

    Raises
    ------
    ValueError
        If its pictures are not drawn together, at least two at a time.
    """
    if batch.images.ndim != 5 or batch.images.shape[1] < 2:
        raise ValueError(
            "pictures must be drawn together, (n, k, c, h, w) with k at least 2; got "
            f"{tuple(batch.images.shape)}: wrap the data in pairs"
        )
    return batch.images.shape[0], batch.images.shape[1]


def groups_of(latent_dim: int, groups: Sequence[int] | None) -> tuple[int, ...]:
    """Widths of the groups of latents: those given, or two halves.

    Raises
    ------
    ValueError
        If they do not fit the codes.
    """
    halves = (latent_dim // 2, latent_dim - latent_dim // 2)
    return chunks_of(latent_dim, halves if groups is None else groups, "groups")
