"""InfoGAN with a contrastive regulariser, Lin et al. (2020)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from dlib.data.batch import Batch
from dlib.losses.contrastive_regulariser import (
    CoupledCodes,
    contrastive_regulariser,
    coupled_codes,
    uniform,
)
from dlib.losses.elbo import gaussian_nll
from dlib.models.method import Loss, Player
from dlib.models.page import PageDecoder, page_decoder
from dlib.models.spectral import SpectralNorm, follow, spectral
from dlib.networks import FullPrecisionLinear, Networks, initialise


class InfoGANCR(nn.Module):
    """A GAN whose codes can be read off its pictures, one by one: Lin et al. (2020).

    A generator G makes pictures of codes c and noise z, all uniform in [-1, 1]. A
    discriminator D tells them from real ones; an encoder Q, which shares all but its
    head with D, guesses the codes: InfoGAN, Chen et al. (2016). A classifier H sees two
    pictures whose codes share one latent, and names it. With L_c = E[log H_i(x, x')]::

        min_(G, Q, H) max_D  L_adv(G, D) - lambda I(G, Q) - alpha L_c(G, H)

    Losses, order and constants are those of the authors' code for dSprites
    (github.com/fjxmlzn/InfoGAN-CR): G's loss does not saturate, ``-log D(G(c, z))``;
    Q's guess is the mean of a Gaussian of unit variance; a pair has the same noise; D,
    Q and H are spectrally normalised, but for the last layer of H. In each step H
    moves, then D with Q, then G twice on the same draws. Weights start as all of this
    library do; theirs are normal with a deviation of 0.02.

    *The schedule* is by steps. H and its regulariser set in after ``contrast_from``
    of them: a shorter training is an InfoGAN. (The authors' H moves from the start, but
    is drawn afresh when it sets in, and reaches no other network before.) With a
    ``gap``, progressive training: codes of a pair differ by at least that much in all
    latents but the shared one, until step ``gap_until``; then the gap is 0 and H is
    drawn afresh. There Adam's moments are reset too; here they stay. dSprites has no
    gap; 3D Teapots has 1.9 from step 50,000 until 85,000, with lambda 0.2 and alpha 3.

    ``networks`` makes G and Q: the decoder is G with noise of zeros, and what noise
    there is enters after its first layer, by a linear layer of its own. To a first
    layer that reads codes and noise together this is the same. The network
    ``"info_gan"`` has the authors' layers. Traversals stay within [-1, 1].

    Parameters
    ----------
    networks : Networks
        Encoder and decoder, such as ``dlib.networks.info_gan(latent_dim=5)``, with one
        number for each latent and at least two latents. Both are ``nn.Sequential``;
        the decoder begins with a linear layer, and the encoder ends with one, or with
        a ``Sequential`` of layers that are Q's own.
    noise : int
        Numbers in z, positive.
    info_weight, contrast_weight : float
        The paper's lambda and alpha, not negative. Q's loss, without the entropy of
        the codes, which is constant, weighs lambda for D and Q as well.
    contrast_from : int
        Steps before H and its regulariser set in.
    gap : float
        Between codes of a pair, at least 0 and less than 2.
    gap_until : int
        The last step that has a gap; more than ``contrast_from`` if there is one.
    generator_steps : int
        Times that G moves in a step, positive.
    generator_rate, discriminator_rate : float
        Learning rates of G, and of D, Q and H, with betas of .5 and .999.

    Raises
    ------
    ValueError
        If a number has no sense, or the networks do not fit.
    """

    heads = 1
    shipped: tuple[str, ...] = ("encoder", "decoder")

    def __init__(
        self,
        networks: Networks,
        noise: int = 5,
        info_weight: float = 0.05,
        contrast_weight: float = 2.0,
        contrast_from: int = 288_000,
        gap: float = 0.0,
        gap_until: int = 0,
        generator_steps: int = 2,
        generator_rate: float = 1e-3,
        discriminator_rate: float = 2e-3,
    ) -> None:
        super().__init__()
        for name, value in (
            ("info_weight", info_weight),
            ("contrast_weight", contrast_weight),
            ("contrast_from", contrast_from),
            ("gap_until", gap_until),
        ):
            if not value >= 0:  # so that NaN is refused too
                raise ValueError(f"{name} must not be negative, got {value}")
        for name, value in (
            ("noise", noise),
            ("generator_steps", generator_steps),
            ("generator_rate", generator_rate),
            ("discriminator_rate", discriminator_rate),
        ):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if not 0 <= gap < 2:
            raise ValueError(f"gap must be at least 0 and less than 2, got {gap}")
        if gap > 0 and gap_until <= contrast_from:
            raise ValueError(
                f"a gap of {gap} until step {gap_until} is never used, since pairs are "
                f"drawn after step {contrast_from} only: let gap_until be larger"
            )
        first, last = _ends(networks)
        self.encoder = spectral(networks.encoder)  # type: ignore[arg-type]
        self.decoder: nn.Sequential = networks.decoder  # type: ignore[assignment]
        self.noise = FullPrecisionLinear(noise, first.out_features, bias=False)
        self.judge = SpectralNorm(FullPrecisionLinear(last.in_features, 1))
        self.classifier = pair_classifier(
            networks.latent_dim, networks.channels, networks.size
        )
        self.latent_dim = networks.latent_dim
        self.chunks = (1,) * networks.latent_dim
        self.info_weight, self.contrast_weight = info_weight, contrast_weight
        self.contrast_from, self.gap, self.gap_until = contrast_from, gap, gap_until
        self.generator_steps = generator_steps
        self.generator_rate = generator_rate
        self.discriminator_rate = discriminator_rate

    def encode(self, images: Tensor) -> Tensor:
        """Q's guess, (n, latent_dim), at the codes of pictures in [0, 1]."""
        return self.encoder(images)

    def decode(self, codes: Tensor) -> Tensor:
        """G's pictures in [0, 1], (n, c, h, w), of codes; the noise is zero."""
        return self.decoder(codes).float().sigmoid()

    def generate(self, codes: Tensor, noise: Tensor) -> Tensor:
        """G's pictures of codes, (n, latent_dim), and noise: (n, c, h, w)."""
        first = self.decoder[0](codes) + self.noise(noise)
        return self.decoder[1:](first).float().sigmoid()

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """D's logits of being real, (n,), and Q's codes: two heads of one trunk."""
        features = self.encoder[:-1](images)
        return self.judge(features).squeeze(1), self.encoder[-1](features)

    def couple(self, pairs: CoupledCodes, noise: Tensor) -> Tensor:
        """Pairs of pictures as H sees them, one upon the other: (n, 2 c, h, w)."""
        codes = torch.cat([pairs.first, pairs.second])
        pictures = self.generate(codes, torch.cat([noise, noise]))
        return torch.cat(pictures.chunk(2), dim=1)

    def page_decoder(self) -> PageDecoder:
        """G with noise of zeros, as the page and the exporter run it."""
        return page_decoder(self.decoder, "sigmoid")

    def players(self) -> dict[str, Player]:
        """H, D with Q, and G."""
        d, g = self.discriminator_rate, self.generator_rate
        return {
            "classifier": _player(d, self.classifier),
            "discriminator": _player(d, self.encoder, self.judge),
            "generator": _player(g, self.decoder, self.noise),
        }

    def losses(self, batch: Batch, generator: torch.Generator) -> Iterator[Loss]:
        """H names what pairs share; D and Q look; G moves against D, with Q and H.

        What several players log is recorded as the last of them, G, has it.
        """
        images = batch.images.flatten(0, -4)  # of pictures drawn together, each is one
        n = len(images)
        follow(self)
        codes = uniform(n, self.latent_dim, generator=generator)
        noise = uniform(n, self.noise.in_features, generator=generator)
        contrasts = batch.step > self.contrast_from
        if contrasts:
            if self.gap > 0 and batch.step == self.gap_until + 1:
                initialise(self.classifier, generator)
            gap = self.gap if batch.step <= self.gap_until else 0.0
            pairs = coupled_codes(n, self.latent_dim, gap, generator)
            pairs_noise = uniform(n, self.noise.in_features, generator=generator)
            with torch.no_grad():
                seen = self.couple(pairs, pairs_noise)
            wrong = contrastive_regulariser(self.classifier(seen), pairs.shared)
            yield Loss("classifier", wrong, {"contrast": wrong.detach()})

        with torch.no_grad():
            made = self.generate(codes, noise)
        logits, guesses = self.look(torch.cat([images, made]))
        terms = {
            "told": softplus(-logits[:n]).mean() + softplus(logits[n:]).mean(),
            "info": gaussian_nll(guesses[n:], codes).mean(),
        }
        yield self._loss("discriminator", terms)

        for _ in range(self.generator_steps):
            logits, guesses = self.look(self.generate(codes, noise))
            terms = {
                "fooled": softplus(-logits).mean(),
                "info": gaussian_nll(guesses, codes).mean(),
            }
            if contrasts:
                named = self.classifier(self.couple(pairs, pairs_noise))
                terms["contrast"] = contrastive_regulariser(named, pairs.shared)
            yield self._loss("generator", terms)

    def _loss(self, player: str, terms: dict[str, Tensor]) -> Loss:
        weights = {"info": self.info_weight, "contrast": self.contrast_weight}
        weighed = [weights.get(name, 1.0) * term for name, term in terms.items()]
        logs = {name: term.detach() for name, term in terms.items()}
        return Loss(player, torch.stack(weighed).sum(), logs)


def pair_classifier(latent_dim: int, channels: int, size: int) -> nn.Sequential:
    """H: which latent do two pictures share?

    Four convolutions and a layer of 128, leaky ReLU (0.2), spectrally normalised; then
    a logit for each latent, which is not: as the authors have it.

    Parameters
    ----------
    latent_dim, channels, size : int
        Numbers in a code; of the pictures.

    Raises
    ------
    ValueError
        If pictures are smaller than 16 or codes have fewer than two latents.
    """
    if size < 16 or latent_dim < 2:
        raise ValueError(
            "which latent two pictures share is asked of pictures of at least 16 "
            f"pixels and of at least two latents, got {size} and {latent_dim}"
        )
    layers: list[nn.Module] = []
    for inputs, outputs in ((2 * channels, 32), (32, 32), (32, 64), (64, 64)):
        layers += [
            nn.Conv2d(inputs, outputs, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
        ]
    inner = size // 16
    dense = [nn.Flatten(), nn.Linear(64 * inner * inner, 128), nn.LeakyReLU(0.2)]
    body = spectral(nn.Sequential(*layers, *dense))
    return nn.Sequential(*body, FullPrecisionLinear(128, latent_dim))


def _player(rate: float, *modules: nn.Module) -> Player:
    return Player([p for m in modules for p in m.parameters()], rate, (0.5, 0.999))


def _ends(networks: Networks) -> tuple[nn.Linear, nn.Linear]:
    """The layer of G that reads codes, and the first of those that are Q's alone."""
    if networks.heads != 1:
        raise ValueError(
            "InfoGANCR needs an encoder that gives codes and no more (heads=1), got "
            f"one with {networks.heads} numbers for each latent"
        )
    encoder, decoder = networks.encoder, networks.decoder
    if isinstance(encoder, nn.Sequential) and isinstance(decoder, nn.Sequential):
        own = [m for m in encoder[-1].modules() if isinstance(m, nn.Linear)]
        if own and isinstance(decoder[0], nn.Linear):
            return decoder[0], own[0]
    raise ValueError(
        "InfoGANCR needs an encoder and a decoder that are nn.Sequential, the one with "
        "a linear layer at its end, which is Q's own, the other with one at its start, "
        'which reads the codes: such as network "info_gan"'
    )
