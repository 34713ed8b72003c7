"""The VAE: its face, its loss, its noise."""

from __future__ import annotations

import pytest
import torch

from dlib import networks
from dlib.data import Batch
from dlib.losses import bernoulli_nll, gaussian_nll, kl_to_standard_normal
from dlib.models import (
    METHODS,
    VAE,
    FactorGroupVAE,
    GroupTCVAE,
    GroupVAE,
    Method,
    Posterior,
)
from dlib.models.vae import reparametrise

# Those that are VAEs, or a VAE's relatives whose likelihood can be chosen.
WITH_LIKELIHOOD = sorted(set(METHODS) - {"info_gan_cr", "mixing"})
VAES = sorted(set(WITH_LIKELIHOOD) - {"autoencoder", "intervention"})


def build(kind: type[VAE] = VAE, **options: object) -> VAE:
    nets = networks.conv(latent_dim=3, size=16, heads=kind.heads)
    method = kind(nets, **options)
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def images(n: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(n, 1, 16, 16, generator=generator) > 0.5).float()


def batch(method: VAE, device: torch.device | str = "cpu") -> Batch:
    """What the method asks for: two pictures together, if it compares them."""
    pictures = images().to(device)
    if isinstance(method, (FactorGroupVAE, GroupVAE, GroupTCVAE)):
        pictures = torch.stack([pictures, 1 - pictures], dim=1)
    return Batch(pictures, population=1000)


def one_step(method: VAE, seed: int = 0):
    """The first loss of a step: a VAE's own."""
    return next(method.losses(batch(method), torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_has_the_face_that_fit_asks_for(
    name: str, device: torch.device
) -> None:
    method = build(METHODS[name]).to(device)
    assert isinstance(method, Method)
    assert method.latent_dim == 3 and sum(method.chunks) == 3
    codes = method.encode(images().to(device))
    assert codes.shape == (8, 3)
    assert torch.equal(codes, method.encode(images().to(device)))  # no noise
    pictures = method.decode(codes)
    assert pictures.shape == (8, 1, 16, 16) and pictures.dtype == torch.float32
    assert 0 <= pictures.min() and pictures.max() <= 1
    generator = torch.Generator(device).manual_seed(0)
    for loss in method.losses(batch(method, device), generator):
        assert loss.player in method.players()
        assert loss.value.ndim == 0 and loss.value.device.type == device.type
        assert all(t.ndim == 0 and not t.requires_grad for t in loss.logs.values())


@pytest.mark.parametrize("name", VAES)
def test_codes_are_the_posterior_s_mean(name: str) -> None:
    method = build(METHODS[name])
    posterior = method.posterior(images())
    assert isinstance(posterior, Posterior)
    assert posterior.mean.shape == posterior.logvar.shape == (8, 3)
    assert torch.equal(method.encode(images()), posterior.mean)


@pytest.mark.parametrize("name", sorted(METHODS))
def test_what_is_shipped_is_all_that_encoding_and_decoding_need(name: str) -> None:
    method, other = build(METHODS[name]), METHODS[name]
    fresh = other(networks.conv(latent_dim=3, size=16, heads=other.heads))
    state = {
        key: value
        for key, value in method.state_dict().items()
        if key.split(".")[0] in method.shipped
    }
    fresh.load_state_dict(state, strict=False)
    codes = method.encode(images())
    assert torch.equal(codes, fresh.encode(images()))
    assert torch.equal(method.decode(codes), fresh.decode(codes))


@pytest.mark.parametrize("name", sorted(METHODS))
def test_players_own_every_parameter_once(name: str) -> None:
    method = build(METHODS[name])
    owned = [id(p) for each in method.players().values() for p in each.parameters]
    assert sorted(owned) == sorted(id(p) for p in method.parameters())


@pytest.mark.parametrize("name", VAES)
def test_gradients_flow_to_every_weight(name: str) -> None:
    method = build(METHODS[name])
    one_step(method).value.backward()
    mine = {id(p) for p in method.players()["vae"].parameters}
    for label, parameter in method.named_parameters():
        if id(parameter) in mine:
            assert parameter.grad is not None and parameter.grad.any(), label


# Terms with a meaning of their own are logged without their weight; by attribute.
WEIGHTS = {
    "factor_vae": {"tc": "gamma"},
    "beta_tc_vae": {"tc": "excess"},
    "info_vae": {"mmd": "mmd_weight"},
    "factor_group_vae": {"tc": "gamma", "header": "weight"},
    "group_tc_vae": {"tc": "gamma", "apart": "apart_weight"},
    "info_gan_cr": {"info": "info_weight"},
    "intervention": {
        "undone": "lambda_in",
        "adversarial": "lambda_adv",
        "difficulty": "lambda_diff",
    },
}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_the_logged_terms_add_up_to_the_loss(name: str) -> None:
    method = build(METHODS[name])
    loss = one_step(method)
    weights = {"kl": "beta", **WEIGHTS.get(name, {})}
    total = sum(
        getattr(method, weights[term]) * value if term in weights else value
        for term, value in loss.logs.items()
    )
    torch.testing.assert_close(loss.value.detach(), total)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_loss_is_the_negative_elbo(likelihood: str) -> None:
    """Eq. (1) put together here from its parts."""
    method = build(likelihood=likelihood)
    loss = one_step(method)
    posterior = method.posterior(images())
    codes = reparametrise(posterior, torch.Generator().manual_seed(0))
    if likelihood == "bernoulli":
        nll = bernoulli_nll(method.decoder(codes), images())
    else:
        nll = gaussian_nll(method.decode(codes), images())
    kl = kl_to_standard_normal(*posterior).sum(1)
    torch.testing.assert_close(loss.value, (nll + kl).mean())
    torch.testing.assert_close(loss.logs["nll"], nll.mean().detach())
    torch.testing.assert_close(loss.logs["kl"], kl.mean().detach())


WEIGHED = ("vae", "beta_vae", "dip_vae")


@pytest.mark.parametrize("name", WEIGHED)
def test_pixels_can_weigh_more(name: str) -> None:
    plain, weighed = build(METHODS[name]), build(METHODS[name], pixel_weight=4.0)
    first, second = one_step(plain), one_step(weighed)
    torch.testing.assert_close(second.value - first.value, 3 * first.logs["nll"])
    assert second.logs == first.logs  # in nats of the pictures, as they are
    for weight in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="pixel_weight must be positive"):
            build(METHODS[name], pixel_weight=weight)


def test_the_noise_is_the_generator_s() -> None:
    method = build()
    assert torch.equal(one_step(method, 0).value, one_step(method, 0).value)
    assert not torch.equal(one_step(method, 0).value, one_step(method, 1).value)


def test_reparametrised_codes_have_the_posterior_s_moments() -> None:
    n = 100_000
    mean = torch.tensor([[2.0, -1.0]]).expand(n, 2)
    logvar = torch.tensor([[0.0, 4.0]]).log().expand(n, 2)
    logvar = torch.where(logvar.isinf(), torch.tensor(-20.0), logvar)
    codes = reparametrise(Posterior(mean, logvar), torch.Generator().manual_seed(0))
    torch.testing.assert_close(codes.mean(0), mean[0], atol=0.03, rtol=0)
    std = codes.std(0)
    assert float(std[0]) < 1e-4
    assert float(std[1]) == pytest.approx(2, rel=0.02)


def test_reparametrising_passes_gradients_on() -> None:
    mean = torch.zeros(4, 2, requires_grad=True)
    logvar = torch.zeros(4, 2, requires_grad=True)
    codes = reparametrise(Posterior(mean, logvar), torch.Generator().manual_seed(0))
    codes.sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones(4, 2))
    torch.testing.assert_close(logvar.grad, 0.5 * codes.detach())


@pytest.mark.parametrize("name", WITH_LIKELIHOOD)
def test_an_unknown_likelihood_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="one of bernoulli, gaussian, got 'poisson'"):
        build(METHODS[name], likelihood="poisson")
