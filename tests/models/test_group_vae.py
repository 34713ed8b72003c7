"""ML-VAE, GVAE and the adaptive ones: Eq. (1) the long way, and who shares what."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from dlib import networks
from dlib.data import Batch, Pairs, TwinShapes3D
from dlib.losses import (
    average_of_gaussians,
    bernoulli_nll,
    harmonic_gaussian,
    kl_to_standard_normal,
    product_of_gaussians,
)
from dlib.models import GVAE, MLVAE, AdaGVAE, AdaMLVAE, GroupVAE, Posterior
from dlib.models.group_vae import latents_of_group, shared_by_divergence
from dlib.models.vae import reparametrise
from dlib.training import fit

FAMILY = [MLVAE, GVAE, AdaMLVAE, AdaGVAE]


def build(kind: type[GroupVAE] = GVAE, **options: object) -> GroupVAE:
    method = kind(networks.conv(5, size=16), **{"groups": (2, 3), **options})
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def batch(n: int = 4, k: int = 2, labels: Tensor | None = None) -> Batch:
    generator = torch.Generator().manual_seed(1)
    return Batch(torch.rand(n, k, 1, 16, 16, generator=generator), labels)


def by_hand(method: GroupVAE, batch: Batch, combine, shared: Tensor) -> Tensor:
    """Eq. (1), picture by picture, minus its sign, averaged over the pictures."""
    n, k = batch.images.shape[:2]
    images = batch.images.flatten(0, 1)
    mean, logvar = (part.view(n, k, -1) for part in method.posterior(images))
    one = combine(mean, logvar)
    rows = [
        [torch.where(shared[i], ours[i], own[i, j]) for i in range(n) for j in range(k)]
        for ours, own in zip(one, (mean, logvar), strict=True)
    ]
    posterior = Posterior(*map(torch.stack, rows))
    codes = reparametrise(posterior, torch.Generator().manual_seed(2))
    nll = bernoulli_nll(method.decoder(codes), images)
    return (nll + method.beta * kl_to_standard_normal(*posterior).sum(1)).mean()


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize(
    ("kind", "options", "combine"),
    [
        (MLVAE, {}, product_of_gaussians),
        (MLVAE, {"variance": "harmonic"}, harmonic_gaussian),
        (GVAE, {"beta": 4.0}, average_of_gaussians),
    ],
)
def test_the_loss_is_eq_1(kind, options, combine, k: int) -> None:
    labels = torch.tensor([0, 1, 1, 0])
    method, drawn = build(kind, **options), batch(k=k, labels=labels)
    (loss,) = method.losses(drawn, torch.Generator().manual_seed(2))
    first = torch.tensor([True, True, False, False, False])
    shared = torch.stack([first if label == 0 else ~first for label in labels])
    torch.testing.assert_close(loss.value, by_hand(method, drawn, combine, shared))


def test_without_labels_the_first_group_is_shared() -> None:
    method = build()
    told, untold = (
        next(method.losses(batch(labels=labels), torch.Generator().manual_seed(2)))
        for labels in (torch.zeros(4, dtype=torch.long), None)
    )
    assert torch.equal(told.value, untold.value)


@pytest.mark.parametrize("kind", [AdaMLVAE, AdaGVAE])
def test_the_adaptive_ones_share_what_differs_least(kind: type[GroupVAE]) -> None:
    method = build(kind)
    drawn = batch(labels=torch.ones(4, dtype=torch.long))  # which they don't see
    both = method.posterior(drawn.images.flatten(0, 1))
    shared = shared_by_divergence(Posterior(*(p.view(4, 2, -1) for p in both)))
    combine = product_of_gaussians if kind is AdaMLVAE else average_of_gaussians
    (loss,) = method.losses(drawn, torch.Generator().manual_seed(2))
    torch.testing.assert_close(loss.value, by_hand(method, drawn, combine, shared))


def test_the_middle_between_least_and_most_decides() -> None:
    # Unit variances: the divergence is half the squared distance, 0, .5, 2, 8.
    apart = torch.tensor([0.0, 1.0, 2.0, 4.0])
    mean = torch.stack([torch.zeros(4), apart])[None]
    shared = shared_by_divergence(Posterior(mean, torch.zeros_like(mean)))
    assert shared.tolist() == [[True, True, True, False]]  # the middle is 4
    with pytest.raises(ValueError, match="got 3 drawn together"):
        shared_by_divergence(Posterior(torch.zeros(1, 3, 4), torch.zeros(1, 3, 4)))


def test_each_pair_has_its_own_middle() -> None:
    # Divergences .5, 12.5, 24.5, whose middle is the second: not below it.
    apart = torch.tensor([[1.0, 5.0, 7.0], [0.1, 0.5, 0.7]])
    mean = torch.stack([torch.zeros(2, 3), apart], dim=1)
    shared = shared_by_divergence(Posterior(mean, torch.zeros_like(mean)))
    assert shared.tolist() == [[True, False, False]] * 2


def test_it_is_the_first_s_divergence_from_the_second() -> None:
    # KL(1 || 2) is 1.6, .3, 0 here, and KL(2 || 1) .3, 1.6, 0.
    logvar = torch.tensor([[[0.0, 0.0, 0.0], [-2.0, 2.0, 0.0]]])
    shared = shared_by_divergence(Posterior(torch.zeros(1, 2, 3), logvar))
    spread = (0.5 * logvar).exp()
    kl = kl_divergence(Normal(0.0, spread[0, 0]), Normal(0.0, spread[0, 1]))
    assert shared[0].tolist() == (kl < kl.max() / 2).tolist() == [False, True, True]


def test_a_picture_and_itself_share_nothing() -> None:
    alike = torch.randn(1, 1, 4).expand(2, 2, 4)
    assert not shared_by_divergence(Posterior(alike, alike)).any()


def test_it_learns_what_a_pair_shares(tmp_path: Path) -> None:
    """What two rooms have in common is more alike in their codes than chance."""
    data = Pairs(TwinShapes3D(32, root=tmp_path), ["floor_hue", "wall_hue"])
    method = GVAE(networks.conv(5, 3, 32), beta=0.05)
    networks.initialise(method, torch.Generator().manual_seed(0))
    history = fit(
        method,
        data,
        steps=300,
        batch_size=32,
        learning_rate=2e-3,
        device="cpu",
        progress=False,
    )
    assert history.terms["nll"][-1] < 0.85 * history.terms["nll"][0]
    index = data.draw(500, torch.Generator().manual_seed(0))
    pictures = data.images(index).float().flatten(0, 1) / 255
    codes = method.encode(pictures).detach().view(-1, 2, 5)
    within = (codes[:, 0] - codes[:, 1]).square().mean(0) / 2
    share = within / codes.flatten(0, 1).var(0)  # 1 if pairs were drawn at random
    assert float(share[:2].max()) < 0.2


def test_codes_are_cut_into_the_groups() -> None:
    assert build().chunks == (2, 3)
    assert GVAE(networks.conv(5, size=16)).chunks == (2, 3)  # two halves


@pytest.mark.parametrize("groups", [(5,), (2, 2), (6, -1), ()])
@pytest.mark.parametrize("kind", FAMILY)
def test_groups_that_do_not_fit_are_refused(kind, groups: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="add up to the code's 5, got"):
        build(kind, groups=groups)


@pytest.mark.parametrize("kind", FAMILY)
def test_a_negative_weight_is_refused(kind: type[GroupVAE]) -> None:
    with pytest.raises(ValueError, match="beta must not be negative, got -1"):
        build(kind, beta=-1.0)


def test_an_unknown_variance_is_refused() -> None:
    with pytest.raises(ValueError, match='"product" or "harmonic", got \'sum\''):
        build(MLVAE, variance="sum")


def test_pictures_one_by_one_are_refused() -> None:
    flat = batch()._replace(images=batch().images[:, 0])
    for alone in (flat, batch(k=1)):
        with pytest.raises(ValueError, match="wrap the data in pairs"):
            next(build().losses(alone, torch.Generator()))


@pytest.mark.parametrize("label", [2, -1])
def test_a_label_without_a_group_is_refused(label: int) -> None:
    drawn = batch(labels=torch.tensor([0, 1, label, 0]))
    with pytest.raises(
        ValueError, match=f"names the group {label}, and the codes have 2"
    ):
        next(build().losses(drawn, torch.Generator()))


def test_three_groups_have_a_latent_s_owner_each(device: torch.device) -> None:
    labels = torch.tensor([0, 2, 1], device=device)
    shared = latents_of_group((1, 2, 2), labels, 3, device)
    assert shared.int().tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 1, 1], [0, 1, 1, 0, 0]]


def test_the_family_s_base_says_what_it_lacks() -> None:
    with pytest.raises(TypeError, match="GroupVAE must define combine"):
        next(build(GroupVAE).losses(batch(), torch.Generator()))
