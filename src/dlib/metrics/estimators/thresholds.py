"""Classifying one number by thresholds, optimally in balanced accuracy."""

from __future__ import annotations

import torch
from torch import Tensor

# Cells x classes^2 that one added threshold may cost; see ``candidate_cuts``.
WORK = 1_000_000


def balanced_accuracy_of_thresholds(
    values: Tensor, labels: Tensor, classes: int, thresholds: int | None = None
) -> Tensor:
    """Best balanced accuracy that thresholds on one code can reach, for each code.

    Thresholds cut the line into intervals; each interval predicts one class (a
    class may own several intervals or none). Maximises the mean over classes of
    the fraction of the class that is predicted right, by dynamic programming over
    the sorted points:

    best_m(t) = max_c max_{s <= t} best_{m-1}(s) + share_c(s, t),

    where share_c(s, t) is the fraction of class c, divided by the number of
    classes, among the points s..t-1.

    Parameters
    ----------
    values : Tensor
        Shape (n, d).
    labels : Tensor
        int64 (n,), 0 to ``classes - 1``, each class present.
    classes : int
        Number of classes.
    thresholds : int, optional
        At most so many; ``classes - 1`` by default, one interval for each class.
        Without a limit every point would get its own interval.

    Returns
    -------
    Tensor
        float64 (d,), between 1 / classes and 1.
    """
    n = values.shape[0]
    ordered, order = values.T.contiguous().sort(dim=1)  # (d, n)
    weight = 1.0 / (classes * torch.bincount(labels, minlength=classes).double())
    # (d, n, classes): what each point adds if its class is predicted
    hot = torch.nn.functional.one_hot(labels[order], classes).double() * weight
    share = torch.cat([torch.zeros_like(hot[:, :1]), hot.cumsum(1)], dim=1)
    # No threshold fits between two equal values.
    differs = torch.ones_like(share[..., 0], dtype=torch.bool)
    differs[:, 1:-1] = ordered[:, 1:] > ordered[:, :-1]
    cuts = candidate_cuts(n, classes).to(values.device)
    share, differs = share[:, cuts], differs[:, cuts]
    impossible = torch.full_like(share[..., 0], -torch.inf)
    best = share.amax(dim=2)  # one interval from the left end
    for _ in range(classes - 1 if thresholds is None else thresholds):
        start = torch.where(differs, best, impossible)[..., None] - share
        longer = (start.cummax(dim=1).values + share).amax(dim=2)
        best = torch.maximum(best, longer)
    return best[:, -1]


def candidate_cuts(n: int, classes: int) -> Tensor:
    """Ranks, int64 from 0 to n, at which a threshold may lie.

    Every rank, so that the result is exact, up to 100,000 points in 3 classes
    or 10,000 in 10; evenly spaced ranks beyond (1,000 or more of them: a
    quantile histogram), where the result is at most about 0.1% lower.
    """
    cells = max(1_000, WORK // classes**2)
    if n <= cells:
        return torch.arange(n + 1)
    return torch.linspace(0, n, cells + 1, dtype=torch.float64).round().long()
