"""The mixing autoencoder: its terms by name, who moves what, and that it learns."""

from __future__ import annotations

import math
from typing import get_args

import pytest
import torch
from torch.nn.functional import softplus

from dlib import networks
from dlib.data import Batch, TwinDSprites
from dlib.losses import (
    autoencoding_error,
    chunk_classification_loss,
    mix,
    random_masks,
    squared_distance,
)
from dlib.models import MixingAutoencoder, page_decoder
from dlib.models.mixing import Objective
from dlib.models.mixing_critics import chunk_classifier, mixing_discriminator
from dlib.training import fit

SMALL = {"critic_width": 1 / 16}


def build(**options) -> MixingAutoencoder:
    nets = networks.mixing_small(latent_dim=8, channels=1, size=32)
    method = MixingAutoencoder(nets, **{"chunks": (4, 2, 2), **SMALL, **options})
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def batch(n: int = 8) -> Batch:
    images, _ = TwinDSprites(32).sample(n, torch.Generator().manual_seed(1))
    return Batch(images.float() / 255, None, 1, 737_280)


TERMS = {
    "AE": ["error"],
    "AE+C+G": ["error", "fooled", "classified"],
    "C+G": ["fooled", "classified"],
    "MIX": ["error"],
    "MIX+C": ["error", "classified"],
    "MIX+G": ["error", "fooled"],
    "MIX+C+G": ["error", "fooled", "classified"],
}


@pytest.mark.parametrize("objective", get_args(Objective))
def test_each_name_of_table_2_has_its_terms(objective: Objective) -> None:
    losses = list(
        build(objective=objective).losses(batch(), torch.Generator().manual_seed(0))
    )
    assert list(losses[0].logs) == TERMS[objective]
    judged = "G" in objective
    assert [loss.player for loss in losses[1:]] == ["discriminator"] * judged


def test_the_autoencoder_s_loss_is_eq_4() -> None:
    method = build(lambda_m=2.0, lambda_g=3.0, lambda_c=5.0)
    x1 = batch().images
    generator = torch.Generator().manual_seed(5)
    loss = next(method.losses(batch(), generator))
    again = torch.Generator().manual_seed(5)
    mask = random_masks(8, 3, again)
    f1 = method.encode(x1)
    x3 = method.decode(mix(f1, f1.roll(1, 0), (4, 2, 2), mask))
    x4 = method.decode(mix(method.encode(x3), f1, (4, 2, 2), mask))
    error = squared_distance(x4, x1)
    fooled = softplus(-method.discriminator(x3)).mean()
    seen = torch.cat([x1, x1.roll(1, 0), x3], dim=1)
    classified = chunk_classification_loss(method.classifier(seen), mask)
    torch.testing.assert_close(loss.value, 2 * error + 3 * fooled + 5 * classified)


def test_the_plain_autoencoder_s_error_is_of_its_reconstruction() -> None:
    method = build(objective="AE", chunks=(8,), lambda_m=3.0)
    x = batch().images
    loss = next(method.losses(batch(), torch.Generator().manual_seed(0)))
    wanted = squared_distance(method.decode(method.encode(x)), x)
    torch.testing.assert_close(loss.value, 3 * wanted)
    assert method.chunks == (8,)  # one, as the paper's has


@pytest.mark.parametrize("adversary", ["dcgan", "began"])
def test_two_players_own_every_parameter_once(adversary: str) -> None:
    method = build(adversary=adversary, discriminator_rate=3e-4)
    players = method.players()
    assert players["autoencoder"].learning_rate is None  # fit's
    assert players["discriminator"].learning_rate == 3e-4
    assert list(players) == ["autoencoder", "discriminator"]
    owned = [id(p) for player in players.values() for p in player.parameters]
    assert sorted(owned) == sorted(id(p) for p in method.parameters())
    assert {player.betas for player in players.values()} == {(0.5, 0.999)}


def test_without_critics_nothing_is_built_for_them() -> None:
    method = build(objective="MIX")
    names = {name.split(".")[0] for name, _ in method.named_parameters()}
    assert names == {"encoder", "decoder"} and list(method.players()) == ["autoencoder"]


def test_the_discriminator_s_loss_is_minus_eq_2_and_moves_nobody_else() -> None:
    method = build()
    x1 = batch().images
    losses = list(method.losses(batch(), torch.Generator().manual_seed(5)))
    again = torch.Generator().manual_seed(5)
    f1 = method.encode(x1)
    mask = random_masks(8, 3, again)
    x3 = method.decode(mix(f1, f1.roll(1, 0), (4, 2, 2), mask))
    real, fake = (method.discriminator(x).sigmoid() for x in (x1, x3))
    wanted = -(real.log().mean() + (1 - fake).log().mean())
    torch.testing.assert_close(losses[1].value, wanted)
    losses[1].value.backward()
    assert all(p.grad is None for p in method.encoder.parameters())
    assert all(p.grad is not None for p in method.discriminator.parameters())


def test_began_s_discriminator_gives_real_pictures_back_and_not_mixed_ones() -> None:
    method = build(adversary="began", gamma=0.7)
    method.balance.fill_(0.25)
    x1 = batch().images
    losses = list(method.losses(batch(), torch.Generator().manual_seed(5)))
    again = torch.Generator().manual_seed(5)
    f1 = method.encode(x1)
    mask = random_masks(8, 3, again)
    x3 = method.decode(mix(f1, f1.roll(1, 0), (4, 2, 2), mask))
    real, fake = (
        autoencoding_error(x, method.discriminator(x).sigmoid()) for x in (x1, x3)
    )
    torch.testing.assert_close(losses[0].logs["fooled"], fake.detach())
    torch.testing.assert_close(losses[1].value, real - 0.25 * fake)
    moved = 0.25 + 0.001 / 1024 * float((0.7 * real - fake).detach())
    assert float(method.balance) == pytest.approx(moved)
    assert "balance" in method.state_dict()  # so that a checkpoint keeps it


def test_all_networks_minimise_the_classifier_s_loss() -> None:
    method = build(objective="C+G", lambda_g=0.0)
    next(method.losses(batch(), torch.Generator().manual_seed(0))).value.backward()
    for network in (method.encoder, method.decoder, method.classifier):
        assert any(bool(p.grad.abs().sum() > 0) for p in network.parameters())


@pytest.mark.parametrize("objective", ["MIX+C+G", "AE+C+G"])
def test_it_learns(objective: Objective) -> None:
    method = build(objective=objective)
    options = {"batch_size": 32, "learning_rate": 2e-3, "device": "cpu"}
    history = fit(method, TwinDSprites(32), steps=150, progress=False, **options)
    error = history.terms["error"]
    assert error[-1] < 0.7 * error[0]
    assert all(math.isfinite(v) for terms in history.terms.values() for v in terms)


def test_began_learns_too() -> None:
    method = build(adversary="began")
    options = {"batch_size": 16, "learning_rate": 2e-3, "device": "cpu"}
    history = fit(method, TwinDSprites(32), steps=100, progress=False, **options)
    assert history.terms["real"][-1] < history.terms["real"][0]
    assert history.terms["error"][-1] < history.terms["error"][0]


@pytest.mark.parametrize("adversary", ["dcgan", "began"])
def test_mixed_precision_leaves_losses_in_single(
    adversary: str, device: torch.device
) -> None:
    method = build(adversary=adversary).to(device)
    some = batch()._replace(images=batch().images.to(device))
    with torch.autocast(device.type, dtype=torch.bfloat16):
        losses = list(method.losses(some, torch.Generator(device).manual_seed(0)))
    for loss in losses:
        terms = [loss.value, *loss.logs.values()]
        assert all(term.dtype == torch.float32 for term in terms)
        assert all(bool(term.isfinite()) for term in terms)


def test_running_statistics_serve_the_cycle() -> None:
    """They are of real and mixed pictures both; the cycle closes with them too."""
    method = build()
    options = {"batch_size": 32, "learning_rate": 2e-3, "device": "cpu"}
    history = fit(method, TwinDSprites(32), steps=150, progress=False, **options)
    x1 = batch(64).images
    mask = random_masks(64, 3, torch.Generator().manual_seed(2))
    with torch.no_grad():
        f1 = method.encode(x1)
        x3 = method.decode(mix(f1, f1.roll(1, 0), (4, 2, 2), mask))
        x4 = method.decode(mix(method.encode(x3), f1, (4, 2, 2), mask))
    assert float(squared_distance(x4, x1)) < 2 * history.terms["error"][-1]


def test_the_page_decodes_as_the_method_does() -> None:
    method = build(objective="MIX")
    fit(method, TwinDSprites(32), steps=3, progress=False, device="cpu")
    codes = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    plain = page_decoder(method.decoder, "sigmoid")
    torch.testing.assert_close(plain.decode(codes), method.decode(codes))


# --- table 1 ----------------------------------------------------------------


def weights(module: torch.nn.Module) -> list[int]:
    """Weights and biases, layer by layer; normalisations left out."""
    kinds = (torch.nn.Conv2d, torch.nn.Linear)
    layers = [m for m in module.modules() if isinstance(m, kinds)]
    return [sum(p.numel() for p in layer.parameters()) for layer in layers]


@pytest.mark.parametrize(("size", "side"), [(28, 4), (60, 8), (64, 8)])
def test_the_discriminator_has_the_table_s_layers(size: int, side: int) -> None:
    net = mixing_discriminator(3, size)
    assert weights(net) == [
        27 * 64 + 64,
        576 * 128 + 128,
        1152 * 256 + 256,
        256 * 512 + 512,
        512 * side * side + 1,
    ]
    assert net(torch.rand(2, 3, size, size)).shape == (2, 1)


@pytest.mark.parametrize(("size", "side"), [(28, 2), (32, 2), (60, 4), (64, 4)])
def test_the_classifier_has_the_table_s_layers(size: int, side: int) -> None:
    net = chunk_classifier(3, size, 8)
    assert weights(net) == [
        9 * 64 * 96 + 96,
        96 * 25 * 256 + 256,
        256 * 9 * 384 + 384,
        384 * 9 * 384 + 384,
        384 * 9 * 256 + 256,
        256 * side * side * 4096 + 4096,
        4096 * 4096 + 4096,
        4096 * 8 + 8,
    ]
    assert net(torch.rand(2, 9, size, size)).shape == (2, 8)


def kinds(net: torch.nn.Sequential) -> list[str]:
    """Layers in their order: a convolution by kernel and stride."""
    words = []
    for layer in net:
        word = type(layer).__name__
        if isinstance(layer, torch.nn.Conv2d):
            word = f"c k{layer.kernel_size[0]} s{layer.stride[0]}"
        if isinstance(layer, torch.nn.LeakyReLU):
            assert layer.negative_slope == 0.2
        words.append(word)
    return words


def test_layers_are_normalised_pooled_and_bent_in_the_table_s_order() -> None:
    after = ["BatchNorm2d", "LeakyReLU"]
    strided = ["c k3 s2", *after] * 3
    ends = ["Flatten", "FullPrecisionLinear"]
    assert kinds(mixing_discriminator(3, 28)) == [*strided, "c k1 s1", *after, *ends]
    same = ["c k3 s1", *after]
    assert kinds(chunk_classifier(3, 28, 8)) == [
        "c k8 s2", *after, "MaxPool2d", "c k5 s1", *after, "MaxPool2d",
        *same, *same, *same, "MaxPool2d",
        "Flatten", "Linear", "LeakyReLU", "Linear", "LeakyReLU", ends[1],
    ]  # fmt: skip


def test_a_share_of_the_channels() -> None:
    assert mixing_discriminator(3, 28, 0.25)[0].out_channels == 16
    net = chunk_classifier(3, 28, 8, 0.25)
    assert net[0].out_channels == 24 and net[-1].in_features == 1024


# --- what has no sense ------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"objective": "MIX+GAN"}, "objective must be one of AE, AE"),
        ({"adversary": "wgan"}, "adversary must be one of dcgan, began"),
        ({"chunks": (8,)}, "at least two positive widths"),
        ({"chunks": (4, 2)}, r"add up to the code's 8, got \(4, 2\)"),
        ({"lambda_m": -1.0}, "lambda_m must not be negative"),
        ({"lambda_g": math.nan}, "lambda_g must not be negative"),
        ({"critic_width": 0.0}, "critic_width must be positive"),
        ({"discriminator_rate": 0.0}, "discriminator_rate must be positive"),
        ({"gamma": 0.0}, "gamma must be positive"),
        ({"gamma": 1.5}, "gamma must be at most 1"),
    ],
)
def test_options_without_sense_are_refused(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_critics_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="width must be positive, got -1"):
        mixing_discriminator(3, 28, -1)
    with pytest.raises(ValueError, match="chunks must be positive, got 0"):
        chunk_classifier(3, 28, 0)


def test_one_picture_can_t_be_mixed() -> None:
    with pytest.raises(ValueError, match="at least 2, got 1"):
        next(build().losses(batch(1), torch.Generator()))
