"""The one encoding loop: batches, modes, devices, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from dlib.data import TwinDSprites
from dlib.inference import device_of, encode, evaluating, to_float


class Means(nn.Module):
    """Codes that are a picture's mean and whether the module is in training."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def encode(self, images: Tensor) -> Tensor:
        mean = images.flatten(1).mean(1, keepdim=True) * self.scale
        return torch.cat([mean, torch.full_like(mean, float(self.training))], dim=1)


def test_every_point_is_encoded_once_in_order(device: torch.device) -> None:
    data, method = TwinDSprites(16, device), Means().to(device)
    index = data.draw(70, torch.Generator(device).manual_seed(0))
    sizes: list[int] = []
    seen: list[Tensor] = []
    codes = encode(
        method, data.images, index, batch_size=32,
        seen=lambda images, found: seen.append(images),
        progress=sizes.append,
    )  # fmt: skip
    assert codes.shape == (70, 2) and codes.dtype == torch.float32
    assert codes.device.type == device.type and not codes.requires_grad
    assert sizes == [32, 64, 70]
    wanted = data.images(index).float().flatten(1).mean(1) / 255
    torch.testing.assert_close(codes[:, 0], wanted)
    assert float(codes[:, 1].sum()) == 0  # in evaluation mode
    assert torch.cat(seen).shape == (70, 1, 16, 16)
    assert float(torch.cat(seen).max()) == 1.0


def test_the_mode_is_put_back_even_after_an_error() -> None:
    for training in (True, False):
        method = Means().train(training)
        with pytest.raises(KeyError), evaluating(method):
            assert not method.training and not torch.is_grad_enabled()
            raise KeyError
        assert method.training is training and torch.is_grad_enabled()


def test_a_posterior_is_not_codes() -> None:
    class Two(Means):
        def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
            return images, images

    data = TwinDSprites(16)
    with pytest.raises(TypeError, match=r"Two\.encode must return codes"):
        encode(Two(), data.images, torch.arange(3))


def test_a_method_lives_where_its_weights_are(device: torch.device) -> None:
    assert device_of(Means().to(device)).type == device.type
    assert device_of(nn.Identity()) == torch.device("cpu")


def test_floats_pass_through() -> None:
    images = torch.rand(2, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    assert to_float(images) is images
    assert to_float((images * 255).to(torch.uint8)).max() <= 1
