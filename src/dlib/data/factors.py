"""Factor spaces: the finite grids of causes that pictures are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Kind = Literal["continuous", "categorical"]


@dataclass(frozen=True)
class Factor:
    """One cause of variation: its name, its values in order, and their kind.

    Parameters
    ----------
    name : str
        The data set's own name, such as ``"orientation"``.
    values : tuple of float
        The value of each index, in the factor's unit (radians, degrees, ...).
    kind : {"continuous", "categorical"}
        Whether the order of the values means something. Metrics that regress
        (SAP) treat the two differently.
    labels : tuple of str, optional
        Words for the values of a categorical factor, such as ``"heart"``.
    """

    name: str
    values: tuple[float, ...]
    kind: Kind = "continuous"
    labels: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.values)


class FactorSpace:
    """A grid of factors, and the arithmetic between its three addresses.

    A point of the grid is written as *factors* (one index per factor, a row of
    a ``(n, k)`` int64 tensor), as a flat *index* (C order: the last factor
    varies fastest, as in the official files) or as *values* (the factors'
    physical units).

    Parameters
    ----------
    factors : sequence of Factor
        In the order of the data set's file.

    Raises
    ------
    ValueError
        If there is no factor, a factor has no value, or two share a name.
    """

    def __init__(self, factors: Sequence[Factor]) -> None:
        self.factors = tuple(factors)
        self.names = tuple(f.name for f in self.factors)
        self.sizes = tuple(f.size for f in self.factors)
        self.kinds: tuple[Kind, ...] = tuple(f.kind for f in self.factors)
        if not self.factors or 0 in self.sizes:
            raise ValueError(
                "a factor space needs at least one factor, each with at least "
                f"one value; got sizes {self.sizes}"
            )
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"factor names must differ, got {self.names}")

    def __len__(self) -> int:
        return math.prod(self.sizes)

    def __repr__(self) -> str:
        inside = ", ".join(f"{f.name}: {f.size}" for f in self.factors)
        return f"FactorSpace({inside})"

    def position(self, name: str) -> int:
        """Column of the factor called ``name``.

        Raises
        ------
        KeyError
            If there is no such factor; the message lists those there are.
        """
        if name not in self.names:
            raise KeyError(f"no factor {name!r}; there are {', '.join(self.names)}")
        return self.names.index(name)

    def check(self, factors: Tensor) -> Tensor:
        """Return ``factors`` as int64 of shape (n, k), or say what is wrong.

        Raises
        ------
        TypeError
            If the tensor is not of an integer type.
        ValueError
            If the shape is not (n, k), or an index lies outside its factor.
        """
        inexact = factors.is_floating_point() or factors.is_complex()
        if inexact or factors.dtype == torch.bool:
            raise TypeError(
                f"factors are integer indices, got {factors.dtype}; "
                "use factors.round().long()"
            )
        if factors.ndim != 2 or factors.shape[1] != len(self.sizes):
            raise ValueError(
                f"factors must have shape (n, {len(self.sizes)}), one column for "
                f"each of {', '.join(self.names)}; got {tuple(factors.shape)}"
            )
        factors = factors.long()
        sizes = torch.tensor(self.sizes, device=factors.device)
        outside = (factors < 0) | (factors >= sizes)
        # One host round-trip for the whole batch, not one for each factor.
        if bool(outside.any()):
            row, column = outside.nonzero()[0].tolist()
            raise ValueError(
                f"{self.names[column]} must be in 0..{self.sizes[column] - 1}, "
                f"got {int(factors[row, column])} in row {row}"
            )
        return factors

    def to_index(self, factors: Tensor) -> Tensor:
        """Flat index, shape (n,), of each row of ``factors``, shape (n, k)."""
        factors = factors.long()  # small integer types would overflow
        index = torch.zeros_like(factors[:, 0])
        for column, size in enumerate(self.sizes):
            index = index * size + factors[:, column]
        return index

    def to_factors(self, index: Tensor) -> Tensor:
        """Factors, shape (n, k), of each flat index, shape (n,)."""
        columns = []
        for size in reversed(self.sizes):
            columns.append(index % size)
            index = index // size
        return torch.stack(columns[::-1], dim=1)

    def to_values(self, factors: Tensor) -> Tensor:
        """Physical values, float32 (n, k), of each row of ``factors``."""
        columns = [
            torch.tensor(f.values, dtype=torch.float32, device=factors.device)[
                factors[:, column]
            ]
            for column, f in enumerate(self.factors)
        ]
        return torch.stack(columns, dim=1)

    def sample(
        self, n: int, generator: torch.Generator, fixed: dict[str, int] | None = None
    ) -> Tensor:
        """Draw ``n`` points uniformly and independently.

        Parameters
        ----------
        n : int
            How many.
        generator : torch.Generator
            Its device is where the result lives.
        fixed : dict of str to int, optional
            Factors that are held at one index.

        Returns
        -------
        Tensor
            int64, shape (n, k).
        """
        device = generator.device
        columns = [
            torch.randint(size, (n,), generator=generator, device=device)
            for size in self.sizes
        ]
        factors = torch.stack(columns, dim=1)
        for name, value in (fixed or {}).items():
            factors[:, self.position(name)] = value
        return self.check(factors) if fixed else factors

    def grid(self, device: torch.device | str = "cpu") -> Tensor:
        """Every point, int64 (len(self), k), in the order of the flat index."""
        return self.to_factors(torch.arange(len(self), device=device))
