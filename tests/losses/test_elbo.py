"""The ELBO's halves against torch.distributions, which was written by others."""

from __future__ import annotations

import math

import pytest
import torch
from torch import distributions

from dlib.losses.elbo import bernoulli_nll, gaussian_nll, kl_to_standard_normal


def draw(*shape: int, device: torch.device, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator).to(device)


def test_kl_is_that_of_torch_distributions(device: torch.device) -> None:
    mean, logvar = draw(7, 4, device=device), draw(7, 4, device=device, seed=1)
    wanted = distributions.kl_divergence(
        distributions.Normal(mean, (0.5 * logvar).exp()),
        distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean)),
    )
    torch.testing.assert_close(kl_to_standard_normal(mean, logvar), wanted)


def test_kl_of_the_prior_itself_is_exactly_zero() -> None:
    assert not kl_to_standard_normal(torch.zeros(3, 2), torch.zeros(3, 2)).any()


def test_kl_keeps_its_digits_near_the_prior() -> None:
    """exp(v) - 1 - v is v^2/2 for a small v: rounding would leave nothing of it."""
    logvar = torch.full((1, 1), 1e-3)
    kl = kl_to_standard_normal(torch.zeros(1, 1), logvar)
    assert float(kl) == pytest.approx(2.5e-7, rel=0.01)


def test_bernoulli_nll_is_that_of_torch_distributions(device: torch.device) -> None:
    logits = 3 * draw(5, 1, 4, 4, device=device)
    images = (draw(5, 1, 4, 4, device=device, seed=1) > 0).float()
    wanted = -distributions.Bernoulli(logits=logits).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(bernoulli_nll(logits, images), wanted)


def test_bernoulli_nll_of_grey_pixels_is_least_at_the_picture() -> None:
    grey = torch.tensor([[[[0.2, 0.7]]]])
    logits = torch.logit(grey).requires_grad_()
    bernoulli_nll(logits, grey).sum().backward()
    torch.testing.assert_close(logits.grad, torch.zeros_like(grey), atol=1e-6, rtol=0)


def test_bernoulli_nll_is_finite_for_a_sure_and_wrong_decoder() -> None:
    nll = bernoulli_nll(torch.full((1, 1, 1, 1), 200.0), torch.zeros(1, 1, 1, 1))
    assert float(nll) == 200.0


@pytest.mark.parametrize("scale", [1.0, 0.1, 3.0])
def test_gaussian_nll_is_that_of_torch_distributions(
    device: torch.device, scale: float
) -> None:
    mean, images = (draw(5, 3, 4, 4, device=device, seed=s) for s in (0, 1))
    wanted = -distributions.Normal(mean, scale).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(gaussian_nll(mean, images, scale), wanted)


def test_a_likelihood_is_a_sum_over_pixels_not_a_mean() -> None:
    """Four times the pixels cost four times the nats: traps.md's KL weight."""
    small, large = torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 16, 16)
    for nll in (bernoulli_nll, gaussian_nll):
        assert nll(small, small).shape == (2,)
        torch.testing.assert_close(4 * nll(small, small), nll(large, large))
    assert float(bernoulli_nll(small, small)[0]) == pytest.approx(64 * math.log(2))


def test_gradients_reach_every_argument(device: torch.device) -> None:
    mean, logvar = draw(7, 4, device=device), draw(7, 4, device=device, seed=1)
    mean.requires_grad_(), logvar.requires_grad_()
    kl_to_standard_normal(mean, logvar).sum().backward()
    torch.testing.assert_close(mean.grad, mean.detach())
    torch.testing.assert_close(logvar.grad, (logvar.detach().exp() - 1) / 2)


def test_half_precision_is_summed_in_single() -> None:
    """A sum of 4096 terms in bfloat16 would stop growing after 256."""
    half = torch.zeros(1, 1, 64, 64, dtype=torch.bfloat16)
    for nll in (bernoulli_nll, gaussian_nll):
        assert nll(half, half).dtype == torch.float32
        torch.testing.assert_close(nll(half, half), nll(half.float(), half.float()))


def test_autocast_changes_nothing(device: torch.device) -> None:
    mean, logvar = draw(7, 4, device=device), draw(7, 4, device=device, seed=1)
    alone = kl_to_standard_normal(mean, logvar)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        assert torch.equal(kl_to_standard_normal(mean, logvar), alone)


@pytest.mark.parametrize("loss", [bernoulli_nll, gaussian_nll])
def test_pictures_of_another_shape_are_refused(loss) -> None:
    with pytest.raises(ValueError, match=r"same shape.*\(2, 1, 4, 4\).*\(2, 4, 4\)"):
        loss(torch.zeros(2, 1, 4, 4), torch.zeros(2, 4, 4))


def test_kl_of_different_shapes_is_refused() -> None:
    with pytest.raises(ValueError, match="same shape"):
        kl_to_standard_normal(torch.zeros(2, 3), torch.zeros(2, 1))


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_scale_that_is_not_positive_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale must be positive"):
        gaussian_nll(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), scale)
