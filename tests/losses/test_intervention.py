"""Interventions, the weighted game, and the inner loop's gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from dlib.losses import (
    intervene,
    translate,
    translation_difficulty,
    translation_loss,
    translator,
    weighted_adversarial_loss,
)


def pictures(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(shape, generator=generator, dtype=torch.float64)
    return 0.1 + 0.8 * values


def test_a_chunk_is_taken_and_the_others_stay(device: torch.device) -> None:
    codes = torch.arange(12.0, device=device).view(3, 4)
    others = -codes - 1
    which = torch.tensor([0, 2, 1], device=device)
    found = intervene(codes, others, (2, 1, 1), which)
    assert found.tolist() == [[-1, -2, 2, 3], [4, 5, 6, -8], [8, 9, -11, 11]]
    back = intervene(found, codes, (2, 1, 1), which)  # Proposition 1
    assert torch.equal(back, codes)


def test_one_chunk_for_all() -> None:
    found = intervene(torch.zeros(3, 2), torch.ones(3, 2), (1, 1), torch.tensor(1))
    assert found.tolist() == [[0, 1]] * 3


@pytest.mark.parametrize(
    ("others", "chunks", "which", "message"),
    [
        (torch.zeros(2, 3), (2, 2), 0, "two matrices of one shape"),
        (torch.zeros(2, 4), (2, 1), 0, r"add up to 4, got \(2, 1\)"),
        (torch.zeros(2, 4), (5, -1), 0, "positive widths"),
        (torch.zeros(2, 4), (2, 2), 2, "chunks 0 to 1, got 2 to 2"),
        (torch.zeros(2, 4), (2, 2), -1, "chunks 0 to 1, got -1"),
    ],
)
def test_interventions_without_sense_are_refused(
    others: Tensor, chunks: tuple[int, ...], which: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        intervene(torch.zeros(2, 4), others, chunks, torch.tensor(which))


def test_the_game_the_long_way() -> None:
    real, fake = torch.tensor([0.5, -1.0]), torch.tensor([0.3, 2.0, -0.7])
    weights = torch.tensor([1.0, 3.0, 0.5])
    wanted = sum(math.log(1 / (1 + math.exp(-v))) for v in real.tolist()) / 2
    for w, v in zip(weights.tolist(), fake.tolist(), strict=True):
        wanted += w / 1.5 * math.log(1 - 1 / (1 + math.exp(-v))) / 3
    found = weighted_adversarial_loss(real, fake, weights.log())
    assert float(found) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("level", [-90.0, 0.0, 3.0, 90.0])
def test_weights_that_are_all_alike_change_nothing(level: float) -> None:
    """With N, a weight is relative: of mean one, whatever the network says."""
    real, fake = torch.randn(2, 40, generator=torch.Generator().manual_seed(0))
    plain = functional.logsigmoid(real).mean() + functional.logsigmoid(-fake).mean()
    found = weighted_adversarial_loss(real, fake, torch.full((40,), level))
    torch.testing.assert_close(found, plain)


def test_each_fake_picture_has_a_weight() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) weights for \(4,\) logits"):
        weighted_adversarial_loss(torch.zeros(4), torch.zeros(4), torch.zeros(3))


def test_the_game_recovers_the_density_ratio() -> None:
    """Proposition 2 on four pictures: two factors that agree nine times in ten."""
    law = torch.tensor([0.45, 0.05, 0.05, 0.45])
    margins = torch.full((4,), 0.25)  # what interventions make of it
    ratio = law / margins
    generator = torch.Generator().manual_seed(0)
    judge, log_weights = (torch.zeros(4, requires_grad=True) for _ in range(2))

    def play(real: Tensor, fake: Tensor) -> Tensor:
        return weighted_adversarial_loss(judge[real], judge[fake], log_weights[fake])

    judging = torch.optim.Adam([judge], lr=0.05)
    weighing = torch.optim.Adam([log_weights], lr=0.02)
    for _ in range(500):
        real = torch.multinomial(law, 2_000, True, generator=generator)
        fake = torch.multinomial(margins, 2_000, True, generator=generator)
        for _ in range(2):
            game = weighted_adversarial_loss(
                judge[real], judge[fake], log_weights[fake]
            )
            judging.zero_grad()
            (-game).backward(inputs=[judge])
            judging.step()
        game = play(real, fake)
        weighing.zero_grad()
        game.backward(inputs=[log_weights])
        weighing.step()
    weights = log_weights.detach().exp()
    weights = weights / (weights * margins).sum()
    torch.testing.assert_close(weights, ratio, rtol=0.15, atol=0.05)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_the_inner_loop_s_gradient_is_that_of_finite_differences(steps: int) -> None:
    weights = translator(1, torch.Generator().manual_seed(0), width=2)
    weights = {k: v.detach().double() for k, v in weights.items()}
    # A last layer that is zero would hide the others.
    weights["out"] = weights["middle"][:, :1].repeat(1, 1, 2, 2)[..., :4, :4]
    weights = {k: v.clone().requires_grad_() for k, v in weights.items()}
    some = [pictures(2, 1, 4, 4, seed=seed).requires_grad_() for seed in range(4)]

    def difficulty(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        return translation_difficulty(weights, (a, b), (c, d), steps, 0.05)

    assert torch.autograd.gradcheck(difficulty, some, eps=1e-6, atol=1e-5)
    slopes = torch.autograd.grad(difficulty(*some), some, allow_unused=True)
    assert (slopes[0] is not None) == (steps > 0)  # it goes through the steps


def test_a_translator_starts_as_a_copier_and_learns() -> None:
    weights = translator(3, torch.Generator().manual_seed(0))
    source = pictures(8, 3, 16, 16).float()
    torch.testing.assert_close(translate(weights, source).sigmoid(), source)
    target = source.flip(1)  # another colour
    pair = source, target
    losses = [
        float(translation_difficulty(weights, pair, pair, steps, 1e-3).detach())
        for steps in (0, 5, 20)
    ]
    assert losses[0] > losses[1] > losses[2]
    assert losses[0] == pytest.approx(float(translation_loss(weights, *pair).detach()))


def squares(inner: Tensor, outer: Tensor) -> Tensor:
    """Pictures of one colour each, (n, 3), with a square of another in the middle."""
    images = outer[:, :, None, None].repeat(1, 1, 16, 16)
    images[:, :, 4:12, 4:12] = inner[:, :, None, None]
    return images


def test_one_change_for_all_is_easier_than_one_for_each() -> None:
    """What a slider that moves one factor does can be learned from a few."""
    colours = pictures(3, 32, 3).float()
    one, two = torch.tensor([[0.9, 0.1, 0.1], [0.1, 0.2, 0.9]]).unsqueeze(1)
    source = squares(one.expand(32, 3), colours[0])
    alike = squares(two.expand(32, 3), colours[0])
    each = squares(colours[2], colours[1])  # anything, and the background too

    def unexplained(target: Tensor, steps: int) -> float:
        floor = functional.binary_cross_entropy(target[16:], target[16:])
        found = translation_difficulty(
            translator(3, torch.Generator().manual_seed(1)),
            (source[:16], target[:16]),
            (source[16:], target[16:]),
            steps,
            1e-3,
        )
        return float(found.detach() - 3 * 16 * 16 * floor)

    easy, hard = (unexplained(t, 30) / unexplained(t, 0) for t in (alike, each))
    assert easy < 0.45 < 0.55 < hard


@pytest.mark.parametrize(("steps", "rate"), [(-1, 0.1), (1, 0.0), (1, math.nan)])
def test_inner_loops_without_sense_are_refused(steps: int, rate: float) -> None:
    weights = translator(1, torch.Generator(), width=2)
    pair = pictures(2, 1, 4, 4).float(), pictures(2, 1, 4, 4).float()
    with pytest.raises(ValueError, match="rate be positive"):
        translation_difficulty(weights, pair, pair, steps, rate)
