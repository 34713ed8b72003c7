"""The noise floor: what codes of pure noise get under the same protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from dlib.metrics.inputs import Codes, as_codes
from dlib.metrics.score import Score


def noise_like(codes: Codes, seed: int = 0, n: int | None = None) -> Codes:
    """Standard-normal codes of the same width, chunks, dtype and device.

    Parameters
    ----------
    codes : Codes
        Whose shape is copied.
    seed : int
        Drawn on the CPU, so that the floor is the same on every device.
    n : int, optional
        Number of points, as many as ``codes`` has by default.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (codes.n if n is None else n, codes.latent_dim)
    values = torch.randn(shape, generator=generator).to(codes.values)
    return Codes(values, codes.chunks, codes.dtype)


def noise_floor(
    metric: Callable[..., Score],
    codes: Any,
    factors: Any = None,
    *,
    codes_test: Any = None,
    factors_test: Any = None,
    seed: int = 0,
    repeats: int = 1,
    **options: Any,
) -> float:
    """Mean score of standard-normal codes of the same shape, on the same factors.

    Modularity gives noise 0.6 to 0.8, IRS about 0.35, MIG nearly 0: a score means
    little without this beside it.

    Parameters
    ----------
    metric : callable
        A function of this package, such as ``metrics.mig``.
    codes, factors, codes_test, factors_test
        As the metric takes them; only the codes' shapes are used.
    seed : int
        Of the noise.
    repeats : int
        Draws of noise to average.
    **options
        Passed on to the metric.

    Returns
    -------
    float
        The floor; ``score.with_noise_floor(...)`` keeps it beside the score.

    Raises
    ------
    ValueError
        If ``repeats`` is below 1, or as the metric does.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> codes, factors = rng.normal(size=(500, 4)), rng.integers(0, 5, (500, 3))
    >>> metrics.noise_floor(metrics.mig, codes, factors) < 0.05
    True
    """
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    shape = as_codes(codes)
    tests = [] if codes_test is None else [as_codes(codes_test, name="codes_test")]
    total = 0.0
    for repeat in range(repeats):
        # Two seeds a repeat: test noise must not repeat training noise.
        arguments: list[Any] = [noise_like(shape, 2 * (seed + repeat))]
        if factors is not None:
            arguments.append(factors)
        if tests:
            arguments.append(noise_like(tests[0], 2 * (seed + repeat) + 1))
            arguments.append(factors_test)
        total += metric(*arguments, **options).value
    return total / repeats


def noise_codes_of(latent_dim: int, seed: int = 0) -> Callable[[Tensor], Tensor]:
    """A stand-in for :func:`dlib.metrics.codes_of`: noise, whatever the factors."""
    generator = torch.Generator().manual_seed(seed)

    def codes(factors: Tensor) -> Tensor:
        return torch.randn(len(factors), latent_dim, generator=generator)

    return codes
