"""Interventions, the weighted game, and the inner loop's gradient."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from dlib.losses import (
    intervene,
    picture_entropy,
    translate,
    translation_difficulty,
    translation_loss,
    translator,
    weighted_adversarial_loss,
)
from dlib.losses.intervention import Measure


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


@pytest.mark.parametrize("measure", get_args(Measure))
@pytest.mark.parametrize("steps", [0, 1, 3])
def test_the_inner_loop_s_gradient_is_that_of_finite_differences(
    steps: int, measure: Measure
) -> None:
    weights = translator(1, 4, torch.Generator().manual_seed(0), width=2)
    weights = {name: weight.detach().double() for name, weight in weights.items()}
    weights["out"] = weights["features"].flip(0)  # zero, it would hide the features
    for name in ("map", "out"):
        weights[name].requires_grad_()
    some = [pictures(2, 1, 4, 4, seed=seed).requires_grad_() for seed in range(4)]

    def difficulty(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
        return translation_difficulty(
            weights, (a, b), (c, d), steps, 0.05, measure=measure
        )

    assert torch.autograd.gradcheck(difficulty, some, eps=1e-6, atol=1e-4)
    slopes = torch.autograd.grad(difficulty(*some), some, allow_unused=True)
    assert (slopes[0] is not None) == (steps > 0)  # it goes through the steps


def test_a_translator_starts_as_a_copier_and_learns(device: torch.device) -> None:
    weights = translator(3, 16, torch.Generator(device).manual_seed(0))
    source = pictures(8, 3, 16, 16).float().to(device)
    torch.testing.assert_close(translate(weights, source).sigmoid(), source)
    target = source.flip(1)  # another colour
    pair = source, target
    found = [
        float(translation_difficulty(weights, pair, pair, steps, 2.0).detach())
        for steps in (0, 3, 10)
    ]
    assert found[0] > found[1] > found[2]
    assert found[0] == pytest.approx(float(translation_loss(weights, *pair).detach()))


@pytest.mark.parametrize("numbers", [(0, 8, 2), (1, 7, 2), (1, 0, 2), (1, 8, 0)])
def test_translators_without_sense_are_refused(numbers: tuple[int, int, int]) -> None:
    channels, size, width = numbers
    with pytest.raises(ValueError, match=f"{channels}, {size} and {width}"):
        translator(channels, size, torch.Generator(), width)


def squares(inner: Tensor, outer: Tensor) -> Tensor:
    """Pictures of one colour each, (n, 3), with a square of another in the middle."""
    images = outer[:, :, None, None].repeat(1, 1, 16, 16)
    images[:, :, 4:12, 4:12] = inner[:, :, None, None]
    return images


def colours(n: int) -> Tensor:
    return pictures(3, n, 3).float()


def test_one_change_for_all_is_easier_than_one_for_each() -> None:
    """What a slider that moves one factor does can be learned from a few."""
    some = colours(32)
    one, two = torch.tensor([[0.9, 0.1, 0.1], [0.1, 0.2, 0.9]]).unsqueeze(1)
    source = squares(one.expand(32, 3), some[0])
    alike = squares(two.expand(32, 3), some[0])
    each = squares(some[2], some[1])  # anything, and the background too

    def unexplained(target: Tensor) -> float:
        share = translation_difficulty(
            translator(3, 16, torch.Generator().manual_seed(1)),
            (source[:16], target[:16]),
            (source[16:], target[16:]),
            5,
            2.0,
            measure="relative",
        )
        return float(share.detach())

    assert unexplained(alike) < 0.2 < 0.7 < unexplained(each)


def test_what_the_three_measures_measure() -> None:
    source, target = pictures(2, 4, 1, 8, 8).float()
    weights = translator(1, 8, torch.Generator().manual_seed(0))
    pair = source, target
    whole, excess, share = (
        float(translation_difficulty(weights, pair, pair, 2, 1.0, measure=m).detach())
        for m in ("cross_entropy", "excess", "relative")
    )
    entropy = functional.binary_cross_entropy(target, target) * 64
    assert float(picture_entropy(target)) == pytest.approx(float(entropy), rel=1e-4)
    copied = float((translation_loss(weights, *pair) - entropy).detach())
    assert whole - excess == pytest.approx(float(entropy), rel=1e-4)
    assert share == pytest.approx(excess / (copied + 1), rel=1e-4)
    same = source, source  # where nothing changes there is nothing to learn
    for measure in ("excess", "relative"):
        found = translation_difficulty(weights, same, same, 2, 1.0, measure=measure)
        assert abs(float(found.detach())) < 1e-4


@pytest.mark.parametrize("measure", get_args(Measure))
def test_black_and_white_pixels_have_finite_slopes(measure: Measure) -> None:
    """As a decoder's are when it is sure: sigmoid(20) is 1 in single precision."""
    logits = torch.tensor([-200.0, 0, 20, 200]).repeat(4, 1, 4, 1).requires_grad_()
    pair = logits.sigmoid(), logits.sigmoid().flip(3)
    weights = translator(1, 4, torch.Generator().manual_seed(0))
    found = translation_difficulty(weights, pair, pair, 2, 2.0, measure=measure)
    (slope,) = torch.autograd.grad(found, logits)
    assert bool(slope.isfinite().all())


def test_without_a_graph_it_is_the_same_number() -> None:
    pair = tuple(pictures(2, 4, 1, 8, 8).float().requires_grad_())
    weights = translator(1, 8, torch.Generator().manual_seed(0))
    graph = translation_difficulty(weights, pair, pair, 3, 1.0)
    none = translation_difficulty(weights, pair, pair, 3, 1.0, differentiable=False)
    torch.testing.assert_close(graph.detach(), none)
    assert graph.requires_grad and not none.requires_grad


@pytest.mark.parametrize(
    ("steps", "rate", "measure", "message"),
    [
        (-1, 0.1, "excess", "rate be positive"),
        (1, 0.0, "excess", "rate be positive"),
        (1, math.nan, "excess", "rate be positive"),
        (1, 0.1, "accuracy", "cross_entropy, excess, relative, got 'accuracy'"),
    ],
)
def test_inner_loops_without_sense_are_refused(
    steps: int, rate: float, measure: str, message: str
) -> None:
    weights = translator(1, 4, torch.Generator(), width=2)
    pair = pictures(2, 1, 4, 4).float(), pictures(2, 1, 4, 4).float()
    with pytest.raises(ValueError, match=message):
        translation_difficulty(weights, pair, pair, steps, rate, measure=measure)
