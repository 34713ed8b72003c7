"""Pairs that share one latent, and the loss of naming it."""

from __future__ import annotations

import math

import pytest
import torch

from dlib.losses import contrastive_regulariser, coupled_codes


def draw(n: int = 4000, latent_dim: int = 4, gap: float = 0.0, seed: int = 0):
    return coupled_codes(n, latent_dim, gap, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("gap", [0.0, 0.7, 1.9])
def test_pairs_agree_in_the_latent_drawn_and_there_alone(gap: float) -> None:
    pairs = draw(gap=gap)
    apart = (pairs.first - pairs.second).abs()
    named = torch.zeros(4000, 4, dtype=torch.bool)
    for row, latent in enumerate(pairs.shared.tolist()):
        named[row, latent] = True
    assert bool((apart[named] == 0).all())  # exactly
    # As far as single precision has it.
    assert bool((apart[~named] > 0).all()) and float(apart[~named].min()) >= gap - 1e-6
    assert max(float(codes.abs().max()) for codes in pairs[:2]) <= 1


@pytest.mark.parametrize("gap", [0.0, 0.7])
def test_the_law_is_the_uniform_one_of_what_is_far_enough_apart(gap: float) -> None:
    pairs = draw(20_000, 2, gap)
    assert (pairs.shared.bincount() / 20_000).tolist() == pytest.approx(
        [0.5, 0.5], abs=0.02
    )
    rows = torch.arange(20_000)
    same = pairs.first[rows, pairs.shared]
    ours = torch.stack([c[rows, 1 - pairs.shared] for c in pairs[:2]])
    # Drawn again by rejection.
    uniform = 2 * torch.rand(2, 80_000, generator=torch.Generator().manual_seed(1)) - 1
    wanted = uniform[:, (uniform[0] - uniform[1]).abs() >= gap][:, :20_000]
    grid = torch.linspace(0.1, 0.9, 6)  # not the middle: a gap has nothing there
    for drawn, law in (
        (same, uniform[0]),
        (ours[0], wanted[0]),
        (ours[1], wanted[1]),
        (ours[0] - ours[1], wanted[0] - wanted[1]),
        (ours[0] + ours[1], wanted[0] + wanted[1]),
    ):
        torch.testing.assert_close(
            drawn.quantile(grid), law.quantile(grid), atol=0.04, rtol=0
        )


def test_draws_are_the_generator_s(device: torch.device) -> None:
    first, again, other = (
        coupled_codes(8, 3, 0.5, torch.Generator(device).manual_seed(seed))
        for seed in (0, 0, 1)
    )
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.first, other.first)
    assert all(part.device.type == device.type for part in first)
    assert first.shared.dtype == torch.long and first.first.shape == (8, 3)


def test_the_loss_is_the_mean_log_probability_of_the_right_latent() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 5.0]], requires_grad=True)
    shared = torch.tensor([0, 2])
    wanted = 0.0
    for row, right in zip(logits.tolist(), shared.tolist(), strict=True):
        total = sum(math.exp(value) for value in row)
        wanted -= math.log(math.exp(row[right]) / total) / 2
    loss = contrastive_regulariser(logits, shared)
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-6)
    half = contrastive_regulariser(logits.bfloat16(), shared)
    assert half.dtype == torch.float32


@pytest.mark.parametrize(
    ("n", "latent_dim", "gap", "message"),
    [
        (0, 3, 0.0, "at least one pair .* got n = 0"),
        (4, 1, 0.0, "got n = 4 and latent_dim = 1"),
        (4, 3, 2.0, "less than 2; got 2.0"),
        (4, 3, -0.1, "got -0.1"),
        (4, 3, math.nan, "got nan"),
    ],
)
def test_draws_without_sense_are_refused(
    n: int, latent_dim: int, gap: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        draw(n, latent_dim, gap)


def test_shapes_that_do_not_fit_are_refused() -> None:
    zeros = torch.zeros(3, dtype=torch.long)
    for logits, shared in ((torch.zeros(2, 4), zeros), (torch.zeros(3), zeros)):
        with pytest.raises(ValueError, match=r"logits must have shape \(n, d\)"):
            contrastive_regulariser(logits, shared)
