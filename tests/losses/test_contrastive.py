"""The header's two losses: Eqs. (3) and (4) of Inoue et al., written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from dlib.losses import contrastive_loss, cosface_loss, cosine_similarity


def embeddings(n: int = 6, d: int = 4, seed: int = 0) -> Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_contrast_is_eq_3_written_out() -> None:
    h, altered = embeddings(), embeddings(seed=1)
    both = [*h, *altered]
    terms = []
    for i in range(len(h)):

        def sim(other: Tensor, mine: Tensor = h[i]) -> float:
            return float(functional.cosine_similarity(mine, other, dim=0))

        below = sum(math.exp(5 * sim(r)) for j, r in enumerate(both) if j != i)
        terms.append(-math.log(math.exp(5 * sim(altered[i])) / below))
    wanted = sum(terms) / len(terms)
    assert float(contrastive_loss(h, altered, 5.0)) == pytest.approx(wanted, rel=1e-5)


def test_margin_loss_is_eq_4_written_out() -> None:
    h, prototypes = embeddings(), embeddings(3, seed=1)
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    terms = []
    for mine, right in zip(h, labels.tolist(), strict=True):
        sims = functional.cosine_similarity(mine[None], prototypes).tolist()
        top = math.exp(5 * (sims[right] - 0.1))
        below = top + sum(math.exp(5 * s) for k, s in enumerate(sims) if k != right)
        terms.append(-math.log(top / below))
    found = cosface_loss(h, prototypes, labels, scale=5.0, margin=0.1)
    assert float(found) == pytest.approx(sum(terms) / len(terms), rel=1e-5)


def test_lengths_do_not_matter(device: torch.device) -> None:
    h, altered = embeddings().to(device), embeddings(seed=1).to(device)
    labels = torch.zeros(6, dtype=torch.long, device=device)
    torch.testing.assert_close(
        contrastive_loss(3 * h, altered / 7, 10.0), contrastive_loss(h, altered, 10.0)
    )
    torch.testing.assert_close(
        cosface_loss(3 * h, altered / 7, labels, 10.0, 0.1),
        cosface_loss(h, altered, labels, 10.0, 0.1),
    )


def test_a_margin_costs() -> None:
    h, right = torch.eye(3), torch.arange(3)
    costs = [float(cosface_loss(h, h, right, 10.0, m)) for m in (0.0, 0.1, 0.5)]
    assert costs == sorted(costs) and costs[0] < costs[-1]


def test_a_row_of_zeros_has_a_gradient() -> None:
    """All of a header's ReLUs may be off for a picture."""
    h = torch.zeros(3, 4, requires_grad=True)
    loss = contrastive_loss(h, torch.ones(3, 4), 10.0)
    (slope,) = torch.autograd.grad(loss, h)
    assert bool(slope.isfinite().all())
    assert torch.equal(cosine_similarity(h, torch.ones(2, 4)), torch.zeros(3, 2))


def test_bad_input_is_refused() -> None:
    h, labels = embeddings(), torch.zeros(6, dtype=torch.long)
    with pytest.raises(ValueError, match=r"shape \(n, d\), got \(6, 4\) and \(5, 4\)"):
        contrastive_loss(h, embeddings(5), 10.0)
    with pytest.raises(ValueError, match="at least two pictures, got 1"):
        contrastive_loss(h[:1], h[:1], 10.0)
    with pytest.raises(ValueError, match="scale must be positive, got 0"):
        contrastive_loss(h, h, 0.0)
    with pytest.raises(ValueError, match=r"got \(6, 4\) and \(3, 5\)"):
        cosface_loss(h, embeddings(3, 5), labels, 10.0, 0.1)
    with pytest.raises(ValueError, match=r"shape \(6,\).*got \(5,\)"):
        cosface_loss(h, h, labels[:5], 10.0, 0.1)
    with pytest.raises(ValueError, match="margin must not be negative, got -1"):
        cosface_loss(h, h, labels, 10.0, -1.0)
