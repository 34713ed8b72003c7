"""InfoGAN-CR: three players, their losses the long way, and a schedule by steps."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from dlib import metrics, networks
from dlib.data import Batch, TwinDSprites, TwinShapes3D
from dlib.losses import coupled_codes
from dlib.losses.contrastive_regulariser import uniform
from dlib.models import InfoGANCR, Loss, Method
from dlib.models.spectral import follow
from dlib.networks import Networks
from dlib.training import fit

SCHEDULE = {"contrast_from": 3, "gap": 1.5, "gap_until": 5}


def build(network: str = "info_gan", **options: object) -> InfoGANCR:
    nets = networks.build(network, 3, size=16, heads=1)
    method = InfoGANCR(nets, **{"noise": 2, **options})
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def batch(step: int = 1, n: int = 4) -> Batch:
    generator = torch.Generator().manual_seed(1)
    return Batch(torch.rand(n, 1, 16, 16, generator=generator), step=step)


def turns(method: InfoGANCR, step: int = 1, seed: int = 2) -> list[Loss]:
    """A step's losses, without anybody moving."""
    return list(method.losses(batch(step), torch.Generator().manual_seed(seed)))


def log_probability(logits: Tensor) -> Tensor:
    return torch.log(1 / (1 + torch.exp(-logits)))


def gaussian(guesses: Tensor, codes: Tensor) -> Tensor:
    """Minus the log-density of the codes at unit variance around the guesses."""
    each = (guesses - codes) ** 2 / 2 + math.log(2 * math.pi) / 2
    return each.sum(1).mean()


def test_losses_are_the_paper_s_the_long_way() -> None:
    method = build(contrast_from=0, info_weight=0.3, contrast_weight=0.7)
    told = turns(method, step=1)
    assert [loss.player for loss in told] == [
        "classifier", "discriminator", "generator", "generator"
    ]  # fmt: skip
    generator = torch.Generator().manual_seed(2)
    codes = uniform(4, 3, generator=generator)
    noise = uniform(4, 2, generator=generator)
    pairs = coupled_codes(4, 3, 0.0, generator)
    pairs_noise = uniform(4, 2, generator=generator)

    both = method.generate(
        torch.cat([pairs.first, pairs.second]), pairs_noise.repeat(2, 1)
    )
    named = method.classifier(torch.cat([both[:4], both[4:]], 1)).softmax(1)
    wrong = -torch.stack([named[i, k].log() for i, k in enumerate(pairs.shared)]).mean()
    torch.testing.assert_close(told[0].value, wrong)

    made = method.generate(codes, noise)
    real, fake = method.look(batch().images)[0], method.look(made)[0]
    info = gaussian(method.look(made)[1], codes)
    wanted = -log_probability(real).mean() - log_probability(-fake).mean() + 0.3 * info
    torch.testing.assert_close(told[1].value, wanted)

    wanted = -log_probability(fake).mean() + 0.3 * info + 0.7 * wrong
    for loss in told[2:]:  # nobody moved between the two
        torch.testing.assert_close(loss.value, wanted)
        assert set(loss.logs) == {"fooled", "info", "contrast"}


def test_noise_enters_as_if_the_first_layer_read_it_with_the_codes() -> None:
    method = build("conv")
    codes, noise = torch.rand(5, 3), torch.rand(5, 2)
    first = method.decoder[0]
    together = nn.Linear(5, first.out_features)
    with torch.no_grad():
        together.weight.copy_(torch.cat([first.weight, method.noise.weight], 1))
        together.bias.copy_(first.bias)
    hidden = together(torch.cat([codes, noise], 1))
    torch.testing.assert_close(
        method.generate(codes, noise), method.decoder[1:](hidden).sigmoid()
    )
    still = method.generate(codes, torch.zeros(5, 2))
    assert torch.equal(method.decode(codes), still)
    assert not torch.allclose(method.generate(codes, noise), still)


def test_d_and_q_share_all_but_their_own_layers() -> None:
    for network, shared in (("info_gan", 128), ("conv", 256), ("shapes_mlp", 1200)):
        method = build(network)
        images = batch().images
        logits, codes = method.look(images)
        assert logits.shape == (4,) and torch.equal(codes, method.encode(images))
        assert method.judge.layer.in_features == shared


def test_the_classifier_sets_in_after_its_step() -> None:
    method = build(contrast_from=3)
    for step in (1, 3):
        told = turns(method, step)
        assert told[0].player == "discriminator"
        assert all("contrast" not in loss.logs for loss in told)
    assert turns(method, 4)[0].player == "classifier"


def test_the_gap_ends_after_its_step_and_the_classifier_starts_afresh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gaps = []

    def noted(n: int, latent_dim: int, gap: float, generator: torch.Generator):
        gaps.append(gap)
        return coupled_codes(n, latent_dim, gap, generator)

    monkeypatch.setattr("dlib.models.info_gan_cr.coupled_codes", noted)
    method = build(**SCHEDULE)
    before = [p.clone() for p in method.parameters()]
    for step in range(1, 6):
        turns(method, step)
    assert gaps == [1.5, 1.5]
    assert all(map(torch.equal, before, method.parameters()))
    turns(method, 6)
    changed = [
        name.split(".")[0]
        for (name, p), old in zip(method.named_parameters(), before, strict=True)
        if not torch.equal(p, old)
    ]
    assert set(changed) == {"classifier"}
    after = [p.clone() for p in method.parameters()]
    turns(method, 7)
    assert gaps[2:] == [0.0, 0.0]
    assert all(map(torch.equal, after, method.parameters()))


def test_the_generator_moves_as_often_as_it_is_told() -> None:
    assert [loss.player for loss in turns(build(generator_steps=3))] == [
        "discriminator", *["generator"] * 3
    ]  # fmt: skip


def test_players_own_every_parameter_once_and_have_the_authors_rates() -> None:
    method = build()
    players = method.players()
    owned = [id(p) for each in players.values() for p in each.parameters]
    assert sorted(owned) == sorted(id(p) for p in method.parameters())
    rates = {name: player.learning_rate for name, player in players.items()}
    assert rates == {"classifier": 2e-3, "discriminator": 2e-3, "generator": 1e-3}
    assert {player.betas for player in players.values()} == {(0.5, 0.999)}
    assert isinstance(method, Method) and method.chunks == (1, 1, 1)


def test_each_loss_has_a_gradient_for_all_that_its_player_owns() -> None:
    """And H's and D's reach nobody else; G's runs through both, and fit stops it."""
    method = build(contrast_from=0)
    players = method.players()
    for loss in turns(method):
        method.zero_grad()
        mine = players[loss.player].parameters
        if loss.player == "generator":
            loss.value.backward(inputs=mine)
        else:
            loss.value.backward()
        reached = {id(p) for p in method.parameters() if p.grad is not None}
        assert reached == {id(p) for p in mine}, loss.player


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize(("size", "channels"), [(32, 1), (64, 3)])
def test_it_trains_at_the_sizes_of_the_data(
    size: int, channels: int, precision: str, tmp_path: Path
) -> None:
    data = TwinDSprites(size) if channels == 1 else TwinShapes3D(size, root=tmp_path)
    method = InfoGANCR(networks.info_gan(5, channels, size), contrast_from=1)
    networks.initialise(method, torch.Generator().manual_seed(0))
    history = fit(
        method, data, steps=2, batch_size=4, precision=precision, device="cpu",
        progress=False,
    )  # fmt: skip
    terms = {name: values[-1] for name, values in history.terms.items()}
    assert set(terms) == {"told", "info", "fooled", "contrast"}
    assert all(math.isfinite(value) for value in terms.values())
    codes = torch.zeros(2, 5)
    torch.testing.assert_close(
        method.page_decoder().decode(codes), method.decode(codes), atol=1e-5, rtol=0
    )


def bars() -> Networks:
    """With a generator of one layer, which can show each code: a bar's brightness."""
    nets = networks.info_gan(3, 1, 16)
    first = networks.FullPrecisionLinear(3, 256)
    decoder = nn.Sequential(first, nn.Unflatten(1, (1, 16, 16)))
    return nets._replace(decoder=decoder)


def test_q_recovers_the_codes_and_h_names_what_pairs_share() -> None:
    method = InfoGANCR(
        bars(), noise=2, info_weight=1.0, contrast_from=10, generator_steps=1,
        generator_rate=1e-4,
    )  # fmt: skip
    networks.initialise(method, torch.Generator().manual_seed(0))
    with torch.no_grad():
        method.noise.weight.zero_()
        method.decoder[0].weight.zero_().view(16, 16, 3)[:15] = (
            2 * torch.eye(3).repeat_interleave(5, 0)[:, None]
        )

    def scores() -> tuple[float, float]:
        generator = torch.Generator().manual_seed(7)
        codes, noise = (uniform(500, d, generator=generator) for d in (3, 2))
        pairs = coupled_codes(500, 3, 0.0, generator)
        with torch.no_grad():
            guesses = method.encode(method.generate(codes, noise))
            named = method.classifier(method.couple(pairs, noise)).argmax(1)
        both = torch.corrcoef(torch.cat([codes, guesses], 1).T)[:3, 3:]
        return float(both.diagonal().min()), float(
            (named == pairs.shared).float().mean()
        )

    correlation, accuracy = scores()
    assert correlation < 0.5 and accuracy < 0.5  # chance is a third
    options = {"device": "cpu", "progress": False}
    fit(method, TwinDSprites(16), steps=100, batch_size=32, **options)
    correlation, accuracy = scores()
    assert correlation > 0.9 and accuracy > 0.6, (correlation, accuracy)


def test_resumed_it_ends_as_if_it_had_not_been_stopped(tmp_path: Path) -> None:
    """Between both switches; estimates of singular values and batch norms included."""
    schedule = {"contrast_from": 48, "gap": 1.5, "gap_until": 52}
    whole, part, resumed = (build(**schedule, generator_steps=1) for _ in range(3))
    data, path = TwinDSprites(16), tmp_path / "run.checkpoint"
    options = {"batch_size": 4, "device": "cpu", "progress": False}
    history = fit(whole, data, steps=55, **options)
    fit(part, data, steps=50, checkpoint=path, checkpoint_every=50, **options)
    told = fit(resumed, data, steps=55, checkpoint=path, **options)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key
    assert (told.steps, told.terms) == (history.steps, history.terms)


def test_every_estimate_follows_once_a_step() -> None:
    method, other = build(), build()
    list(method.losses(batch(), torch.Generator()))
    follow(other)
    for key, value in other.state_dict().items():
        if key.endswith(".u"):
            assert torch.equal(method.state_dict()[key], value), key


def test_metrics_read_its_codes() -> None:
    report = metrics.evaluate(
        build().eval(), TwinDSprites(16), ["mig"], n=300, n_test=200,
        noise_floor=False, progress=False,
    )  # fmt: skip
    (score,) = report.scores.values()
    assert 0 <= score.value <= 1


def test_pictures_drawn_together_count_each() -> None:
    single = batch(n=4)
    pairs = single._replace(images=single.images.view(2, 2, 1, 16, 16))
    for one, other in zip(
        *(build().losses(b, torch.Generator().manual_seed(2)) for b in (single, pairs)),
        strict=True,
    ):
        assert torch.equal(one.value, other.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": 0}, "noise must be positive, got 0"),
        ({"info_weight": -1.0}, "info_weight must not be negative, got -1"),
        (
            {"contrast_weight": math.nan},
            "contrast_weight must not be negative, got nan",
        ),
        ({"contrast_from": -1}, "contrast_from must not be negative, got -1"),
        ({"gap": 2.0}, "gap must be at least 0 and less than 2, got 2.0"),
        ({"gap": 1.9, "gap_until": 9}, "until step 9 is never used.*after step 288000"),
        ({"generator_steps": 0}, "generator_steps must be positive, got 0"),
        ({"generator_rate": 0.0}, "generator_rate must be positive, got 0"),
        ({"discriminator_rate": 0.0}, "discriminator_rate must be positive, got 0"),
    ],
)
def test_options_without_sense_are_refused(
    options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_networks_that_do_not_fit_are_refused() -> None:
    fits = networks.info_gan(3, 1, 16)
    for nets, message in (
        (networks.info_gan(3, 1, 16, heads=2), r"heads=1\), got one with 2 numbers"),
        (networks.info_gan(1, 1, 16), "at least two latents, got 16 and 1"),
        (networks.shapes_mlp(3, 1, 8, heads=1), "16 pixels .*, got 8 and 3"),
        (fits._replace(encoder=nn.Linear(3, 3)), 'such as network "info_gan"'),
        (fits._replace(decoder=fits.decoder[2:]), "with one at its start"),
        (fits._replace(encoder=fits.encoder[:-1]), "with a linear layer at its end"),
    ):
        with pytest.raises(ValueError, match=message):
            InfoGANCR(nets)
