"""Codes: one row a point, checked once."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlib.metrics.inputs.reading import as_tensor, computing_dtype

_KEPT = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Codes:
    """Checked codes.

    Attributes
    ----------
    values : Tensor
        float64 (float32 where the device has no float64), shape (n, d): all
        chunks side by side, on the device they came on.
    chunks : tuple of (int, int)
        First and one-past-last column of each chunk; each column is a chunk of
        its own when codes came as a matrix.
    dtype : torch.dtype
        What the codes were given in: bin edges are computed in it, so that a
        value on an edge falls where the reference implementation puts it.
    """

    values: Tensor
    chunks: tuple[tuple[int, int], ...]
    dtype: torch.dtype

    @property
    def n(self) -> int:
        """Number of points."""
        return self.values.shape[0]

    @property
    def latent_dim(self) -> int:
        """Number of columns."""
        return self.values.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the values live."""
        return self.values.device

    @cached_property
    def range(self) -> Tensor:
        """Smallest and largest value of each column, (2, d)."""
        return torch.stack(self.values.aminmax(dim=0))

    @cached_property
    def constant(self) -> Tensor:
        """Bool (d,): columns with one value only."""
        return self.range[0] == self.range[1]

    def rows(self, index: Tensor) -> Codes:
        """The same codes at some of the points."""
        return Codes(self.values[index], self.chunks, self.dtype)


def as_codes(codes: Any, *, name: str = "codes") -> Codes:
    """Check codes and put them in one matrix.

    Parameters
    ----------
    codes : array, Tensor, DataFrame, or list of them
        Shape (n, d), or a list of chunks (n, d_1), (n, d_2), ...; a chunk may
        have shape (n,). A plain list or tuple: one whose members have names, such
        as a posterior's ``mean`` and ``logvar``, is refused. ``Codes`` pass
        through untouched.
    name : str
        What messages call the argument.

    Returns
    -------
    Codes
        A constant column is kept (a collapsed latent is a finding, not an
        error) and announced by one ``UserWarning``: every metric gives it 0.

    Raises
    ------
    ValueError
        If the shape is not (n, d) with n, d at least 1, chunks differ in
        length, entries are not numbers, or any is NaN or infinite; or if a
        posterior is given in place of its mean.
    """
    if isinstance(codes, Codes):
        return codes
    if isinstance(codes, tuple) and hasattr(codes, "_fields"):
        raise ValueError(
            f"{name} must be numbers, and a {type(codes).__name__} of "
            f"{', '.join(codes._fields)} is more than that: give its mean, as "
            "method.encode(images) does, or a plain list if its members are chunks"
        )
    if _is_list_of_chunks(codes):
        pieces = [as_tensor(c, f"{name}[{i}]") for i, c in enumerate(codes)]
        pieces = [p[:, None] if p.ndim == 1 else p for p in pieces]
        lengths = [len(p) for p in pieces]
        if len(set(lengths)) > 1:
            raise ValueError(
                f"the chunks of {name} must have the same number of points, "
                f"got {lengths}"
            )
        for i, piece in enumerate(pieces):
            if piece.ndim != 2:
                raise ValueError(
                    f"{name}[{i}] must have shape (n, chunk_dim), "
                    f"got {tuple(piece.shape)}"
                )
        values = torch.cat(pieces, dim=1)
        ends = np.cumsum([p.shape[1] for p in pieces]).tolist()
        chunks = tuple(zip([0, *ends[:-1]], ends, strict=True))
    else:
        values = as_tensor(codes, name)
        if values.ndim != 2:
            raise ValueError(
                f"{name} must have shape (n, latent_dim) or be a list of chunks, "
                f"got shape {tuple(values.shape)}"
            )
        chunks = tuple((i, i + 1) for i in range(values.shape[1]))
    if 0 in values.shape:
        raise ValueError(f"{name} must not be empty, got shape {tuple(values.shape)}")
    dtype = values.dtype if values.dtype in _KEPT else torch.float32
    if not (values.dtype.is_floating_point):
        dtype = torch.float64
    values = values.detach().to(computing_dtype(values.device)).contiguous()
    checked = Codes(values, chunks, dtype)
    # A NaN is both the smallest and the largest of its column.
    if not bool(checked.range.isfinite().all()):
        finite = values.isfinite()
        row, column = (~finite).nonzero()[0].tolist()
        raise ValueError(
            f"{name} must be finite: {int((~finite).sum())} of {finite.numel()} "
            f"values are NaN or infinite, the first in row {row}, column {column}. "
            "A diverged encoder gives these; missing points must be left out"
        )
    if checked.n > 1 and bool(checked.constant.any()):
        which = checked.constant.nonzero()[:, 0].tolist()
        everything = (
            "every code is"
            if len(which) == values.shape[1]
            else (f"code {', '.join(map(str, which))} is")
        )
        warnings.warn(
            f"{everything} constant over all {checked.n} points: it carries nothing "
            "and scores 0",
            UserWarning,
            stacklevel=3,
        )
    return checked


def _is_list_of_chunks(codes: Any) -> bool:
    return (
        isinstance(codes, (list, tuple))
        and len(codes) > 0
        and all(hasattr(c, "ndim") and c.ndim >= 1 for c in codes)
    )
