"""Boundary equilibrium: the error, and where the balance comes to rest."""

from __future__ import annotations

import pytest
import torch

from dlib.losses import autoencoding_error, next_balance


def test_absolute_differences_are_summed_within_a_picture() -> None:
    pictures = torch.tensor([[0.0, 0.25], [1.0, 1.0]]).view(2, 1, 1, 2)
    back = torch.tensor([[1.0, 0.5], [0.0, 0.5]]).view(2, 1, 1, 2)
    found = autoencoding_error(pictures, back)
    assert float(found) == pytest.approx((1.25 + 1.5) / 2)


def test_the_balance_moves_towards_the_ratio(device: torch.device) -> None:
    """A generator whose error falls as k rises is led to gamma, and stays there."""
    k, real = torch.zeros((), device=device), torch.tensor(2.0, device=device)
    for _ in range(400):
        fake = 0.5 + 1.5 * k
        k = next_balance(k, real, fake, gamma=0.5, rate=0.05)
    assert float(k) == pytest.approx(1 / 3, abs=1e-4)
    assert float(0.5 + 1.5 * k) == pytest.approx(0.5 * float(real), abs=1e-3)


@pytest.mark.parametrize(("fake", "end"), [(0.0, 1.0), (9.0, 0.0)])
def test_the_balance_stays_between_0_and_1(fake: float, end: float) -> None:
    k = torch.tensor(0.5)
    for _ in range(100):
        k = next_balance(k, torch.tensor(2.0), torch.tensor(fake), 0.5, 0.1)
    assert float(k) == end


def test_the_balance_has_no_gradient() -> None:
    real = torch.tensor(2.0, requires_grad=True)
    assert not next_balance(torch.tensor(0.0), real, real, 0.5, 0.1).requires_grad


def test_pictures_of_two_shapes_are_not_compared() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 1, 4, 4\) and \(2, 3, 4, 4\)"):
        autoencoding_error(torch.zeros(2, 1, 4, 4), torch.zeros(2, 3, 4, 4))
