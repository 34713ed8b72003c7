"""The search for splits: the same as an exhaustive one, whatever the bins."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib.metrics.estimators.splits import SortedCodes, Split


def _exhaustive(codes: Tensor, residuals: Tensor) -> float:
    """Largest decrease of the squared error over all splits of one node."""
    best = 0.0
    whole = float(((residuals - residuals.mean()) ** 2).sum())
    for column in codes.T:
        for value in column.unique()[:-1]:
            left = column <= value
            parts = (residuals[left], residuals[~left])
            rest = sum(float(((p - p.mean()) ** 2).sum()) for p in parts)
            best = max(best, whole - rest)
    return best


def _codes(ties: bool) -> Tensor:
    codes = torch.randn(90, 3, generator=torch.Generator().manual_seed(0))
    if ties:
        codes = codes.mul(3).round()
        codes[:40, 2] = 0.0  # one value that fills more than a bin
    return codes


def _residuals(kind: str) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    residuals = torch.randn(90, 4, generator=generator)
    if kind == "rare class":  # what boosting's first round has
        residuals = (residuals > 1.5).float()
        residuals -= residuals.mean(dim=0)
    if kind == "fitted class":  # and what its last has: alike but for a few
        residuals = -0.01 - 1e-4 * residuals
        residuals[:2] = 1.0
    return residuals


@pytest.mark.parametrize("bins", [2, 7, 1000])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("kind", ["normal", "rare class", "fitted class"])
def test_split_is_the_best_whatever_the_bins(
    bins: int, ties: bool, kind: str, device: torch.device
) -> None:
    codes, residuals = _codes(ties), _residuals(kind)
    grown = SortedCodes(codes.to(device), bins)
    on_device = residuals.to(device)
    everywhere = torch.ones_like(on_device)
    nodes = grown.root(on_device, everywhere, grown.sums(everywhere))
    for k in (1, 2, 4):
        split = grown.split(nodes, on_device, torch.ones(3, 4 * k, device=device))
        gain = split.gain.view(k, 4).cpu()
        for node in range(k):
            for tree in range(4):
                here = nodes.where[:, tree].cpu() == node
                expected = (
                    _exhaustive(codes[here], residuals[here, tree].double())
                    if int(here.sum()) > 1
                    else 0.0
                )
                assert gain[node, tree] == pytest.approx(expected, rel=1e-3, abs=1e-6)
        right = grown.goes_right(grown.digits, split, k)
        nodes = grown.children(nodes, on_device, right)
        for node, inside in enumerate(nodes.inside):
            assert torch.equal(inside, (nodes.where == node).float())


def test_favour_settles_which_of_two_equal_codes_is_used() -> None:
    codes = _codes(ties=False)[:, [0, 0]]
    residuals = _residuals("normal")
    grown = SortedCodes(codes, bins=7)
    everywhere = torch.ones_like(residuals)
    nodes = grown.root(residuals, everywhere, grown.sums(everywhere))
    favour = torch.ones(2, 4)
    favour[0, :2] = favour[1, 2:] = 1 - 1e-5
    split = grown.split(nodes, residuals, favour)
    assert split.feature.tolist() == [1, 1, 0, 0]


def test_points_go_where_the_split_says() -> None:
    codes = torch.arange(600, dtype=torch.float64)[:, None].repeat(1, 2)
    codes[:, 1] *= -1
    grown = SortedCodes(codes, bins=16)
    split = Split(torch.tensor([0, 1]), torch.tensor([299, 99]), torch.zeros(2))
    (right,) = grown.goes_right(grown.digits, split, 1)
    assert torch.equal(right[:, 0], (codes[:, 0] > 299).float())
    assert torch.equal(right[:, 1], (codes[:, 1] > -500).float())
    # Other points: half way between two values is still left.
    other = torch.tensor([[299.5, -499.5], [299.6, -499.4], [-9.0, 9.0]])
    (right,) = grown.goes_right(grown.digits_of(other), split, 1)
    assert right.tolist() == [[0, 0], [1, 1], [0, 1]]


def test_codes_of_many_values_are_ranked_in_more_than_two_digits() -> None:
    codes = torch.arange(70_000, dtype=torch.float32)[:, None]
    grown = SortedCodes(codes, bins=4)
    split = Split(torch.tensor([0]), torch.tensor([65_537]), torch.zeros(1))
    (right,) = grown.goes_right(grown.digits, split, 1)
    assert torch.equal(right[:, 0] > 0, codes[:, 0] > 65_537)
