"""Latents that say something are counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toy

from dlib import metrics


def test_latents_above_the_threshold_are_counted(device: torch.device) -> None:
    draws = torch.from_numpy(toy.noise_codes(4_000)).to(device)
    wide = draws / draws.std(0) * torch.tensor([1, 0.5, 0.11, 0.09, 0.001]).to(draws)
    score = metrics.active_units(wide)
    assert score.value == 3  # .11 squared is above .01, .09 squared below
    wanted = torch.tensor([1, 0.25, 0.0121, 0.0081, 1e-6], dtype=torch.float64)
    torch.testing.assert_close(
        score["variances"].cpu().double(), wanted, rtol=1e-3, atol=1e-7
    )
    assert metrics.active_units(wide, threshold=0.005).value == 4


def test_all_may_be_silent() -> None:
    with pytest.warns(UserWarning, match="constant"):
        assert metrics.active_units(np.ones((10, 3))).value == 0


def test_turning_codes_can_wake_a_latent_but_never_loses_variance() -> None:
    codes = torch.from_numpy(toy.noise_codes(1_000))
    codes[:, 0] *= 0
    turn = torch.linalg.qr(torch.randn(5, 5, generator=torch.manual_seed(0)).double())[
        0
    ]
    with pytest.warns(UserWarning, match="constant"):
        before = metrics.active_units(codes)
    after = metrics.active_units(codes.double() @ turn)
    assert (before.value, after.value) == (4, 5)
    assert float(after["variances"].sum()) == pytest.approx(
        float(before["variances"].sum()), rel=1e-5
    )


def test_a_negative_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold must not be negative, got -1"):
        metrics.active_units(np.ones((10, 3)), threshold=-1)
