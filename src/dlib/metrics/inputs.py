"""What every metric is given: codes and factors, checked once, in one place.

Codes are posterior means (or any representation), one row a point. Factors are
the causes, in the same row order: indices, labels or real values, with gaps.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from dlib.data.factors import FactorSpace

Kind = Literal["continuous", "categorical"]

# Metrics that take real-valued factors as they are; named in error messages.
TAKE_CONTINUOUS = ("sap", "irs", "dci with predictor='forest'")


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


def as_codes(codes: Any, *, name: str = "codes") -> Codes:
    """Check codes and put them in one matrix.

    Parameters
    ----------
    codes : array, Tensor, DataFrame, or list of them
        Shape (n, d), or a list of chunks (n, d_1), (n, d_2), ...; a chunk may
        have shape (n,). ``Codes`` pass through untouched.
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
        length, entries are not numbers, or any is NaN or infinite.
    """
    if isinstance(codes, Codes):
        return codes
    if _is_list_of_chunks(codes):
        pieces = [_as_tensor(c, f"{name}[{i}]") for i, c in enumerate(codes)]
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
        values = _as_tensor(codes, name)
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
    values = values.detach().to(_computing_dtype(values.device)).contiguous()
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
        If lengths differ, the shape is wrong, a value is infinite, a column
        has no known value or only one, names and kinds do not fit, or a DataFrame
        has other columns than ``like``.
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
            factors = _in_order(factors, like, name)
        values, found, words = _table(factors, name, kinds, like)
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
            if len(classes) < 2:
                raise ValueError(
                    f"{label} has one value only ({_value(classes)}) in these "
                    f"{checked.n} points, so nothing can be said about it; drop "
                    "the column or add points that differ in it"
                )
    return checked


def prepare(
    codes: Any,
    factors: Any,
    *,
    metric: str,
    minimum: int = 2,
    discrete: bool = False,
    names: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
) -> tuple[Codes, Factors]:
    """Check codes and factors together, for one metric.

    Parameters
    ----------
    codes, factors
        As in :func:`as_codes` and :func:`as_factors`.
    metric : str
        Named in messages.
    minimum : int
        Fewest points that the protocol makes sense for.
    discrete : bool
        Whether the metric counts values, so that real-valued factors are out.

    Raises
    ------
    ValueError
        As the two functions do; and if there are fewer than ``minimum`` points
        or a factor is real-valued where it may not be.
    """
    checked_codes = as_codes(codes)
    checked_factors = as_factors(factors, checked_codes, names=names, kinds=kinds)
    require_points(checked_codes.n, minimum, metric)
    if discrete:
        require_discrete(checked_factors, metric)
    return checked_codes, checked_factors


def prepare_test(
    codes: Codes,
    factors: Factors,
    codes_test: Any,
    factors_test: Any,
    *,
    metric: str,
    minimum: int = 2,
) -> tuple[Codes, Factors]:
    """Check test points against training points that are already checked.

    Raises
    ------
    ValueError
        If only one of the two is given, or their columns are not the training
        columns.
    """
    if codes_test is None or factors_test is None:
        raise ValueError(
            f"{metric} needs test points: give both codes_test and factors_test"
        )
    with warnings.catch_warnings():
        # A code that is constant was announced when the training codes came.
        warnings.simplefilter("ignore", UserWarning)
        codes_test = as_codes(codes_test, name="codes_test")
    factors_test = as_factors(
        factors_test,
        codes_test,
        names=None if isinstance(factors_test, Factors) else factors.names,
        kinds=None if isinstance(factors_test, Factors) else factors.kinds,
        varying=False,
        name="factors_test",
        like=factors,
    )
    if codes_test.latent_dim != codes.latent_dim:
        raise ValueError(
            f"codes_test must have {codes.latent_dim} columns like codes, "
            f"got {codes_test.latent_dim}"
        )
    if len(factors_test.names) != len(factors.names):
        raise ValueError(
            f"factors_test must have {len(factors.names)} columns like factors, "
            f"got {len(factors_test.names)}"
        )
    for label, known in zip(factors.names, factors_test.known.T, strict=True):
        if not bool(known.any()):
            raise ValueError(f"{label} is missing at all {codes_test.n} test points")
    require_points(codes_test.n, minimum, metric, "test points")
    return codes_test, factors_test


def halves(
    codes: Codes, factors: Factors, seed: int = 0, fraction: float = 2 / 3
) -> tuple[Codes, Factors, Codes, Factors]:
    """``fraction`` of the points to fit on, drawn by the seed, the rest to test on.

    Two thirds are the reference's 10,000 and 5,000. Points may come in any order,
    a grid's too.
    """
    order = torch.randperm(codes.n, generator=torch.Generator().manual_seed(seed))
    cut = round(codes.n * fraction)
    train, test = order[:cut].to(codes.device), order[cut:].to(codes.device)
    return codes.rows(train), factors.rows(train), codes.rows(test), factors.rows(test)


def require_points(n: int, minimum: int, metric: str, what: str = "points") -> None:
    """Raise ValueError if there are fewer than ``minimum`` points."""
    if n < minimum:
        raise ValueError(
            f"{metric} needs at least {minimum} {what} for its protocol, got {n}"
        )


def require_discrete(factors: Factors, metric: str) -> None:
    """Raise ValueError if a factor has too many values to be counted."""
    for j, label in enumerate(factors.names):
        if not factors.discrete[j]:
            raise ValueError(
                f"{metric} counts how often each value of a factor occurs, and "
                f"{label} is real-valued ({factors.sizes[j]} distinct values in "
                f"{factors.n} points). Metrics that take it as it is: "
                f"{', '.join(TAKE_CONTINUOUS)}. Or bin it first: "
                "metrics.bin_values(factors, bins=20)"
            )


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
    """
    if bins < 2:
        raise ValueError(f"bins must be at least 2, got {bins}")
    tensor = _as_tensor(values, "values")
    matrix = (tensor[:, None] if tensor.ndim == 1 else tensor).double()
    known = ~torch.isnan(matrix)
    low = matrix.masked_fill(~known, torch.inf).amin(dim=0)
    high = matrix.masked_fill(~known, -torch.inf).amax(dim=0)
    width = (high - low).clamp_min(torch.finfo(matrix.dtype).tiny) / bins
    index = ((matrix - low) / width).nan_to_num(0.0).long().clamp(0, bins - 1)
    index = index.masked_fill(~known, -1)
    return index[:, 0] if tensor.ndim == 1 else index


_KEPT = (torch.float32, torch.float64)


def _computing_dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def _is_list_of_chunks(codes: Any) -> bool:
    return (
        isinstance(codes, (list, tuple))
        and len(codes) > 0
        and all(hasattr(c, "ndim") and c.ndim in (1, 2) for c in codes)
    )


def _as_tensor(values: Any, name: str) -> Tensor:
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


def _in_order(factors: Any, like: Factors, name: str) -> Any:
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


def _table(
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
    table = _as_tensor(factors, name)
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(
            f"{name} must have shape (n, k), one column a factor, "
            f"got {tuple(table.shape)}"
        )
    values = table.to(_computing_dtype(table.device))
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
    empty = (~known.any(dim=0)).nonzero()[:, 0].tolist()
    if empty:
        raise ValueError(
            f"{names[empty[0]]} is missing at all {len(values)} points; drop the column"
        )
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
    low, high = values.aminmax()
    if bool((values == values.round()).all()) and float(high - low) <= len(values):
        # Whole numbers close together: counting is quicker than sorting.
        offset = (values - low).long()
        present = torch.bincount(offset) > 0
        return present.nonzero()[:, 0] + low, (present.cumsum(0) - 1)[offset]
    return values.unique(return_inverse=True)


def _value(classes: Tensor) -> str:
    return f"{float(classes[0]):g}" if len(classes) else "none"
