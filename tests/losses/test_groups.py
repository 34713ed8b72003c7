"""Shared posteriors in closed form, and what a shuffle of groups leaves alone."""

from __future__ import annotations

import itertools

import pytest
import torch
from sklearn.metrics import mutual_info_score
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from dlib.losses import (
    average_of_gaussians,
    gaussian_kl,
    harmonic_gaussian,
    permute_codes,
    permute_groups,
    product_of_gaussians,
)


def some(k: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(5, k, 4, generator=generator),
        torch.randn(5, k, 4, generator=generator),
    )


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_product_is_the_product_of_the_densities(k: int) -> None:
    mean, logvar = some(k)
    combined = Normal(*_std(*product_of_gaussians(mean, logvar)))
    points = torch.linspace(-3, 3, 7)[:, None, None]
    each = Normal(*_std(mean, logvar))
    summed = each.log_prob(points[:, :, None]).sum(2)  # (7, 5, 4)
    # Up to a constant: a product of densities does not integrate to one.
    difference = summed - combined.log_prob(points)
    torch.testing.assert_close(
        difference, difference[:1].expand_as(difference), atol=2e-4, rtol=1e-4
    )


def test_of_two_pictures_the_product_has_v1_v2_over_their_sum() -> None:
    mean, logvar = some(2)
    v1, v2 = logvar.exp().unbind(1)
    product = product_of_gaussians(mean, logvar)[1].exp()
    torch.testing.assert_close(product, v1 * v2 / (v1 + v2))
    harmonic = harmonic_gaussian(mean, logvar)
    torch.testing.assert_close(harmonic[1].exp(), 2 * v1 * v2 / (v1 + v2))
    torch.testing.assert_close(harmonic[0], product_of_gaussians(mean, logvar)[0])


def test_alike_pictures_keep_their_posterior_but_for_the_product() -> None:
    mean, logvar = (part[:, :1].expand(-1, 4, -1) for part in some())
    for combine in (average_of_gaussians, harmonic_gaussian):
        found = combine(mean, logvar)
        torch.testing.assert_close(found[0], mean[:, 0])
        torch.testing.assert_close(found[1], logvar[:, 0])
    found = product_of_gaussians(mean, logvar)
    torch.testing.assert_close(found[1], logvar[:, 0] - torch.tensor(4.0).log())


def test_the_average_has_the_mean_variance_and_not_that_of_the_mixture() -> None:
    mean, logvar = some()
    found = average_of_gaussians(mean, logvar)
    torch.testing.assert_close(found[0], mean.mean(1))
    torch.testing.assert_close(found[1].exp(), logvar.exp().mean(1))


def test_the_divergence_is_that_of_the_distributions() -> None:
    (mean, logvar), (other, other_logvar) = some(), some(seed=1)
    wanted = kl_divergence(
        Normal(*_std(mean, logvar)), Normal(*_std(other, other_logvar))
    )
    torch.testing.assert_close(gaussian_kl(mean, logvar, other, other_logvar), wanted)
    assert float(gaussian_kl(mean, logvar, mean, logvar).abs().max()) == 0


def test_half_precision_and_far_variances_do_no_harm() -> None:
    mean, logvar = some()
    for combine in (product_of_gaussians, harmonic_gaussian, average_of_gaussians):
        for part in combine(mean.bfloat16(), logvar.bfloat16()):
            assert part.dtype == torch.float32
        for far in (-100.0, 100.0):
            assert all(part.isfinite().all() for part in combine(mean, logvar + far))
    near = gaussian_kl(mean, logvar, mean, logvar + 1e-4)
    assert float(near.min()) >= 0 and near.dtype == torch.float32


@pytest.mark.parametrize(
    "combine", [product_of_gaussians, harmonic_gaussian, average_of_gaussians]
)
def test_a_shape_without_pictures_is_refused(combine) -> None:
    flat = torch.zeros(3, 2)
    with pytest.raises(ValueError, match=r"\(n, k, d\), got \(3, 2\)"):
        combine(flat, flat)
    with pytest.raises(ValueError, match="must both have shape"):
        combine(torch.zeros(3, 2, 2), torch.zeros(3, 1, 2))


def test_divergences_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="must have one shape"):
        gaussian_kl(*[torch.zeros(2)] * 3, torch.zeros(3))


def test_a_group_is_shuffled_as_one(device: torch.device) -> None:
    rows = torch.arange(200.0, device=device)
    codes = rows[:, None].repeat(1, 5)
    generator = torch.Generator(device).manual_seed(0)
    moved = permute_groups(codes, (3, 1, 1), generator)
    assert torch.equal(moved.sort(0).values, codes)
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert torch.equal(moved[:, 0], moved[:, 2])
    for other in (3, 4):
        assert float((moved[:, 0] == moved[:, other]).float().mean()) < 0.1
    assert float((moved[:, 3] == moved[:, 4]).float().mean()) < 0.1


def test_it_breaks_dependence_between_groups_and_keeps_it_within() -> None:
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(20_000, 1, generator=generator)
    codes = one + 0.5 * torch.randn(20_000, 4, generator=generator)
    moved = permute_groups(codes, (2, 2), generator)
    before, after = torch.corrcoef(codes.T), torch.corrcoef(moved.T)
    assert float(before.min()) > 0.75
    assert float(after[:2, 2:].abs().max()) < 0.03
    within = [after[0, 1], after[2, 3]]
    torch.testing.assert_close(torch.stack(within), before[[0, 2], [1, 3]])


@pytest.mark.parametrize(
    ("widths", "kept"),
    [
        ((3, 2), [(0, 1), (0, 2), (1, 2), (3, 4)]),
        ((3, 1, 1), [(0, 1), (0, 2), (1, 2)]),
        ((1, 1, 1, 1, 1), []),
    ],
)
def test_each_factorisation_keeps_the_information_that_it_should(
    widths: tuple[int, ...], kept: list[tuple[int, int]]
) -> None:
    """Latents that are one of eight symbols each, functions of one another."""
    generator = torch.Generator().manual_seed(0)
    symbol = torch.randint(8, (40_000, 1), generator=generator)
    codes = (symbol * torch.tensor([1, 3, 5, 7, 9])) % 8
    moved = permute_groups(codes, widths, generator)
    for i, j in itertools.combinations(range(5), 2):
        assert mutual_info_score(codes[:, i], codes[:, j]) > 2.07  # log 8
        found = mutual_info_score(moved[:, i], moved[:, j])
        if (i, j) in kept:
            assert found > 2.07
        else:
            assert found < 0.01


def test_groups_of_one_are_latents_by_themselves() -> None:
    codes = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    alone = permute_groups(codes, (1,) * 4, torch.Generator().manual_seed(1))
    wanted = permute_codes(codes, torch.Generator().manual_seed(1))
    assert torch.equal(alone, wanted)


@pytest.mark.parametrize("widths", [(), (2, 1), (5, -1), (2, 3)])
def test_widths_that_do_not_fit_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="widths must be positive and add up"):
        permute_groups(torch.zeros(3, 4), widths, torch.Generator())


def _std(mean: Tensor, logvar: Tensor) -> tuple[Tensor, Tensor]:
    return mean, (0.5 * logvar).exp()
