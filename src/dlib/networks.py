"""The papers' encoder and decoder tables, by name.

An encoder maps pictures in [0, 1] to ``heads * latent_dim`` numbers: with two
heads, a posterior's means and log-variances; with one, codes. A decoder maps codes
to *logits* of the pictures: the sigmoid belongs to the likelihood, where it can be
computed stably.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Networks(NamedTuple):
    """An encoder and the decoder that answers it.

    Attributes
    ----------
    encoder, decoder : nn.Module
    latent_dim : int
        Numbers in a code.
    channels, size : int
        Of the pictures: what a method needs to build a network of its own.
    heads : int
        Numbers that the encoder gives for each latent.
    """

    encoder: nn.Module
    decoder: nn.Module
    latent_dim: int
    channels: int
    size: int
    heads: int = 2


class FullPrecisionLinear(nn.Linear):
    """A linear layer that ignores autocast.

    Codes live between -3 and 3, where bfloat16 moves in steps of 1/64: as wide
    as a tight posterior. The layers that write and read codes therefore stay in
    single precision, which costs nothing beside a convolution.
    """

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float())


def shapes_mlp(
    latent_dim: int = 10, channels: int = 1, size: int = 64, heads: int = 2
) -> Networks:
    """Fully connected networks for 2D Shapes.

    Two encoder layers of 1200 with ReLU, three decoder layers of 1200 with tanh:
    the 2D Shapes row of the table in Higgins et al. (2017), appendix A.1.
    """
    _check(latent_dim, channels, size, heads)
    pixels = channels * size * size
    encoder = nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, 1200),
        nn.ReLU(),
        nn.Linear(1200, 1200),
        nn.ReLU(),
        FullPrecisionLinear(1200, heads * latent_dim),
    )
    decoder = nn.Sequential(
        FullPrecisionLinear(latent_dim, 1200),
        nn.Tanh(),
        nn.Linear(1200, 1200),
        nn.Tanh(),
        nn.Linear(1200, 1200),
        nn.Tanh(),
        nn.Linear(1200, pixels),
        nn.Unflatten(1, (channels, size, size)),
    )
    return Networks(encoder, decoder, latent_dim, channels, size, heads)


def conv(
    latent_dim: int = 10, channels: int = 1, size: int = 64, heads: int = 2
) -> Networks:
    """Four convolutions of stride 2 and a layer of 256, and their mirror image.

    The CelebA and Chairs rows of the table in Higgins et al. (2017), appendix
    A.1: convolutions with 32, 32, 64, 64 channels of 4x4, ReLU, a fully
    connected layer of 256; the decoder reversed. Pictures of any size that 16
    divides; at 64 the innermost maps are 4x4.
    """
    return _mirrored((32, 32, 64, 64), 256, latent_dim, channels, size, heads)


def shapes_conv(
    latent_dim: int = 10, channels: int = 1, size: int = 64, heads: int = 2
) -> Networks:
    """As :func:`conv`, with a layer of 128.

    Kim and Mnih (2018) for 2D Shapes; table 4 of *Unsupervised disentanglement
    learning by intervention*, for dSprites and 3DShapes.
    """
    return _mirrored((32, 32, 64, 64), 128, latent_dim, channels, size, heads)


def flowers_conv(
    latent_dim: int = 48, channels: int = 3, size: int = 64, heads: int = 2
) -> Networks:
    """As :func:`conv`, with 128, 128, 256, 256 channels and a layer of 512.

    Table 8 of *Unsupervised disentanglement learning by intervention*.
    """
    return _mirrored((128, 128, 256, 256), 512, latent_dim, channels, size, heads)


def digits_conv(
    latent_dim: int = 32, channels: int = 3, size: int = 28, heads: int = 2
) -> Networks:
    """Two convolutions of stride 2 and one of 3x3; two layers back.

    Table 6 of *Unsupervised disentanglement learning by intervention*, for coloured
    MNIST: convolutions with 64, 128, 128 channels, ReLU; the decoder has maps of 64
    channels. The innermost maps are a quarter of the picture, 7x7 of 28x28: the
    table's 4x4 would end at 16x16. Pictures of any size that 4 divides.
    """
    _check(latent_dim, channels, size, heads)
    _check_halvings(size, 2)
    inner = size // 4
    encoder = nn.Sequential(
        nn.Conv2d(channels, 64, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 128, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(128, 128, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        FullPrecisionLinear(128 * inner * inner, heads * latent_dim),
    )
    decoder = nn.Sequential(
        FullPrecisionLinear(latent_dim, 64 * inner * inner),
        nn.ReLU(),
        nn.Unflatten(1, (64, inner, inner)),
        nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, channels, 4, stride=2, padding=1),
    )
    return Networks(encoder, decoder, latent_dim, channels, size, heads)


def _mirrored(
    widths: tuple[int, int, int, int],
    hidden: int,
    latent_dim: int,
    channels: int,
    size: int,
    heads: int,
) -> Networks:
    """Four convolutions of 4x4 and stride 2, a hidden layer, and the way back."""
    _check(latent_dim, channels, size, heads)
    _check_halvings(size, 4)
    inner = size // 16
    first, second, third, last = widths
    encoder = nn.Sequential(
        nn.Conv2d(channels, first, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(first, second, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(second, third, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(third, last, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(last * inner * inner, hidden),
        nn.ReLU(),
        FullPrecisionLinear(hidden, heads * latent_dim),
    )
    decoder = nn.Sequential(
        FullPrecisionLinear(latent_dim, hidden),
        nn.ReLU(),
        nn.Linear(hidden, last * inner * inner),
        nn.ReLU(),
        nn.Unflatten(1, (last, inner, inner)),
        nn.ConvTranspose2d(last, third, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(third, second, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(second, first, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(first, channels, 4, stride=2, padding=1),
    )
    return Networks(encoder, decoder, latent_dim, channels, size, heads)


def padless_conv(
    latent_dim: int = 20, channels: int = 3, size: int = 64, heads: int = 2
) -> Networks:
    """Five convolutions of 3x3 without padding, six transposed ones: 64x64 only.

    Section 4.2 of Inoue et al. gives their numbers, kernels and strides, and points
    for the rest to disentanglement-pytorch (Abdi et al. 2019): its
    ``PadlessGaussianConv64`` and ``SimpleConv64``. There the last transposed
    convolution has a 3x3 kernel and stride 1, which is what makes 64 pixels of 62.
    The paper says that ReLU "was applied to all layers"; the code does not apply it
    to the last of each network, without which no posterior could match its prior.
    """
    _check(latent_dim, channels, size, heads)
    if size != 64:
        raise ValueError(
            f"padless_conv is for pictures of 64x64, as its paper has it, got {size}; "
            'network "conv" takes any multiple of 16'
        )
    encoder = nn.Sequential(
        nn.Conv2d(channels, 32, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(64, 128, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(128, 256, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        FullPrecisionLinear(256, heads * latent_dim),
    )
    decoder = nn.Sequential(
        FullPrecisionLinear(latent_dim, 256),
        nn.ReLU(),
        nn.Unflatten(1, (256, 1, 1)),
        nn.ConvTranspose2d(256, 256, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(256, 128, 4, stride=2),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 128, 4, stride=2),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, stride=2),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 64, 4, stride=2),
        nn.ReLU(),
        nn.ConvTranspose2d(64, channels, 3),
    )
    return Networks(encoder, decoder, latent_dim, channels, size, heads)


def info_gan(
    latent_dim: int = 5, channels: int = 1, size: int = 64, heads: int = 1
) -> Networks:
    """Four convolutions with leaky ReLU, and a generator with batch norm.

    The networks of Lin et al. (2020), as their code for CdSprites has them
    (github.com/fjxmlzn/InfoGAN-CR): convolutions with 32, 32, 64, 64 channels of 4x4,
    leaky ReLU (0.2), a layer of 128; then, in a ``Sequential`` of its own, the head of
    the encoder with a hidden layer of 128, which a discriminator does not share. The
    decoder has 128 units, then maps of 64, 64, 32, 32 channels. There batch norm
    follows each activation; here it precedes it, so that a page can run the decoder
    (:func:`dlib.models.page_decoder`). Pictures of any size that 16 divides.
    """
    _check(latent_dim, channels, size, heads)
    _check_halvings(size, 4)
    inner = size // 16
    encoder = nn.Sequential(
        nn.Conv2d(channels, 32, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 32, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 64, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 64, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(64 * inner * inner, 128),
        nn.LeakyReLU(0.2),
        nn.Sequential(
            nn.Linear(128, 128),
            nn.LeakyReLU(0.2),
            FullPrecisionLinear(128, heads * latent_dim),
        ),
    )
    decoder = nn.Sequential(
        FullPrecisionLinear(latent_dim, 128),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Linear(128, 64 * inner * inner),
        nn.BatchNorm1d(64 * inner * inner),
        nn.ReLU(),
        nn.Unflatten(1, (64, inner, inner)),
        nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
        nn.BatchNorm2d(32),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(32, 32, 4, stride=2, padding=1),
        nn.BatchNorm2d(32),
        nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(32, channels, 4, stride=2, padding=1),
    )
    return Networks(encoder, decoder, latent_dim, channels, size, heads)


def mixing_digits(
    latent_dim: int = 64, channels: int = 1, size: int = 28, heads: int = 1
) -> Networks:
    """Three convolutions of stride 2, each normalised, and a DCGAN's way back.

    The MNIST row of table 1 in Hu et al. (2018): 3x3 convolutions with 64, 128, 256
    channels; transposed ones with 512, 256, 128 and the picture's. Batch norm and
    leaky ReLU (0.2) after each but the last. The table gives the last transposed
    convolution no stride, with which it would not double its map: it has 2 here, and
    what it makes too large is cut off at the border. Pictures of 18 to 32 pixels a
    side, of an even number.
    """
    return _mixing(
        "mixing_digits", (64, 128, 256), (512, 256, 128),
        latent_dim, channels, size, heads,
    )  # fmt: skip


def mixing_small(
    latent_dim: int = 64, channels: int = 3, size: int = 32, heads: int = 1
) -> Networks:
    """As :func:`mixing_digits`, with a quarter of the channels: for a processor."""
    return _mixing(
        "mixing_small", (16, 32, 64), (128, 64, 32),
        latent_dim, channels, size, heads,
    )  # fmt: skip


def mixing_sprites(
    latent_dim: int = 512, channels: int = 3, size: int = 60, heads: int = 1
) -> Networks:
    """Five convolutions, each normalised, and a DCGAN's way back.

    The Sprites row of table 1 in Hu et al. (2018): 3x3 convolutions of stride 2 with
    64, 128, 256 channels, then 2x2 ones of stride 2 and 1 with 512; transposed ones
    with 512, 512, 256, 128 and the picture's. The rest as :func:`mixing_digits`.
    Pictures of 34 to 64 pixels a side, of an even number.
    """
    return _mixing(
        "mixing_sprites", (64, 128, 256), (512, 512, 256, 128),
        latent_dim, channels, size, heads,
        ends=((512, 2, 2, 0), (512, 2, 1, 0)),
    )  # fmt: skip


def mixing_faces(
    latent_dim: int = 512, channels: int = 3, size: int = 64, heads: int = 1
) -> Networks:
    """As :func:`mixing_sprites`, the fourth convolution 3x3: the table's first row."""
    return _mixing(
        "mixing_faces", (64, 128, 256), (512, 512, 256, 128),
        latent_dim, channels, size, heads,
        ends=((512, 3, 2, 1), (512, 2, 1, 0)),
    )  # fmt: skip


def mixing_faces_began(
    latent_dim: int = 512, channels: int = 3, size: int = 128, heads: int = 1
) -> Networks:
    """Convolutions of stride 1 between poolings, and upsamplings back.

    The CelebA (BEGAN) row of table 1 in Hu et al. (2018), with ReLU after the
    convolutions, as its caption has it, and no normalisation. Four poolings and four
    upsamplings between 8x8 and 128x128: pictures of any size that 16 divides.
    """
    _check(latent_dim, channels, size, heads)
    _check_halvings(size, 4)

    def level(*widths: int) -> list[nn.Module]:
        """Convolutions of 3x3; a width at which channels change has one of 1x1."""
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(widths):
            kernel = 1 if outputs != inputs and inputs >= 32 else 3
            layers += [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)]
            layers += [nn.ReLU()]
        return layers

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, stride=2, padding=1)

    inner = size // 16
    same = (64, 64, 64)
    encoder = nn.Sequential(
        *level(channels, 32, 32, 32, 64), pool(),
        *level(64, 64, 64, 96), pool(),
        *level(96, 96, 96, 128), pool(),
        *level(128, 128, 128, 160), nn.Conv2d(160, 160, 1), nn.ReLU(), pool(),
        *level(160, 160, 160),
        nn.Flatten(),
        FullPrecisionLinear(160 * inner * inner, heads * latent_dim),
    )  # fmt: skip
    decoder = nn.Sequential(
        FullPrecisionLinear(latent_dim, 64 * inner * inner),
        nn.Unflatten(1, (64, inner, inner)),
        *level(*same), nn.Upsample(scale_factor=2),
        *level(*same), nn.Upsample(scale_factor=2),
        *level(*same), nn.Upsample(scale_factor=2),
        *level(*same, 64), nn.Upsample(scale_factor=2),
        *level(*same),
        nn.Conv2d(64, channels, 1),
    )  # fmt: skip
    return Networks(encoder, decoder, latent_dim, channels, size, heads)


def normalised(layer: nn.Module, width: int) -> list[nn.Module]:
    """A convolution, batch norm, leaky ReLU (0.2): table 1 of Hu et al. (2018)."""
    return [layer, nn.BatchNorm2d(width), nn.LeakyReLU(0.2)]


def _mixing(
    name: str,
    widths: Sequence[int],
    back: Sequence[int],
    latent_dim: int,
    channels: int,
    size: int,
    heads: int,
    ends: Sequence[tuple[int, int, int, int]] = (),
) -> Networks:
    """3x3 convolutions of stride 2, ``ends``; transposed ones from 4x4 on.

    ``ends`` are (channels, kernel, stride, padding).
    """
    _check(latent_dim, channels, size, heads)
    largest = 4 << len(back)
    if size % 2 or not largest // 2 < size <= largest:
        raise ValueError(
            f"{name} makes pictures of {largest // 2 + 2} to {largest} pixels a "
            f"side, of an even number; got {size}"
        )
    layers: list[nn.Module] = []
    inputs, side = channels, size
    for width, kernel, stride, padding in (*((w, 3, 2, 1) for w in widths), *ends):
        convolution = nn.Conv2d(inputs, width, kernel, stride, padding)
        layers += normalised(convolution, width)
        inputs, side = width, (side + 2 * padding - kernel) // stride + 1
    encoder = nn.Sequential(
        *layers,
        nn.Flatten(),
        FullPrecisionLinear(inputs * side * side, heads * latent_dim),
    )
    # A transposed convolution of 4x4 on one pixel is a linear layer.
    first = FullPrecisionLinear(latent_dim, back[0] * 16)
    layers = [first, *normalised(nn.Unflatten(1, (back[0], 4, 4)), back[0])]
    for inputs, outputs in pairwise(back):
        layers += normalised(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), outputs)
    cut = (largest - size) // 2
    decoder = nn.Sequential(
        *layers, nn.ConvTranspose2d(back[-1], channels, 2, 2, padding=cut)
    )
    return Networks(encoder, decoder, latent_dim, channels, size, heads)


NETWORKS = {
    "shapes_mlp": shapes_mlp,
    "conv": conv,
    "shapes_conv": shapes_conv,
    "digits_conv": digits_conv,
    "flowers_conv": flowers_conv,
    "padless_conv": padless_conv,
    "info_gan": info_gan,
    "mixing_digits": mixing_digits,
    "mixing_small": mixing_small,
    "mixing_sprites": mixing_sprites,
    "mixing_faces": mixing_faces,
    "mixing_faces_began": mixing_faces_began,
}


def build(
    name: str,
    latent_dim: int = 10,
    channels: int = 1,
    size: int = 64,
    heads: int = 2,
) -> Networks:
    """The networks called ``name``, freshly initialised.

    Parameters
    ----------
    name : str
        A key of :data:`NETWORKS`.
    latent_dim, channels, size : int
        Of the code and of the pictures.
    heads : int
        Numbers that the encoder gives for each latent: 2 for a mean and a
        log-variance, 1 for a code.

    Raises
    ------
    ValueError
        If the name is unknown, or a number is not positive or does not fit.
    """
    if name not in NETWORKS:
        raise ValueError(f"no network {name!r}; there are {', '.join(NETWORKS)}")
    return NETWORKS[name](latent_dim, channels, size, heads)


def initialise(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """Draw all weights afresh from ``generator``, as torch's defaults would.

    torch's own initialisation reads the global random state; drawing from a
    generator makes a run a function of its seed alone. Weights and biases are
    uniform in plus or minus 1/sqrt(fan_in) (He et al. 2015 with a = sqrt(5)); batch
    norms start at the identity. A module with parameters of its own that is none
    of these must have a method ``initialise(generator)``, which draws them.

    Raises
    ------
    TypeError
        If a module has parameters that nothing here draws; the message names it.
    """
    for name, layer in module.named_modules():
        own = [key for key, _ in layer.named_parameters(recurse=False)]
        if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            fan_in, _ = nn.init._calculate_fan_in_and_fan_out(layer.weight)
            bound = 1 / math.sqrt(fan_in)
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.reset_parameters()  # draws nothing
        elif hasattr(layer, "initialise"):
            layer.initialise(generator)
        elif own:
            raise TypeError(
                f"{name or 'the method'} is a {type(layer).__name__} with the "
                f"parameters {', '.join(own)}, which nothing draws from the seed: give "
                "it a method initialise(generator)"
            )
    return module


def _check(latent_dim: int, channels: int, size: int, heads: int) -> None:
    for name, value in (
        ("latent_dim", latent_dim),
        ("channels", channels),
        ("size", size),
        ("heads", heads),
    ):
        if value < 1:
            raise ValueError(f"{name} must be positive, got {value}")


def _check_halvings(size: int, times: int) -> None:
    if size % 2**times:
        word = {2: "twice", 4: "four times"}[times]
        raise ValueError(
            f"the convolutional network halves pictures {word}: size must be a "
            f"multiple of {2**times}, got {size}"
        )
