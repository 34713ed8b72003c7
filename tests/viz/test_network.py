"""The diagram of encoder and decoder says what the modules do."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.patches import Rectangle
from torch import nn

from dlib import networks, viz
from dlib.models import VAE, Autoencoder
from dlib.networks import Networks
from dlib.viz.network import layers_of


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def words(drawn: plt.Figure) -> list[str]:
    return [text.get_text() for axes in drawn.axes for text in axes.texts]


def test_convolutions_are_listed_with_what_they_give() -> None:
    encoder, decoder = layers_of(networks.conv(10, 3, 64))
    assert [layer.words for layer in encoder] == [
        "picture\n3 × 64 × 64",
        "conv 4×4, ÷2\n32 × 32 × 32, ReLU",
        "conv 4×4, ÷2\n32 × 16 × 16, ReLU",
        "conv 4×4, ÷2\n64 × 8 × 8, ReLU",
        "conv 4×4, ÷2\n64 × 4 × 4, ReLU",
        "linear\n256, ReLU",
        "linear\n20",
    ]
    assert [layer.words for layer in decoder] == [
        "linear\n256, ReLU",
        "linear\n64 × 4 × 4, ReLU",
        "deconv 4×4, ×2\n64 × 8 × 8, ReLU",
        "deconv 4×4, ×2\n32 × 16 × 16, ReLU",
        "deconv 4×4, ×2\n32 × 32 × 32, ReLU",
        "deconv 4×4, ×2\n3 × 64 × 64",
    ]


def test_fully_connected_layers_end_in_a_picture() -> None:
    encoder, decoder = layers_of(networks.shapes_mlp(4, 1, 32, heads=1))
    assert [layer.shape for layer in encoder] == [(1, 32, 32), (1200,), (1200,), (4,)]
    assert [layer.shape for layer in decoder] == [(1200,)] * 3 + [(1, 32, 32)]
    assert decoder[0].words == "linear\n1200, tanh"


def test_what_has_no_box_stands_with_the_layer_before() -> None:
    decoder = nn.Sequential(
        nn.Linear(3, 32),
        nn.Unflatten(1, (2, 4, 4)),
        nn.BatchNorm2d(2),
        nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2),
        nn.Conv2d(2, 1, (3, 5), padding=(1, 2)),
    )
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 6))
    decoder.train()
    _, layers = layers_of(Networks(encoder, decoder, 3, 1, 8))
    assert [layer.words for layer in layers] == [
        "linear\n2 × 8 × 8,\nbatch norm,\nleaky ReLU,\nUpsample",
        "conv 3×5\n1 × 8 × 8",
    ]
    # Looking changes nothing: no running mean, no mode, no hook left behind.
    norm = decoder[2]
    assert norm.training and int(norm.num_batches_tracked) == 0
    assert not any(layer._forward_hooks for layer in decoder)


@pytest.mark.parametrize("build", [networks.conv, networks.shapes_mlp])
def test_figure_has_a_box_for_each_layer(build: type) -> None:
    pair = build(7, 1, 32)
    encoder, decoder = layers_of(pair)
    for method in (pair, VAE(pair)):
        drawn = viz.network(method, title="The network")
        boxes = [p for p in drawn.axes[0].patches if isinstance(p, Rectangle)]
        assert len(boxes) == len(encoder) + len(decoder) + 1  # and the code
        text = words(drawn)
        assert {layer.words for layer in (*encoder, *decoder)} <= set(text)
        assert "7 latents: a mean μ and a log-variance ln σ² of each" in text
        weights = sum(p.numel() for p in pair.encoder.parameters())
        assert f"{weights:,} parameters" in text


def test_higher_maps_are_higher_boxes_and_more_channels_wider() -> None:
    drawn = viz.network(networks.conv(10, 1, 32))
    boxes = [p for p in drawn.axes[0].patches if isinstance(p, Rectangle)]
    picture, first, second, third, fourth, linear = boxes[:6]
    heights = [box.get_height() for box in (picture, first, second, third, fourth)]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 5
    widths = [box.get_width() for box in (picture, first, third, linear)]
    assert widths == sorted(widths) and len(set(widths)) == 4


def test_letters_stay_beside_the_boxes_and_inside_the_figure() -> None:
    for pair in (
        networks.conv(10, 3, 64),
        networks.shapes_mlp(10, 1, 64),
        networks.mixing_sprites(),
    ):
        drawn = viz.network(pair)
        drawn.canvas.draw()
        [axes] = drawn.axes
        boxes = [
            patch.get_window_extent()
            for patch in axes.patches
            if isinstance(patch, Rectangle)
        ]
        for text in axes.texts:
            if text.get_text() == "code":
                continue
            extent = text.get_window_extent()
            assert extent.x0 >= 0 and extent.x1 <= drawn.bbox.width
            assert not any(extent.overlaps(box) for box in boxes), text.get_text()


def test_autoencoder_has_codes_and_no_posterior() -> None:
    drawn = viz.network(Autoencoder(networks.conv(10, 1, 32, heads=1)))
    assert "10 latents" in words(drawn)


def test_what_is_no_pair_of_networks_is_refused() -> None:
    with pytest.raises(TypeError, match="Linear has no encoder"):
        viz.network(nn.Linear(2, 2))  # type: ignore[arg-type]
    pair = networks.shapes_mlp(3, 1, 16)
    with pytest.raises(ValueError, match=r"2 × 4 = 8 numbers of a picture.*\(6,\)"):
        viz.network(
            SimpleNamespace(
                encoder=pair.encoder,
                decoder=nn.Sequential(nn.Linear(4, 3), pair.decoder),
                latent_dim=4,
                heads=2,
            )
        )
    with pytest.raises(ValueError, match=r"must make pictures.*it makes \(5,\)"):
        viz.network(pair._replace(decoder=nn.Linear(3, 5)))
    assert torch.is_grad_enabled()
