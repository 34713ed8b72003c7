"""The papers' tables: shapes, parameter counts, precision, initialisation."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from dlib import networks


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def convolution(inputs: int, outputs: int, kernel: int = 4) -> int:
    return inputs * outputs * kernel**2 + outputs


@pytest.mark.parametrize("latent_dim", [10, 3])
def test_shapes_mlp_has_the_table_s_parameters(latent_dim: int) -> None:
    """Higgins et al. (2017), A.1, 2D Shapes: FC 1200, 1200; FC 1200 three times."""
    encoder, decoder, *_ = networks.shapes_mlp(latent_dim)
    assert count(encoder) == (
        linear(4096, 1200) + linear(1200, 1200) + linear(1200, 2 * latent_dim)
    )
    assert count(decoder) == (
        linear(latent_dim, 1200) + 2 * linear(1200, 1200) + linear(1200, 4096)
    )


@pytest.mark.parametrize(("channels", "latent_dim"), [(1, 32), (3, 32), (1, 10)])
def test_conv_has_the_table_s_parameters(channels: int, latent_dim: int) -> None:
    """Higgins et al. (2017), A.1, Chairs and CelebA."""
    encoder, decoder, *_ = networks.conv(latent_dim, channels)
    maps = convolution(32, 32) + convolution(64, 64)
    assert count(encoder) == (
        convolution(channels, 32)
        + maps
        + convolution(32, 64)
        + linear(64 * 16, 256)
        + linear(256, 2 * latent_dim)
    )
    assert count(decoder) == (
        linear(latent_dim, 256)
        + linear(256, 64 * 16)
        + maps
        + convolution(64, 32)
        + convolution(32, channels)
    )


@pytest.mark.parametrize(
    ("name", "widths", "hidden"),
    [
        ("shapes_conv", (32, 32, 64, 64), 128),
        ("flowers_conv", (128, 128, 256, 256), 512),
    ],
)
def test_tables_4_and_8_of_intervention(
    name: str, widths: tuple[int, int, int, int], hidden: int
) -> None:
    encoder, decoder, *_ = networks.build(name, 10, 3, heads=1)
    a, b, c, d = widths
    maps = convolution(a, b) + convolution(b, c) + convolution(c, d)
    dense = linear(d * 16, hidden) + linear(hidden, 10)
    assert count(encoder) == convolution(3, a) + maps + dense
    maps = convolution(d, c) + convolution(c, b) + convolution(b, a)
    dense = linear(10, hidden) + linear(hidden, d * 16)
    assert count(decoder) == dense + maps + convolution(a, 3)


def test_table_6_of_intervention() -> None:
    encoder, decoder, *_ = networks.digits_conv(32, 3, heads=1)
    assert count(encoder) == (
        convolution(3, 64) + convolution(64, 128) + convolution(128, 128, 3)
        + linear(128 * 49, 32)
    )  # fmt: skip
    assert count(decoder) == (
        linear(32, 64 * 49) + convolution(64, 64) + convolution(64, 3)
    )
    pictures = torch.rand(2, 3, 28, 28)
    assert decoder(encoder(pictures)).shape == pictures.shape
    with pytest.raises(ValueError, match=r"halves pictures twice.* of 4, got 30"):
        networks.digits_conv(size=30)


def test_padless_conv_has_the_papers_layers() -> None:
    """Inoue et al., section 4.2, and the code that it points to."""
    encoder, decoder, *_ = networks.padless_conv(20, 3)
    convolutions = [m for m in encoder if isinstance(m, nn.Conv2d)]
    assert [m.kernel_size for m in convolutions] == [(3, 3)] * 5
    assert [m.stride for m in convolutions] == [(2, 2)] * 5
    transposed = [m for m in decoder if isinstance(m, nn.ConvTranspose2d)]
    assert [m.kernel_size for m in transposed] == [(4, 4)] * 5 + [(3, 3)]
    widths = [(3, 32), (32, 32), (32, 64), (64, 128), (128, 256)]
    assert count(encoder) == linear(256, 40) + sum(
        convolution(i, o, 3) for i, o in widths
    )
    widths = [(256, 256), (256, 128), (128, 128), (128, 64), (64, 64)]
    assert count(decoder) == linear(20, 256) + convolution(64, 3, 3) + sum(
        convolution(i, o) for i, o in widths
    )
    pictures = torch.rand(2, 3, 64, 64)
    codes = encoder(pictures)
    assert codes.shape == (2, 40)
    assert bool((codes < 0).any())  # no ReLU where posteriors are written
    assert decoder(codes[:, :20]).shape == pictures.shape
    with pytest.raises(ValueError, match=r'64x64.*got 32; network "conv"'):
        networks.padless_conv(20, 3, size=32)


@pytest.mark.parametrize(("channels", "size"), [(1, 64), (3, 32)])
def test_info_gan_has_its_authors_layers(channels: int, size: int) -> None:
    """github.com/fjxmlzn/InfoGAN-CR, InfoGAN-CR_CdSprites/gan/network.py."""
    encoder, decoder, *_ = networks.info_gan(5, channels, size)
    maps = convolution(32, 32) + convolution(64, 64)
    inner = 64 * (size // 16) ** 2
    assert count(encoder[:-1]) == (
        convolution(channels, 32) + maps + convolution(32, 64) + linear(inner, 128)
    )
    assert count(encoder[-1]) == linear(128, 128) + linear(128, 5)
    norms = 2 * (128 + inner + 64 + 32 + 32)
    assert count(decoder) - norms == (
        linear(5, 128) + linear(128, inner)
        + maps + convolution(64, 32) + convolution(32, channels)
    )  # fmt: skip
    slopes = {m.negative_slope for m in decoder if isinstance(m, nn.LeakyReLU)}
    assert slopes == {0.2}


def norms(*widths: int) -> int:
    return 2 * sum(widths)


@pytest.mark.parametrize(
    ("name", "size", "share"),
    [("mixing_digits", 28, 1), ("mixing_small", 28, 4), ("mixing_small", 32, 4)],
)
def test_the_digits_row_of_table_1_of_mixing(name: str, size: int, share: int) -> None:
    """Hu et al. (2018): c64k3s2-c128k3s2-c256k3s2-f, d512k4-d256k4s2-d128k4s2-d3k2."""
    encoder, decoder, *_ = networks.build(name, 64, 3, size, heads=1)
    a, b, c, d = (width // share for width in (64, 128, 256, 512))
    maps = convolution(3, a, 3) + convolution(a, b, 3) + convolution(b, c, 3)
    dense = linear(c * 16, 64)
    assert count(encoder) == maps + dense + norms(a, b, c)
    # d512k4 on one pixel is a linear layer, with a bias for each pixel.
    maps = convolution(d, c) + convolution(c, b) + convolution(b, 3, 2)
    assert count(decoder) == linear(64, d * 16) + maps + norms(d, c, b)
    pictures = torch.rand(2, 3, size, size)
    assert decoder(encoder(pictures)).shape == pictures.shape
    slopes = {m.negative_slope for m in encoder if isinstance(m, nn.LeakyReLU)}
    assert slopes == {0.2}
    with pytest.raises(ValueError, match=r"18 to 32 pixels a side, .* got 60"):
        networks.build(name, 64, 3, 60)


@pytest.mark.parametrize(
    ("name", "size", "fourth"), [("mixing_sprites", 60, 2), ("mixing_faces", 64, 3)]
)
def test_the_sprites_and_faces_rows_of_table_1_of_mixing(
    name: str, size: int, fourth: int
) -> None:
    """The fourth convolution has a 2x2 kernel for sprites and a 3x3 one for faces."""
    encoder, decoder, *_ = networks.build(name, 512, 3, size, heads=1)
    widths = [(3, 64, 3), (64, 128, 3), (128, 256, 3), (256, 512, fourth)]
    maps = sum(convolution(*width) for width in [*widths, (512, 512, 2)])
    dense = linear(512 * 9, 512)
    assert count(encoder) == maps + dense + norms(64, 128, 256, 512, 512)
    widths = [(512, 512, 4), (512, 256, 4), (256, 128, 4), (128, 3, 2)]
    maps = sum(convolution(*width) for width in widths)
    dense = linear(512, 512 * 16)
    assert count(decoder) == dense + maps + norms(512, 512, 256, 128)
    pictures = torch.rand(2, 3, size, size)
    assert decoder(encoder(pictures)).shape == pictures.shape


def test_the_began_row_of_table_1_of_mixing() -> None:
    encoder, decoder, *_ = networks.mixing_faces_began(512, 3, 128, heads=1)
    convolutions = [m for m in encoder if isinstance(m, nn.Conv2d)]
    assert [(m.out_channels, m.kernel_size[0]) for m in convolutions] == [
        (32, 3), (32, 3), (32, 3), (64, 1),
        (64, 3), (64, 3), (96, 1),
        (96, 3), (96, 3), (128, 1),
        (128, 3), (128, 3), (160, 1), (160, 1),
        (160, 3), (160, 3),
    ]  # fmt: skip
    assert sum(isinstance(m, nn.MaxPool2d) for m in encoder) == 4
    assert decoder[0].out_features == 4096
    convolutions = [m for m in decoder if isinstance(m, nn.Conv2d)]
    assert [(m.out_channels, m.kernel_size[0]) for m in convolutions] == [
        *[(64, 3)] * 11, (3, 1),
    ]  # fmt: skip
    assert sum(isinstance(m, nn.Upsample) for m in decoder) == 4


def test_nonlinearities_are_the_table_s() -> None:
    def kinds(module: nn.Module) -> list[type]:
        return [type(m) for m in module if isinstance(m, (nn.ReLU, nn.Tanh))]

    encoder, decoder, *_ = networks.shapes_mlp()
    assert kinds(encoder) == [nn.ReLU] * 2
    assert kinds(decoder) == [nn.Tanh] * 3
    encoder, decoder, *_ = networks.conv()
    assert kinds(encoder) == [nn.ReLU] * 5
    assert kinds(decoder) == [nn.ReLU] * 5


# The smallest and the largest of 16, 32 and 64 that each takes.
SMALL = dict.fromkeys(networks.NETWORKS, 16) | {"padless_conv": 64}
SMALL |= {"mixing_digits": 32, "mixing_small": 32}
SMALL |= {"mixing_sprites": 64, "mixing_faces": 64}
LARGE = {"mixing_digits": 32, "mixing_small": 32}


@pytest.mark.parametrize("name", sorted(networks.NETWORKS))
@pytest.mark.parametrize("size", [16, 32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_of_input_code_and_output(
    name: str, size: int, channels: int, device: torch.device
) -> None:
    if not SMALL[name] <= size <= LARGE.get(name, 64):
        with pytest.raises(ValueError, match=f"got {size}"):
            networks.build(name, latent_dim=4, channels=channels, size=size)
        return
    built = networks.build(name, latent_dim=4, channels=channels, size=size)
    encoder, decoder = built.encoder.to(device), built.decoder.to(device)
    images = torch.rand(2, channels, size, size, device=device)
    moments = encoder(images)
    assert moments.shape == (2, 8)
    assert decoder(moments[:, :4]).shape == images.shape


@pytest.mark.parametrize("name", sorted(networks.NETWORKS))
def test_codes_and_logits_can_take_both_signs(name: str) -> None:
    """A ReLU or a sigmoid at an end would hold N(0, I), or the logits, off."""
    size = SMALL[name]
    encoder, decoder, *_ = networks.build(name, latent_dim=4, size=size)
    for network, inputs in (
        (encoder, torch.rand(2, 1, size, size)),
        (decoder, torch.randn(2, 4)),
    ):
        before = network(inputs)
        last = [m for m in network.modules() if list(m.parameters(recurse=False))][-1]
        with torch.no_grad():
            for parameter in last.parameters():
                parameter.neg_()
        torch.testing.assert_close(network(inputs), -before)


@pytest.mark.parametrize("name", sorted(networks.NETWORKS))
def test_codes_stay_in_single_precision_under_autocast(
    name: str, device: torch.device
) -> None:
    size = SMALL[name]
    built = networks.build(name, latent_dim=4, size=size)
    encoder, decoder = built.encoder.to(device), built.decoder.to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        moments = encoder(torch.rand(2, 1, size, size, device=device))
        first = decoder[0](moments[:, :4])
        logits = decoder(moments[:, :4])
    assert moments.dtype == first.dtype == torch.float32
    assert logits.dtype == torch.bfloat16  # the rest does take the fast road


def test_full_precision_linear_ignores_autocast(device: torch.device) -> None:
    layer = networks.FullPrecisionLinear(64, 8).to(device)
    plain = nn.Linear(64, 8).to(device)
    plain.load_state_dict(layer.state_dict())
    inputs = torch.randn(5, 64, device=device)
    alone = layer(inputs)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        assert torch.equal(layer(inputs), alone)
        assert plain(inputs).dtype == torch.bfloat16
    # Half-precision input comes from the layer before; it is widened, not refused.
    half = layer(inputs.bfloat16())
    assert half.dtype == torch.float32
    half.sum().backward()
    assert layer.weight.grad is not None and layer.weight.grad.dtype == torch.float32


@pytest.mark.parametrize("name", sorted(networks.NETWORKS))
def test_initialise_is_a_function_of_the_generator(name: str) -> None:
    def weights(seed: int) -> torch.Tensor:
        built = networks.build(name, latent_dim=2, size=SMALL[name])[:2]
        for module in built:
            networks.initialise(module, torch.Generator().manual_seed(seed))
        return torch.cat([p.flatten() for m in built for p in m.parameters()])

    layer = nn.Linear(3, 3)
    before = torch.random.get_rng_state()
    networks.initialise(layer, torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(1)
    first = weights(0)
    torch.manual_seed(2)
    assert torch.equal(first, weights(0))
    assert not torch.equal(first, weights(1))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(50, 40),
        nn.Linear(50, 40, bias=False),
        nn.Conv2d(8, 6, 4),
        nn.ConvTranspose2d(8, 6, 4),
        networks.FullPrecisionLinear(50, 40),
    ],
    ids=repr,
)
def test_initialise_keeps_to_torchs_default_bounds(layer: nn.Module) -> None:
    """1/sqrt(fan_in), as torch counts it (from a transposed layer's outputs)."""
    fan_in = layer.weight[0].numel()
    bound = 1 / math.sqrt(fan_in)
    torch_s = [float(p.detach().abs().max()) for p in layer.parameters()]
    for p in layer.parameters():
        nn.init.constant_(p, 100)  # must be overwritten, all of it
    assert networks.initialise(layer, torch.Generator().manual_seed(0)) is layer
    for p, theirs in zip(layer.parameters(), torch_s, strict=True):
        assert p.abs().max() <= bound * (1 + 1e-6) and theirs <= bound * (1 + 1e-6)
        if p.ndim > 1:
            assert p.abs().max() > 0.98 * bound
            # Uniform: the standard deviation is the bound over the root of three.
            assert float(p.std()) == pytest.approx(bound / 3**0.5, rel=0.1)


def test_batch_norms_start_at_the_identity() -> None:
    layer = nn.BatchNorm2d(4)
    layer(torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0)) + 5)
    for p in layer.parameters():
        nn.init.constant_(p, 7)
    networks.initialise(layer, torch.Generator().manual_seed(0))
    assert layer.weight.tolist() == [1] * 4 and layer.bias.tolist() == [0] * 4
    assert (
        layer.running_mean.tolist() == [0] * 4 and int(layer.num_batches_tracked) == 0
    )


class Prototypes(nn.Module):
    """Parameters that no layer of torch's owns."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(3, 2))


def test_parameters_that_nothing_draws_are_an_error() -> None:
    method = nn.Sequential(nn.Linear(2, 2), Prototypes())
    with pytest.raises(TypeError, match=r"1 is a Prototypes with the parameters table"):
        networks.initialise(method, torch.Generator())


def test_a_module_may_draw_its_own() -> None:
    class Drawing(Prototypes):
        def initialise(self, generator: torch.Generator) -> None:
            nn.init.normal_(self.table, generator=generator)

    first, second = Drawing(), Drawing()
    for each in (first, second):
        networks.initialise(each, torch.Generator().manual_seed(1))
    assert first.table.any() and torch.equal(first.table, second.table)


def test_an_encoder_gives_as_many_numbers_as_it_has_heads() -> None:
    for heads in (1, 2, 3):
        built = networks.conv(4, size=16, heads=heads)
        assert built.encoder(torch.zeros(2, 1, 16, 16)).shape == (2, 4 * heads)
        assert built[2:] == (4, 1, 16, heads)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no network 'resnet'; there are shapes_mlp"):
        networks.build("resnet")


@pytest.mark.parametrize("name", sorted(networks.NETWORKS))
@pytest.mark.parametrize("what", ["latent_dim", "channels", "size", "heads"])
def test_numbers_that_are_not_positive_are_refused(name: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"{what} must be positive, got 0"):
        networks.build(name, **{what: 0})


def test_conv_refuses_sizes_that_16_does_not_divide() -> None:
    with pytest.raises(ValueError, match="multiple of 16, got 40"):
        networks.conv(size=40)
