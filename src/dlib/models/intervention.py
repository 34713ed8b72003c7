"""The autoencoder that intervenes on its own codes (anonymous, under review)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from dlib.data.batch import Batch
from dlib.losses.intervention import (
    Measure,
    intervene,
    translation_difficulty,
    translator,
    weighted_adversarial_loss,
)
from dlib.models.autoencoder import Autoencoder
from dlib.models.method import Loss, Player, chunks_of
from dlib.models.vae import Likelihood
from dlib.networks import FullPrecisionLinear, Networks

Critic = Literal["shapes", "digits", "flowers"]
# Convolutions of 4x4 and stride 2, and fully connected layers.
WIDTHS: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "shapes": ((32, 32, 64, 64), (128,)),
    "digits": ((64, 128), (128,)),
    "flowers": ((64, 64, 128, 128), (256, 256)),
}


class InterventionAutoencoder(Autoencoder):
    """Change one chunk of a code, decode, encode, change it back.

    *Unsupervised disentanglement learning by intervention*, section 4, Eq. (3):
    ``L_rec + lambda_1 L_in + lambda_2 L_adv + lambda_3 L_diff``.

    - ``L_rec``: the picture from its code.
    - ``L_in``: the picture after an intervention and its undoing (Proposition 1).
    - ``L_adv``: pictures of intervened codes, weighted by a network of pictures, can't
      be told from reconstructions (Proposition 2). The discriminator maximises it;
      encoder, decoder and weight network minimise it.
    - ``L_diff``: how hard it is to learn to turn pictures with one value of a chunk
      into pictures with another (Algorithm 1), through the ``translation_steps`` steps
      of learning.

    Reconstruction terms are cross-entropies summed over a picture's pixels, as
    everywhere here; the paper does not say whether its are sums or means. The chunk
    that is intervened on is drawn for each picture, the other code is that of another
    picture of the batch.

    Parameters
    ----------
    networks : Networks
        Encoder and decoder, with ``heads=1``.
    chunks : tuple of int, optional
        Widths of the chunks Z_k (D_Z each), adding up to the code; all 1 by default.
    lambda_in, lambda_adv, lambda_diff : float
        Weights, not negative: .25, 10 and 1 for dSprites and 3DShapes (appendix C).
        A term with weight 0 is not computed.
    translation_steps : int
        s of Algorithm 1, which the paper does not state.
    translation_rate : float
        alpha of Algorithm 1, which the paper does not state.
    measure : {"excess", "cross_entropy", "relative"}
        What of the translator's error is minimised: see
        :func:`dlib.losses.translation_difficulty`. The paper's cross-entropy pays a
        decoder for pictures without grey.
    critic : {"shapes", "digits", "flowers"}
        Whose discriminator and weight network: tables 5, 7 and 9.
    weight_rate, discriminator_rate : float
        Learning rates of the weight network and the discriminator: 1e-5 and 1e-4 in
        appendix C.
    likelihood : {"bernoulli", "gaussian"}
        Of the pixels given the codes.

    Raises
    ------
    ValueError
        If the chunks do not fit the codes, there is only one, a number has no sense,
        the pictures' size can't be halved so often as the critics do it, or a measure,
        a critic or the likelihood is unknown; when training, if a batch has fewer than
        four pictures.
    """

    def __init__(
        self,
        networks: Networks,
        chunks: tuple[int, ...] | None = None,
        lambda_in: float = 0.25,
        lambda_adv: float = 10.0,
        lambda_diff: float = 1.0,
        translation_steps: int = 3,
        translation_rate: float = 2.0,
        measure: Measure = "excess",
        weight_rate: float = 1e-5,
        discriminator_rate: float = 1e-4,
        critic: Critic = "shapes",
        likelihood: Likelihood = "bernoulli",
    ) -> None:
        super().__init__(networks, likelihood)
        self.measure = measure
        self.chunks = chunks_of(self.latent_dim, chunks)
        numbers = {
            "lambda_in": lambda_in,
            "lambda_adv": lambda_adv,
            "lambda_diff": lambda_diff,
            "translation_steps": translation_steps,
        }
        for name, value in numbers.items():
            if not value >= 0:  # so that NaN is refused too
                raise ValueError(f"{name} must not be negative, got {value}")
        rates = {
            "translation_rate": translation_rate,
            "weight_rate": weight_rate,
            "discriminator_rate": discriminator_rate,
        }
        for name, value in rates.items():
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if measure not in get_args(Measure):
            known = ", ".join(get_args(Measure))
            raise ValueError(f"measure must be one of {known}, got {measure!r}")
        self.channels, self.size = networks.channels, networks.size
        self.lambda_in, self.lambda_adv = lambda_in, lambda_adv
        self.lambda_diff = lambda_diff
        self.translation_steps = translation_steps
        self.translation_rate = translation_rate
        self.weight_rate, self.discriminator_rate = weight_rate, discriminator_rate
        self.discriminator = picture_critic(critic, networks.channels, networks.size)
        self.weights = picture_critic(critic, networks.channels, networks.size)

    def players(self) -> dict[str, Player]:
        """The autoencoder, the weight network, and the discriminator."""
        return {
            "autoencoder": Player(
                [*self.encoder.parameters(), *self.decoder.parameters()]
            ),
            "weights": Player(list(self.weights.parameters()), self.weight_rate),
            "discriminator": Player(
                list(self.discriminator.parameters()), self.discriminator_rate
            ),
        }

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """The autoencoder moves, then the weights, then the discriminator."""
        images = batch.images
        n = len(images)
        if n < 4:
            raise ValueError(
                "interventions take codes from other pictures, and translations are "
                f"learned on half of a batch: at least 4 pictures, got {n}"
            )
        device = images.device
        others = torch.randperm(n, generator=generator, device=device)
        which = torch.randint(
            len(self.chunks), (n,), generator=generator, device=device
        )
        codes = self.encode(images)
        output = self.decoder(codes)
        terms = {"nll": self._nll(output, images).mean()}
        loss = terms["nll"]
        if self.lambda_in or self.lambda_adv:
            changed = self.decode(intervene(codes, codes[others], self.chunks, which))
        if self.lambda_in:
            back = intervene(self.encode(changed), codes, self.chunks, which)
            terms["undone"] = self._nll(self.decoder(back), images).mean()
            loss = loss + self.lambda_in * terms["undone"]
        if self.lambda_adv:
            seen = output.float().sigmoid()
            real, fake = self.discriminator(torch.cat([seen, changed])).chunk(2)
            terms["adversarial"] = weighted_adversarial_loss(
                real, fake, self.weights(changed)
            )
            loss = loss + self.lambda_adv * terms["adversarial"]
        if self.lambda_diff:
            terms["difficulty"] = self.difficulty(codes, generator)
            loss = loss + self.lambda_diff * terms["difficulty"]
        logs = {name: term.detach() for name, term in terms.items()}
        yield Loss("autoencoder", loss, logs)
        if self.lambda_adv:
            # The discriminator has not moved since: what it said of the pictures, which
            # are those from before the autoencoder's step, holds for the weights.
            seen, changed = seen.detach(), changed.detach()
            log_weights = self.weights(changed)
            game = weighted_adversarial_loss(real.detach(), fake.detach(), log_weights)
            yield Loss("weights", game, {})
            real, fake = self.discriminator(torch.cat([seen, changed])).chunk(2)
            game = weighted_adversarial_loss(real, fake, log_weights.detach())
            yield Loss("discriminator", -game, {})

    def difficulty(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """``L_diff`` of one chunk and two of its values, drawn from the batch.

        Half of the batch is what the translator learns on, half what it is tested on.
        """
        n, device = len(codes), codes.device
        which = torch.randint(
            len(self.chunks), (1,), generator=generator, device=device
        )
        values = torch.randint(n, (2,), generator=generator, device=device)
        pair = [
            self.decode(intervene(codes, codes[at].expand(n, -1), self.chunks, which))
            for at in values.split(1)
        ]
        half = n // 2
        return translation_difficulty(
            translator(self.channels, self.size, generator),
            (pair[0][:half], pair[1][:half]),
            (pair[0][half:], pair[1][half:]),
            self.translation_steps,
            self.translation_rate,
            measure=self.measure,
        )


def picture_critic(kind: Critic, channels: int, size: int) -> nn.Sequential:
    """One number of a picture: discriminator or weight network, tables 5, 7 and 9.

    A logit, or the logarithm of a weight: the tables' Sigmoid and Exp are the loss's.

    Parameters
    ----------
    kind : {"shapes", "digits", "flowers"}
        Whose table. Shapes: four convolutions of 4x4 and stride 2 with 32, 32, 64, 64
        channels, a layer of 128. Digits: two with 64 and 128 channels, one of 3x3, a
        layer of 128. Flowers: four with 64, 64, 128, 128, two layers of 256, leaky
        ReLU (of 0.2, which the table does not state).
    channels, size : int
        Of the pictures.

    Raises
    ------
    ValueError
        If there is no such kind, or the size can't be halved so often.
    """
    if kind not in WIDTHS:
        raise ValueError(f"critic must be one of {', '.join(WIDTHS)}, got {kind!r}")
    widths, hidden = WIDTHS[kind]
    halvings = len(widths)
    if size % 2**halvings:
        raise ValueError(
            f"the {kind} critic halves pictures {halvings} times: size must be a "
            f"multiple of {2**halvings}, got {size}"
        )

    def bend() -> nn.Module:
        return nn.LeakyReLU(0.2) if kind == "flowers" else nn.ReLU()

    layers: list[nn.Module] = []
    for inputs, outputs in pairwise((channels, *widths)):
        layers += [nn.Conv2d(inputs, outputs, 4, stride=2, padding=1), bend()]
    if kind == "digits":
        layers += [nn.Conv2d(widths[-1], widths[-1], 3, padding=1), bend()]
    layers.append(nn.Flatten())
    for inputs, outputs in pairwise((widths[-1] * (size >> halvings) ** 2, *hidden)):
        layers += [nn.Linear(inputs, outputs), bend()]
    return nn.Sequential(*layers, FullPrecisionLinear(hidden[-1], 1))
