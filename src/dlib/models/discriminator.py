"""The critic of codes that FactorVAE and its relatives argue with."""

from __future__ import annotations

from torch import nn


def code_discriminator(
    latent_dim: int, width: int = 1000, depth: int = 6
) -> nn.Sequential:
    """Fully connected layers with leaky ReLU (0.2), and two logits.

    Kim and Mnih (2018), appendix A: six layers of 1000 units. In single precision
    under autocast, as the layers that write codes are.

    Parameters
    ----------
    latent_dim : int
        Numbers in a code.
    width, depth : int
        Units of a hidden layer, and hidden layers.

    Raises
    ------
    ValueError
        If ``width`` or ``depth`` is not positive.
    """
    if width < 1 or depth < 1:
        raise ValueError(
            f"a discriminator needs a positive width and depth, got {width} and {depth}"
        )
    layers: list[nn.Module] = []
    for inputs in (latent_dim, *[width] * (depth - 1)):
        layers += [nn.Linear(inputs, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(width, 2))
