"""Image translation: hand-made decoders, whose difficulty is known or ordered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dlib import metrics

FAST: dict[str, Any] = {"draws": 2, "pairs": 12, "steps": 12}
OPTIONS: list[dict[str, Any]] = [
    {"value": "best"},
    {"draws": 0},
    {"pairs": 0},
    {"steps": -1},
    {"rate": 0.0},
    {"rate": float("nan")},
    {"negligible": -1.0},
]


class Stripes(nn.Module):
    """Latents are the brightness of the picture's stripes, or a mixture of them."""

    def __init__(self, mixing: Tensor | None = None, chunks: Sequence[int] = ()):
        super().__init__()
        mixing = torch.eye(4) if mixing is None else mixing
        self.register_buffer("mixing", mixing)
        if chunks:
            self.chunks = tuple(chunks)

    def encode(self, images: Tensor) -> Tensor:
        stripes = images.mean((1, 3)).unflatten(1, (4, 2)).mean(2)
        return (stripes - 0.5) @ self.mixing

    def decode(self, codes: Tensor) -> Tensor:
        stripes = (codes @ self.mixing.T + 0.5).repeat_interleave(2, 1)
        return stripes[:, None, :, None].expand(-1, 1, -1, 8)


class Deaf(Stripes):
    """Its decoder listens to nothing, or to the first latent alone."""

    def __init__(self, heard: int = 0):
        super().__init__()
        self.heard = heard

    def decode(self, codes: Tensor) -> Tensor:
        return super().decode(
            codes * (torch.arange(4, device=codes.device) < self.heard)
        )


def pictures(n: int = 60) -> Tensor:
    random = torch.Generator().manual_seed(0)
    return Stripes().decode(torch.rand(n, 4, generator=random) * 0.8 - 0.4)


def rotation() -> Tensor:
    random = torch.Generator().manual_seed(3)
    return torch.linalg.qr(torch.randn(4, 4, generator=random))[0]


def test_a_rotation_of_the_codes_is_harder(device: torch.device) -> None:
    options = {"value": "relative", "draws": 2, "pairs": 24}
    straight, mixed = (
        metrics.translation(method.to(device), pictures(), **options).value
        for method in (Stripes(), Stripes(rotation()))
    )
    assert 0 < straight < mixed < 1.2


def test_the_parts_add_up_and_a_seed_gives_them_again() -> None:
    score = metrics.translation(Stripes(), pictures(), **FAST)
    again = metrics.translation(Stripes(), pictures(), **FAST, value="excess")
    other = metrics.translation(Stripes(), pictures(), **FAST, seed=1)
    assert score.value == score["difficulty"] == again["difficulty"]
    assert again.value == score["excess"] and other.value != score.value
    for name, each in (
        ("difficulty", "difficulties"),
        ("excess", "excesses"),
        ("change", "changes"),
        ("relative", "relatives"),
    ):
        assert score[name] == pytest.approx(float(score[each].mean()))
    ratio = score["excesses"] / score["changes"]
    torch.testing.assert_close(score["relatives"], ratio)


def test_without_a_step_the_translator_is_a_copier() -> None:
    """Its excess is the divergence between the two pictures' pixels."""
    options = {**FAST, "steps": 0, "draws": 1}
    score = metrics.translation(Stripes(), pictures(), **options)
    assert score["relative"] == 1 and score["excess"] == score["change"]
    # One stripe of 2 x 8 pixels goes from p to q, the same for all pairs.
    codes = Stripes().encode(pictures())
    rows = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    p, q = (codes[rows[:2]] + 0.5).double()
    divergence = q * (q / p).log() + (1 - q) * ((1 - q) / (1 - p)).log()
    torch.testing.assert_close(score["changes"], 16 * divergence, rtol=1e-3, atol=1e-3)


def test_the_order_of_the_latents_changes_nothing() -> None:
    order = torch.tensor([2, 0, 3, 1])
    score = metrics.translation(Stripes(), pictures(), **FAST)
    moved = metrics.translation(Stripes(torch.eye(4)[:, order]), pictures(), **FAST)
    torch.testing.assert_close(
        moved["excesses"], score["excesses"][order], rtol=0.01, atol=0.01
    )


def test_a_chunk_is_changed_as_a_whole() -> None:
    whole = {**FAST, "steps": 0}
    alone = metrics.translation(Stripes(), pictures(), **whole)
    pairs = metrics.translation(Stripes(chunks=(1, 3)), pictures(), **whole)
    changes = alone["changes"]  # stripes are independent, so divergences add up
    expected = torch.stack([changes[0], changes[1:].sum()])
    torch.testing.assert_close(pairs["changes"], expected, rtol=1e-3, atol=1e-3)


def test_dead_latents_leave_nothing_to_translate() -> None:
    score = metrics.translation(Deaf(1), pictures(), **FAST)
    assert score["relatives"].isnan().tolist() == [False, True, True, True]
    assert score["relative"] == pytest.approx(float(score["relatives"][0]))
    assert float(score["changes"][1:].max()) < 0.01
    dead = metrics.translation(Deaf(), pictures(), **FAST)
    assert dead["excess"] < 0.01  # the trivial optimum
    with pytest.raises(metrics.NotApplicable, match="no chunk of the codes changes"):
        metrics.translation(Deaf(), pictures(), value="relative", **FAST)


def test_the_methods_mode_and_weights_are_left_as_they_were() -> None:
    method = Stripes().train()
    method.scale = nn.Parameter(torch.ones(1))
    metrics.translation(method, pictures(), **FAST)
    assert method.training and method.scale.grad is None


@pytest.mark.parametrize("option", OPTIONS, ids=lambda o: next(iter(o)))
def test_options_without_sense_are_refused(option: dict[str, Any]) -> None:
    name = next(iter(option))
    with pytest.raises(ValueError, match=f"^{name} must"):
        metrics.translation(Stripes(), pictures(), **option)


def test_wrong_use_is_explained() -> None:
    with pytest.raises(metrics.NotApplicable, match="at least 66 pictures, 32 pairs"):
        metrics.translation(Stripes(), pictures())
    with pytest.raises(ValueError, match=r"chunks \(2, 3\) must add up .* codes, 4"):
        metrics.translation(Stripes(chunks=(2, 3)), pictures(), **FAST)
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]; divide by 255"):
        metrics.translation(Stripes(), pictures() * 255, **FAST)

    class Cut(Stripes):
        def __init__(self, height: int, width: int):
            super().__init__()
            self.cut = height, width

        def decode(self, codes: Tensor) -> Tensor:
            return super().decode(codes)[..., : self.cut[0], : self.cut[1]]

    for cut in ((7, 7), (8, 6)):
        message = rf"square.*even size.*\(24, 1, {cut[0]}, {cut[1]}\)"
        with pytest.raises(ValueError, match=message):
            metrics.translation(Cut(*cut), pictures(), **FAST)
