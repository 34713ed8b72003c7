"""Where metrics that draw their own samples draw them from.

Z-diff and the FactorVAE score ask for points that share one factor. A
:class:`Grid` draws them from a whole factor space and encodes each distinct image
once; a :class:`Table` draws them from points that are already encoded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from dlib.inference import encode
from dlib.metrics.inputs.applicable import NotApplicable, instead
from dlib.metrics.inputs.checks import prepare, require_discrete
from dlib.metrics.inputs.factors import positions

if TYPE_CHECKING:
    from dlib.data.factors import FactorSpace

# Fewer, and too many of the pairs would be one point paired with itself.
POINTS_A_VALUE = 10
BLOCK = 250  # groups looked up at a time, so that their codes stay in the cache

CodesOf = Callable[[Tensor], Tensor]


class Population(Protocol):
    """Points, addressed by an integer, of which some share a factor's value."""

    names: tuple[str, ...]
    latent_dim: int

    @property
    def device(self) -> torch.device: ...

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Points drawn uniformly, int64 of the given shape."""

    def sharing(
        self, points: Tensor, factor: Tensor, generator: torch.Generator
    ) -> Tensor:
        """For each point, another drawn uniformly among those with its value.

        ``factor``, int64 and broadcastable to ``points``, says of which factor.
        """

    def codes(self, points: Tensor) -> Tensor:
        """Codes (*points.shape, latent_dim) of the points."""

    def prepare(self, *points: Tensor) -> None:
        """Have the codes of all these points ready at once."""


class Table:
    """Points with known codes and factors; draws are among them.

    Parameters
    ----------
    codes, factors
        As in :func:`dlib.metrics.inputs.prepare`; the factors discrete and
        without gaps.
    metric : str
        Named in messages.

    Raises
    ------
    ValueError
        As :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If a factor is real-valued or has gaps, for which points share a value is
        then unknown; or if there are fewer than 10 points a value.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> factors = np.arange(400).reshape(200, 2) // 2 % 4
    >>> table = metrics.Table(factors + 0.5, factors)
    >>> metrics.factor_vae(table, n_train=200, n_test=100)["active"]
    2.0
    """

    def __init__(self, codes: Any, factors: Any, metric: str = "the metric") -> None:
        checked, table = prepare(codes, factors, metric=metric, minimum=20)
        require_discrete(table, metric)
        if not table.complete:
            raise NotApplicable(
                f"{metric} draws points that share a factor's value, so no value may "
                "be missing; drop the rows with gaps, leave the factor out, or use "
                f"metrics that take them: {instead(gaps=True)}"
            )
        for label, size in zip(table.names, table.sizes, strict=True):
            if table.n < POINTS_A_VALUE * size:
                raise NotApplicable(
                    f"{metric} draws points that share a factor's value, and {label} "
                    f"has {size} values in {table.n} points; it needs at least "
                    f"{POINTS_A_VALUE} points a value on average"
                )
        self.names = table.names
        self.latent_dim = checked.latent_dim
        # Centred first: float32 keeps distances, not places far from zero.
        self._codes = (checked.values - checked.values.mean(dim=0)).float()
        labels = table.labels
        sizes = torch.tensor(table.sizes, device=labels.device)
        # One flat list of groups, factor after factor; points in group order.
        groups = labels + torch.cat([sizes.new_zeros(1), sizes.cumsum(0)[:-1]])
        self._group = groups  # (n, k)
        self._members = torch.cat([g.argsort() for g in labels.T])
        self._count = torch.bincount(groups.flatten())
        self._start = self._count.cumsum(0) - self._count

    @property
    def device(self) -> torch.device:
        return self._codes.device

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        n = len(self._codes)
        return torch.randint(n, shape, generator=generator, device=self.device)

    def sharing(
        self, points: Tensor, factor: Tensor, generator: torch.Generator
    ) -> Tensor:
        group = self._group[points, factor.expand_as(points)]
        u = torch.rand(
            points.shape, generator=generator, device=self.device, dtype=torch.float64
        )
        return self._members[self._start[group] + (u * self._count[group]).long()]

    def prepare(self, *points: Tensor) -> None:
        """Nothing to do: everything is encoded."""

    def codes(self, points: Tensor) -> Tensor:
        return self._codes[points]


class Grid:
    """A whole factor space, encoded on demand, each distinct image once.

    Codes are kept: two metrics that share a ``Grid`` share its encodings.

    Parameters
    ----------
    codes_of : callable
        Takes factors, int64 (m, k), and gives their codes, (m, d); see
        :func:`codes_of`.
    space : FactorSpace
        The factors' sizes and names.
    device : torch.device or str
        Where codes are kept and points are drawn.

    Examples
    --------
    >>> from dlib import data, metrics
    >>> space = data.FactorSpace([data.Factor(name, (0, 1, 2)) for name in "abc"])
    >>> grid = metrics.Grid(lambda factors: factors.float(), space)
    >>> metrics.factor_vae(grid, n_train=200, n_test=100).value, grid.encoded
    (1.0, 27)
    """

    def __init__(
        self,
        codes_of: CodesOf,
        space: FactorSpace,
        device: torch.device | str = "cpu",
    ) -> None:
        self.space = space
        self.names = space.names
        self._codes_of = codes_of
        self._device = torch.device(device)
        strides = [1]
        for size in space.sizes[:0:-1]:
            strides.append(strides[-1] * size)
        self._sizes = torch.tensor(space.sizes, device=self._device)
        self._strides = torch.tensor(strides[::-1], device=self._device)
        # Row of each point's code, -1 while it has none.
        self._row = torch.full((len(space),), -1, device=self._device)
        self._codes = self._encode(torch.zeros(1, dtype=torch.long, device=device))
        self._row[0] = 0
        self.latent_dim = self._codes.shape[1]

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def encoded(self) -> int:
        """How many distinct images have been encoded."""
        return len(self._codes)

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        total = len(self.space)
        return torch.randint(total, shape, generator=generator, device=self._device)

    def sharing(
        self, points: Tensor, factor: Tensor, generator: torch.Generator
    ) -> Tensor:
        stride, size = self._strides[factor], self._sizes[factor]
        others = self.draw(tuple(points.shape), generator)
        difference = points // stride % size - others // stride % size
        return others + difference * stride

    def prepare(self, *points: Tensor) -> None:
        """Encode what of these points has no code yet, in one go."""
        wanted = torch.zeros_like(self._row, dtype=torch.bool)
        for some in points:
            wanted[some.flatten()] = True
        new = (wanted & (self._row < 0)).nonzero()[:, 0]
        if len(new):
            codes = self._encode(new)
            self._row[new] = torch.arange(len(new), device=self._device) + self.encoded
            self._codes = torch.cat([self._codes, codes])

    def codes(self, points: Tensor) -> Tensor:
        row = self._row[points]
        if bool((row < 0).any()):
            self.prepare(points)
            row = self._row[points]
        return self._codes[row]

    def _encode(self, index: Tensor) -> Tensor:
        codes = self._codes_of(self.space.to_factors(index))
        if codes.ndim != 2 or len(codes) != len(index):
            raise ValueError(
                f"codes_of must give one row of codes for each row of factors: got "
                f"shape {tuple(codes.shape)} for {len(index)} rows"
            )
        if not bool(codes.isfinite().all()):
            raise ValueError("codes_of gave NaN or infinite codes")
        return codes.detach().to(self._device, torch.float32)


class Chosen:
    """A population whose points share some of its factors only.

    The others vary freely: which factors Z-diff chooses from is part of its
    protocol (Higgins et al. leave dSprites' shape out).

    Parameters
    ----------
    population : Grid, Table
        Whose points and codes these are.
    names : sequence of str
        The factors that points may share.

    Raises
    ------
    ValueError
        If a name is not a factor's, or none is given.
    """

    def __init__(self, population: Population, names: Sequence[str]) -> None:
        at = positions(names, population.names)
        self._population = population
        self._at = torch.tensor(at, device=population.device)
        self.names = tuple(names)
        self.latent_dim = population.latent_dim

    @property
    def device(self) -> torch.device:
        return self._population.device

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return self._population.draw(shape, generator)

    def sharing(
        self, points: Tensor, factor: Tensor, generator: torch.Generator
    ) -> Tensor:
        return self._population.sharing(points, self._at[factor], generator)

    def prepare(self, *points: Tensor) -> None:
        self._population.prepare(*points)

    def codes(self, points: Tensor) -> Tensor:
        return self._population.codes(points)


def as_population(
    codes: Any, factors: Any, space: FactorSpace | None, metric: str
) -> Population:
    """A population made of whatever a caller has.

    Raises
    ------
    ValueError
        If codes come as an array without factors, or as a callable without a
        space; or as :class:`Chosen`.
    """
    if callable(codes) and not isinstance(codes, Tensor):
        if space is None:
            raise ValueError(
                f"{metric} was given a function of factors and needs to know which "
                "factors there are: pass space=dataset.space"
            )
        codes = Grid(codes, space)
    if isinstance(codes, (Grid, Table, Chosen)):
        return codes if factors is None else Chosen(codes, factors)
    if factors is None:
        raise ValueError(
            f"{metric} draws points that share a factor: give it factors beside the "
            "codes, or a function codes_of(factors) and space="
        )
    return Table(codes, factors, metric)


def populations(
    codes: Any,
    factors: Any,
    codes_test: Any,
    factors_test: Any,
    space: FactorSpace | None,
    metric: str,
) -> tuple[Population, Population]:
    """Where to draw points to fit on, and points to test on; one twice, maybe.

    Raises
    ------
    ValueError
        As :func:`as_population`; or if the two have other factors or numbers of codes.
    """
    fit = as_population(codes, factors, space, metric)
    if codes_test is None:
        return fit, fit
    test = as_population(codes_test, factors_test, space, metric)
    if (test.names, test.latent_dim) != (fit.names, fit.latent_dim):
        raise ValueError(
            f"{metric} must test on the factors and codes that it fits on: got "
            f"{', '.join(fit.names)} and {fit.latent_dim} codes to fit on, "
            f"{', '.join(test.names)} and {test.latent_dim} codes to test on"
        )
    return fit, test


def codes_of(
    method: Any,
    dataset: Any,
    *,
    batch_size: int = 512,
    progress: Callable[[int], object] | None = None,
) -> CodesOf:
    """A function from factors to a method's codes.

    Parameters
    ----------
    method : Method
        With ``encode(images)``, which gives codes.
    dataset : Grid
        Its ``render`` draws the images of given factors.
    batch_size : int
        Images encoded at a time.
    progress : callable, optional
        Told, at each call of the function, how many are done by now.

    Returns
    -------
    callable
        Takes int64 (m, k), gives float32 (m, latent_dim). Each row given is
        rendered and encoded, in batches, without gradients.

    Examples
    --------
    >>> import torch
    >>> from dlib import data, metrics
    >>> class Corners(torch.nn.Module):
    ...     def encode(self, images):
    ...         return images[:, 0, ::31, ::31].flatten(1)
    >>> shapes = data.load("dsprites", source="twin", size=32)
    >>> codes = metrics.codes_of(Corners(), shapes)
    >>> codes(torch.zeros(3, 5, dtype=torch.long)).shape
    torch.Size([3, 4])
    >>> grid = metrics.Grid(codes, shapes.space)  # for z_diff and factor_vae
    """

    def codes(factors: Tensor) -> Tensor:
        return encode(
            method, dataset.render, factors, batch_size=batch_size, progress=progress
        )

    return codes
