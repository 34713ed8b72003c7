"""How many chunks are used: codecs with known answers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from dlib import metrics, networks
from dlib.data import TwinDSprites
from dlib.inference import to_float
from dlib.metrics.evaluate import draw_points
from dlib.models import MixingAutoencoder


class Codec(nn.Module):
    """Pictures of 2x2: a pixel each for four codes, weighed by what is given."""

    def __init__(self, weights: list[float], chunks: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor(weights))
        self.chunks = chunks

    def encode(self, images: Tensor) -> Tensor:
        return images.flatten(1)

    def decode(self, codes: Tensor) -> Tensor:
        return (codes * self.weights).view(-1, 1, 2, 2)


def pictures(n: int = 300) -> Tensor:
    return torch.rand(n, 1, 2, 2, generator=torch.Generator().manual_seed(0))


def test_chunks_that_change_alike_all_count(device: torch.device) -> None:
    codec = Codec([1.0, 1.0, 1.0, 1.0], (1, 1, 1, 1)).to(device)
    score = metrics.chunk_use(codec, pictures().to(device))
    assert score.value == pytest.approx(4, abs=0.05)
    # Each pixel is a quarter of what the whole code changes.
    assert score["effects"].sum() == pytest.approx(1, abs=1e-6)


def test_the_shortcut_counts_as_one() -> None:
    codec = Codec([0.0, 0.0, 1.0, 1.0], (2, 2))
    score = metrics.chunk_use(codec, pictures())
    assert score.value == pytest.approx(1, abs=1e-6)
    assert score["shares"].tolist() == pytest.approx([0, 1])


def test_the_number_is_the_exponential_of_the_entropy() -> None:
    codec = Codec([1.0, 1.0, 1.0, 1.0], (3, 1))
    score = metrics.chunk_use(codec, pictures(2000), pairs=2000)
    wanted = math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert score.value == pytest.approx(wanted, abs=0.03)


def test_the_order_of_chunks_does_not_matter() -> None:
    plain = metrics.chunk_use(Codec([0.5, 1.0, 2.0, 1.0], (1, 1, 1, 1)), pictures())
    turned = pictures().flip(3).flip(2)
    other = metrics.chunk_use(Codec([1.0, 2.0, 1.0, 0.5], (1, 1, 1, 1)), turned)
    assert plain.value == pytest.approx(other.value)


class Vote(Codec):
    """White where most of four codes are above a half: one alone changes nothing."""

    def decode(self, codes: Tensor) -> Tensor:
        white = (codes > 0.5).float().mean(1) > 0.5
        return white.float()[:, None, None, None].expand(-1, 1, 2, 2)


def test_where_no_chunk_changes_anything_there_is_no_number() -> None:
    with pytest.raises(metrics.NotApplicable, match="no chunk by itself"):
        metrics.chunk_use(Codec([0.0] * 4, (2, 2)), pictures())
    bits = pictures().round()[:, :, :1, :1].expand(-1, 1, 2, 2)
    with pytest.raises(metrics.NotApplicable, match="no chunk by itself"):
        metrics.chunk_use(Vote([1.0] * 4, (1, 1, 1, 1)), bits)


def test_a_seed_is_an_answer() -> None:
    codec = Codec([1.0, 2.0, 1.0, 0.5], (2, 2))
    first, again, other = (
        metrics.chunk_use(codec, pictures(), pairs=50, seed=s).value for s in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize("name", ["chunk_use", "mixture_novelty"])
def test_evaluate_scores_as_the_function_does(name: str) -> None:
    nets = networks.mixing_small(latent_dim=8, channels=1, size=32)
    method = MixingAutoencoder(nets, (4, 2, 2), "MIX").eval()
    networks.initialise(method, torch.Generator().manual_seed(0))
    twin = TwinDSprites(32)
    options = {"n": 120, "n_test": 40, "progress": False, "noise_floor": False}
    report = metrics.evaluate(method, twin, (name, {"pairs": 40}), **options)
    index = draw_points(twin, 120, 40, 0)[0]
    pictures = to_float(twin.images(index))
    direct = getattr(metrics, name)(method, pictures, pairs=40)
    score = report.scores[f"{name}(pairs=40)"]
    assert score.value == pytest.approx(direct.value, rel=1e-3)


@pytest.mark.parametrize("metric", [metrics.chunk_use, metrics.mixture_novelty])
def test_what_has_no_sense_is_refused(metric) -> None:
    codec = Codec([1.0] * 4, (2, 2))
    with pytest.raises(ValueError, match="pairs must be at least 20, got 3"):
        metric(codec, pictures(), pairs=3)
    with pytest.raises(metrics.NotApplicable, match="at least 20 pictures, got 7"):
        metric(codec, pictures(7))
    with pytest.raises(ValueError, match="divide by 255"):
        metric(codec, pictures() * 255)
    codec.chunks = (3, 2)
    with pytest.raises(ValueError, match=r"\(3, 2\) must add up"):
        metric(codec, pictures())
