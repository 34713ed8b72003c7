"""A FactorVAE that predicts which group of factors a picture has: Inoue et al."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from dlib.data.batch import Batch
from dlib.losses.contrastive import (
    contrastive_loss,
    cosface_loss,
    cosine_similarity,
)
from dlib.models.factor_vae import FactorVAE
from dlib.models.method import Player, Posterior
from dlib.models.vae import Likelihood
from dlib.networks import Networks


class FactorGroupVAE(FactorVAE):
    """FactorVAE with a factor-group prediction header: Inoue et al., Eq. (2).

    A header H maps codes into a space of groups, where each group has a prototype;
    a picture is of the group whose prototype is nearest. Its loss reaches the
    encoder too, and weighs ``weight``.

    *Unsupervised*, the header learns by contrast, Eq. (3): it needs data in two
    views, the picture itself first (``views`` with ``keep_first = true``). The
    prototypes follow the embeddings by scikit-learn's mini-batch k-means, one update
    a step; no loss ever sees them. *Supervised*, the prototypes are learned with the
    header, Eq. (4), from the labels of ``merged`` data.

    The header reads posterior means, ``H(E(x))``. Embeddings are compared by the
    angle between them, so k-means sees them at length one: the paper notes that the
    two distances are then equivalent.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder.
    groups : int
        K, at least 2.
    learning : {"unsupervised", "supervised"}
    weight : float
        The paper's lambda.
    scale, margin : float
        The paper's tau, of both losses, and m, of Eq. (4).
    gamma, width, depth, discriminator_rate, likelihood
        As of :class:`dlib.models.FactorVAE`. The paper does not state gamma.

    Raises
    ------
    ValueError
        If a number has no sense or a word is unknown; when training, if the batch
        has not the two views, or the labels, that its learning needs.
    """

    def __init__(
        self,
        networks: Networks,
        groups: int = 3,
        learning: Literal["unsupervised", "supervised"] = "unsupervised",
        weight: float = 100.0,
        scale: float = 10.0,
        margin: float = 0.1,
        gamma: float = 10.0,
        width: int = 1000,
        depth: int = 6,
        discriminator_rate: float = 1e-4,
        likelihood: Likelihood = "bernoulli",
    ) -> None:
        super().__init__(networks, gamma, width, depth, discriminator_rate, likelihood)
        if groups < 2:
            raise ValueError(f"groups must be at least 2, got {groups}")
        if learning not in ("unsupervised", "supervised"):
            raise ValueError(
                f'learning must be "unsupervised" or "supervised", got {learning!r}'
            )
        for name, value in (("weight", weight), ("margin", margin)):
            if not value >= 0:  # so that NaN is refused too
                raise ValueError(f"{name} must not be negative, got {value}")
        if not scale > 0:
            raise ValueError(f"scale must be positive, got {scale}")
        self.learning, self.weight = learning, weight
        self.scale, self.margin = scale, margin
        d = networks.latent_dim
        self.header = GroupHeader(d)
        self.prototypes = Prototypes(groups, d, learned=learning == "supervised")
        # What is shipped must be able to say a picture's group.
        self.shipped = (*type(self).shipped, "header", "prototypes")

    def players(self) -> dict[str, Player]:
        """FactorVAE's two; the header and learned prototypes are the VAE's."""
        mine = [
            *self.own(),
            *self.header.parameters(),
            *self.prototypes.parameters(),
        ]
        return {**super().players(), "vae": Player(mine)}

    def embed(self, codes: Tensor) -> Tensor:
        """Where codes, (n, latent_dim), lie in the space of groups: same shape."""
        return self.header(codes)

    @torch.no_grad()
    def groups(self, codes: Tensor) -> Tensor:
        """The group of each code, int64 (n,): whose prototype is nearest."""
        similar = cosine_similarity(self.embed(codes), self.prototypes.vectors)
        return similar.argmax(1)

    def pictures(self, batch: Batch) -> Tensor:
        """The pictures themselves: of two views, the first."""
        if self.learning == "supervised":
            if batch.labels is None or batch.images.ndim != 4:
                raise ValueError(
                    "supervised learning of groups needs single pictures with "
                    "labels: give it merged data"
                )
            return batch.images
        if batch.images.ndim != 5 or batch.images.shape[1] != 2:
            raise ValueError(
                "unsupervised learning of groups needs each picture in two views, "
                f"(n, 2, c, h, w); got {tuple(batch.images.shape)}: wrap the data in "
                "views, with k = 2 and keep_first = true"
            )
        return batch.images[:, 0]

    def further(
        self, batch: Batch, posterior: Posterior, generator: torch.Generator
    ) -> dict[str, tuple[float, Tensor]]:
        """The header's loss, and a step of k-means where prototypes are found."""
        codes = posterior.mean
        n = len(codes)
        if self.learning == "supervised":
            assert batch.labels is not None  # pictures() has looked
            vectors, labels = self.prototypes.vectors, batch.labels[:n]
            loss = cosface_loss(
                self.embed(codes), vectors, labels, self.scale, self.margin
            )
        else:
            # Both views in one pass: batch norm must not tell them apart.
            altered = self.encode(batch.images[:n, 1])
            embeddings = self.embed(torch.cat([codes, altered]))
            loss = contrastive_loss(embeddings[:n], embeddings[n:], self.scale)
            self.prototypes.follow(embeddings.detach(), generator)
        return {"header": (self.weight, loss)}


class GroupHeader(nn.Sequential):
    """Two blocks of a layer, batch norm and ReLU, all of the codes' width.

    Section 4.2 of Inoue et al. In single precision under autocast.

    Parameters
    ----------
    width : int
        Of codes and embeddings; 20 in the paper.
    """

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Linear(width, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
        )

    def forward(self, codes: Tensor) -> Tensor:
        """Embeddings, same shape, not negative."""
        with torch.autocast(codes.device.type, enabled=False):
            return super().forward(codes.float())


class Prototypes(nn.Module):
    """One vector for each group: learned by gradient, or followed by k-means.

    Parameters
    ----------
    groups, width : int
        Shape of ``vectors``.
    learned : bool
        Whether they are parameters. Otherwise they are buffers, which
        :meth:`follow` moves.
    """

    vectors: Tensor
    counts: Tensor

    def __init__(self, groups: int, width: int, learned: bool) -> None:
        super().__init__()
        start = torch.zeros(groups, width)
        if learned:
            self.vectors = nn.Parameter(start)
        else:
            self.register_buffer("vectors", start)
            self.register_buffer("counts", torch.zeros(groups))

    def initialise(self, generator: torch.Generator) -> None:
        """Step 1 of the paper's algorithm: draw them from a normal distribution."""
        nn.init.normal_(self.vectors, generator=generator)

    def follow(self, embeddings: Tensor, generator: torch.Generator) -> None:
        """One update of mini-batch k-means (Sculley 2010), by scikit-learn.

        The embeddings go to the CPU for it, where scikit-learn works: some tens of
        kilobytes a step.

        Parameters
        ----------
        embeddings : Tensor
            Shape (n, width), n at least the number of groups.
        generator : torch.Generator
            Draws which points take the place of prototypes that nothing is near.
        """
        from sklearn.cluster import MiniBatchKMeans

        points = functional.normalize(embeddings.float()).cpu().numpy()
        centres = functional.normalize(self.vectors).cpu().numpy()
        seed = torch.randint(
            1 << 31, (), generator=generator, device=generator.device
        ).item()
        # A new object each step, told what the last one had counted, so that a
        # training which is killed and resumed goes on as if it had not been.
        means = MiniBatchKMeans(
            len(centres), init=centres, n_init=1, random_state=int(seed)
        )
        means.partial_fit(centres)
        means.cluster_centers_ = centres.copy()
        means._counts = self.counts.cpu().numpy().astype(points.dtype)
        means.partial_fit(points)
        self.vectors.copy_(torch.from_numpy(means.cluster_centers_))
        self.counts.copy_(torch.from_numpy(means._counts))
