"""The best split of a node, for many regression trees at once.

A split is a place between two neighbouring values of one code. There are as many
as points times codes, and boosting asks for the best one tens of thousands of
times. The search goes three times over, each time closer:

1. at the ends of *blocks* of neighbouring bins,
2. at the ends of the *bins* of those blocks,
3. between the *points* of those bins,

and goes closer only where an upper bound on the gain beats the best split so far.
No place that could be the best one is left out, so the result is that of trying
them all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, pad

# scikit-learn reads codes as float32 and does not part closer values than this.
CLOSEST = 1e-7
# Bins in a block.
BINS_PER_BLOCK = 4
# Blocks or bins looked into at a time; bounds the memory.
CHUNK = 1 << 16


@dataclass(frozen=True)
class Split:
    """The best splits of k nodes of each of m trees.

    ``feature`` and ``rank`` have shape (k m,), node by node: points go left whose
    value of the feature has at most that rank. ``gain`` is the decrease of the
    squared error.
    """

    feature: Tensor
    rank: Tensor
    gain: Tensor


@dataclass(frozen=True)
class Nodes:
    """The k nodes at one level of each of m trees.

    Attributes
    ----------
    inside : list of Tensor
        For each node (n, m), 1 where the point is in it and 0 elsewhere.
    where : Tensor
        float32 (n, m): the number of each point's node; below 0, none.
    size, mean : Tensor
        (k m,), node by node: number of points (1 for none), and the mean residual.
    sums, positive, counts : Tensor
        (d b, k m): of each bin the sum of residuals, the sum of the positive parts
        of ``r - mean``, and the number of points.
    """

    inside: list[Tensor]
    where: Tensor
    size: Tensor
    mean: Tensor
    sums: Tensor
    positive: Tensor
    counts: Tensor


class SortedCodes:
    """Codes in the forms that the search for splits needs.

    Parameters
    ----------
    codes : Tensor
        Shape (n, d).
    bins : int
        Of about equal counts. Ties stay together; a value with more points than
        a bin should have is alone. A matter of speed, not of the gains found.

    Attributes
    ----------
    digits : Tensor
        float32 (n, places (d + 1)): rank of each value among the distinct values
        of its code, in base 256, lowest digits of all codes first; each place
        ends with a 1.
    points : Tensor
        (d n,): the points by code, then by rank.
    starts : Tensor
        (d b,): where each bin starts in ``points``; missing bins are empty.
    """

    def __init__(self, codes: Tensor, bins: int) -> None:
        codes = codes.float()
        self.n, self.d = codes.shape
        values, order = codes.T.contiguous().sort(dim=1, stable=True)
        new = torch.zeros_like(values, dtype=torch.bool)
        new[:, 1:] = values[:, 1:] - values[:, :-1] > CLOSEST
        rank = new.cumsum(dim=1)  # (d, n), in sorted order
        self.places = max(1, ((self.n - 1).bit_length() + 7) // 8)
        self.digits = self._digits(torch.empty_like(rank).scatter_(1, order, rank))
        self._features = torch.arange(self.d, device=codes.device)[:, None]
        self._powers = 256 ** torch.arange(self.places, device=codes.device)
        self._powers = self._powers[:, None, None]
        self.points = order.reshape(-1)
        self.rank_at = rank.reshape(-1)
        # In double precision: a float32 mean of neighbours may be one of them.
        self.thresholds = [
            (v[1:][here[1:]].double() + v[:-1][here[1:]]) / 2
            for v, here in zip(values, new, strict=True)
        ]
        starts, alone = self._cut(rank, bins)  # (d, b)
        sizes = pad(starts, (0, 1), value=self.n).diff(dim=1)
        offsets = torch.arange(self.d, device=codes.device)[:, None] * self.n
        self.starts = (starts + offsets).view(-1)
        self._bin_ends = self.starts + sizes.view(-1) - 1
        self._block_ends = self._bin_ends.view(-1, BINS_PER_BLOCK)[:, -1]
        self._alone = alone.view(-1)
        # The points of each bin side by side, (d b, width), and where among them
        # a split may come: after a point unless the next has an equal value.
        width = max(1, int(sizes.masked_fill(alone, 0).max()))
        step = torch.arange(width, device=codes.device)
        position = self.starts[:, None] + step
        valid = step < sizes.view(-1, 1)
        position.clamp_(max=len(self.points) - 1)
        ends_value = torch.cat([new[:, 1:], new[:, :1]], dim=1).reshape(-1)
        self._members = self.points[position]
        self._may_split = valid & ends_value[position]
        self._bins = torch.arange(len(self.starts), device=codes.device)
        self._first_bins = self._bins[::BINS_PER_BLOCK].contiguous()
        self._in_block = torch.arange(BINS_PER_BLOCK, device=codes.device)

    def _cut(self, rank: Tensor, bins: int) -> tuple[Tensor, Tensor]:
        """First rows of each code's bins, and whether a bin is one value: (d, b).

        Empty bins fill up the last block, and the codes with fewer bins.
        """
        starts, alone = [], []
        for ranks in rank:
            size = torch.bincount(ranks)  # of each distinct value
            first = size.cumsum(0) - size
            big = size * bins > self.n
            bucket = first * bins // self.n
            opens = torch.ones_like(big)
            opens[1:] = (bucket[1:] > bucket[:-1]) | big[1:] | big[:-1]
            starts.append(first[opens])
            alone.append(big[opens])
        most = max(len(s) for s in starts)
        width = -(-most // BINS_PER_BLOCK) * BINS_PER_BLOCK
        return (
            torch.stack([pad(s, (0, width - len(s)), value=self.n) for s in starts]),
            torch.stack([pad(a, (0, width - len(a)), value=True) for a in alone]),
        )

    def digits_of(self, codes: Tensor) -> Tensor:
        """Digits of other codes; a value half way goes to the left.

        Half way between neighbours among all points; scikit-learn takes the
        neighbours in the node, which differ where the node has a gap.
        """
        codes = codes.float().to(self.thresholds[0].dtype)
        return self._digits(
            torch.stack(
                [
                    torch.bucketize(column.contiguous(), middle)
                    for column, middle in zip(codes.T, self.thresholds, strict=True)
                ]
            )
        )

    def _digits(self, ranks: Tensor) -> Tensor:
        ranks = pad(ranks, (0, 0, 0, 1))  # (d + 1, n)
        places = [(ranks >> (8 * i)) & 255 for i in range(self.places)]
        for place in places:
            place[-1] = 1
        return torch.cat(places).T.float().contiguous()

    def goes_right(self, digits: Tensor, split: Split, k: int) -> list[Tensor]:
        """For each of k nodes float32 (n, m): 1 where a rank is above the split's.

        The product with a one-hot matrix picks a column per tree, several times
        faster than indexing, and takes the split's rank off. Digits below 256 and
        powers of 256 are exact in every precision that a matrix product may be
        set to use, and whole ranks make the clamped difference a comparison.
        """
        pick = (split.feature == self._features).long().expand(self.places, -1, -1)
        rank = (split.rank // self._powers) % 256  # (places, 1, k m)
        weights = (torch.cat([pick, -rank], dim=1) * self._powers).float()
        weights = weights.view(digits.shape[1], -1)
        return [(digits @ part).clamp_(0, 1) for part in weights.chunk(k, dim=1)]

    def sums(self, values: Tensor) -> Tensor:
        """Sum the rows of (n, m) within each bin: (d b, m)."""
        return embedding_bag(self.points, values, self.starts, mode="sum")

    def root(self, residuals: Tensor, inside: Tensor, counts: Tensor) -> Nodes:
        """The node that holds every point but those without a label.

        ``counts`` is ``sums(inside)``: the same for every tree of a column.
        """
        node = _Node(inside, self.sums(residuals), counts)
        return self._nodes([node], residuals, inside - 1)

    def children(self, nodes: Nodes, residuals: Tensor, right: list[Tensor]) -> Nodes:
        """Split nodes; ``right`` is what :meth:`goes_right` says of each.

        The children of node i are nodes 2 i (left) and 2 i + 1.
        """
        below = []
        sums, counts = (t.chunk(len(right), dim=1) for t in (nodes.sums, nodes.counts))
        for i, (inside, turn) in enumerate(zip(nodes.inside, right, strict=True)):
            there = inside * turn
            second = _Node(there, self.sums(residuals * there), self.sums(there))
            first = _Node(
                inside - there, sums[i] - second.sums, counts[i] - second.counts
            )
            below += [first, second]
        return self._nodes(below, residuals, descend(nodes, right))

    def _nodes(self, nodes: list[_Node], residuals: Tensor, where: Tensor) -> Nodes:
        sums = torch.cat([node.sums for node in nodes], dim=1)
        counts = torch.cat([node.counts for node in nodes], dim=1)
        bins = len(sums) // self.d  # those of one code hold every point once
        size = counts[:bins].sum(dim=0).clamp_(min=1)
        mean = sums[:bins].sum(dim=0).div_(size)
        # One node at a time: what a core works on should stay in its cache.
        positive = [
            self.sums((residuals - here).mul_(node.inside).clamp_(min=0))
            for node, here in zip(nodes, mean.chunk(len(nodes)), strict=True)
        ]
        inside = [node.inside for node in nodes]
        return Nodes(
            inside, where, size, mean, sums, torch.cat(positive, dim=1), counts
        )

    def split(self, nodes: Nodes, residuals: Tensor, favour: Tensor) -> Split:
        """Best split of every node, over every place between two values.

        ``favour`` (d, k m), a hair below 1, is what gains are multiplied with: it
        says which of two codes is taken where both gain the same.
        """
        km = len(nodes.size)
        bins = (nodes.sums, nodes.positive, nodes.counts)
        sums, positive, counts = (
            embedding_bag(self._bins, t, self._first_bins, mode="sum").view(
                self.d, -1, km
            )
            for t in bins
        )  # (d, blocks, k m)
        # Each code sums the residuals in its own order and rounds in its own way:
        # with one mean for all, rounding would look like a gain.
        mean = sums.sum(dim=1) / nodes.size  # (d, k m)
        blocks = _Stretches.of(sums, positive, counts, mean[:, None], nodes.size)
        gain, where = blocks.gain.mul_(favour[:, None]).view(-1, km).max(dim=0)
        best = _Best(gain, self._block_ends[where])
        worth = (blocks.bound > gain).view(-1).nonzero()[:, 0]
        for flat in worth.split(CHUNK):
            block, column = flat // km, flat % km
            code = block // (len(self._first_bins) // self.d)
            there = block[:, None] * BINS_PER_BLOCK + self._in_block  # (c, bins)
            at = (there * km + column[:, None]).view(-1)
            sums, positive, counts = (
                t.view(-1).index_select(0, at).view(there.shape) for t in bins
            )
            inside = _Stretches.of(
                sums,
                positive,
                counts,
                mean[code, column][:, None],
                nodes.size[column, None],
                blocks.total.view(-1)[flat, None],
                blocks.count.view(-1)[flat, None],
            )
            gain, which = inside.gain.max(dim=1)
            last = self._bin_ends[block * BINS_PER_BLOCK + which]
            best = best.or_better(
                column, self._favoured(gain, last, column, favour), last
            )
            inside.bound.masked_fill_(self._alone[there], -1.0)
            worth = (inside.bound > best.gain[column, None]).view(-1).nonzero()[:, 0]
            for part in worth.split(CHUNK):
                which = part // BINS_PER_BLOCK
                column_of = column[which]
                gain, last = self._between_points(
                    nodes,
                    residuals,
                    there.view(-1)[part],
                    column_of,
                    mean[code[which], column_of],
                    inside.total.view(-1)[part],
                    inside.count.view(-1)[part],
                )
                gain = self._favoured(gain, last, column_of, favour)
                best = best.or_better(column_of, gain, last)
        gain = best.gain.mul(nodes.size).clamp_(min=0)
        return Split(best.last // self.n, self.rank_at[best.last], gain)

    def _favoured(
        self, gain: Tensor, last: Tensor, column: Tensor, favour: Tensor
    ) -> Tensor:
        return gain * favour[last // self.n, column]

    def _between_points(
        self,
        nodes: Nodes,
        residuals: Tensor,
        bins: Tensor,
        column: Tensor,
        mean: Tensor,
        total: Tensor,
        count: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Best gain between the points of some bins, and the position it is after.

        ``column`` is the tree's and node's, ``mean`` theirs; ``total`` and
        ``count`` are what lies to the left of each bin.
        """
        m = residuals.shape[1]
        at = self._members.index_select(0, bins).mul_(m).add_((column % m)[:, None])
        here = nodes.where.view(-1).index_select(0, at.view(-1)).view(at.shape)
        here = (here == (column // m)[:, None]).float()
        values = residuals.view(-1).index_select(0, at.view(-1)).view(at.shape)
        values.sub_(mean[:, None]).mul_(here)
        after = values.cumsum(dim=1).add_(total[:, None])
        left = here.cumsum(dim=1).add_(count[:, None])
        spread = (nodes.size[column, None] - left).mul_(left)
        allowed = self._may_split.index_select(0, bins) & (spread > 0)
        gain = _gain(after, spread, allowed)
        top, which = gain.max(dim=1)
        return top, self.starts[bins] + which


def descend(nodes: Nodes, right: list[Tensor]) -> Tensor:
    """The number of each point's node one level below, (n, m)."""
    where = nodes.where * 2
    for inside, turn in zip(nodes.inside, right, strict=True):
        where.addcmul_(inside, turn)
    return where


@dataclass(frozen=True)
class _Node:
    inside: Tensor
    sums: Tensor
    counts: Tensor


@dataclass(frozen=True)
class _Stretches:
    """Stretches of neighbouring points, in the order of one code along dimension 1.

    Attributes
    ----------
    gain : Tensor
        Of a split at the end of each; over the node's number of points, as all
        gains here until the last line of ``split``.
    bound : Tensor
        No split inside gains more.
    total, count : Tensor
        Sum of ``r - mean`` and number of points to the left of each.
    """

    gain: Tensor
    bound: Tensor
    total: Tensor
    count: Tensor

    @classmethod
    def of(
        cls,
        sums: Tensor,
        positive: Tensor,
        counts: Tensor,
        mean: Tensor,
        n_node: Tensor,
        total: Tensor | None = None,
        count: Tensor | None = None,
    ) -> _Stretches:
        """From sums of residuals, of their positive parts, and numbers of points."""
        centred = sums - mean * counts
        after = centred.cumsum(dim=1)
        left = counts.cumsum(dim=1)
        if total is not None and count is not None:
            after += total
            left += count
        spread = (n_node - left).mul_(left)  # n_l n_r
        before, left_before = after - centred, left - counts
        spread_before = (n_node - left_before).mul_(left_before)
        # Inside, the sum to the left differs from that at the start by no more
        # than the positive or negative parts, and n_l n_r is no less than at one
        # of the ends (nor than n - 1, both sides being occupied).
        up = before + positive
        down = positive - after
        least = torch.minimum(spread, spread_before)
        least = torch.maximum(least, (n_node - 1).clamp_(min=1), out=least)
        bound = torch.maximum(up, down, out=up).square_().div_(least)
        # One point has no inside; nothing is below -1, which is no split.
        bound.masked_fill_(counts < 1.5, -1.0)
        return cls(_gain(after, spread, spread > 0), bound, before, left_before)


@dataclass(frozen=True)
class _Best:
    """The best split of each tree so far: its gain, and the position it is after."""

    gain: Tensor
    last: Tensor

    def or_better(self, column: Tensor, gain: Tensor, last: Tensor) -> _Best:
        """The best of these and others, of trees ``column``."""
        winner = self.gain.scatter_reduce(0, column, gain, "amax")
        # The first place among equals, so that nothing is left to chance.
        found = (gain == winner[column]) & (gain > self.gain[column])
        nowhere = torch.iinfo(last.dtype).max
        place = torch.where(found, last, nowhere)
        first = torch.full_like(self.last, nowhere)
        first = first.scatter_reduce(0, column, place, "amin")
        return _Best(winner, torch.where(first < nowhere, first, self.last))


def _gain(total: Tensor, spread: Tensor, allowed: Tensor) -> Tensor:
    """Decrease of the squared error over n, from sums of ``r - mean`` on the left.

    ``spread`` is n_l n_r. A split that gains nothing is still one, as in
    scikit-learn (its children may gain); where none is allowed, -1.
    """
    gain = total.square().div_(spread.clamp(min=0.5))
    return torch.where(allowed, gain, -1.0)
