"""Mixing and unmixing, and which Eq. (3) a classifier can learn from."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from dlib.losses import (
    chunk_classification_loss,
    mix,
    random_masks,
    squared_distance,
)

CHUNKS = (2, 1, 3)


def every_mask(device: torch.device) -> torch.Tensor:
    masks = list(itertools.product([False, True], repeat=len(CHUNKS)))
    return torch.tensor(masks, device=device)


def test_chunks_are_taken_from_where_the_mask_says(device: torch.device) -> None:
    first = torch.arange(6.0, device=device).expand(2, -1)
    mask = torch.tensor([[True, False, True], [False, True, False]], device=device)
    found = mix(first, -first - 1, CHUNKS, mask)
    assert found.tolist() == [[0, 1, -3, 3, 4, 5], [-1, -2, 2, -4, -5, -6]]


def test_one_mask_for_all_codes() -> None:
    mask = torch.tensor([[True, False, False]])
    found = mix(torch.ones(3, 6), torch.zeros(3, 6), CHUNKS, mask)
    assert found.tolist() == [[1, 1, 0, 0, 0, 0]] * 3


def test_a_perfect_codec_gets_the_first_picture_back_whatever_the_mask(
    device: torch.device,
) -> None:
    """Steps 1 to 6: an invertible linear encoder, and the decoder that inverts it."""
    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=generator).double()).Q
    turn = turn.to(device)
    masks = every_mask(device)
    pictures = torch.rand(2, 6, generator=generator).double().to(device)
    x1, x2 = (picture.expand(len(masks), -1) for picture in pictures)
    f1, f2 = x1 @ turn, x2 @ turn
    x3 = mix(f1, f2, CHUNKS, masks) @ turn.T
    f3 = x3 @ turn
    x4 = mix(f3, f1, CHUNKS, masks) @ turn.T
    torch.testing.assert_close(x4, x1)
    # And the mixed picture was another, but for the mask that takes all of x1.
    away = (x3 - x1).abs().amax(1) > 1e-9
    assert away.tolist() == [not all(mask) for mask in masks.tolist()]


def test_a_code_all_in_one_chunk_is_a_perfect_codec_too() -> None:
    """The shortcut: Eq. (1) alone can't forbid it."""
    masks = every_mask(torch.device("cpu"))
    x1, x2 = torch.rand(2, len(masks), 3, generator=torch.Generator().manual_seed(1))

    def encode(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.zeros(len(x), 3), x], dim=1)

    def decode(f: torch.Tensor) -> torch.Tensor:
        return f[:, 3:]

    f1 = encode(x1)
    x3 = decode(mix(f1, encode(x2), CHUNKS, masks))
    x4 = decode(mix(encode(x3), f1, CHUNKS, masks))
    torch.testing.assert_close(x4, x1)


def test_masks_are_fair_coins_and_each_its_own() -> None:
    masks = random_masks(4000, 8, torch.Generator().manual_seed(0))
    assert masks.dtype == torch.bool
    shares = masks.float().mean(0)
    assert float((shares - 0.5).abs().max()) < 0.035  # 4.4 standard errors
    together = torch.corrcoef(masks.T.float()) - torch.eye(8)
    assert float(together.abs().max()) < 0.07


def test_the_same_seed_gives_the_same_masks(device: torch.device) -> None:
    found = [
        random_masks(5, 3, torch.Generator(device).manual_seed(4)) for _ in range(2)
    ]
    assert torch.equal(*found) and found[0].device.type == device.type


def test_a_picture_s_squares_are_summed_and_pictures_averaged() -> None:
    pictures = torch.tensor([[0.0, 0.5], [1.0, 1.0]]).view(2, 1, 1, 2)
    targets = torch.tensor([[1.0, 0.5], [0.0, 0.0]]).view(2, 1, 1, 2)
    assert float(squared_distance(pictures, targets)) == pytest.approx((1 + 2) / 2)


# --- Eq. (3), mended and as printed -----------------------------------------


def printed_equation_3(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The paper's letters: log(y) twice."""
    y, m = logits.sigmoid(), mask.to(logits.dtype)
    return -(m * y.log() + (1 - m) * y.log()).sum(1).mean()


def test_the_mended_loss_the_long_way() -> None:
    logits = torch.tensor([[0.3, -2.0, 1.0], [0.0, 0.7, -0.4]]).double()
    mask = torch.tensor([[True, False, False], [True, True, False]])
    wanted = 0.0
    for row, right in zip(logits.tolist(), mask.tolist(), strict=True):
        for logit, first in zip(row, right, strict=True):
            y = 1 / (1 + math.exp(-logit))
            wanted -= math.log(y) if first else math.log(1 - y)
    assert float(chunk_classification_loss(logits, mask)) == pytest.approx(wanted / 2)


def learned(loss, share: float) -> float:
    """What a classifier that sees nothing comes to say, y, of a mask of some share."""
    mask = (torch.arange(100) < 100 * share)[:, None]
    logit = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.SGD([logit], lr=1.0)
    for _ in range(400):
        optimiser.zero_grad()
        loss(logit.expand(100, 1), mask).backward()
        optimiser.step()
    return float(logit.detach().sigmoid())


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_mended_loss_is_least_where_y_is_the_chance_of_the_first(
    share: float,
) -> None:
    assert learned(chunk_classification_loss, share) == pytest.approx(share, abs=1e-3)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_printed_loss_is_least_where_all_is_the_first_s(share: float) -> None:
    assert learned(printed_equation_3, share) > 0.99  # and on its way to 1


def test_the_printed_loss_does_not_look_at_the_mask() -> None:
    logits = torch.randn(50, 8, generator=torch.Generator().manual_seed(0))
    masks = [random_masks(50, 8, torch.Generator().manual_seed(s)) for s in (1, 2)]
    printed = [float(printed_equation_3(logits, mask)) for mask in masks]
    assert printed[0] == pytest.approx(printed[1])
    mended = [float(chunk_classification_loss(logits, mask)) for mask in masks]
    assert abs(mended[0] - mended[1]) > 0.1


# --- what has no sense ------------------------------------------------------


@pytest.mark.parametrize(
    ("second", "chunks", "mask", "message"),
    [
        (torch.zeros(2, 3), (2, 2), torch.ones(2, 2).bool(), "two matrices of one"),
        (torch.zeros(2, 4), (2, 1), torch.ones(2, 2).bool(), r"add up to 4, got \(2,"),
        (torch.zeros(2, 4), (5, -1), torch.ones(2, 2).bool(), "positive widths"),
        (torch.zeros(2, 4), (2, 2), torch.ones(2, 2), "must be bool of shape"),
        (torch.zeros(2, 4), (2, 2), torch.ones(2, 3).bool(), r"of \(2, 3\)"),
    ],
)
def test_mixtures_without_sense_are_refused(
    second: torch.Tensor, chunks: tuple[int, ...], mask: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        mix(torch.zeros(2, 4), second, chunks, mask)


def test_answers_must_be_one_for_each_chunk() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 3\) and torch.bool of \(2, 4\)"):
        chunk_classification_loss(torch.zeros(2, 3), torch.zeros(2, 4).bool())
    with pytest.raises(ValueError, match=r"mask be bool, got .* torch.float32"):
        chunk_classification_loss(torch.zeros(2, 3), torch.zeros(2, 3))


def test_pictures_of_two_shapes_are_not_compared() -> None:
    with pytest.raises(ValueError, match=r"got \(2, 1, 4, 4\) and \(2, 3, 4, 4\)"):
        squared_distance(torch.zeros(2, 1, 4, 4), torch.zeros(2, 3, 4, 4))
