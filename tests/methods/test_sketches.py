"""The interfaces carry the methods of five papers: all train, and resume."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from sketches import (
    Intervention,
    Make,
    Mixing,
)
from torch import nn

from dlib import metrics, networks
from dlib.data import (
    Batch,
    Correlated,
    Merged,
    Pairs,
    TwinDSprites,
    TwinShapes3D,
    Views,
    gaussian_law,
)
from dlib.data.augment import Move
from dlib.data.dataset import Dataset, Wrapper
from dlib.models import (
    GVAE,
    MLVAE,
    AdaGVAE,
    FactorGroupVAE,
    FactorVAE,
    GroupTCVAE,
    InfoGANCR,
    Method,
)
from dlib.networks import Networks
from dlib.training import History, fit

SIZE, STEPS = 16, 20


def sprites() -> Dataset:
    return TwinDSprites(SIZE)


def correlated_part() -> Dataset:
    law = Correlated(sprites(), ("posX", "posY"), gaussian_law(32, 32, 0.2))
    return law.part(0.0, 0.8)


def merged() -> Dataset:
    return Merged([sprites().part(0, 0.8), TwinShapes3D(SIZE).part(0, 0.8)])


def factor_vae(nets: Networks) -> nn.Module:
    return FactorVAE(nets, width=16, depth=2, discriminator_rate=1e-3)


def supervised(nets: Networks) -> nn.Module:
    return FactorGroupVAE(nets, groups=2, learning="supervised", width=16, depth=2)


def unsupervised(nets: Networks) -> nn.Module:
    return FactorGroupVAE(nets, groups=2, width=16, depth=2)


def group_tc_vae(nets: Networks) -> nn.Module:
    return GroupTCVAE(nets, width=16, depth=2, discriminator_rate=1e-3)


def info_gan_cr(nets: Networks) -> nn.Module:
    return InfoGANCR(nets, contrast_from=5, gap=1.5, gap_until=10)


# Each with the data that its paper needs, and its networks' heads.
CASES: dict[str, tuple[Make, Dataset, int, int]] = {
    "FactorVAE": (factor_vae, sprites(), 4, 2),
    "FactorVAE on a correlated part": (factor_vae, correlated_part(), 4, 2),
    "FactorGroupVAE on domains": (supervised, merged(), 4, 2),
    "FactorGroupVAE on views of domains": (
        unsupervised,
        Views(merged(), [Move(name="move", shift=0.1)], keep_first=True),
        4,
        2,
    ),
    "GVAE on pairs": (GVAE, Pairs(sprites(), ["shape", "scale"]), 4, 2),
    "GVAE on groups of 4": (GVAE, Pairs(sprites(), [["shape"], ["posX"]], 4), 4, 2),
    "MLVAE on pairs of either group": (
        MLVAE, Pairs(sprites(), [["shape", "scale"], ["posX", "posY"]]), 4, 2
    ),
    "AdaGVAE on pairs": (AdaGVAE, Pairs(sprites(), ["shape", "scale"]), 4, 2),
    "GroupTCVAE on pairs of either group": (
        group_tc_vae, Pairs(sprites(), [["shape", "scale"], ["posX", "posY"]]), 4, 2
    ),
    "GVAE on views": (
        GVAE, Views(sprites(), [Move(name="move", shift=0.1)]), 4, 2
    ),
    "Mixing": (Mixing, sprites(), 8, 1),
    "InfoGANCR": (info_gan_cr, sprites(), 4, 1),
    "Intervention": (Intervention, correlated_part(), 4, 1),
}  # fmt: skip


def build(case: str, seed: int = 0) -> nn.Module:
    make, data, latent_dim, heads = CASES[case]
    nets = networks.conv(latent_dim, data.channels, SIZE, heads)
    method = make(nets)
    networks.initialise(method, torch.Generator().manual_seed(seed))
    return method


def train(method: nn.Module, data: Dataset, **options) -> History:
    given = {"steps": STEPS, "batch_size": 8, "device": "cpu", "progress": False}
    return fit(method, data, **{**given, **options})


class Interrupted(Wrapper):
    """Somebody presses Ctrl-C while a given step is under way."""

    def __init__(self, of: Dataset, at: int) -> None:
        self.__dict__.update(vars(of))
        self.of, self.at = of, at

    def __repr__(self) -> str:
        return repr(self.of)

    def batch(self, n: int, generator: torch.Generator, step: int = 0) -> Batch:
        if step == self.at:
            os.kill(os.getpid(), signal.SIGINT)
        return self.of.batch(n, generator, step)


@pytest.mark.parametrize("case", CASES)
def test_it_trains_and_resumes_bit_for_bit(case: str, tmp_path: Path) -> None:
    data = CASES[case][1]
    whole, part, resumed = build(case), build(case), build(case, seed=1)
    assert isinstance(whole, Method)
    before = {k: v.clone() for k, v in whole.state_dict().items()}
    history = train(whole, data)
    moved = {
        key.split(".")[0]
        for key, value in whole.state_dict().items()
        if not torch.equal(value, before[key])
    }
    # Every network learns, but for the translator, which is learned anew each step.
    assert moved == {key.split(".")[0] for key in before} - {"translate"}
    assert all(value == value for values in history.terms.values() for value in values)

    path = tmp_path / "run.checkpoint"
    with pytest.raises(KeyboardInterrupt, match="stopped after step 7 of 20"):
        train(part, Interrupted(data, 7), checkpoint=path)
    told = train(resumed, data, checkpoint=path)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key
    assert (told.steps, told.terms) == (history.steps, history.terms)


def test_a_term_of_a_schedule_is_averaged_over_its_steps() -> None:
    history = train(build("InfoGANCR"), CASES["InfoGANCR"][1], steps=60)
    late = InfoGANCR(networks.conv(4, 1, SIZE, 1), contrast_from=55)
    networks.initialise(late, torch.Generator().manual_seed(0))
    told = train(late, CASES["InfoGANCR"][1], steps=60)
    assert told.steps == history.steps == [50, 60]
    assert told.terms["contrast"][0] is None  # it did not occur in that window
    assert told.terms["contrast"][1] == pytest.approx(1.386, abs=0.1)  # ln 4
    assert history.terms["contrast"][0] == pytest.approx(1.386, abs=0.1)


def test_a_player_s_loss_leaves_others_without_a_gradient() -> None:
    method = build("Mixing")
    train(method, CASES["Mixing"][1], steps=1)
    # The codec's loss goes through the adversary; its own loss was the last.
    batch = sprites().batch(8, torch.Generator().manual_seed(0))
    images = batch.images.float() / 255
    losses = method.losses(batch._replace(images=images), torch.Generator())
    loss = next(losses)
    for parameter in method.parameters():
        parameter.grad = None
    loss.value.backward(inputs=method.players()["codec"].parameters)
    assert all(p.grad is None for p in method.adversary.parameters())
    assert all(p.grad is not None for p in method.encoder.parameters())


def test_players_keep_their_own_rates(tmp_path: Path) -> None:
    """Adam's first step has the length of the rate, for every weight that moves."""
    method = build("Mixing")
    before = [p.detach().clone() for p in method.parameters()]
    train(method, sprites(), steps=1, learning_rate=0.5)
    step = max(
        float((p - b).abs().max())
        for p, b in zip(method.parameters(), before, strict=True)
    )
    assert step == pytest.approx(2e-4, rel=0.01)


def test_codes_arrive_at_the_metrics_in_their_chunks() -> None:
    method = build("GVAE on pairs")
    report = metrics.evaluate(
        method.eval(),
        sprites(),
        [("group_mig", {"groups": {"shape": 0, "scale": 0, "orientation": 1,
                                   "posX": 1, "posY": 1}})],
        n=500, n_test=400, noise_floor=False, progress=False,
    )  # fmt: skip
    (score,) = report.scores.values()
    assert -1 <= score.value <= 1
