"""group-tcVAE: Eq. (3) with its sign put right, and three ways to shuffle."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from dlib import networks
from dlib.data import Batch, Pairs, TwinShapes3D
from dlib.losses import (
    density_ratio,
    discriminator_loss,
    gaussian_kl,
    permute_groups,
)
from dlib.models import VAE, GroupTCVAE, Method
from dlib.models.vae import reparametrise
from dlib.training import fit


def build(**options: object) -> GroupTCVAE:
    options = {"groups": (2, 3), "width": 16, "depth": 2, **options}
    method = GroupTCVAE(networks.conv(5, size=16), **options)
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def batch(n: int = 8, labels: Tensor | None = None) -> Batch:
    generator = torch.Generator().manual_seed(1)
    return Batch(torch.rand(n, 2, 1, 16, 16, generator=generator), labels)


def test_the_vae_s_loss_is_eq_3_with_penalties() -> None:
    method = build(beta=7.0, gamma=3.0)
    labels = torch.tensor([0, 1, 1, 0, 0, 0, 1, 1])
    drawn = batch(labels=labels)
    loss = next(method.losses(drawn, torch.Generator().manual_seed(2)))
    vae = VAE(networks.conv(5, size=16))
    networks.initialise(vae, torch.Generator().manual_seed(0))
    images = drawn.images[:4].flatten(0, 1)
    (plain,) = vae.losses(Batch(images), torch.Generator().manual_seed(2))
    mean, logvar = method.posterior(images)
    codes = reparametrise((mean, logvar), torch.Generator().manual_seed(2))
    tc = density_ratio(method.judge(codes))
    apart = [
        gaussian_kl(mean[2 * i], logvar[2 * i], mean[2 * i + 1], logvar[2 * i + 1])[
            slice(0, 2) if labels[i] == 0 else slice(2, 5)
        ].sum()
        for i in range(4)
    ]
    wanted = plain.value + 7 * tc + 3 * torch.stack(apart).mean()
    torch.testing.assert_close(loss.value, wanted)
    assert loss.player == "vae" and set(loss.logs) == {"nll", "kl", "tc", "apart"}


@pytest.mark.parametrize(
    ("intra", "widths"),
    [("none", (2, 3)), ("style", (2, 1, 1, 1)), ("both", (1, 1, 1, 1, 1))],
)
def test_the_discriminator_compares_with_the_factorisation(
    intra: str, widths: tuple[int, ...]
) -> None:
    method, drawn = build(intra=intra), batch()
    _, told = method.losses(drawn, torch.Generator().manual_seed(2))
    again = torch.Generator().manual_seed(2)
    codes, other = (
        reparametrise(method.posterior(half.flatten(0, 1)), again)
        for half in drawn.images.chunk(2)
    )
    permuted = permute_groups(other, widths, again)
    wanted = discriminator_loss(method.judge(codes), method.judge(permuted))
    assert told.player == "discriminator"
    torch.testing.assert_close(told.value, wanted)


def test_the_discriminator_s_loss_does_not_move_the_encoder() -> None:
    method = build()
    _, told = method.losses(batch(), torch.Generator().manual_seed(2))
    told.value.backward()
    assert all(p.grad is None for p in method.encoder.parameters())
    assert all(p.grad is not None for p in method.discriminator.parameters())


def test_of_five_pairs_none_is_parted() -> None:
    """Two train the VAE, three the discriminator."""
    drawn = batch(5)
    even = Batch(torch.cat([drawn.images[:2], drawn.images[:2]]))
    told = [
        next(build().losses(each, torch.Generator().manual_seed(2))).logs["apart"]
        for each in (drawn, even)
    ]
    torch.testing.assert_close(*told)


def test_without_labels_the_content_is_shared() -> None:
    zeros = torch.zeros(8, dtype=torch.long)
    told, untold = (
        next(build().losses(batch(labels=labels), torch.Generator().manual_seed(2)))
        for labels in (zeros, None)
    )
    assert torch.equal(told.value, untold.value)


def test_players_own_every_parameter() -> None:
    method = build()
    owned = [id(p) for each in method.players().values() for p in each.parameters]
    assert sorted(owned) == sorted(id(p) for p in method.parameters())
    assert isinstance(method, Method) and method.chunks == (2, 3)


def test_it_learns_and_a_heavy_penalty_leaves_little_apart(tmp_path: Path) -> None:
    """Little: with this weight also by saying little of what is shared."""
    data = Pairs(TwinShapes3D(32, root=tmp_path), ["floor_hue", "wall_hue"])
    apart = {}
    for gamma in (0.0, 8.0):
        nets = networks.conv(5, 3, 32)
        options = {"width": 16, "depth": 2, "discriminator_rate": 1e-3}
        method = GroupTCVAE(nets, (2, 3), beta=1.0, gamma=gamma, **options)
        networks.initialise(method, torch.Generator().manual_seed(0))
        history = fit(
            method, data, steps=250, batch_size=64, device="cpu", progress=False
        )
        assert history.terms["nll"][-1] < 0.9 * history.terms["nll"][0]
        assert history.terms["kl"][-1] > 2
        apart[gamma] = history.terms["apart"][-1]
    assert apart[8.0] < 0.2 * apart[0.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": (1, 1, 3)}, "must be two, content and style"),
        ({"groups": (2, 2)}, "add up to the code's 5"),
        ({"beta": -1.0}, "beta must not be negative"),
        ({"gamma": -1.0}, "gamma must not be negative"),
        ({"intra": "content"}, "one of none, style, both, got 'content'"),
    ],
)
def test_options_without_sense_are_refused(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_pictures_that_are_no_pairs_are_refused() -> None:
    drawn = batch()
    for images, message in (
        (drawn.images[:, 0], "wrap the data in pairs"),
        (torch.cat([drawn.images, drawn.images], 1), "got 4 drawn together"),
        (drawn.images[:2], "needs at least 4 pictures; got 2"),
    ):
        with pytest.raises(ValueError, match=message):
            next(build().losses(Batch(images), torch.Generator()))
