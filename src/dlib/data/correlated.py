"""Two factors that come together: the law of a data set, weighed by a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from dlib.data.dataset import Dataset, Wrapper, accept_for_each, draw_until


class Correlated(Wrapper):
    """The same points, drawn in proportion to a table of two of their factors.

    Laws multiply: what is correlated twice has both tables, and a part of it too.

    Parameters
    ----------
    of : Dataset
        The points, and the law that is weighed.
    factors : (str, str)
        Names of the two factors.
    table : Tensor
        Weights, not negative, shape (size of the first, size of the second), such
        as :func:`gaussian_law` and :func:`line_law` make.

    Raises
    ------
    ValueError
        If the factors are not two of the data set's, the table does not fit them,
        or its entries are negative, not finite or all zero.
    """

    def __init__(self, of: Dataset, factors: Sequence[str], table: Tensor) -> None:
        super().__init__(of)
        names = of.space.names
        if len(factors) != 2 or factors[0] == factors[1] or set(factors) - set(names):
            raise ValueError(
                f"two different factors of {', '.join(names)} can be correlated; "
                f"got {', '.join(map(str, factors))}"
            )
        self.uniform = False
        self.columns = tuple(names.index(name) for name in factors)
        table = torch.as_tensor(table, dtype=torch.float64)
        sizes = tuple(of.space.sizes[column] for column in self.columns)
        if tuple(table.shape) != sizes:
            raise ValueError(
                f"the table of {factors[0]} and {factors[1]} must have shape {sizes}, "
                f"got {tuple(table.shape)}"
            )
        good = bool((table.isfinite() & (table >= 0)).all()) and bool(table.any())
        if not good:
            raise ValueError(
                "a table's weights must be finite, not negative and not all zero"
            )
        # The largest weight is always accepted.
        self.table = (table / table.max()).to(self.device, torch.float32)

    def _difference(self) -> str:
        first, second = (self.space.names[column] for column in self.columns)
        return f"{first} correlated with {second}"

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        def propose(m: int) -> tuple[Tensor, Tensor]:
            index = self.of.draw(m, generator)
            return index, self._accepted(index, generator)

        return draw_until(n, propose, f"drawing correlated {self.name}")

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        def propose(waiting: Tensor) -> tuple[Tensor, Tensor]:
            other = self.of.sharing(waiting, columns, generator)
            return other, self._accepted(other, generator)

        return accept_for_each(index, propose, f"a partner in correlated {self.name}")

    def _accepted(self, index: Tensor, generator: torch.Generator) -> Tensor:
        first, second = self.of.factors(index)[:, list(self.columns)].unbind(1)
        if bool((first < 0).any()) or bool((second < 0).any()):
            raise ValueError(
                "a factor that is unknown at some points can't be correlated: "
                "correlate the domain before it is merged"
            )
        device = generator.device
        u = torch.rand(len(index), generator=generator, device=device)
        return u.to(self.device) < self.table[first, second]


def gaussian_law(n1: int, n2: int, sigma: float, *, inverted: bool = False) -> Tensor:
    """A ridge along the diagonal: ``exp(-(c1 - c2)^2 / (2 sigma^2))``.

    Träuble et al. (2021), section 3, with both factors scaled to [0, 1] as Roth et
    al. (2023) have it: their alpha is then 1, and sigma has one meaning for all
    pairs (.04, .1 and .4 there; .2, .4 and .7 in the first).

    Parameters
    ----------
    n1, n2 : int
        Sizes of the two factors.
    sigma : float
        Width of the ridge; the smaller, the stronger the correlation.
    inverted : bool
        Let the second factor fall where the first rises.

    Returns
    -------
    Tensor
        float64 (n1, n2), adding up to 1.

    Raises
    ------
    ValueError
        If a size or ``sigma`` is not positive.
    """
    _check_law(n1, n2, sigma, "sigma")
    first = torch.linspace(0, 1, n1, dtype=torch.float64)[:, None]
    second = torch.linspace(0, 1, n2, dtype=torch.float64)[None]
    if inverted:
        second = 1 - second
    table = (-((first - second) ** 2) / (2 * sigma**2)).exp()
    return table / table.sum()


def line_law(n1: int, n2: int, width: float) -> Tensor:
    """A blurred line through the table, as the code of Träuble et al. (2021) has it.

    That code does not evaluate the paper's formula. It draws a line from corner to
    corner, ``ceil(width * min(n1, n2))`` cells wide, blurs it with a Gaussian
    kernel of ``min(n1, n2) // 4`` cells (made odd), and normalises; ``width`` of 1
    or more is uniform. This is the same table within a total variation of .05 (of
    OpenCV 5's own, for tables from 8 x 10 to 40 x 32 and the three strengths).

    Parameters
    ----------
    n1, n2 : int
        Sizes of the two factors.
    width : float
        The paper's strength: 0.2, 0.4, 0.7.

    Returns
    -------
    Tensor
        float64 (n1, n2), adding up to 1.

    Raises
    ------
    ValueError
        If a size or ``width`` is not positive.
    """
    _check_law(n1, n2, width, "width")
    if width >= 1:
        return torch.full((n1, n2), 1 / (n1 * n2), dtype=torch.float64)
    smaller = min(n1, n2)
    y = torch.arange(n1, dtype=torch.float64)[:, None]
    x = torch.arange(n2, dtype=torch.float64)[None]
    # Distance of each cell from the line through (0, 0) and (n2, n1).
    distance = (n2 * y - n1 * x).abs() / math.hypot(n1, n2)
    # OpenCV's thick lines reach about half a cell further than their width says.
    line = (distance <= (math.ceil(width * smaller) + 1) / 2).double()
    kernel = smaller // 4
    kernel += 1 - kernel % 2
    table = _blur(_blur(line, kernel).T, kernel).T if kernel > 1 else line
    return table / table.sum()


def _blur(rows: Tensor, kernel: int) -> Tensor:
    """Gaussian of OpenCV's default width along the second axis, edges mirrored."""
    sigma = 0.3 * ((kernel - 1) * 0.5 - 1) + 0.8
    reach = kernel // 2
    offsets = torch.arange(-reach, reach + 1, dtype=torch.float64)
    weights = (-(offsets**2) / (2 * sigma**2)).exp()
    weights = (weights / weights.sum())[None, None]
    padded = torch.nn.functional.pad(rows[:, None], (reach, reach), mode="reflect")
    return torch.nn.functional.conv1d(padded, weights)[:, 0]


def _check_law(n1: int, n2: int, strength: float, name: str) -> None:
    for label, value in (("n1", n1), ("n2", n2), (name, strength)):
        if not value > 0:
            raise ValueError(f"{label} must be positive, got {value}")
