"""How new mixtures are: codecs with known answers."""

from __future__ import annotations

import pytest
import torch
from test_chunk_use import Codec, pictures

from dlib import metrics
from dlib.metrics.mixture_novelty import _mixed_masks


@pytest.mark.parametrize("chunks", [(2, 2), (1, 1, 2), (1, 1, 1, 1)])
def test_mixtures_of_independent_pixels_are_as_new_as_pictures(
    chunks: tuple[int, ...], device: torch.device
) -> None:
    """Whatever the number of chunks."""
    codec = Codec([1.0] * 4, chunks).to(device)
    score = metrics.mixture_novelty(codec, pictures(2000).to(device), pairs=2000)
    assert score.value == pytest.approx(1, abs=0.06)


def test_mixtures_of_pixels_that_come_together_are_new() -> None:
    grey = pictures()[:, :, :1, :1].expand(-1, 1, 2, 2)
    score = metrics.mixture_novelty(Codec([1.0] * 4, (1, 1, 1, 1)), grey)
    assert score.value > 20
    assert score["mixed"] > score["unmixed"]


def test_in_the_shortcut_a_mixture_is_as_new_as_a_picture() -> None:
    codec = Codec([0.0, 0.0, 1.0, 1.0], (2, 2))
    score = metrics.mixture_novelty(codec, pictures(2000), pairs=2000)
    assert score.value == pytest.approx(1, abs=0.06)


def test_a_decoder_s_scale_and_level_change_nothing() -> None:
    class Faint(Codec):
        def decode(self, codes: torch.Tensor) -> torch.Tensor:
            return 0.7 + 1e-3 * super().decode(codes)

    plain = metrics.mixture_novelty(Codec([1.0] * 4, (2, 2)), pictures())
    faint = metrics.mixture_novelty(Faint([1.0] * 4, (2, 2)), pictures())
    assert faint.value == pytest.approx(plain.value, rel=1e-2)


@pytest.mark.parametrize("chunks", [2, 3, 8])
def test_every_mask_takes_something_of_both(chunks: int) -> None:
    masks = _mixed_masks(500, chunks, torch.Generator().manual_seed(0))
    assert bool(masks.any(1).all()) and not bool(masks.all(1).any())
    assert float((masks.float().mean(0) - 0.5).abs().max()) < 0.1


def test_what_is_not_mixed_or_not_seen_has_no_novelty() -> None:
    with pytest.raises(metrics.NotApplicable, match="this method's code is one"):
        metrics.mixture_novelty(Codec([1.0] * 4, (4,)), pictures())
    with pytest.raises(metrics.NotApplicable, match="makes them alike"):
        metrics.mixture_novelty(Codec([0.0] * 4, (2, 2)), pictures())


def test_a_seed_is_an_answer() -> None:
    codec = Codec([1.0, 2.0, 1.0, 0.5], (2, 2))
    first, again, other = (
        metrics.mixture_novelty(codec, pictures(), pairs=50, seed=s).value
        for s in (1, 1, 2)
    )
    assert first == again != other
