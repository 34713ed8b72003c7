"""FactorVAE: two halves, two players, the signs of both losses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dlib import networks
from dlib.data import Batch, TwinDSprites
from dlib.losses import density_ratio, discriminator_loss, permute_codes
from dlib.models import VAE, FactorVAE, Method
from dlib.models.vae import reparametrise
from dlib.training import fit


def build(**options: object) -> FactorVAE:
    options = {"width": 16, "depth": 2, **options}
    method = FactorVAE(networks.conv(3, size=16), **options)
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def images(n: int = 8) -> Tensor:
    return torch.rand(n, 1, 16, 16, generator=torch.Generator().manual_seed(1))


def test_the_vae_s_loss_is_eq_1_with_the_sign_of_a_penalty() -> None:
    """Inoue et al. print a plus before a total correlation in what is maximised."""
    method = build(gamma=7.0)
    loss = next(method.losses(Batch(images()), torch.Generator().manual_seed(2)))
    vae = VAE(networks.conv(3, size=16))
    networks.initialise(vae, torch.Generator().manual_seed(0))
    (plain,) = vae.losses(Batch(images()[:4]), torch.Generator().manual_seed(2))
    codes = reparametrise(
        method.posterior(images()[:4]), torch.Generator().manual_seed(2)
    )
    tc = density_ratio(method.judge(codes))
    torch.testing.assert_close(loss.value, plain.value + 7 * tc)
    torch.testing.assert_close(loss.logs["tc"], tc.detach())
    assert loss.player == "vae" and set(loss.logs) == {"nll", "kl", "tc"}


def test_the_discriminator_compares_with_the_other_half() -> None:
    method, generator = build(), torch.Generator().manual_seed(2)
    _, told = method.losses(Batch(images()), generator)
    again = torch.Generator().manual_seed(2)
    codes = reparametrise(method.posterior(images()[:4]), again)
    other = reparametrise(method.posterior(images()[4:]), again)
    wanted = discriminator_loss(
        method.judge(codes), method.judge(permute_codes(other, again))
    )
    assert told.player == "discriminator"
    torch.testing.assert_close(told.value, wanted)


def test_chunks_stay_together_when_they_are_shuffled() -> None:
    method = build(chunks=(2, 1))
    codes = torch.arange(40.0)[:, None].repeat(1, 3)
    moved = method.shuffle(codes, torch.Generator().manual_seed(0))
    assert torch.equal(moved[:, 0], moved[:, 1])
    assert not torch.equal(moved[:, 0], moved[:, 2])
    assert method.chunks == (2, 1) and build().chunks == (1, 1, 1)
    for chunks in ((3,), (2, 2), (3, 0)):
        with pytest.raises(ValueError, match="add up to the code's 3, got"):
            build(chunks=chunks)


def test_the_discriminator_s_loss_does_not_move_the_encoder() -> None:
    method = build()
    _, told = method.losses(Batch(images()), torch.Generator().manual_seed(2))
    told.value.backward()
    assert all(p.grad is None for p in method.encoder.parameters())
    assert all(p.grad is not None for p in method.discriminator.parameters())


def test_players_are_the_papers() -> None:
    method = build(discriminator_rate=3e-4)
    players = method.players()
    assert players["vae"].learning_rate is None
    assert players["discriminator"].learning_rate == 3e-4
    assert players["discriminator"].betas == (0.5, 0.9)
    owned = [id(p) for player in players.values() for p in player.parameters]
    assert sorted(owned) == sorted(id(p) for p in method.parameters())
    assert isinstance(method, Method) and method.shipped == ("encoder", "decoder")


def test_it_learns_and_its_discriminator_learns_to_tell() -> None:
    method = build(gamma=0.0, discriminator_rate=3e-3, width=64)
    data = TwinDSprites(16)
    history = fit(
        method,
        data,
        steps=400,
        batch_size=128,
        learning_rate=2e-3,
        device="cpu",
        progress=False,
    )
    nll, wrong = history.terms["nll"], history.terms["discriminator"]
    assert nll[-1] < 0.5 * nll[0]
    # On the way, two latents share what one will have: that is seen. (Steps later
    # they have parted, and there is nothing left to tell. When that is differs from
    # one processor to another.)
    assert min(wrong) < 0.68 < 0.69 < wrong[0] and max(history.terms["tc"]) > 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": -1.0}, "gamma must not be negative, got -1"),
        ({"discriminator_rate": 0.0}, "discriminator_rate must be positive, got 0"),
        ({"depth": 0}, "positive width and depth, got 16 and 0"),
        ({"likelihood": "poisson"}, "likelihood must be one of"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_a_batch_that_can_t_be_halved_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 pictures; got 3"):
        next(build().losses(Batch(images(3)), torch.Generator()))
