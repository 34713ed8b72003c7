"""Mutual information between binned codes and factors, all pairs at once.

The joint histograms of every code with every factor are one count of integers:
no loop over pairs, on the CPU or a GPU. (A product of two one-hot matrices gives
the same counts; it takes three times as long on a CPU.)
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from dlib.metrics.inputs import Codes, Factors

BINS = 20
BLOCK = 1 << 16  # points counted at a time


def digitise(codes: Codes, bins: int = BINS) -> Tensor:
    """Equal-width bin of every code, from the code's minimum to its maximum.

    As ``np.digitize(x, np.histogram(x, bins)[1][:-1]) - 1`` in the reference:
    edges are rounded to the codes' own dtype, the maximum lies in the last bin,
    and a constant code lies in one bin.

    Parameters
    ----------
    codes : Codes
        d columns of n points.
    bins : int
        Number of bins a code.

    Returns
    -------
    Tensor
        int64, shape (n, d), 0 to ``bins - 1``.

    Raises
    ------
    ValueError
        If ``bins`` is below 2.
    """
    if bins < 2:
        raise ValueError(f"bins must be at least 2, got {bins}")
    low, high = codes.range.cpu().numpy()
    flat = low == high
    low, high = np.where(flat, low - 0.5, low), np.where(flat, high + 0.5, high)
    precision = np.float32 if codes.dtype == torch.float32 else np.float64
    edges = np.linspace(
        low.astype(precision), high.astype(precision), bins + 1, dtype=precision
    )
    edge = torch.from_numpy(edges[:-1]).to(codes.values)  # (bins, d), left edges
    if (high - low < 1e4 * np.finfo(precision).eps * np.abs([low, high]).max(0)).any():
        # A code that hardly moves has edges that rounding throws together.
        columns = codes.values.T.contiguous()
        found = torch.searchsorted(edge.T.contiguous(), columns, right=True)
        return found.T.clamp_min(1) - 1
    # Where division puts a value, and one step aside where an edge says otherwise.
    scale = (bins - 1) / (edge[-1] - edge[0])
    index = ((codes.values - edge[0]) * scale).int().clamp_(0, bins - 1)
    edge = torch.cat([edge, torch.full_like(edge[:1], torch.inf)]).view(-1)
    d = codes.latent_dim
    at = (index * d + torch.arange(d, device=index.device)).reshape(-1)
    low = edge.index_select(0, at).view(index.shape)
    high = edge.index_select(0, at + d).view(index.shape)
    index = index - (codes.values < low).int() + (codes.values >= high).int()
    return index.long()


def joint_counts(bins_of_codes: Tensor, bins: int, labels: Tensor) -> Tensor:
    """How often each bin of each code meets each value of each factor.

    Parameters
    ----------
    bins_of_codes : Tensor
        int64 (n, d), 0 to ``bins - 1``.
    bins : int
        Number of bins.
    labels : Tensor
        int64 (n, k); -1 where missing, which is counted nowhere.

    Returns
    -------
    Tensor
        float64, shape (d, bins, k, values): whole numbers, padded with zeros
        to the largest number of values.
    """
    latent_dim, count = bins_of_codes.shape[1], labels.shape[1]
    device = labels.device
    values = int(labels.max()) + 1
    # One spare value takes what is missing, and is cut off.
    column = torch.where(labels < 0, values, labels)
    column = column + torch.arange(count, device=device) * (values + 1)
    cells = latent_dim * bins * count * (values + 1)
    # Half as wide integers are counted twice as fast.
    integer = torch.int32 if cells < 2**31 else torch.int64
    row = bins_of_codes.T.to(integer, memory_format=torch.contiguous_format)
    row += torch.arange(latent_dim, device=device)[:, None] * bins
    row *= count * (values + 1)  # (d, n)
    column = column.to(integer).T.contiguous()  # (k, n)
    counts = torch.zeros(cells, dtype=torch.long, device=device)
    for some in range(0, row.shape[1], BLOCK):
        block = slice(some, some + BLOCK)
        index = row[:, None, block] + column[None, :, block]
        counts += torch.bincount(index.flatten(), minlength=cells)
    return counts.view(latent_dim, bins, count, values + 1)[..., :values].double()


def mutual_information(
    codes: Codes, factors: Factors, bins: int = BINS
) -> tuple[Tensor, Tensor]:
    """Mutual information of every code with every factor, and the entropies.

    I(z_i; v_j) = sum_{b,v} p(b, v) log( p(b, v) / (p(b) p(v)) ) in nats, over
    the points where v_j is known.

    Parameters
    ----------
    codes : Codes
        d columns, binned here.
    factors : Factors
        k discrete columns.
    bins : int
        Equal-width bins a code.

    Returns
    -------
    information : Tensor
        float64 (d, k), at least 0.
    entropy : Tensor
        float64 (k,), H(v_j) in nats.
    """
    counts = joint_counts(digitise(codes, bins), bins, factors.labels)
    return information_of(counts)


def information_of(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Mutual information (d, k) and second-margin entropy (k,) of joint counts.

    Parameters
    ----------
    counts : Tensor
        Shape (d, bins, k, values), as :func:`joint_counts` gives.
    """
    total = counts[0].sum(dim=(0, 2))  # (k,)
    p = counts / total[:, None]
    joint = _entropy(p.transpose(1, 2).flatten(2))  # (d, k)
    of_code = _entropy(p.sum(dim=3).transpose(1, 2))  # (d, k)
    of_factor = _entropy(p[0].sum(dim=0))  # (k,)
    return (of_code + of_factor - joint).clamp_min(0.0), of_factor


def _entropy(p: Tensor) -> Tensor:
    return -torch.xlogy(p, p).sum(dim=-1)
