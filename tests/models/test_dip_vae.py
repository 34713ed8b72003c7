"""DIP-VAE-I and II: which matrix, which weights."""

from __future__ import annotations

import pytest
import torch

from dlib import networks
from dlib.data import Batch
from dlib.losses import (
    covariance,
    dip_penalty,
    inferred_prior_covariance,
    third_central_moment_penalty,
)
from dlib.models import DIPVAE, VAE, Loss


def build(**options: object) -> DIPVAE:
    method = DIPVAE(networks.conv(3, size=16), **options)
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def images() -> torch.Tensor:
    return torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def step(method: VAE) -> Loss:
    (loss,) = method.losses(Batch(images()), torch.Generator().manual_seed(2))
    return loss


@pytest.mark.parametrize(("kind", "wanted"), [("I", 70.0), ("II", 7.0)])
def test_lambda_d_follows_the_paper_s_choice_on_2d_shapes(
    kind: str, wanted: float
) -> None:
    """Section 4: lambda_d is 10 lambda_od for kind I, lambda_od for kind II."""
    assert build(kind=kind, lambda_od=7.0).lambda_d == wanted
    assert build(kind=kind, lambda_od=7.0, lambda_d=0.0).lambda_d == 0.0


@pytest.mark.parametrize("kind", ["I", "II"])
def test_the_loss_is_eq_6_or_7(kind: str) -> None:
    method = build(kind=kind, lambda_od=4.0, lambda_d=9.0)
    loss, vae = step(method), VAE(networks.conv(3, size=16))
    networks.initialise(vae, torch.Generator().manual_seed(0))
    mean, logvar = method.posterior(images())
    if kind == "I":
        matrix = covariance(mean)
    else:
        matrix = inferred_prior_covariance(mean, logvar)
    off_diagonal, diagonal = dip_penalty(matrix, 4.0, 9.0)
    torch.testing.assert_close(loss.value, step(vae).value + off_diagonal + diagonal)
    torch.testing.assert_close(loss.logs["off_diagonal"], off_diagonal.detach())
    torch.testing.assert_close(loss.logs["diagonal"], diagonal.detach())
    assert set(loss.logs) == {"nll", "kl", "off_diagonal", "diagonal"}


def test_the_two_kinds_differ_on_the_diagonal_only() -> None:
    first = step(build(kind="I", lambda_d=5.0)).logs
    second = step(build(kind="II", lambda_d=5.0)).logs
    torch.testing.assert_close(first["off_diagonal"], second["off_diagonal"])
    # Fresh networks: means all near 0, variances near 1. Kind I minds, II does not.
    assert first["diagonal"] > 10 * second["diagonal"]


def test_third_moments_are_added_with_their_weight() -> None:
    method = build(lambda_3=200.0)
    loss = step(method)
    wanted = 200 * third_central_moment_penalty(*method.posterior(images())).detach()
    assert wanted > 0
    torch.testing.assert_close(loss.logs["third_moment"], wanted)
    without = step(build(lambda_3=0.0))
    torch.testing.assert_close(loss.value, without.value + wanted)


def test_weights_of_zero_make_it_a_vae() -> None:
    vae = VAE(networks.conv(3, size=16))
    networks.initialise(vae, torch.Generator().manual_seed(0))
    assert torch.equal(step(build(lambda_od=0.0)).value, step(vae).value)


@pytest.mark.parametrize("kind", ["III", "i", 2])
def test_an_unknown_kind_is_refused(kind: object) -> None:
    with pytest.raises(ValueError, match='kind must be "I" or "II"'):
        build(kind=kind)


@pytest.mark.parametrize("name", ["lambda_od", "lambda_d", "lambda_3"])
@pytest.mark.parametrize("kind", ["I", "II"])
def test_negative_weights_are_refused(kind: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must not be negative, got -1"):
        build(kind=kind, **{name: -1})


def test_a_batch_of_one_has_no_covariance() -> None:
    with pytest.raises(ValueError, match="at least two rows"):
        next(build().losses(Batch(images()[:1]), torch.Generator()))
