"""InfoVAE: its two weights, and what they are on."""

from __future__ import annotations

import pytest
import torch

from dlib import networks
from dlib.data import Batch, TwinDSprites
from dlib.losses import mmd
from dlib.models import InfoVAE
from dlib.models.vae import reparametrise
from dlib.training import fit


def build(**options: object) -> InfoVAE:
    method = InfoVAE(networks.conv(3, size=16), **options)
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


@pytest.mark.parametrize(("alpha", "weight"), [(0.0, 9.0), (0.5, 9.5), (1.0, 10.0)])
def test_the_loss_has_the_papers_weights(alpha: float, weight: float) -> None:
    images = torch.rand(8, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    method = build(alpha=alpha, lambda_info=10.0)
    (loss,) = method.losses(Batch(images), torch.Generator().manual_seed(2))
    again = torch.Generator().manual_seed(2)
    codes = reparametrise(method.posterior(images), again)
    discrepancy = mmd(codes, torch.randn(codes.shape, generator=again))
    torch.testing.assert_close(loss.logs["mmd"], discrepancy.detach())
    wanted = loss.logs["nll"] + (1 - alpha) * loss.logs["kl"] + weight * discrepancy
    torch.testing.assert_close(loss.value, wanted)


def test_without_the_kl_term_codes_are_held_by_the_discrepancy() -> None:
    kept = []
    for weight in (0.0, 50.0):
        history = fit(
            build(alpha=1.0, lambda_info=weight),
            TwinDSprites(16),
            steps=300,
            learning_rate=3e-3,
            device="cpu",
            progress=False,
        )
        assert history.terms["nll"][-1] < 0.6 * history.terms["nll"][0]
        kept.append(history.terms["mmd"][-1])
    assert kept[1] < 0.5 * kept[0]


@pytest.mark.parametrize("options", [{"alpha": 1.5}, {"lambda_info": 0.5}])
def test_negative_weights_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no weight is negative; got"):
        build(**options)
