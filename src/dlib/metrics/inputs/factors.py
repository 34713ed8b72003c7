"""Factors: the causes, one column each, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from dlib.metrics.inputs.applicable import NotApplicable
from dlib.metrics.inputs.codes import Codes
from dlib.metrics.inputs.reading import as_tensor, in_order, read_table

if TYPE_CHECKING:
    from dlib.data.factors import FactorSpace

Kind = Literal["continuous", "categorical"]


@dataclass(frozen=True)
class Factors:
    """Checked factors, one column each.

    Attributes
    ----------
    values : Tensor
        Shape (n, k), same dtype and device as the codes; NaN where missing.
        Words are numbered in alphabetical order.
    names : tuple of str
        One a column.
    kinds : tuple of {"continuous", "categorical"}
        Whether the order of the values means something.
    discrete : tuple of bool
        Whether the column has few enough distinct values to count them.
    words : tuple of (tuple of str)
        What the numbers of each column stand for; empty for a column of numbers.
    titled : bool
        Whether the names are a DataFrame's own.
    """

    values: Tensor
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    discrete: tuple[bool, ...]
    words: tuple[tuple[str, ...], ...] = ()
    titled: bool = False

    @property
    def n(self) -> int:
        """Number of points."""
        return self.values.shape[0]

    @cached_property
    def known(self) -> Tensor:
        """Bool (n, k): where the value is not missing."""
        return ~torch.isnan(self.values)

    @cached_property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return bool(self.known.all())

    @property
    def classes(self) -> tuple[Tensor, ...]:
        """The distinct known values of each column, ascending."""
        return self._counted[0]

    @property
    def labels(self) -> Tensor:
        """int64 (n, k): position of each value in ``classes``; -1 where missing."""
        return self._counted[1]

    @cached_property
    def _counted(self) -> tuple[tuple[Tensor, ...], Tensor]:
        classes, labels = [], []
        for j in range(len(self.names)):
            if self.complete:
                distinct, label = _distinct(self.values[:, j])
            else:
                known = self.known[:, j]
                distinct, found = _distinct(self.values[known, j])
                label = torch.full_like(known, -1, dtype=torch.long)
                label[known] = found
            classes.append(distinct)
            labels.append(label)
        return tuple(classes), torch.stack(labels, dim=1)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of distinct values in each column."""
        return tuple(len(classes) for classes in self.classes)

    def rows(self, index: Tensor) -> Factors:
        """The same factors at some of the points."""
        return replace(self, values=self.values[index])

    def columns(self, names: Sequence[str]) -> Factors:
        """Some of the factors, in the order of ``names``.

        Raises
        ------
        ValueError
            If a name is not a factor's, or none is given.
        """
        at = positions(names, self.names)
        return replace(
            self,
            values=self.values[:, at],
            names=tuple(self.names[j] for j in at),
            kinds=tuple(self.kinds[j] for j in at),
            discrete=tuple(self.discrete[j] for j in at),
            words=tuple(self.words[j] for j in at) if self.words else (),
        )


def positions(chosen: Sequence[str], names: Sequence[str]) -> list[int]:
    """Where the chosen factors stand among ``names``.

    Raises
    ------
    ValueError
        If one is not among them, is chosen twice, or none is chosen.
    """
    if isinstance(chosen, str):
        raise ValueError(f"factors is a list of names, got {chosen!r}; put it in one")
    for name in chosen:
        if name not in names:
            raise ValueError(
                f"no factor is called {name!r}; there are {', '.join(names)}"
            )
    if not chosen or len(set(chosen)) < len(chosen):
        raise ValueError(
            f"factors must name at least one factor, and each once, got {list(chosen)}"
        )
    return [list(names).index(name) for name in chosen]


def as_factors(
    factors: Any,
    codes: Codes | None = None,
    *,
    names: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    space: FactorSpace | None = None,
    varying: bool = True,
    name: str = "factors",
    like: Factors | None = None,
) -> Factors:
    """Check factors and put them in one table.

    Parameters
    ----------
    factors : array, Tensor, DataFrame, or list
        Shape (n, k), or (n,) for one factor. Indices, numbers or words.
        Missing values are NaN (None in a DataFrame, masked in a masked array); in
        columns of an integer type -1 too, announced by a ``UserWarning``, where
        there are at least two other values, none of them negative, and the kind
        is not continuous. ``Factors`` pass through.
    codes : Codes, optional
        Must have as many points; the result lives on their device.
    names : sequence of str, optional
        Of the columns; a DataFrame's own, or ``factor 0``, ... without.
    kinds : sequence of {"continuous", "categorical"}, optional
        One a column. Without: continuous where any value is not whole,
        categorical otherwise; a FactorSpace knows better, so pass its kinds.
    space : FactorSpace, optional
        Gives names and kinds.
    varying : bool
        Whether a column with a single value is an error.
    name : str
        What messages call the argument.
    like : Factors, optional
        The training points' factors, whose words have their numbers already and
        whose column titles, if any, say which column is which.

    Raises
    ------
    ValueError
        If lengths differ, the shape is wrong, a value is infinite, names and kinds
        do not fit, or a DataFrame has other columns than ``like``.
    NotApplicable
        If ``varying`` and a column has no known value, or only one.
    """
    if isinstance(factors, Factors):
        checked = factors
        if codes is not None and checked.values.device != codes.device:
            checked = replace(checked, values=checked.values.to(codes.device))
    else:
        if space is not None:
            names = names or space.names
            kinds = kinds or space.kinds
        if like is not None:
            factors = in_order(factors, like, name)
        values, found, words = read_table(factors, name, kinds, like)
        titled = names is None and hasattr(factors, "columns")
        names = tuple(names) if names is not None else found
        checked = _checked_factors(values, names, kinds, codes, name)
        checked = replace(checked, words=words, titled=titled)
    if codes is not None and checked.n != codes.n:
        raise ValueError(
            f"codes and {name} must have the same number of points, one row each: "
            f"got {codes.n} rows of codes and {checked.n} of {name}"
        )
    if varying:
        for label, classes in zip(checked.names, checked.classes, strict=True):
            if len(classes) == 0:
                raise NotApplicable(
                    f"{label} is missing at all {checked.n} points; drop the column"
                )
            if len(classes) == 1:
                raise NotApplicable(
                    f"{label} has one value only ({_value(classes)}) in these "
                    f"{checked.n} points, so nothing can be said about it; drop "
                    "the column or add points that differ in it"
                )
    return checked


def bin_values(values: Any, bins: int = 20) -> Tensor:
    """Equal-width bins of each column, from its minimum to its maximum.

    Parameters
    ----------
    values : array or Tensor
        Real values, shape (n, k) or (n,); NaN stays missing (-1).
    bins : int
        How many.

    Returns
    -------
    Tensor
        int64, same shape: 0 to ``bins - 1``, and -1 where the value was NaN.

    Raises
    ------
    ValueError
        If ``bins`` is below 2.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> metrics.bin_values(np.array([0.0, 0.4, np.nan, 0.6, 1.0]), bins=2)
    tensor([ 0,  0, -1,  1,  1])
    """
    if bins < 2:
        raise ValueError(f"bins must be at least 2, got {bins}")
    tensor = as_tensor(values, "values")
    matrix = (tensor[:, None] if tensor.ndim == 1 else tensor).double()
    known = ~torch.isnan(matrix)
    low = matrix.masked_fill(~known, torch.inf).amin(dim=0)
    high = matrix.masked_fill(~known, -torch.inf).amax(dim=0)
    width = (high - low).clamp_min(torch.finfo(matrix.dtype).tiny) / bins
    index = ((matrix - low) / width).nan_to_num(0.0).long().clamp(0, bins - 1)
    index = index.masked_fill(~known, -1)
    return index[:, 0] if tensor.ndim == 1 else index


def _checked_factors(
    values: Tensor,
    names: Sequence[str],
    kinds: Sequence[str] | None,
    codes: Codes | None,
    name: str,
) -> Factors:
    if codes is not None:
        values = values.to(codes.device, codes.values.dtype)
    if len(names) != values.shape[1]:
        raise ValueError(
            f"{name} has {values.shape[1]} columns, got {len(names)} names: "
            f"{', '.join(map(str, names))}"
        )
    if bool(values.isinf().any()):
        raise ValueError(f"{name} must not be infinite; a missing value is NaN")
    known = ~torch.isnan(values)
    whole = ((values == values.round()) | ~known).all(dim=0).tolist()
    if kinds is None:
        kinds = ["categorical" if w else "continuous" for w in whole]
    if len(kinds) != values.shape[1]:
        raise ValueError(
            f"kinds must name one kind for each of the {values.shape[1]} columns of "
            f"{name}, got {len(kinds)}"
        )
    checked_kinds: list[Kind] = []
    for kind in kinds:
        if kind == "continuous":
            checked_kinds.append("continuous")
        elif kind == "categorical":
            checked_kinds.append("categorical")
        else:
            raise ValueError(
                f"a factor's kind is 'continuous' or 'categorical', got {kind!r}"
            )
    # Real values count as discrete where each comes at least ten times on
    # average: an orientation in radians is, a temperature is not.
    # Whole numbers do, unless nearly every point has its own, as a row number.
    distinct = [len(values[known[:, j], j].unique()) for j in range(len(whole))]
    discrete = tuple(
        count <= max(100, len(values) // 2) if w else count * 10 <= len(values)
        for w, count in zip(whole, distinct, strict=True)
    )
    return Factors(values, tuple(names), tuple(checked_kinds), discrete)


def _distinct(values: Tensor) -> tuple[Tensor, Tensor]:
    """Distinct values, ascending, and the position of each value among them."""
    if len(values) == 0:
        return values, values.long()
    low, high = values.aminmax()
    if bool((values == values.round()).all()) and float(high - low) <= len(values):
        # Whole numbers close together: counting is quicker than sorting.
        offset = (values - low).long()
        present = torch.bincount(offset) > 0
        return present.nonzero()[:, 0] + low, (present.cumsum(0) - 1)[offset]
    return values.unique(return_inverse=True)


def _value(classes: Tensor) -> str:
    return f"{float(classes[0]):g}"
