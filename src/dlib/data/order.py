"""A random order of n points, for any n: what parts of a data set are cut from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

# A permutation of this many points takes 128 MB; beyond it, none is stored.
LARGEST_TABLE = 1 << 24
ROUNDS = 6


class RandomOrder:
    """A bijection between positions and points ``0 .. n - 1``.

    Small sets have a stored permutation. Of large ones (40 binary attributes have
    10^12 combinations) the permutation is computed where it is asked for, by a
    Feistel network: Luby and Rackoff (1988), with cycle walking for an ``n`` that
    is no power of four (Black and Rogaway 2002).

    Parameters
    ----------
    n : int
        How many points.
    seed : int
        The order is a function of ``n`` and the seed, on every machine and device.
    """

    def __init__(self, n: int, seed: int) -> None:
        self.n = n
        self._forward: Tensor | None = None
        self._backward: Tensor | None = None
        generator = torch.Generator().manual_seed(seed)
        if n <= LARGEST_TABLE:
            self._forward = torch.randperm(n, generator=generator)
        else:
            self._half = -(-(n - 1).bit_length() // 2)  # bits of each half
            keys = torch.randint(1 << 62, (ROUNDS,), generator=generator)
            self._keys = keys.tolist()

    def points(self, positions: Tensor) -> Tensor:
        """The points at some positions, int64, same shape."""
        if self._forward is not None:
            self._forward = self._forward.to(positions.device)
            return self._forward[positions]
        return self._walk(positions, self._keys)

    def positions(self, points: Tensor) -> Tensor:
        """Where some points stand, int64, same shape."""
        if self._forward is not None:
            if self._backward is None:
                self._backward = self._forward.argsort()
            self._backward = self._backward.to(points.device)
            return self._backward[points]
        return self._walk(points, self._keys[::-1], backwards=True)

    def _walk(self, values: Tensor, keys: list[int], backwards: bool = False) -> Tensor:
        out = self._network(values, keys, backwards)
        # The network permutes a power of four, at most 16 times n: what falls
        # outside is sent on until it falls inside, which keeps it a bijection.
        while bool((out >= self.n).any()):
            out = torch.where(out < self.n, out, self._network(out, keys, backwards))
        return out

    def _network(self, values: Tensor, keys: list[int], backwards: bool) -> Tensor:
        mask = (1 << self._half) - 1
        left, right = values >> self._half, values & mask
        if backwards:
            left, right = right, left
        for key in keys:
            left, right = right, left ^ (_scramble(right, key) & mask)
        if backwards:
            left, right = right, left
        return (left << self._half) | right


class BlockOrder(RandomOrder):
    """Blocks of points one after the other, each in a random order of its own.

    Parameters
    ----------
    sizes : sequence of int
        Of the blocks, whose points follow one another. A permutation is stored.
    seed : int
        As of :class:`RandomOrder`, which this is if there is one block.
    """

    def __init__(self, sizes: Sequence[int], seed: int) -> None:
        self.n = sum(sizes)
        generator = torch.Generator().manual_seed(seed)
        starts = accumulate(sizes, initial=0)
        blocks = [
            torch.randperm(size, generator=generator) + start
            for size, start in zip(sizes, starts, strict=False)
        ]
        self._forward = torch.cat(blocks)
        self._backward = None


def _scramble(values: Tensor, key: int) -> Tensor:
    """splitmix64 on int64 with wrap-around, top bit dropped before each shift."""
    x = values ^ key
    for multiplier in (-0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15):
        x = (x ^ ((x >> 29) & ((1 << 35) - 1))) * multiplier
    return (x ^ ((x >> 32) & 0xFFFFFFFF)) & ((1 << 62) - 1)
