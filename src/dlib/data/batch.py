"""What a method is shown: a batch of pictures and nothing it could cheat with."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Pictures drawn together.

    The factors are not in it: what a method can't see it can't cheat with.

    Attributes
    ----------
    images : Tensor
        ``(n, c, h, w)``; of pairs, groups and views ``(n, v, c, h, w)``. ``uint8``
        as a data set draws them, floats in [0, 1] as a method sees them.
    labels : Tensor or None
        int64 (n,): what weak supervision may see, such as the domain of a merged
        data set or which group of factors a pair shares.
    step : int
        Of the training; the first is 1.
    population : int
        Pictures in the data set: the N of estimators that weigh a minibatch.
    """

    images: Tensor
    labels: Tensor | None = None
    step: int = 0
    population: int = 0
