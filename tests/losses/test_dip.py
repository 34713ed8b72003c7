"""DIP-VAE's penalties, and the well-known copies that get them wrong."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib.losses.dip import (
    covariance,
    dip_penalty,
    inferred_prior_covariance,
    third_central_moment_penalty,
)


def posterior(n: int = 64, d: int = 5, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Correlated means, and variances that differ between pictures and latents."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.eye(d) + 0.3 * torch.randn(d, d, generator=generator)
    mean = 0.7 * torch.randn(n, d, generator=generator) @ mix
    logvar = torch.randn(n, d, generator=generator) - torch.arange(d)
    return mean, logvar


def penalty(matrix: Tensor, lambda_od: float = 1.0, lambda_d: float = 1.0) -> float:
    return float(sum(dip_penalty(matrix, lambda_od, lambda_d)))


def test_covariance_is_torchs_divided_by_n(device: torch.device) -> None:
    mean, _ = posterior()
    mean = mean.to(device) + 3  # the batch's mean has to be taken away
    torch.testing.assert_close(covariance(mean), torch.cov(mean.T, correction=0))


def test_inferred_prior_covariance_is_that_of_samples() -> None:
    """q(z) is a mixture of one Gaussian for each picture: sample it."""
    mean, logvar = posterior(n=32, d=3)
    n, generator = 400_000, torch.Generator().manual_seed(1)
    which = torch.randint(len(mean), (n,), generator=generator)
    noise = torch.randn(n, 3, generator=generator)
    codes = (mean[which] + (0.5 * logvar[which]).exp() * noise).double()
    centred = codes - codes.mean(0)
    products = centred[:, :, None] * centred[:, None, :]
    error = products.std(0) / n**0.5
    matrix = inferred_prior_covariance(mean, logvar).double()
    assert ((products.mean(0) - matrix).abs() < 5 * error).all()


def test_posterior_variances_land_on_the_diagonal_only() -> None:
    mean, logvar = posterior()
    added = inferred_prior_covariance(mean, logvar) - covariance(mean)
    torch.testing.assert_close(added.diagonal(), logvar.exp().mean(0))
    off = added - torch.diag(added.diagonal())
    assert not off.any()


def test_penalty_by_hand() -> None:
    matrix = torch.tensor([[2.0, 0.5], [0.25, -1.0]])
    off_diagonal, diagonal = dip_penalty(matrix, lambda_od=3, lambda_d=7)
    assert float(off_diagonal) == 3 * (0.25 + 0.0625)
    assert float(diagonal) == 7 * (1 + 4)


def test_penalty_of_the_identity_is_zero(device: torch.device) -> None:
    for part in dip_penalty(torch.eye(6, device=device), 10, 100):
        assert float(part) == 0
        assert part.device.type == device.type


def test_penalties_of_a_small_batch_by_hand() -> None:
    """Two pictures, two latents; every number can be checked on paper."""
    mean = torch.tensor([[1.0, 2.0], [-1.0, -2.0]])
    logvar = torch.tensor([[0.5, 2.0], [1.5, 4.0]]).log()
    # Cov[mu] = [[1, 2], [2, 4]]; the mean variances are 1 and 3.
    assert penalty(covariance(mean)) == pytest.approx(2 * 4 + 0 + 9)
    inferred = inferred_prior_covariance(mean, logvar)
    assert penalty(inferred) == pytest.approx(2 * 4 + 1 + 36)


# The mistakes that reference lists of popular torch copies describe: the paper's
# Eq. (5) has the *mean over pictures* of the variances, on the *diagonal*.


def added_to_every_entry(mean: Tensor, logvar: Tensor) -> Tensor:
    """``torch.diagonal`` of the (n, d) batch, averaged to one scalar."""
    return covariance(mean) + logvar.exp().diagonal().mean()


def summed_over_pictures(mean: Tensor, logvar: Tensor) -> Tensor:
    return covariance(mean) + torch.diag(logvar.exp().sum(0))


@pytest.mark.parametrize("copy", [added_to_every_entry, summed_over_pictures])
def test_the_well_known_wrong_copies_differ(copy) -> None:
    mean, logvar = posterior()
    right = torch.zeros(5, 5, dtype=torch.float64)  # Eq. (5), entry by entry
    for i in range(5):
        for j in range(5):
            mu = mean.double()
            right[i, j] = ((mu[:, i] - mu[:, i].mean()) * (mu[:, j])).mean()
            if i == j:
                right[i, j] += logvar[:, i].double().exp().mean()
    wanted = penalty(right)
    assert penalty(inferred_prior_covariance(mean, logvar)) == pytest.approx(wanted)
    assert abs(penalty(copy(mean, logvar)) - wanted) > wanted


def test_independent_codes_pay_what_chance_makes_them_pay() -> None:
    """Over batches of n, E[C_ij^2] = (n - 1) / n^2: a small floor, not zero."""
    n, d, repeats, weight = 64, 6, 600, 10.0
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack(
        [
            dip_penalty(covariance(torch.randn(n, d, generator=generator)), weight, 0)[
                0
            ]
            for _ in range(repeats)
        ]
    )
    wanted = weight * d * (d - 1) * (n - 1) / n**2
    error = float(draws.std()) / repeats**0.5
    assert float(draws.mean()) == pytest.approx(wanted, abs=5 * error)
    assert error < 0.03 * wanted


def test_third_moments_of_a_symmetric_prior_vanish() -> None:
    mean, logvar = posterior()
    pair = torch.cat([mean, -mean]) + 5, torch.cat([logvar, logvar])
    assert float(third_central_moment_penalty(*pair)) == pytest.approx(0, abs=1e-4)


def test_third_moments_of_a_skewed_batch_by_hand() -> None:
    """(0, 0, 3): mean 1, cubes -1, -1, 8, moment 2. (0, 0, -6): moment -16."""
    mean = torch.tensor([[0.0, 0.0], [0.0, 0.0], [3.0, -6.0]])
    points = torch.full_like(mean, -60.0)  # posteriors without any width
    assert float(third_central_moment_penalty(mean, points)) == pytest.approx(4 + 256)


def test_third_moments_are_those_of_samples() -> None:
    """Wider posteriors on one side skew q(z) though the means are symmetric."""
    mean = torch.tensor([[-1.0], [1.0]])
    logvar = torch.tensor([[-2.0], [0.5]])
    noise = torch.randn(2, 500_000, generator=torch.Generator().manual_seed(0))
    samples = (mean + (logvar / 2).exp() * noise).flatten().double()
    wanted = float((samples - samples.mean()).pow(3).mean()) ** 2
    assert wanted > 1
    assert float(third_central_moment_penalty(mean, logvar)) == pytest.approx(
        wanted, rel=0.02
    )


def test_third_moments_want_equal_shapes() -> None:
    with pytest.raises(ValueError, match="same shape"):
        third_central_moment_penalty(torch.zeros(4, 2), torch.zeros(4, 3))


def test_gradients_reach_means_and_variances(device: torch.device) -> None:
    mean, logvar = (t.to(device).requires_grad_() for t in posterior())
    off_diagonal, diagonal = dip_penalty(
        inferred_prior_covariance(mean, logvar), 10.0, 5.0
    )
    (off_diagonal + diagonal).backward()
    assert mean.grad is not None and mean.grad.abs().min() > 0
    # d/dv of (C_ii - 1)^2 with C_ii = ... + mean(exp v), by the chain rule.
    excess = inferred_prior_covariance(mean, logvar).diagonal() - 1
    wanted = 2 * 5.0 * excess * logvar.exp() / len(logvar)
    torch.testing.assert_close(logvar.grad, wanted.detach())


def test_gradient_of_the_off_diagonal_part_by_difference() -> None:
    mean = posterior(n=8, d=3)[0].requires_grad_()
    loss = sum(dip_penalty(covariance(mean), 2.0, 3.0))
    (gradient,) = torch.autograd.grad(loss, mean)
    step = torch.zeros_like(mean)
    step[2, 1] = 1e-2
    with torch.no_grad():
        up = penalty(covariance(mean + step), 2.0, 3.0)
        down = penalty(covariance(mean - step), 2.0, 3.0)
    assert float(gradient[2, 1]) == pytest.approx((up - down) / 2e-2, rel=1e-2)


def test_third_moments_have_a_gradient() -> None:
    mean, logvar = (part.requires_grad_() for part in posterior())
    third_central_moment_penalty(mean, logvar).backward()
    for part in (mean, logvar):
        assert part.grad is not None and part.grad.isfinite().all() and part.grad.any()


def test_autocast_costs_the_covariance_no_digits(device: torch.device) -> None:
    mean, logvar = (t.to(device) for t in posterior())
    alone = inferred_prior_covariance(mean, logvar)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        inside = inferred_prior_covariance(mean, logvar)
        centred = mean - mean.mean(0)
        rounded = centred.T @ centred / len(mean)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, alone)
    # The test can fail: a bare product under autocast does lose them.
    assert (rounded - covariance(mean)).abs().max() > 1e-3


def test_half_precision_means_are_averaged_in_single() -> None:
    mean, logvar = posterior()
    half = inferred_prior_covariance(mean.bfloat16(), logvar.bfloat16())
    single = inferred_prior_covariance(mean.bfloat16().float(), logvar.bfloat16())
    assert half.dtype == torch.float32
    assert torch.equal(half, single)


@pytest.mark.parametrize("shape", [(1, 4), (0, 4), (4,), (2, 3, 4)])
def test_a_covariance_of_too_little_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least two rows") as caught:
        covariance(torch.zeros(shape))
    assert str(shape) in str(caught.value)


def test_posteriors_of_unequal_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(4, 2\) and \(4, 3\)"):
        inferred_prior_covariance(torch.zeros(4, 2), torch.zeros(4, 3))


def test_one_row_has_no_inferred_prior() -> None:
    with pytest.raises(ValueError, match="at least two rows"):
        inferred_prior_covariance(torch.zeros(1, 2), torch.zeros(1, 2))


@pytest.mark.parametrize("shape", [(2, 3), (4,), (2, 2, 2)])
def test_a_matrix_that_is_not_square_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="square"):
        dip_penalty(torch.zeros(shape), 1, 1)


@pytest.mark.parametrize("name", ["lambda_od", "lambda_d"])
def test_negative_weights_are_refused(name: str) -> None:
    weights = {"lambda_od": 1.0, "lambda_d": 1.0, name: -0.5}
    with pytest.raises(ValueError, match=f"{name} must not be negative, got -0.5"):
        dip_penalty(torch.eye(2), **weights)
