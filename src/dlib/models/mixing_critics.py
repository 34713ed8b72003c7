"""Who judges mixed pictures: table 1 of Hu et al. (2018).

A discriminator like DCGAN's, and a classifier like AlexNet that says of each chunk
which of two pictures it came from. Both take ``width``, a share of the table's
channels: at 1 the classifier alone has 25 million weights for MNIST, 37 for Sprites.

The table gives widths, kernels and strides. Ours are: paddings that halve at stride 2;
maximum for pooling; convolution, batch norm, leaky ReLU (0.2) in this order; and leaky
ReLU after the two dense layers, of which the caption says nothing.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from dlib.networks import FullPrecisionLinear, normalised


def mixing_discriminator(channels: int, size: int, width: float = 1.0) -> nn.Sequential:
    """A logit of being real: the rows Dsc, c64k3s2-c128k3s2-c256k3s2-c512-f.

    Parameters
    ----------
    channels, size : int
        Of the pictures.
    width : float
        Share of the table's channels.

    Returns
    -------
    nn.Sequential
        From pictures, (n, c, size, size), to logits, (n, 1).

    Raises
    ------
    ValueError
        If a number is not positive.
    """
    _check(channels=channels, size=size, width=width)
    wide = [_share(width, c) for c in (64, 128, 256, 512)]
    layers: list[nn.Module] = []
    side = size
    for inputs, outputs in pairwise((channels, *wide[:3])):
        convolution = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        layers += normalised(convolution, outputs)
        side = (side + 1) // 2
    layers += normalised(nn.Conv2d(wide[2], wide[3], 1), wide[3])
    last = FullPrecisionLinear(wide[3] * side * side, 1)
    return nn.Sequential(*layers, nn.Flatten(), last)


def chunk_classifier(
    channels: int, size: int, chunks: int, width: float = 1.0
) -> nn.Sequential:
    """A logit for each chunk of having come from the first picture: the rows Cls.

    c96k8s2-p-c256k5-p-c384k3-c384k3-c256k3-p-f4096-f4096-f, on three pictures
    concatenated along their channels. Poolings are padded, so that pictures of 28
    pixels have something left to pool.

    Parameters
    ----------
    channels, size : int
        Of one picture.
    chunks : int
        How many answers.
    width : float
        Share of the table's channels.

    Returns
    -------
    nn.Sequential
        From three pictures upon one another, (n, 3 c, size, size), to logits,
        (n, chunks).

    Raises
    ------
    ValueError
        If a number is not positive.
    """
    _check(channels=channels, size=size, chunks=chunks, width=width)
    first, second, third, dense = (_share(width, c) for c in (96, 256, 384, 4096))

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, stride=2, padding=1)

    side = (size - 2) // 2 + 1  # after c96k8s2, padded by 3
    for _ in range(3):
        side = (side + 1) // 2
    return nn.Sequential(
        *normalised(nn.Conv2d(3 * channels, first, 8, stride=2, padding=3), first),
        pool(),
        *normalised(nn.Conv2d(first, second, 5, padding=2), second),
        pool(),
        *normalised(nn.Conv2d(second, third, 3, padding=1), third),
        *normalised(nn.Conv2d(third, third, 3, padding=1), third),
        *normalised(nn.Conv2d(third, second, 3, padding=1), second),
        pool(),
        nn.Flatten(),
        nn.Linear(second * side * side, dense),
        nn.LeakyReLU(0.2),
        nn.Linear(dense, dense),
        nn.LeakyReLU(0.2),
        FullPrecisionLinear(dense, chunks),
    )


def _check(**numbers: float) -> None:
    for name, value in numbers.items():
        if not value > 0:  # so that NaN is refused too
            raise ValueError(f"{name} must be positive, got {value}")


def _share(width: float, channels: int) -> int:
    return max(1, round(width * channels))
