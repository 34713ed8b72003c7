"""Weights as they are shipped: a byte for each, and a step for each row.

A row of a matrix or of a kernel (what belongs to one index of its first axis) is stored
as whole numbers from -127 to 127 times a step, its largest entry's 127th: an entry is
off by half a step at most. Vectors (biases, norms) stay in half precision.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

LEVELS = 127
STEP = ":step"  # after a weight's name: what its rows are multiplied with


def half(value: Tensor) -> Tensor:
    """A tensor in half precision, if it is of real numbers that fit.

    Integers (a batch norm's count) stay what they are, and so do numbers beyond
    65,504 (a variance may be).
    """
    value = value.detach().cpu()
    if not value.is_floating_point():
        return value
    halved = value.to(torch.float16)
    return halved if bool(halved.isfinite().all()) else value


def round_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are stored.

    Parameters
    ----------
    weights : mapping of str to Tensor
        By name.

    Returns
    -------
    dict of str to Tensor
        Of real matrices and kernels int8 of the same shape, and a float32 step for
        each row under the name with ``":step"`` behind it; of all else :func:`half`.

    Examples
    --------
    >>> import torch
    >>> stored = round_weights({"w": torch.tensor([[1.0, 0.5], [0.0, 0.0]])})
    >>> stored["w"].tolist()
    [[127, 64], [0, 0]]
    """
    stored: dict[str, Tensor] = {}
    for name, value in weights.items():
        value = value.detach().cpu()
        if value.ndim < 2 or not value.is_floating_point():
            stored[name] = half(value)
            continue
        rows = value.float().flatten(1)
        step = rows.abs().amax(1) / LEVELS
        if not bool(step.isfinite().all()):
            stored[name] = value
            continue
        whole = rows / step.clamp(min=torch.finfo(torch.float32).tiny)[:, None]
        stored[name] = whole.round().to(torch.int8).view(value.shape)
        stored[name + STEP] = step
    return stored


def restore_weights(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of what :func:`round_weights` made of them; others as they are."""
    weights = {k: v for k, v in stored.items() if not k.endswith(STEP)}
    for name in stored.keys() - weights.keys():
        of = name.removesuffix(STEP)
        rows = weights[of].float()
        weights[of] = rows * stored[name].view(-1, *[1] * (rows.ndim - 1))
    return weights
