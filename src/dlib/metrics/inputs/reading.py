"""Arrays, frames and words: whatever a caller has, as tensors of numbers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from dlib.metrics.inputs.factors import Factors


def computing_dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def as_tensor(values: Any, name: str) -> Tensor:
    if isinstance(values, Tensor):
        if values.is_complex() or values.layout != torch.strided:
            raise ValueError(
                f"{name} must hold real numbers in a dense tensor, got "
                f"{values.dtype} and {values.layout}"
            )
        whole = not (values.is_floating_point() or values.dtype == torch.bool)
        return values.long() if whole else values
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    array = np.asarray(values)
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            pass
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{name} must hold numbers, got an array of type {array.dtype} "
            f"and shape {array.shape}"
        )
    if array.dtype.kind in "iu":
        array = array.astype(np.int64)
    if array.dtype.kind == "f" and array.dtype not in (np.float16, np.float32):
        array = array.astype(np.float64)
    # A copy, in this machine's order of bytes.
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("=")))


def in_order(factors: Any, like: Factors, name: str) -> Any:
    """A DataFrame's columns as another's came: by title, not by place."""
    if not (like.titled and hasattr(factors, "columns")):
        return factors
    titles = {str(c): c for c in factors.columns}
    if sorted(titles) != sorted(like.names):
        raise ValueError(
            f"{name} must have the columns {', '.join(like.names)}; it has "
            f"{', '.join(titles)}"
        )
    return factors[[titles[label] for label in like.names]]


def read_table(
    factors: Any, name: str, kinds: Sequence[str] | None, like: Factors | None
) -> tuple[Tensor, tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Values (n, k) with NaN where missing, the columns' names, and their words."""
    columns: list[np.ndarray] = []
    names: tuple[str, ...] | None = None
    if hasattr(factors, "columns") and hasattr(factors, "to_numpy"):
        names = tuple(str(c) for c in factors.columns)
        if not names or len(set(names)) < len(names):
            raise ValueError(
                f"the columns of {name} must have different names, got "
                f"{', '.join(names) or 'no column'}"
            )
        columns = [factors[c].to_numpy() for c in factors.columns]
    elif not isinstance(factors, (Tensor, np.ma.MaskedArray)):
        array = np.asarray(factors)
        if array.dtype.kind in "OUS":
            if array.ndim == 1:
                array = array[:, None]
            if array.ndim != 2:
                raise ValueError(f"{name} must have shape (n, k), got {array.shape}")
            columns = list(array.T)
    if columns:
        known = (like.words if like is not None else ()) or ((),) * len(columns)
        if len(known) != len(columns):
            known = ((),) * len(columns)  # refused with the right words later
        found = [_numbers(c, w) for c, w in zip(columns, known, strict=True)]
        names = names or _numbered(len(columns))
        values = torch.stack([column for column, _ in found], dim=1)
        whole = [column.dtype.kind in "iu" for column in columns]
        values = _without_minus_one(values, whole, names, kinds, like)
        return values, names, tuple(words for _, words in found)
    table = as_tensor(factors, name)
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(
            f"{name} must have shape (n, k), one column a factor, "
            f"got {tuple(table.shape)}"
        )
    values = table.to(computing_dtype(table.device))
    k = table.shape[1]
    whole = [not table.dtype.is_floating_point] * k
    values = _without_minus_one(values, whole, _numbered(k), kinds, like)
    return values, _numbered(k), ((),) * k


def _without_minus_one(
    values: Tensor,
    whole: list[bool],
    names: Sequence[str],
    kinds: Sequence[str] | None,
    like: Factors | None,
) -> Tensor:
    """NaN for -1 in columns of whole numbers where it can only mean "missing".

    Test points follow the training points (``like``), whose -1 was one or not.
    """
    for j, name in enumerate(names):
        continuous = kinds is not None and j < len(kinds) and kinds[j] == "continuous"
        if not whole[j] or continuous:
            continue
        column = values[:, j]
        missing = column == -1
        if not bool(missing.any()):
            continue
        rest = column[~missing]
        if like is not None and j < len(like.names):
            if bool((like.classes[j] == -1).any()):
                continue
        elif bool((rest < 0).any()) or len(rest.unique()) < 2:
            continue
        warnings.warn(
            f"-1 is taken for a missing value in {name} ({int(missing.sum())} of "
            f"{len(column)} points); if it is a value, give the column as floats",
            UserWarning,
            stacklevel=4,
        )
        values = values.clone()
        values[missing, j] = torch.nan
    return values


def _numbers(
    column: np.ndarray, known: tuple[str, ...]
) -> tuple[Tensor, tuple[str, ...]]:
    """One column as float64: numbers as they are, words by alphabetical rank.

    Words that are ``known`` keep their numbers; others come after them.
    """
    if column.dtype.kind in "biuf":
        return torch.from_numpy(column.astype(np.float64)), ()
    missing = np.array([_is_missing(v) for v in column])
    try:
        if known:
            raise ValueError("these are words")
        numbers = np.where(missing, np.nan, column).astype(np.float64)
        return torch.from_numpy(numbers), ()
    except (TypeError, ValueError):
        words = np.array([str(v) for v in column])
        new = sorted(set(words[~missing]) - set(known))
        number = {word: i for i, word in enumerate([*known, *new])}
        numbers = np.full(len(words), np.nan)
        numbers[~missing] = [number[word] for word in words[~missing]]
        return torch.from_numpy(numbers), tuple(number)


def _is_missing(value: Any) -> bool:
    try:
        return value is None or value == "" or bool(value != value)
    except TypeError:  # pandas' NA: whether it is itself is NA
        return True


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(f"factor {j}" for j in range(count))
