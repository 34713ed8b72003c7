"""Nearest-neighbour retrieval: mean average precision by attribute and chunk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from dlib.metrics.inputs import prepare
from dlib.metrics.score import Score


def retrieval(
    codes: Any,
    factors: Any,
    *,
    queries: int = 1_000,
    gallery: int = 10_000,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> Score:
    r"""Mean average precision of nearest neighbours, by attribute and chunk.

    For a query, the other points are ranked by Euclidean distance in one chunk of
    the codes; those that share the query's attribute are relevant:

    .. math::
        \mathrm{mAP}_{cj} = \frac1Q \sum_q \frac{1}{|R_q|}
        \sum_{r \in R_q} \frac{\#\{ r' \in R_q : \mathrm{rank}(r') \le
        \mathrm{rank}(r) \}}{\mathrm{rank}(r)}

    and each attribute is represented by its best chunk. Section 4 of Hu et al.,
    *Disentangling Factors of Variation by Mixing Them* (2018), where Table 2
    gives mAP for each attribute and its mean. The paper does not say how many
    queries it makes: here 1,000, drawn without replacement, against up to 10,000
    others.

    Perfect chunks get 1. Useless ones get about the frequency of the query's
    value: 0.5 for a balanced binary attribute, as the paper's row "Random".
    Only the order of distances counts, so rescaling a whole chunk changes nothing,
    but rescaling one coordinate within it does.

    Parameters
    ----------
    codes : list of chunks, array or Tensor
        Chunks (n, chunk_dim); of a matrix, each column is a chunk.
    factors : array or Tensor
        Discrete attributes, shape (n, k); may have gaps.
    queries : int
        At most so many.
    gallery : int
        At most so many points to search in.
    seed : int
        Of the choice of queries and gallery.
    names : sequence of str, optional
        Of the factors.

    Returns
    -------
    Score
        Mean over attributes of the best chunk's mAP. Parts: ``matrix`` (chunks,
        k), ``best_chunk`` (k,).

    Raises
    ------
    ValueError
        If ``queries`` is below 1 or ``gallery`` below 20, or as
        :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If there are fewer than 20 points or a factor is real-valued.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> chunks = [codes, rng.normal(size=(600, 3))]
    >>> score = metrics.retrieval(chunks, factors, queries=50)
    >>> score["matrix"].shape, score["best_chunk"].tolist()
    (torch.Size([2, 2]), [0, 0])
    """
    if queries < 1 or gallery < 20:
        raise ValueError(
            "retrieval needs at least 1 query and a gallery of 20, got "
            f"queries={queries}, gallery={gallery}"
        )
    checked, table = prepare(
        codes, factors, metric="retrieval", minimum=20, discrete=True, names=names
    )
    order = torch.randperm(checked.n, generator=torch.Generator().manual_seed(seed))
    order = order[:gallery].to(checked.device)
    # Centred first: float32 keeps distances, not places far from zero.
    z = (checked.values - checked.values.mean(dim=0))[order].float()
    labels = table.labels[order]
    queries = min(queries, len(order))
    shape = len(checked.chunks), labels.shape[1]
    totals = torch.zeros(shape, dtype=torch.float64, device=z.device)
    counts = torch.zeros_like(totals)
    for chunk, (start, end) in enumerate(checked.chunks):
        for block in torch.arange(queries, device=z.device).split(BLOCK):
            ranking = _ranking(z[:, start:end], block)
            for j in range(labels.shape[1]):
                precision, usable = _average_precision(
                    labels[:, j], block, ranking, table.complete
                )
                totals[chunk, j] += precision.sum()
                counts[chunk, j] += usable.sum()
    matrix = totals / counts.clamp_min(1)
    best, chunk_of = matrix.max(dim=0)
    return Score(
        "retrieval", float(best.mean()), {"matrix": matrix, "best_chunk": chunk_of}
    )


BLOCK = 100  # queries at a time: their distances to the gallery stay small


def _ranking(z: Tensor, queries: Tensor) -> Tensor:
    """Other points from near to far, int64 (queries, n - 1)."""
    if z.shape[1] == 1:
        distance = (z[queries] - z.T).abs()
    else:
        distance = torch.cdist(
            z[queries], z, compute_mode="donot_use_mm_for_euclid_dist"
        )
    # The query itself goes last, and is cut off.
    distance.scatter_(1, queries[:, None], torch.inf)
    return distance.argsort(dim=1)[:, :-1]


def _average_precision(
    labels: Tensor, queries: Tensor, ranking: Tensor, complete: bool
) -> tuple[Tensor, Tensor]:
    """Average precision of each query, and whether it has one.

    Points whose label is missing are neither right nor wrong: they are skipped,
    and so are queries without a label or without a relevant point.
    """
    found = labels.to(torch.int32)[ranking]
    own = labels[queries].to(torch.int32)[:, None]
    relevant = (found == own) & (own >= 0)
    if complete:
        rank = torch.arange(1, found.shape[1] + 1, device=found.device)[None]
    else:
        rank = (found >= 0).cumsum(dim=1).clamp_min(1)
    hits = relevant.cumsum(dim=1, dtype=torch.int32)
    precision = (hits * relevant / rank).double().sum(dim=1)
    number = relevant.sum(dim=1)
    return precision / number.clamp_min(1), number > 0
