"""The mixing autoencoder of Hu et al. (2018), and its ablations."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dlib.data.batch import Batch
from dlib.losses.began import autoencoding_error, next_balance
from dlib.losses.mixing import (
    chunk_classification_loss,
    mix,
    random_masks,
    squared_distance,
)
from dlib.models.autoencoder import Autoencoder
from dlib.models.method import Loss, Player, chunks_of
from dlib.models.mixing_critics import chunk_classifier, mixing_discriminator
from dlib.networks import Networks

Objective = Literal["AE", "AE+C+G", "C+G", "MIX", "MIX+C", "MIX+G", "MIX+C+G"]
Adversary = Literal["dcgan", "began"]

BETAS = (0.5, 0.999)  # of DCGAN (Radford et al. 2015); Hu et al. state none
BALANCE_RATE = 0.001  # lambda_k of BEGAN


class MixingAutoencoder(Autoencoder):
    """Mix two codes, decode, encode, unmix, decode: is it the first picture again?

    Hu et al. (2018), *Disentangling Factors of Variation by Mixing Them*, Eq. (4):
    ``lambda_M L_M + lambda_G L_G + lambda_C L_C``.

    - ``L_M``, Eq. (1): ``|x4 - x1|^2`` after the cycle; pictures are mixed with others
      of their batch, and a mask is drawn for each pair.
    - ``L_G``, Eq. (2): a discriminator can't tell mixed pictures from real ones. The
      discriminator maximises it; encoder and decoder minimise ``-log Dsc(x3)`` in
      place of ``log(1 - Dsc(x3))``, whose slope is nothing where the discriminator is
      sure (Goodfellow et al. 2014).
    - ``L_C``, Eq. (3) mended: a classifier tells of each chunk of a mixed picture
      whether it is the first's or the second's. All three networks minimise it.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder, with ``heads=1``.
    chunks : tuple of int, optional
        Widths, adding up to the code; all 1 by default. The paper has 8 of 8 for MNIST
        and 8 of 64 for Sprites. ``"AE"`` may have one chunk, as the paper's has.
    objective : {"AE", "AE+C+G", "C+G", "MIX", "MIX+C", "MIX+G", "MIX+C+G"}
        Which terms there are, as table 2 names them. AE is ``|Dec(Enc(x1)) - x1|^2``
        in place of ``L_M``.
    lambda_m, lambda_g, lambda_c : float
        Weights, not negative: 1 each in the paper for MNIST and Sprites, 30, 1, 1 for
        CelebA. ``lambda_m`` is AE's too.
    adversary : {"dcgan", "began"}
        A discriminator that gives a logit, or one that is an autoencoder of the same
        networks and pays for real pictures that it does not give back.
    gamma : float
        Of BEGAN: the errors' ratio that is aimed at, in (0, 1].
    critic_width : float
        Share of table 1's channels that classifier and DCGAN's discriminator have.
        BEGAN's has those of encoder and decoder.
    discriminator_rate : float
        Of the discriminator's Adam; 2e-4 is DCGAN's.

    Raises
    ------
    ValueError
        If the chunks do not fit the codes or are one where codes are mixed, a number
        has no sense, or the objective or the adversary is unknown; when training, if
        a batch has fewer than two pictures.

    Notes
    -----
    What the paper does not say, and how it is here. Squares (Eq. 1) and BEGAN's
    absolute differences are sums over a picture, where they might be means; pixels are
    in [0, 1] by a sigmoid, where DCGAN's are in [-1, 1] by a tanh. Adam has DCGAN's
    betas, (0.5, 0.999) (Radford et al. 2015). BEGAN's k moves by 0.001 of errors that
    are means over pixels, and on the batch that the autoencoder moved on (Berthelot et
    al. 2017). Encoder and decoder normalise real and mixed pictures in batches of
    their own, as they come; the running statistics, which are used after training, are
    of both.
    """

    def __init__(
        self,
        networks: Networks,
        chunks: tuple[int, ...] | None = None,
        objective: Objective = "MIX+C+G",
        lambda_m: float = 1.0,
        lambda_g: float = 1.0,
        lambda_c: float = 1.0,
        adversary: Adversary = "dcgan",
        gamma: float = 0.5,
        critic_width: float = 1.0,
        discriminator_rate: float = 2e-4,
    ) -> None:
        super().__init__(networks, "gaussian")
        for name, given, known in (
            ("objective", objective, get_args(Objective)),
            ("adversary", adversary, get_args(Adversary)),
        ):
            if given not in known:
                raise ValueError(
                    f"{name} must be one of {', '.join(known)}, got {given!r}"
                )
        whole = (self.latent_dim,)
        one = objective == "AE" and chunks == whole
        self.chunks = whole if one else chunks_of(self.latent_dim, chunks)
        weights = {"lambda_m": lambda_m, "lambda_g": lambda_g, "lambda_c": lambda_c}
        for name, value in weights.items():
            if not value >= 0:  # so that NaN is refused too
                raise ValueError(f"{name} must not be negative, got {value}")
        positive = {
            "critic_width": critic_width,
            "discriminator_rate": discriminator_rate,
            "gamma": gamma,
        }
        for name, value in positive.items():
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if gamma > 1:
            raise ValueError(f"gamma must be at most 1, got {gamma}")
        self.objective, self.adversary = objective, adversary
        self.lambda_m, self.lambda_g, self.lambda_c = lambda_m, lambda_g, lambda_c
        self.gamma, self.discriminator_rate = gamma, discriminator_rate
        terms = objective.split("+")
        self.judged, self.classified = "G" in terms, "C" in terms
        channels, size = networks.channels, networks.size
        if self.classified:
            self.classifier = chunk_classifier(
                channels, size, len(self.chunks), critic_width
            )
        if self.judged and adversary == "dcgan":
            self.discriminator = mixing_discriminator(channels, size, critic_width)
        elif self.judged:
            again = copy.deepcopy((networks.encoder, networks.decoder))
            self.discriminator = nn.Sequential(*again)
            self.balance: Tensor
            self.register_buffer("balance", torch.zeros(()))  # k_t

    def players(self) -> dict[str, Player]:
        """The autoencoder with the classifier, and the discriminator."""
        own = [*self.encoder.parameters(), *self.decoder.parameters()]
        if self.classified:
            own += self.classifier.parameters()
        players = {"autoencoder": Player(own, None, BETAS)}
        if self.judged:
            theirs = list(self.discriminator.parameters())
            players["discriminator"] = Player(theirs, self.discriminator_rate, BETAS)
        return players

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """Autoencoder and classifier move, then the discriminator."""
        images = batch.images
        n = len(images)
        if n < 2:
            raise ValueError(f"pictures are mixed with others: at least 2, got {n}")
        codes = self.encode(images)
        terms: dict[str, Tensor] = {}
        weights = {"error": self.lambda_m}
        if self.objective.startswith("AE"):
            terms["error"] = squared_distance(self.decode(codes), images)
        if self.objective != "AE":
            # Pictures of a batch are drawn one by one: each and the next are a pair.
            mask = random_masks(n, len(self.chunks), generator)
            third = self.decode(mix(codes, codes.roll(1, 0), self.chunks, mask))
        if self.objective.startswith("MIX"):
            unmixed = mix(self.encode(third), codes, self.chunks, mask)
            terms["error"] = squared_distance(self.decode(unmixed), images)
        if self.judged:
            terms["fooled"] = self._fooled(third)
            weights["fooled"] = self.lambda_g
        if self.classified:
            seen = torch.cat([images, images.roll(1, 0), third], dim=1)
            terms["classified"] = chunk_classification_loss(self.classifier(seen), mask)
            weights["classified"] = self.lambda_c
        loss = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        logs = {name: term.detach() for name, term in terms.items()}
        yield Loss("autoencoder", loss, logs)
        if self.judged:
            yield self._discriminate(images, third.detach())

    def _given_back(self, pictures: Tensor) -> Tensor:
        """BEGAN's ``L``: its sigmoid, too, is in single precision under autocast."""
        return autoencoding_error(
            pictures, self.discriminator(pictures).float().sigmoid()
        )

    def _fooled(self, mixed: Tensor) -> Tensor:
        """What encoder and decoder minimise of ``L_G``."""
        if self.adversary == "began":
            return self._given_back(mixed)
        return softplus(-self.discriminator(mixed).float()).mean()

    def _discriminate(self, images: Tensor, mixed: Tensor) -> Loss:
        """What the discriminator minimises: ``-L_G``, or BEGAN's."""
        if self.adversary == "began":
            real, fake = self._given_back(images), self._given_back(mixed)
            loss = real - self.balance * fake
            rate = BALANCE_RATE / images[0].numel()
            self.balance = next_balance(self.balance, real, fake, self.gamma, rate)
            logs = {"real": real.detach(), "balance": self.balance}
            return Loss("discriminator", loss, logs)
        real, fake = self.discriminator(images), self.discriminator(mixed)
        loss = softplus(-real.float()).mean() + softplus(fake.float()).mean()
        return Loss("discriminator", loss, {"told": loss.detach()})
