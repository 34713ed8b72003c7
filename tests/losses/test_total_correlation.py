"""Total correlation from minibatches and from a discriminator: closed forms."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn

from dlib import losses
from dlib.losses.total_correlation import _stratified, gaussian_log_density
from dlib.models.discriminator import code_discriminator
from dlib.networks import initialise

SAMPLINGS = ("weighted", "stratified")


def gaussian(
    n: int, correlation: float, noise: float = 0.25, device: str | torch.device = "cpu"
) -> tuple[Tensor, Tensor, Tensor, float]:
    """Codes whose q(z) is a Gaussian, and its total correlation in closed form.

    Means are N(0, S) with S = (1 - noise) times a correlation matrix, posteriors have
    the variance ``noise``: q(z) is N(0, S + noise I).
    """
    generator = torch.Generator(device).manual_seed(0)
    share = torch.tensor([[1.0, correlation], [correlation, 1.0]], device=device)
    covariance = (1 - noise) * share + noise * torch.eye(2, device=device)
    factor = torch.linalg.cholesky((1 - noise) * share)
    draw = torch.randn(n, 2, generator=generator, device=device)
    mean = draw @ factor.T
    logvar = torch.full_like(mean, math.log(noise))
    sampled = torch.randn(n, 2, generator=generator, device=device)
    codes = mean + noise**0.5 * sampled
    rho = float(covariance[0, 1])
    return codes, mean, logvar, -0.5 * math.log(1 - rho**2)


def exact(codes: Tensor, mean: Tensor, logvar: Tensor) -> losses.Decomposition:
    """The three parts where q(z) is the batch itself, written out in a loop."""
    n = len(codes)
    information, correlation, dimensions = [], [], []
    for i in range(n):
        each = gaussian_log_density(codes[i], mean, logvar)  # (n, d)
        given = each[i].sum()
        joint = each.sum(1).exp().mean().log()
        margins = each.exp().mean(0).log().sum()
        prior = torch.distributions.Normal(0, 1).log_prob(codes[i]).sum()
        information.append(given - joint)
        correlation.append(joint - margins)
        dimensions.append(margins - prior)
    return losses.Decomposition(
        *(torch.stack(t).mean() for t in (information, correlation, dimensions))
    )


def test_the_whole_population_has_the_exact_value() -> None:
    codes, mean, logvar, _ = gaussian(40, 0.8)
    wanted = exact(codes, mean, logvar)
    found = losses.decompose_kl(codes, mean, logvar, 40, "stratified")
    for got, true in zip(found, wanted, strict=True):
        torch.testing.assert_close(got, true)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.95])
def test_a_large_population_comes_close_to_a_gaussian_s_closed_form(
    correlation: float, device: torch.device
) -> None:
    codes, mean, logvar, wanted = gaussian(2000, correlation, device=device)
    tc = losses.total_correlation(codes, mean, logvar, 2000, "stratified")
    assert tc.device.type == device.type
    assert float(tc) == pytest.approx(wanted, abs=0.06)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_the_three_parts_add_up_to_the_kl_term(sampling: str) -> None:
    codes, mean, logvar, _ = gaussian(30, 0.5)
    parts = losses.decompose_kl(codes, mean, logvar, 1000, sampling)
    prior = gaussian_log_density(codes, torch.zeros(()), torch.zeros(()))
    one_sample = gaussian_log_density(codes, mean, logvar) - prior
    torch.testing.assert_close(sum(parts), one_sample.sum(1).mean())


def test_the_population_moves_a_weighted_estimate_by_a_constant() -> None:
    codes, mean, logvar, _ = gaussian(30, 0.5)
    mean.requires_grad_()
    small = losses.total_correlation(codes, mean, logvar, 30)
    large = losses.total_correlation(codes, mean, logvar, 3000)
    # d - 1 = 1 latent more among the margins than in the joint
    assert float((large - small).detach()) == pytest.approx(math.log(100), abs=1e-4)
    one, other = (torch.autograd.grad(t, mean)[0] for t in (small, large))
    torch.testing.assert_close(one, other)


def test_the_population_is_in_a_stratified_gradient() -> None:
    codes, mean, logvar, _ = gaussian(30, 0.5)
    mean.requires_grad_()
    grads = [
        torch.autograd.grad(
            losses.total_correlation(codes, mean, logvar, n, "stratified"), mean
        )[0]
        for n in (30, 30_000)
    ]
    assert not torch.allclose(*grads, atol=1e-3)


def test_stratified_weights_estimate_q_without_bias() -> None:
    """Over all batches of 3 out of 6 that have picture 0, the mean is q(z_0)."""
    codes, mean, logvar, _ = gaussian(6, 0.5)
    density = gaussian_log_density(codes[0], mean, logvar).sum(1).exp()
    weights = _stratified(3, 6, codes.device)[0].exp()
    assert float(weights.sum()) == pytest.approx(1)
    estimates = [
        weights[0] * density[0] + weights[1] * density[j] + weights[2] * density[k]
        for j, k in itertools.combinations(range(1, 6), 2)
    ]
    torch.testing.assert_close(torch.stack(estimates).mean(), density.mean())


def test_rotating_independent_codes_raises_it() -> None:
    generator = torch.Generator().manual_seed(0)
    mean = torch.rand(1000, 2, generator=generator) * 4 - 2  # a square
    turn = torch.tensor([[1.0, 1.0], [-1.0, 1.0]]) / 2**0.5
    logvar = torch.full_like(mean, -4.0)
    noise = torch.randn(mean.shape, generator=generator) * math.exp(-2)
    values = [
        float(losses.total_correlation(m + noise, m, logvar, 1000, "stratified"))
        for m in (mean, mean @ turn)
    ]
    assert abs(values[0]) < 0.1 < 0.2 < values[1]


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_far_codes_are_no_infinity(sampling: str) -> None:
    mean = torch.tensor([[-500.0, 0.0], [500.0, 0.0], [0.0, 900.0]], requires_grad=True)
    logvar = torch.full_like(mean, -9.0)
    parts = losses.decompose_kl(mean, mean, logvar, 700_000, sampling)
    assert all(bool(part.isfinite()) for part in parts)
    (slope,) = torch.autograd.grad(sum(parts), mean)
    assert bool(slope.isfinite().all())


def test_a_permutation_keeps_each_margin(device: torch.device) -> None:
    generator = torch.Generator(device).manual_seed(0)
    first = torch.randn(500, 1, generator=generator, device=device)
    codes = torch.cat([first, first], dim=1)
    shuffled = losses.permute_codes(codes, generator)
    assert torch.equal(shuffled.sort(0).values, codes.sort(0).values)
    assert abs(float(torch.corrcoef(shuffled.T)[0, 1])) < 0.15


def test_a_discriminator_learns_the_total_correlation() -> None:
    """A trained one comes near the closed form; an ignorant one says 0."""
    _, _, _, wanted = gaussian(2, 0.95)
    critic = code_discriminator(2, width=64, depth=2)
    generator = torch.Generator().manual_seed(1)
    initialise(critic, generator)
    codes, *_ = gaussian(20_000, 0.95)
    with torch.no_grad():
        assert abs(float(losses.density_ratio(critic(codes)))) < 0.3
    optimiser = torch.optim.Adam(critic.parameters(), 3e-3)
    for _ in range(300):
        rows = torch.randint(len(codes), (512,), generator=generator)
        permuted = losses.permute_codes(codes[rows], generator)
        wrong = losses.discriminator_loss(critic(codes[rows]), critic(permuted))
        optimiser.zero_grad()
        wrong.backward()
        optimiser.step()
    with torch.no_grad():
        told = float(losses.density_ratio(critic(codes)))
    assert told == pytest.approx(wanted, rel=0.25)


def test_a_discriminator_that_is_wrong_makes_it_negative() -> None:
    assert float(losses.density_ratio(torch.tensor([[0.0, 3.0]]))) == -3


def test_the_discriminator_has_the_papers_layers() -> None:
    critic = code_discriminator(10)
    widths = [layer.out_features for layer in critic if isinstance(layer, nn.Linear)]
    assert widths == [1000] * 6 + [2]
    slopes = {
        layer.negative_slope for layer in critic if isinstance(layer, nn.LeakyReLU)
    }
    assert slopes == {0.2}
    with pytest.raises(ValueError, match="positive width and depth, got 0 and 6"):
        code_discriminator(10, width=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": torch.zeros(4, 3)}, "same shape, got"),
        ({"population": 3}, "at least the batch's 4; got 3"),
        ({"sampling": "exact"}, "weighted.*stratified.*got 'exact'"),
        ({k: torch.zeros(1, 2) for k in ("codes", "mean", "logvar")}, "two rows"),
    ],
)
def test_bad_batches_are_refused(change: dict[str, object], message: str) -> None:
    good = {k: torch.zeros(4, 2) for k in ("codes", "mean", "logvar")}
    given = {**good, "population": 10, **change}
    with pytest.raises(ValueError, match=message):
        losses.total_correlation(**given)


def test_bad_logits_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(n, 2\).*got \(4, 3\)"):
        losses.density_ratio(torch.zeros(4, 3))
    with pytest.raises(ValueError, match=r"shape \(n, 2\).*got \(4,\)"):
        losses.discriminator_loss(torch.zeros(4, 2), torch.zeros(4))
