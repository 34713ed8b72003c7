"""Gradient-boosted trees, grown for all classes of all factors at once.

DCI reads the importances of boosted trees. What the field calls DCI is fixed by
one fitting procedure, scikit-learn's ``GradientBoostingClassifier`` with its
defaults; other boosters (LightGBM, XGBoost, scikit-learn's histogram version)
weight residuals by the curvature of the loss and merge neighbouring values into
bins, and give other importances: on 3,000 points, 255 bins alone move DCI by
0.04. This file finds the same splits at another cost: the trees of a round grow
side by side, one column for each class of each factor, so every step is one tensor
operation, and most places for a split are ruled out unseen (:mod:`.splits`).

The procedure (J. H. Friedman, "Greedy function approximation: a gradient
boosting machine", Annals of Statistics 2001, algorithm 6):

- scores start at the log of the class frequencies;
- in each round the residuals are ``one_hot(y) - softmax(scores)``, and one
  regression tree is fitted to each column; a split maximises the decrease of
  the squared error, ``n / (n_l n_r) * (sum_l (r - mean r))**2``;
- the value of a leaf is a Newton step,
  ``(K - 1) / K * sum(r) / sum(p (1 - p))``; two classes share one tree, on the
  difference of their scores and without the factor;
- a feature's importance is the decrease of the squared error by its splits,
  summed over all trees of all rounds and then normalised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from dlib.metrics.estimators.splits import SortedCodes, Split, descend

# Trees that grow side by side: more save calls, fewer keep to a core's cache.
COLUMNS = 32
# Gains that differ by less than this, relatively, are taken for equal.
HAIR = 2e-6
# A leaf whose curvature is below this keeps its scores.
FLAT = 1e-30


@dataclass
class Block:
    """Some columns of the scores, and the trees grown for them.

    Attributes
    ----------
    columns : slice
        Of the scores.
    inside : Tensor
        float32 (n, m): 1 where the point's label is known.
    complete : bool
        Whether all are.
    counts : Tensor
        ``inside`` summed within each bin.
    step : Tensor
        (m,): what a Newton step is multiplied with.
    trees : list of (list of Split, Tensor)
        Of each round the splits, level by level, and the values of the leaves,
        flat, leaf by leaf.
    """

    columns: slice
    inside: Tensor
    complete: bool
    counts: Tensor
    step: Tensor
    trees: list[tuple[list[Split], Tensor]] = field(default_factory=list)


@contextmanager
def _side_by_side(device: torch.device) -> Iterator[Callable[..., list[Any]]]:
    """A ``map`` over blocks; on the CPU in as many threads as torch may use.

    One thread a block keeps each core to its own columns. Torch's threads would
    meet after every one of the small steps instead, and wait there spinning: with
    two of them about a third more CPU time is spent, for no shorter a wait.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        yield lambda *a: list(map(*a))
        return
    torch.set_num_threads(1)  # of this thread and of those that start from now on
    try:
        with ThreadPoolExecutor(threads) as pool:
            yield lambda *a: list(pool.map(*a))
    finally:
        torch.set_num_threads(threads)


class GradientBoosting:
    """Boosted trees, for several factors side by side.

    Parameters
    ----------
    rounds : int
        How many times a tree is added for every class.
    depth : int
        Levels of splits in a tree.
    learning_rate : float
        What a leaf's Newton step is multiplied with.
    bins : int
        Of the search for splits, one per 40 points by default but at least 64; a
        matter of speed, not of the gains found.
    seed : int
        Says which of two codes a node is split on where both gain the same, as the
        order in which scikit-learn visits them does: a code and its copy share the
        importance.

    Attributes
    ----------
    classes : list of Tensor
        Distinct labels of each factor, ascending.
    importances : Tensor
        float64 (d, k), at least 0; a column sums to 1 (or is zero: no split
        helped).
    train_scores : Tensor
        float32 (n, m) scores of the training points; factor by factor one column a
        class, or one for two classes. Points without a label keep the first scores.
    """

    def __init__(
        self,
        rounds: int = 100,
        depth: int = 3,
        learning_rate: float = 0.1,
        bins: int | None = None,
        seed: int = 0,
    ) -> None:
        self.rounds, self.depth, self.bins = rounds, depth, bins
        self.learning_rate, self.seed = learning_rate, seed

    @torch.inference_mode(False)  # the threads that help know no other mode
    @torch.no_grad()
    def fit(self, codes: Tensor, labels: Tensor) -> GradientBoosting:
        """Fit to codes (n, d) and labels (n, k), NaN where one is missing.

        Raises
        ------
        ValueError
            If a factor has one label only.
        """
        n = len(codes)
        known = ~labels.isnan()
        target, factor_of = self._start(labels, known)
        inside = known[:, factor_of].float()
        complete = bool(known.all())
        scores = self.start.repeat(n, 1)
        self._sorted = SortedCodes(codes, self.bins or max(64, n // 40))
        self._blocks = self._split_up(inside, complete)
        favour = self._favour(codes.shape[1]).to(codes.device)
        with _side_by_side(codes.device) as each:
            for here in favour:
                residuals = target - self._probabilities(scores)
                if not complete:
                    residuals *= inside
                grow = partial(
                    self._add_tree, residuals=residuals, scores=scores, favour=here
                )
                each(grow, self._blocks)
        self.train_scores = scores
        self.importances = self._importances(factor_of)
        return self

    def _start(self, labels: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Targets (n, m), and which factor each column is of; where scores start."""
        self.classes: list[Tensor] = []
        targets, starts, steps = [], [], []
        for j, here in enumerate(known.T):
            classes = labels[here, j].unique()
            if len(classes) < 2:
                raise ValueError(
                    "boosting needs labels of at least two classes, got only "
                    f"{classes.tolist()} in column {j}"
                )
            self.classes.append(classes)
            target = (labels[:, j, None] == classes).float()
            prior = target.double().sum(dim=0) / here.sum()
            if len(classes) == 2:
                target = target[:, 1:]
                starts.append((prior[1:] / prior[:1]).log())
                scale = 1.0
            else:
                starts.append(prior.log())
                scale = (len(classes) - 1) / len(classes)
            targets.append(target)
            steps.append(torch.full_like(starts[-1], scale * self.learning_rate))
        self._width = [t.shape[1] for t in targets]
        self.start = torch.cat(starts).float()
        self._step = torch.cat(steps).float()
        widths = torch.tensor(self._width, device=labels.device)
        factor_of = torch.arange(len(widths), device=labels.device)
        return torch.cat(targets, dim=1), factor_of.repeat_interleave(widths)

    def _favour(self, d: int) -> Tensor:
        """What gains are multiplied with to part equal ones: (rounds, d, nodes, m).

        Drawn on the CPU, so that a seed means the same on every device, and alike
        for all factors, so that their order means nothing.
        """
        generator = torch.Generator().manual_seed(self.seed)
        shape = (self.rounds, d, 2**self.depth - 1, max(self._width))
        drawn = 1 - HAIR * torch.rand(
            shape, generator=generator, dtype=torch.float32, device="cpu"
        )
        return torch.cat([drawn[..., :width] for width in self._width], dim=-1)

    def _split_up(self, inside: Tensor, complete: bool) -> list[Block]:
        m = inside.shape[1]
        count = -(-m // COLUMNS)
        blocks = []
        for i in range(count):
            columns = slice(m * i // count, m * (i + 1) // count)
            part = inside[:, columns].contiguous()
            counts = self._sorted.sums(part)
            blocks.append(Block(columns, part, complete, counts, self._step[columns]))
        return blocks

    def _probabilities(self, scores: Tensor) -> Tensor:
        parts = [
            part.sigmoid() if part.shape[1] == 1 else part.softmax(dim=1)
            for part in scores.split(self._width, dim=1)
        ]
        return torch.cat(parts, dim=1)

    def _add_tree(
        self, block: Block, residuals: Tensor, scores: Tensor, favour: Tensor
    ) -> None:
        """Grow one tree a column, and add its values to the scores."""
        residuals = residuals[:, block.columns].contiguous()
        n, m = residuals.shape
        leaves = 2**self.depth
        splits: list[Split] = []
        nodes = self._sorted.root(residuals, block.inside, block.counts)
        for depth in range(self.depth):
            k = 2**depth
            here = favour[:, k - 1 : 2 * k - 1, block.columns].reshape(-1, k * m)
            split = self._sorted.split(nodes, residuals, here)
            right = self._sorted.goes_right(self._sorted.digits, split, k)
            splits.append(split)
            if depth + 1 < self.depth:
                nodes = self._sorted.children(nodes, residuals, right)
        leaf = descend(nodes, right)
        if not block.complete:  # give the others a row of their own
            leaf.masked_fill_(leaf < 0, leaves)
        at = self._flat(leaf)
        rows = leaves + (not block.complete)
        sums = torch.bincount(at, residuals.view(-1), rows * m)
        # p (1 - p), from the residual 1 - p or -p
        size = residuals.abs()
        curvature = size.addcmul_(size, size, value=-1)
        curvatures = torch.bincount(at, curvature.view(-1), rows * m)
        value = block.step.repeat(rows) * sums / curvatures
        value.masked_fill_(curvatures <= FLAT, 0.0)
        scores[:, block.columns] += value.index_select(0, at).view(n, m)
        block.trees.append((splits, value))

    @staticmethod
    def _flat(leaf: Tensor) -> Tensor:
        """Positions of leaves (n, m) in a flat table (rows, m)."""
        m = leaf.shape[1]
        return leaf.mul(m).add_(torch.arange(m, device=leaf.device)).view(-1).int()

    def _importances(self, factor_of: Tensor) -> Tensor:
        d, k = self._sorted.d, len(self.classes)
        total = torch.zeros(d * k, dtype=torch.float64, device=factor_of.device)
        for block in self._blocks:
            splits = [split for tree, _ in block.trees for split in tree]
            m = len(block.step)
            feature = torch.cat([split.feature for split in splits]).view(-1, m)
            gain = torch.cat([split.gain for split in splits]).double()
            at = feature * k + factor_of[block.columns]
            total.index_add_(0, at.view(-1), gain.view(-1))
        importances = total.view(d, k)
        total = importances.sum(dim=0)
        return importances / torch.where(total > 0, total, 1.0)

    @torch.inference_mode(False)
    @torch.no_grad()
    def scores(self, codes: Tensor) -> Tensor:
        """Scores (n, m) of codes (n, d), columns as in ``train_scores``."""
        digits = self._sorted.digits_of(codes)
        with _side_by_side(codes.device) as each:
            sums = each(partial(self._sum_of_trees, digits=digits), self._blocks)
        return torch.cat(sums, dim=1).add_(self.start)

    def _sum_of_trees(self, block: Block, digits: Tensor) -> Tensor:
        n, m = len(digits), len(block.step)
        total = digits.new_zeros(n * m)
        for splits, value in block.trees:
            leaf = digits.new_zeros(n, m)
            path: list[Tensor] = []
            for depth, split in enumerate(splits):
                turns = self._sorted.goes_right(digits, split, 2**depth)
                # Halve the nodes by each turn taken, the last turn first.
                for taken in reversed(path):
                    turns = [
                        left.lerp_(right, taken)
                        for left, right in zip(turns[::2], turns[1::2], strict=True)
                    ]
                path.append(turns[0])
                leaf = leaf.mul_(2).add_(turns[0])
            total += value.index_select(0, self._flat(leaf))
        return total.view(n, m)

    def predict(self, codes: Tensor) -> Tensor:
        """Labels (n, k) of codes (n, d)."""
        return self._labels(self.scores(codes))

    def predict_training_points(self) -> Tensor:
        """Labels (n, k) that the fitted trees give to the points of the fit."""
        return self._labels(self.train_scores)

    def _labels(self, scores: Tensor) -> Tensor:
        columns = []
        parts = scores.split(self._width, dim=1)
        for classes, part in zip(self.classes, parts, strict=True):
            two = part.shape[1] == 1
            index = (part[:, 0] >= 0).long() if two else part.argmax(dim=1)
            columns.append(classes[index])
        return torch.stack(columns, dim=1)
