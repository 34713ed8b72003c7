"""A finite training set: so many points, drawn once by a law."""

from __future__ import annotations

import torch

from dlib.data.dataset import Dataset
from dlib.data.listed import Listed


class Resampled(Listed):
    """Points drawn once by another data set's law, and then each as likely.

    What a file of a training set is: *Unsupervised disentanglement learning by
    intervention*, appendix B, resamples 200,000 pictures of dSprites with correlated
    factors. A point that was drawn twice is in it twice.

    Parameters
    ----------
    of : Dataset
        Whose law is drawn from.
    n : int
        How many points.
    seed : int
        Of the draws, which are the same on every device.

    Raises
    ------
    ValueError
        If ``n`` is not positive.
    """

    def __init__(self, of: Dataset, n: int, seed: int = 0) -> None:
        if n < 1:
            raise ValueError(f"n must be positive, got {n}")
        drawn = of.draw(n, torch.Generator().manual_seed(seed)).sort().values
        super().__init__(of, drawn, f"{n:,} drawn of {len(of):,}")
