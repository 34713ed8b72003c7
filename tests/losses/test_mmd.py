"""Maximum mean discrepancy: against a loop, and what it can tell apart."""

from __future__ import annotations

import math

import pytest
import torch

from dlib.losses import mmd


def test_it_is_the_formula_written_out() -> None:
    generator = torch.Generator().manual_seed(0)
    z, p = (
        torch.randn(5, 3, generator=generator),
        torch.randn(7, 3, generator=generator),
    )

    def kernel(a: torch.Tensor, b: torch.Tensor) -> float:
        return math.exp(-float((a - b).square().sum()) / 2.5)

    def mean(left: torch.Tensor, right: torch.Tensor) -> float:
        return sum(kernel(a, b) for a in left for b in right) / len(left) / len(right)

    wanted = mean(z, z) + mean(p, p) - 2 * mean(z, p)
    assert float(mmd(z, p, bandwidth=2.5)) == pytest.approx(wanted, abs=1e-6)
    assert float(mmd(z, p)) == pytest.approx(float(mmd(z, p, bandwidth=9.0)))


def test_it_falls_to_the_noise_of_a_sample_where_both_are_alike(
    device: torch.device,
) -> None:
    generator = torch.Generator(device).manual_seed(0)
    draws = torch.randn(3, 800, 2, generator=generator, device=device)
    alike = float(mmd(draws[0], draws[1]))
    shifted = float(mmd(draws[0] + 0.5, draws[1]))
    wider = float(mmd(2 * draws[0], draws[1]))
    assert 0 <= alike < 2 * 2 / 800  # 1/n of each sample
    assert shifted > 10 * alike and wider > 10 * alike


@pytest.mark.parametrize(
    ("z", "p", "width", "message"),
    [
        ((3, 2), (3, 4), None, "shapes"),
        ((3,), (3, 4), None, "shapes"),
        ((0, 4), (3, 4), None, "at least one point"),
        ((3, 4), (3, 4), 0.0, "bandwidth must be positive, got 0"),
    ],
)
def test_bad_samples_are_refused(
    z: tuple[int, ...], p: tuple[int, ...], width: float | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mmd(torch.zeros(z), torch.zeros(p), width)
