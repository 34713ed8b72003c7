"""Weights in eight bits: as near as half a step, and back."""

from __future__ import annotations

import torch

from dlib.runs.eight_bits import LEVELS, STEP, half, restore_weights, round_weights


def test_a_weight_is_off_by_half_a_step_of_its_row() -> None:
    draw = torch.Generator().manual_seed(0)
    weights = {
        "linear": torch.randn(6, 40, generator=draw) * torch.arange(1.0, 7)[:, None],
        "kernel": torch.randn(3, 5, 4, 4, generator=draw),
    }
    stored = round_weights(weights)
    back = restore_weights(stored)
    assert set(back) == set(weights)
    for name, value in weights.items():
        assert stored[name].dtype == torch.int8 and stored[name].shape == value.shape
        largest = value.flatten(1).abs().amax(1)
        torch.testing.assert_close(stored[name + STEP], largest / LEVELS)
        off = (back[name] - value).flatten(1).abs().amax(1)
        assert bool((off <= 0.501 * largest / LEVELS).all())
        assert off.max() > 0  # something was rounded
    again = round_weights(back)
    assert all(torch.equal(again[name], stored[name]) for name in weights)


def test_rows_of_nothing_stay_nothing() -> None:
    back = restore_weights(round_weights({"w": torch.zeros(2, 3)}))
    assert torch.equal(back["w"], torch.zeros(2, 3))


def test_vectors_are_halved_and_counts_stay_whole() -> None:
    count = torch.tensor(2**40)
    stored = round_weights({"bias": torch.tensor([1.0, 2.5]), "count": count})
    assert stored["bias"].dtype == torch.float16 and set(stored) == {"bias", "count"}
    assert torch.equal(stored["count"], count)
    assert torch.equal(restore_weights(stored)["bias"], stored["bias"])


def test_what_half_precision_can_t_hold_stays_whole() -> None:
    assert half(torch.tensor([1.0, 2.5])).dtype == torch.float16
    large = torch.tensor([1e6, 1.0])
    assert torch.equal(half(large), large)
    whole = torch.tensor([2**40])
    assert torch.equal(half(whole), whole)


def test_what_is_not_finite_stays_as_it_is() -> None:
    weight = torch.tensor([[1.0, float("inf")], [1.0, 2.0]])
    stored = round_weights({"w": weight})
    assert torch.equal(stored["w"], weight) and set(stored) == {"w"}
