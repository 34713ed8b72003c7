"""What a data set is here: a list of points with a law of drawing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from dlib.data.batch import Batch
from dlib.data.factors import FactorSpace
from dlib.data.order import RandomOrder

Source = Literal["twin", "sample", "official", "folder", "several"]

# Rejection gives up after so many rounds that brought nothing.
ROUNDS = 1000


class Dataset:
    """Points: how many, how to draw them, how they look, what they are.

    A point is an integer, its *index*. Subclasses say how points look
    (:meth:`images`) and what they are (:meth:`factors`); the law is uniform unless
    they say otherwise (:meth:`draw`).

    Parameters
    ----------
    name : str
        Such as ``"dsprites"``.
    source : {"twin", "sample", "official", "folder", "several"}
        Whether pictures are rendered afresh, a package's sample of the official ones,
        read from the official file or from a folder, or come from several data sets.
    space : FactorSpace
        Names and kinds of the columns of :meth:`factors`. Points need not fill it:
        200,000 photographs with 40 binary attributes lie in a space of 2^40 cells.
    channels, size : int
        Pictures are ``uint8`` of shape (channels, size, size), 0 to 255.
    device : torch.device or str
        Where pictures are made.
    """

    # Whether every point is equally likely to be drawn.
    uniform: bool = True
    # Whether a draw shows several pictures together: pairs, views.
    together: bool = False
    # How many points that follow one another are one picture, in several colours for
    # instance: a part has all of them or none.
    looks: int = 1

    def __init__(
        self,
        name: str,
        source: Source,
        space: FactorSpace,
        channels: int,
        size: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self.name = name
        self.source = source
        self.space = space
        self.channels = channels
        self.size = size
        self.device = torch.device(device)
        self._members: dict[tuple[int, ...], tuple[Tensor, Tensor, Tensor]] = {}

    # --- what a kind of data set defines ------------------------------------

    def __len__(self) -> int:
        """How many points there are."""
        raise TypeError(f"{type(self).__name__} must define __len__")

    def images(self, index: Tensor) -> Tensor:
        """Pictures of points: ``uint8``, shape (\\*index.shape, c, h, w)."""
        raise TypeError(f"{type(self).__name__} must define images")

    def factors(self, index: Tensor) -> Tensor:
        """Factors of points: int64, shape (\\*index.shape, k); -1 where unknown."""
        raise TypeError(f"{type(self).__name__} must define factors")

    def labels(self, index: Tensor) -> Tensor | None:
        """What weak supervision may see of points: int64 (n,), or nothing."""
        return None

    # --- the points, one after the other ------------------------------------

    def points(self, positions: Tensor) -> Tensor:
        """Index of the points that stand at some positions, 0 to len - 1."""
        return positions

    def positions(self, index: Tensor) -> Tensor:
        """Where points stand; outside 0 .. len - 1 if they are not in it."""
        return index

    # --- the law ------------------------------------------------------------

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """``n`` points drawn by the law, with replacement.

        Parameters
        ----------
        n : int
            How many.
        generator : torch.Generator
            Of any device; the same state gives the same points.

        Returns
        -------
        Tensor
            Their index, int64 (n,), on the data set's device; (n, k) where k points
            are drawn together.
        """
        device = generator.device
        positions = torch.randint(len(self), (n,), generator=generator, device=device)
        return self.points(positions.to(self.device))

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        """For each point another, by the law among those equal in some factors.

        Parameters
        ----------
        index : Tensor
            Points, int64 (n,).
        columns : sequence of int
            The factors in which the other is equal.
        generator : torch.Generator

        Returns
        -------
        Tensor
            int64 (n,). A point may be given back as its own partner.
        """
        order, start, count = self._groups(tuple(columns))
        device = generator.device
        u = torch.rand(len(index), generator=generator, device=device).to(self.device)
        group = self._group_of(index, tuple(columns))
        offset = (u.double() * count[group]).long()
        return self.points(order[start[group] + offset])

    def batch(self, n: int, generator: torch.Generator, step: int = 0) -> Batch:
        """What a method is shown at a step: ``n`` draws, pictures and labels."""
        index = self.draw(n, generator)
        return Batch(self.images(index), self.labels(index), step, len(self))

    def sample(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """``n`` pictures drawn by the law, and their factors: for people."""
        index = self.draw(n, generator)
        return self.images(index), self.factors(index)

    # --- parts --------------------------------------------------------------

    def part(self, start: float, end: float, seed: int = 0) -> Dataset:
        """The points between two fractions of a random order; the law stays.

        Parameters
        ----------
        start, end : float
            0 <= start < end <= 1. Parts that meet have no point in common.
        seed : int
            Of the order, the same on every machine and device.

        Raises
        ------
        ValueError
            If the fractions are not in order, or there is no point between them.
        """
        from dlib.data.part import Part

        return Part(self, start, end, seed)

    def split(
        self, fractions: Sequence[float] = (0.8, 0.2), seed: int = 0
    ) -> list[Dataset]:
        """Disjoint random parts, one for each fraction.

        Parameters
        ----------
        fractions : sequence of float
            Positive, adding up to at most 1.
        seed : int
            As of :meth:`part`.

        Raises
        ------
        ValueError
            If the fractions are not positive, add up to more than 1, or leave
            a part empty.
        """
        if min(fractions, default=0) <= 0 or sum(fractions) > 1 + 1e-9:
            raise ValueError(
                "fractions must be positive and add up to at most 1, "
                f"got {tuple(fractions)}"
            )
        parts, start = [], 0.0
        for fraction in fractions:
            end = min(1.0, start + fraction)
            parts.append(self.part(start, end, seed))
            start = end
        return parts

    def random_order(self, seed: int) -> RandomOrder:
        """The order of pictures that parts are cut from, a function of the seed."""
        return RandomOrder(len(self) // self.looks, seed)

    # --- for people ---------------------------------------------------------

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        if not -len(self) <= position < len(self):
            raise IndexError(f"index {position} is outside a data set of {len(self)}")
        where = torch.tensor([position % len(self)], device=self.device)
        index = self.points(where)
        return self.images(index)[0], self.factors(index)[0]

    def __repr__(self) -> str:
        return (
            f"{self.name} ({self.source}): {len(self):,} images, "
            f"{self.channels}x{self.size}x{self.size}, {self.space}"
        )

    # --- points that share factors ------------------------------------------

    def _groups(self, columns: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Positions sorted by their values of some factors: order, starts, counts."""
        if columns not in self._members:
            positions = torch.arange(len(self), device=self.device)
            keys = self._keys(self.points(positions), columns)
            distinct, group, count = keys.unique(
                return_inverse=True, return_counts=True
            )
            order = group.argsort(stable=True)
            self._members[columns] = (distinct, order, count)
        distinct, order, count = self._members[columns]
        return order, count.cumsum(0) - count, count

    def _group_of(self, index: Tensor, columns: tuple[int, ...]) -> Tensor:
        distinct = self._members[columns][0]
        return torch.searchsorted(distinct, self._keys(index, columns))

    def _keys(self, index: Tensor, columns: tuple[int, ...]) -> Tensor:
        """One number for each combination of values of some factors."""
        factors = self.factors(index)
        keys = torch.zeros_like(index)
        for column in columns:
            # One more than the size: -1 stands for unknown.
            keys = keys * (self.space.sizes[column] + 1) + factors[:, column] + 1
        return keys


class Grid(Dataset):
    """Every combination of the factors, once: a twin, or an official file.

    A point's index is its place in the grid, the last factor fastest. Subclasses
    implement ``_render``.
    """

    def __len__(self) -> int:
        return len(self.space)

    def _render(self, factors: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define _render")

    def render(self, factors: Tensor) -> Tensor:
        """Pictures of the given factors.

        Parameters
        ----------
        factors : Tensor
            Integer indices, shape (n, k), columns as in ``self.space.names``.

        Returns
        -------
        Tensor
            ``uint8``, shape (n, channels, size, size), on ``self.device``.

        Raises
        ------
        TypeError, ValueError
            If ``factors`` is not an integer tensor of shape (n, k) in range.
        """
        return self._render(self.space.check(factors.to(self.device)))

    def images(self, index: Tensor) -> Tensor:
        """Pictures of points, ``uint8`` (\\*index.shape, c, h, w)."""
        flat = index.to(self.device).reshape(-1)
        pictures = self._render(self.space.to_factors(flat))
        return pictures.view(*index.shape, *pictures.shape[1:])

    def factors(self, index: Tensor) -> Tensor:
        """Factors of points, int64 (\\*index.shape, k)."""
        factors = self.space.to_factors(index.reshape(-1))
        return factors.view(*index.shape, factors.shape[-1])  # of no points too

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """``n`` points, each factor drawn uniformly and independently."""
        factors = self.space.sample(n, generator)
        return self.space.to_index(factors).to(self.device)

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        """For each point another that is equal in some factors."""
        other = self.space.sample(len(index), generator).to(self.device)
        columns = list(columns)
        other[:, columns] = self.factors(index)[:, columns]
        return self.space.to_index(other)


class Wrapper(Dataset):
    """Another data set seen differently: everything is its own unless redefined.

    Parameters
    ----------
    of : Dataset
        Drawn a picture at a time.

    Raises
    ------
    ValueError
        If ``of`` draws several pictures together.
    """

    def __init__(self, of: Dataset) -> None:
        if of.together:
            raise ValueError(
                f"{type(self).__name__} takes data that is drawn a picture at a time, "
                f"and {type(of).__name__} draws several together; wrap the other way "
                f"round: {type(of).__name__}({type(self).__name__}(...))"
            )
        super().__init__(of.name, of.source, of.space, of.channels, of.size, of.device)
        self.of, self.uniform, self.looks = of, of.uniform, of.looks

    def __len__(self) -> int:
        return len(self.of)

    def __repr__(self) -> str:
        # What it wraps may have a difference of its own to tell.
        inner = self.of._difference() + ", " if isinstance(self.of, Wrapper) else ""
        return f"{super().__repr__()}, {inner}{self._difference()}"

    def _difference(self) -> str:
        """In words, what this wrapper makes of the other data set."""
        raise TypeError(f"{type(self).__name__} must define _difference")

    def images(self, index: Tensor) -> Tensor:
        return self.of.images(index)

    def factors(self, index: Tensor) -> Tensor:
        return self.of.factors(index)

    def labels(self, index: Tensor) -> Tensor | None:
        return self.of.labels(index)

    def points(self, positions: Tensor) -> Tensor:
        return self.of.points(positions)

    def positions(self, index: Tensor) -> Tensor:
        return self.of.positions(index)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        return self.of.draw(n, generator)

    def sharing(
        self, index: Tensor, columns: Sequence[int], generator: torch.Generator
    ) -> Tensor:
        return self.of.sharing(index, columns, generator)

    def random_order(self, seed: int) -> RandomOrder:
        return self.of.random_order(seed)


def paint_in_turns(
    dataset: Grid, factors: Tensor, paint: Callable[[Tensor], Tensor], together: int
) -> Tensor:
    """Pictures of a grid, a few painted at a time.

    Parameters
    ----------
    dataset : Grid
        Whose channels, size and device they have.
    factors : Tensor
        int64 (n, k).
    paint : callable
        Given some rows, returns their pictures as floats, 0 to 255, which it gives
        away: (m, c, size, size).
    together : int
        How many at once on a CPU, few enough for its cache; elsewhere it is 1,024.

    Returns
    -------
    Tensor
        ``uint8``, (n, c, size, size), rounded.
    """
    shape = (len(factors), dataset.channels, dataset.size, dataset.size)
    images = torch.empty(shape, dtype=torch.uint8, device=dataset.device)
    step = together if dataset.device.type == "cpu" else 1024
    for first in range(0, len(factors), step):
        some = slice(first, first + step)
        images[some] = paint(factors[some]).add_(0.5)
    return images


def draw_until(
    n: int, propose: Callable[[int], tuple[Tensor, Tensor]], what: str
) -> Tensor:
    """``n`` proposals that were accepted, in the order in which they came.

    Parameters
    ----------
    n : int
        How many.
    propose : callable
        Given a number m, returns m proposals, (m,), and whether each is accepted.
    what : str
        Named in the message if none ever is.

    Raises
    ------
    ValueError
        If a thousand rounds bring nothing.
    """
    accepted: list[Tensor] = []
    have, tried, idle = 0, 0, 0
    while have < n:
        # As many as the rate so far makes likely to be enough.
        rate = max(have, 1) / max(tried, 2)
        ask = min(int((n - have) / rate * 1.2) + 8, 1 << 20)
        proposals, keep = propose(ask)
        accepted.append(proposals[keep])
        idle = 0 if len(accepted[-1]) else idle + 1
        have, tried = have + len(accepted[-1]), tried + ask
        if idle > ROUNDS:
            raise ValueError(f"{what}: none of {tried:,} points drawn was accepted")
    return torch.cat(accepted)[:n]


def accept_for_each(
    index: Tensor, propose: Callable[[Tensor], tuple[Tensor, Tensor]], what: str
) -> Tensor:
    """For each point the first proposal that is accepted, int64 (n,).

    ``propose`` is given the points that still wait, (m,), and returns a proposal for
    each and whether it is accepted.

    Raises
    ------
    ValueError
        If a thousand rounds bring nothing.
    """
    found = torch.empty_like(index)
    waiting = torch.arange(len(index), device=index.device)
    idle = 0
    while len(waiting):
        proposals, keep = propose(index[waiting])
        found[waiting[keep]] = proposals[keep]
        before, waiting = len(waiting), waiting[~keep]
        idle = idle + 1 if len(waiting) == before else 0
        if idle > ROUNDS:
            raise ValueError(f"{what}: no partner was found in {idle:,} rounds")
    return found
