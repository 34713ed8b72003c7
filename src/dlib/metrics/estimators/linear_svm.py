"""A linear SVM on one code at a time, for all codes and classes at once.

``LinearSVC`` on a single column is a two-parameter problem. With the column
sorted, the points inside the margin are a run of it, so every gradient is a
difference of two prefix sums and a Newton step costs nothing like a pass over the
data. Disentanglement_lib's SAP fits d x k of them.
"""

from __future__ import annotations

import torch
from torch import Tensor


def fit_single_code_svm(
    values: Tensor,
    labels: Tensor,
    classes: int,
    regularisation: float = 0.01,
    steps: int = 60,
) -> tuple[Tensor, Tensor]:
    """Slope and intercept of ``LinearSVC(C, class_weight="balanced")``.

    Minimises, for each code and class against the rest,
    (w^2 + b^2) / 2 + C sum_i a_i max(0, 1 - y_i (w x_i + b))^2, where a_i is
    n / (classes * n_c) for the class itself and 1 for the rest, as liblinear
    has it (the balanced weight for both sides where there are two classes).

    Parameters
    ----------
    values : Tensor
        float64, shape (n, d).
    labels : Tensor
        int64 (n,), 0 to ``classes - 1``, each class present.
    classes : int
        How many, at least 2.
    regularisation : float
        The SVM's C.
    steps : int
        Most Newton steps; a handful is the rule.

    Returns
    -------
    slope, intercept : Tensor
        Shape (d, classes); predict the class of the largest
        ``slope * x + intercept``.
    """
    n, latent_dim = values.shape
    device, dtype = values.device, values.dtype
    counts = torch.bincount(labels, minlength=classes).to(dtype)
    balanced = n / (classes * counts)
    ordered, order = values.T.contiguous().sort(dim=1)  # (d, n)
    of_class = _PrefixSums(ordered, labels[order], classes)
    of_all = _PrefixSums(ordered, torch.zeros_like(order), 1)
    own = (regularisation * balanced).expand(latent_dim, classes)
    rest = torch.full_like(own, regularisation)
    if classes == 2:
        rest = own.flip(1)

    def inside(w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Sums (..., 3) of 1, x, x^2 over the margin, own side and rest."""
        # A slope of zero has everybody on the same side of the margin.
        flat, slope = w == 0, torch.where(w == 0, 1.0, w)
        # own side: w x + b < 1; the other side: w x + b > -1
        own_edge = ((1 - b) / slope).masked_fill(flat, torch.inf)
        near = of_class.below(ordered, own_edge, w >= 0, ~flat | (b < 1))
        edge = ((-1 - b) / slope).masked_fill(flat, torch.inf)
        somewhere = ~flat | (b > -1)
        away = of_all.below(ordered, edge, w <= 0, somewhere)
        away = away - of_class.below(ordered, edge, w <= 0, somewhere)
        return near, away

    def objective(w: Tensor, b: Tensor, near: Tensor, away: Tensor) -> Tensor:
        ones, first, second = (near * own[..., None]).unbind(-1)
        total = (
            ones * (1 - b) ** 2 - 2 * (1 - b) * w * first + w**2 * second
        )  # sum of (1 - b - w x)^2
        ones, first, second = (away * rest[..., None]).unbind(-1)
        total = total + ones * (1 + b) ** 2 + 2 * (1 + b) * w * first + w**2 * second
        return (w**2 + b**2) / 2 + total

    w = torch.zeros(latent_dim, classes, dtype=dtype, device=device)
    b = torch.zeros_like(w)
    near, away = inside(w, b)
    value = objective(w, b, near, away)
    for _ in range(steps):
        n_own, x_own, xx_own = (near * own[..., None]).unbind(-1)
        n_rest, x_rest, xx_rest = (away * rest[..., None]).unbind(-1)
        ww = 1 + 2 * (xx_own + xx_rest)
        wb = 2 * (x_own + x_rest)
        bb = 1 + 2 * (n_own + n_rest)
        grad_w = ww * w + wb * b - 2 * (x_own - x_rest)
        grad_b = wb * w + bb * b - 2 * (n_own - n_rest)
        determinant = ww * bb - wb**2
        step_w = (bb * grad_w - wb * grad_b) / determinant
        step_b = (ww * grad_b - wb * grad_w) / determinant
        decrease = grad_w * step_w + grad_b * step_b
        # One look at the host for all codes and classes.
        if float((decrease / (1 + value)).max()) < 1e-12:
            break
        # Try the full step and its halvings together; take the best.
        scale = 0.5 ** torch.arange(8, dtype=dtype, device=device)[:, None, None]
        tries = [inside(w - s * step_w, b - s * step_b) for s in scale]
        values_tried = torch.stack(
            [
                objective(w - s * step_w, b - s * step_b, *t)
                for s, t in zip(scale, tries, strict=True)
            ]
        )
        best, index = values_tried.min(dim=0)
        better = best < value
        size = torch.where(better, scale[:, 0, 0][index], 0.0)
        if not bool(better.any()):
            break
        w, b = w - size * step_w, b - size * step_b
        near, away = inside(w, b)
        value = torch.where(better, best, value)
    if classes == 2:
        # One problem, not two: the second class's, mirrored for the first.
        return _mirrored(w), _mirrored(b)
    return w, b


def _mirrored(x: Tensor) -> Tensor:
    return torch.stack([-x[:, 1], x[:, 1]], dim=1)


class _PrefixSums:
    """Sums of 1, x and x^2 over the points of a class below a threshold."""

    def __init__(self, ordered: Tensor, labels: Tensor, classes: int) -> None:
        latent_dim, n = ordered.shape
        self.n = n
        by_class = labels.argsort(dim=1, stable=True)  # class-major, x ascending
        # key of a point: its class, then its rank
        self.keys = labels.gather(1, by_class) * (n + 1) + by_class
        x = ordered.gather(1, by_class)
        terms = torch.stack([torch.ones_like(x), x, x * x], dim=-1)
        self.sums = torch.cat([torch.zeros_like(terms[:, :1]), terms.cumsum(1)], dim=1)
        self.start = (torch.arange(classes, device=ordered.device) * (n + 1)).expand(
            latent_dim, classes
        )
        self.first = self._at(self.start)
        self.last = self._at(self.start + n)

    def _at(self, keys: Tensor) -> Tensor:
        position = torch.searchsorted(self.keys, keys.contiguous())
        return self.sums.gather(1, position[..., None].expand(-1, -1, 3))

    def below(
        self, ordered: Tensor, threshold: Tensor, lower: Tensor, any_at_all: Tensor
    ) -> Tensor:
        """Sums below the threshold where ``lower``, above it elsewhere."""
        # (d, classes): how many of all points lie below
        rank = torch.searchsorted(ordered, threshold.contiguous())
        if self.first.shape[1] == 1:
            sums = self.sums.gather(1, rank[..., None].expand(-1, -1, 3))
        else:
            sums = self._at(self.start + rank)
        part = torch.where(lower[..., None], sums - self.first, self.last - sums)
        return part * any_at_all[..., None]
