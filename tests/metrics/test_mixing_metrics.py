"""How many chunks are used, and how new mixtures are: codecs with known answers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from dlib import metrics
from dlib.data import TwinDSprites


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


def test_where_nothing_is_decoded_nothing_is_used() -> None:
    with pytest.raises(metrics.NotApplicable, match="decoded to one picture"):
        metrics.chunk_use(Codec([0.0] * 4, (2, 2)), pictures())
    with pytest.raises(metrics.NotApplicable, match="makes them alike"):
        metrics.mixture_novelty(Codec([0.0] * 4, (2, 2)), pictures())


def test_the_order_of_chunks_does_not_matter() -> None:
    plain = metrics.chunk_use(Codec([0.5, 1.0, 2.0, 1.0], (1, 1, 1, 1)), pictures())
    turned = pictures().flip(3).flip(2)
    other = metrics.chunk_use(Codec([1.0, 2.0, 1.0, 0.5], (1, 1, 1, 1)), turned)
    assert plain.value == pytest.approx(other.value)


def test_mixtures_of_independent_pixels_are_no_newer_than_pictures() -> None:
    codec = Codec([1.0] * 4, (1, 1, 1, 1))
    score = metrics.mixture_novelty(codec, pictures(2000))
    # A mixture may be one of its two pictures, one time in eight.
    assert 0.8 < score.value < 1.05


def test_mixtures_of_pixels_that_come_together_are_new() -> None:
    grey = pictures()[:, :, :1, :1].expand(-1, 1, 2, 2)
    score = metrics.mixture_novelty(Codec([1.0] * 4, (1, 1, 1, 1)), grey)
    assert score.value > 20
    assert score["mixed"] > score["unmixed"]


def test_in_the_shortcut_a_mixture_is_a_picture() -> None:
    codec = Codec([0.0, 0.0, 1.0, 1.0], (2, 2))
    score = metrics.mixture_novelty(codec, pictures())
    assert score["mixed"] == pytest.approx(0, abs=1e-3)


def test_a_seed_is_an_answer() -> None:
    codec = Codec([1.0, 2.0, 1.0, 0.5], (2, 2))
    for metric in (metrics.chunk_use, metrics.mixture_novelty):
        first, again, other = (
            metric(codec, pictures(), pairs=50, seed=seed).value for seed in (1, 1, 2)
        )
        assert first == again != other


def test_evaluate_takes_both_by_name() -> None:
    from dlib import networks
    from dlib.models import MixingAutoencoder

    nets = networks.mixing_small(latent_dim=8, channels=1, size=32)
    method = MixingAutoencoder(nets, (4, 2, 2), "MIX")
    networks.initialise(method, torch.Generator().manual_seed(0))
    which = ["chunk_use", ("mixture_novelty", {"pairs": 40}), "mig"]
    report = metrics.evaluate(
        method, TwinDSprites(32), which, n=120, n_test=40, progress=False,
        noise_floor=False,
    )  # fmt: skip
    assert list(report.scores) == ["chunk_use", "mixture_novelty(pairs=40)", "mig"]
    assert 1 <= report.scores["chunk_use"].value <= 3


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
