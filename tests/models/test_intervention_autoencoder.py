"""The intervention autoencoder: its terms, who moves what, and that it learns."""

from __future__ import annotations

import math

import pytest
import torch

from dlib import networks
from dlib.data import Batch, TwinShapes3D
from dlib.losses import bernoulli_nll, intervene, weighted_adversarial_loss
from dlib.models import InterventionAutoencoder
from dlib.models.intervention import picture_critic
from dlib.training import fit


def build(**options) -> InterventionAutoencoder:
    nets = networks.conv(latent_dim=4, channels=3, size=16, heads=1)
    method = InterventionAutoencoder(nets, **options)
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def batch(n: int = 8) -> Batch:
    images, _ = TwinShapes3D(16).sample(n, torch.Generator().manual_seed(1))
    return Batch(images.float() / 255, None, 1, 480_000)


def test_the_autoencoder_s_loss_is_eq_3() -> None:
    method = build(chunks=(2, 1, 1), lambda_in=0.5, lambda_adv=2.0, lambda_diff=3.0)
    some = batch()
    generator = torch.Generator().manual_seed(5)
    loss = next(method.losses(some, generator))
    again = torch.Generator().manual_seed(5)
    others = torch.randperm(8, generator=again)
    which = torch.randint(3, (8,), generator=again)
    z = method.encode(some.images)
    changed = method.decode(intervene(z, z[others], (2, 1, 1), which))
    undone = intervene(method.encode(changed), z, (2, 1, 1), which)
    rec = bernoulli_nll(method.decoder(z), some.images).mean()
    back = bernoulli_nll(method.decoder(undone), some.images).mean()
    game = weighted_adversarial_loss(
        method.discriminator(method.decode(z)),
        method.discriminator(changed),
        method.weights(changed),
    )
    hard = method.difficulty(z, again)
    torch.testing.assert_close(loss.value, rec + 0.5 * back + 2 * game + 3 * hard)
    assert list(loss.logs) == ["nll", "undone", "adversarial", "difficulty"]


def test_the_same_code_taken_twice_is_no_change() -> None:
    """Two equal values of a chunk make equal pictures, which a copier translates."""
    method = build()
    some = batch(6)
    alike = method.encode(some.images[:1]).expand(6, -1)
    found = method.difficulty(alike, torch.Generator().manual_seed(0))
    picture = method.decode(alike[:1])
    entropy = -(picture * picture.log() + (1 - picture) * (1 - picture).log()).sum()
    assert float(found.detach()) == pytest.approx(0, abs=0.1)
    method.measure = "cross_entropy"
    found = method.difficulty(alike, torch.Generator().manual_seed(0))
    assert float((found - entropy).detach()) == pytest.approx(0, abs=0.1)


def test_three_players_own_every_parameter_once() -> None:
    method = build()
    players = method.players()
    assert list(players) == ["autoencoder", "weights", "discriminator"]
    owned = [id(p) for player in players.values() for p in player.parameters]
    assert sorted(owned) == sorted(id(p) for p in method.parameters())
    assert players["weights"].learning_rate == 1e-5  # appendix C
    assert players["discriminator"].learning_rate == 1e-4


def test_the_critics_move_against_each_other() -> None:
    method = build(lambda_diff=0.0)
    losses = list(method.losses(batch(), torch.Generator().manual_seed(0)))
    assert [loss.player for loss in losses] == [
        "autoencoder",
        "weights",
        "discriminator",
    ]
    torch.testing.assert_close(losses[1].value, -losses[2].value)
    losses[2].value.backward()
    assert all(p.grad is None for p in method.encoder.parameters())
    assert all(p.grad is not None for p in method.discriminator.parameters())


def test_what_has_no_weight_is_not_computed() -> None:
    method = build(lambda_in=0.0, lambda_adv=0.0, lambda_diff=0.0)
    losses = list(method.losses(batch(), torch.Generator().manual_seed(0)))
    assert [list(loss.logs) for loss in losses] == [["nll"]]


def test_the_difficulty_s_gradient_reaches_encoder_and_decoder() -> None:
    method = build(lambda_in=0.0, lambda_adv=0.0)
    z = method.encode(batch().images)
    method.difficulty(z, torch.Generator().manual_seed(0)).backward()
    for network in (method.encoder, method.decoder):
        assert any(bool(p.grad.abs().sum() > 0) for p in network.parameters())


def test_it_learns() -> None:
    method = build(lambda_adv=2.5, weight_rate=1e-4, discriminator_rate=1e-3)
    options = {"batch_size": 16, "learning_rate": 2e-3, "device": "cpu"}
    history = fit(method, TwinShapes3D(16), steps=150, progress=False, **options)
    nll, undone = history.terms["nll"], history.terms["undone"]
    assert nll[-1] < nll[0] - 15 and undone[-1] < undone[0] - 15
    assert all(map(math.isfinite, history.terms["difficulty"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chunks": (4,)}, "at least two positive widths"),
        ({"measure": "accuracy"}, "measure must be one of cross_entropy, excess"),
        ({"critic": "faces"}, "critic must be one of shapes, digits, flowers"),
        ({"chunks": (2, 3)}, r"add up to the code's 4, got \(2, 3\)"),
        ({"lambda_in": -1.0}, "lambda_in must not be negative"),
        ({"lambda_diff": math.nan}, "lambda_diff must not be negative"),
        ({"translation_steps": -1}, "translation_steps must not be negative"),
        ({"translation_rate": 0.0}, "translation_rate must be positive"),
        ({"weight_rate": 0.0}, "weight_rate must be positive"),
        ({"likelihood": "poisson"}, "likelihood must be one of"),
    ],
)
def test_options_without_sense_are_refused(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


@pytest.mark.parametrize(("critic", "multiple"), [("shapes", 16), ("digits", 4)])
def test_sizes_that_critics_can_t_halve_are_refused(critic: str, multiple: int) -> None:
    nets = networks.shapes_mlp(latent_dim=4, channels=1, size=multiple + 2, heads=1)
    with pytest.raises(ValueError, match=f"multiple of {multiple}, got {multiple + 2}"):
        InterventionAutoencoder(nets, critic=critic)


@pytest.mark.parametrize(
    ("critic", "size", "wanted"),
    [
        # Tables 5, 7 and 9: weights and biases, layer by layer.
        ("shapes", 64, [3 * 512 + 32, 32 * 512 + 32, 32 * 1024 + 64, 64 * 1024 + 64,
                        64 * 16 * 128 + 128, 129]),
        ("digits", 28, [3 * 1024 + 64, 64 * 2048 + 128, 128 * 1152 + 128,
                        128 * 49 * 128 + 128, 129]),
        ("flowers", 64, [3 * 1024 + 64, 64 * 1024 + 64, 64 * 2048 + 128,
                         128 * 2048 + 128, 128 * 16 * 256 + 256, 256 * 257, 257]),
    ],
)  # fmt: skip
def test_critics_have_the_tables_layers(
    critic: str, size: int, wanted: list[int]
) -> None:
    net = picture_critic(critic, 3, size)
    layers = [sum(p.numel() for p in m.parameters()) for m in net]
    assert [n for n in layers if n] == wanted
    assert net(torch.rand(2, 3, size, size)).shape == (2, 1)


def test_chunks_of_several_numbers_are_changed_whole() -> None:
    method = build(chunks=(3, 1), lambda_adv=0.0)
    z = method.encode(batch().images)
    found = method.difficulty(z, torch.Generator().manual_seed(0))
    assert math.isfinite(float(found.detach())) and method.chunks == (3, 1)


def test_three_pictures_are_too_few() -> None:
    with pytest.raises(ValueError, match="at least 4 pictures, got 3"):
        next(build().losses(batch(3), torch.Generator()))
