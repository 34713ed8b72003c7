"""A decoder made plain: layers in a row, batch norms folded, activation stated."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from dlib import networks
from dlib.models import VAE, PageDecoder, page_decoder


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def used(decoder: nn.Module, latent_dim: int = 3) -> nn.Module:
    """Weights and statistics of batch norms as if the decoder had been trained."""
    generator = torch.Generator().manual_seed(1)
    networks.initialise(decoder, generator)
    for layer in decoder.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)) and layer.affine:
            nn.init.uniform_(layer.weight, 0.5, 2, generator)
            nn.init.uniform_(layer.bias, -1, 1, generator)
    with torch.no_grad():
        for seed in range(20):
            decoder(2 * normal(64, latent_dim, seed=seed) + 1)
    return decoder.eval()


# Each ends in maps; what stands before a batch norm is what it is folded into.
DECODERS = {
    "Linear": lambda: nn.Sequential(
        nn.Linear(3, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Unflatten(1, (4, 2, 2))
    ),
    "Linear, Unflatten": lambda: nn.Sequential(
        nn.Linear(3, 24), nn.Unflatten(1, (4, 2, 3)), nn.BatchNorm2d(4)
    ),
    "ConvTranspose2d": lambda: nn.Sequential(
        nn.Unflatten(1, (3, 1, 1)),
        nn.ConvTranspose2d(3, 5, 4),
        nn.BatchNorm2d(5),
        nn.LeakyReLU(0.2),
        # As many channels out as in: an axis taken for the other would still fit.
        nn.ConvTranspose2d(5, 5, 4, 2, 1, bias=False),
        nn.BatchNorm2d(5),
    ),
    "Conv2d": lambda: nn.Sequential(
        nn.Linear(3, 64),
        nn.Unflatten(1, (4, 4, 4)),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.BatchNorm2d(4),
    ),
    "no weight and bias": lambda: nn.Sequential(
        nn.Linear(3, 16, bias=False),
        nn.BatchNorm1d(16, affine=False),
        nn.Unflatten(1, (4, 2, 2)),
        nn.ConvTranspose2d(4, 4, 2, bias=False),
        nn.BatchNorm2d(4, affine=False),
    ),
}


@pytest.mark.parametrize("case", DECODERS)
def test_folded_batch_norm_is_batch_norm_in_evaluation_mode(case: str) -> None:
    decoder = used(DECODERS[case]())
    layers = page_decoder(decoder, "sigmoid").layers
    assert not any("BatchNorm" in type(layer).__name__ for layer in layers)
    codes = normal(50, 3, seed=99)
    torch.testing.assert_close(layers(codes), decoder(codes), atol=1e-5, rtol=1e-5)
    # The check has teeth: the decoder without its batch norms is another.
    bare = nn.Sequential(*(x for x in decoder if "BatchNorm" not in type(x).__name__))
    assert float((bare(codes) - decoder(codes)).detach().abs().max()) > 0.1


def test_nested_layers_lie_in_a_row_without_dropout() -> None:
    decoder = nn.Sequential(
        nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Sequential(nn.ReLU())),
        nn.Identity(),
        nn.Sequential(nn.Linear(4, 4), nn.Unflatten(1, (1, 2, 2)), nn.Dropout2d()),
    )
    layers, activation = page_decoder(decoder, "tanh")
    names = [type(layer).__name__ for layer in layers]
    assert names == ["Linear", "ReLU", "Linear", "Unflatten"]
    assert activation == "tanh"


def test_layer_used_twice_is_used_twice() -> None:
    twice = nn.Linear(3, 3)
    layers = page_decoder(nn.Sequential(twice, nn.ReLU(), twice), "identity").layers
    assert len(layers) == 3


def test_sequential_with_a_forward_of_its_own_stays_whole() -> None:
    class Doubled(nn.Sequential):
        def forward(self, values: Tensor) -> Tensor:
            return 2 * super().forward(values)

    layers = page_decoder(nn.Sequential(Doubled(nn.Linear(3, 4))), "identity").layers
    assert [type(layer) for layer in layers] == [Doubled]


def test_method_keeps_its_own_decoder() -> None:
    decoder = used(DECODERS["ConvTranspose2d"]()).train()
    before = copy.deepcopy(decoder.state_dict())
    layers = page_decoder(decoder, "sigmoid").layers
    with torch.no_grad():
        for weight in layers.parameters():
            weight.zero_()
    assert decoder.training and not layers.training
    assert all(weight.requires_grad for weight in decoder.parameters())
    assert not any(weight.requires_grad for weight in layers.parameters())
    for name, value in decoder.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize(
    ("last", "given", "stated", "kept"),
    [
        (nn.Sigmoid, "sigmoid", "sigmoid", 1),
        (nn.Sigmoid, "identity", "sigmoid", 1),
        (nn.Tanh, "tanh", "tanh", 1),
        # These do not make a picture by themselves: they are layers like others.
        (nn.Tanh, "identity", "identity", 2),
        (nn.Tanh, "sigmoid", "sigmoid", 2),
        (nn.Sigmoid, "tanh", "tanh", 2),
        (nn.ReLU, "sigmoid", "sigmoid", 2),
    ],
)
def test_last_activation_is_stated_instead_of_run(
    last: type[nn.Module], given: str, stated: str, kept: int
) -> None:
    page = page_decoder(nn.Sequential(nn.Linear(3, 4), last()), given)  # type: ignore[arg-type]
    assert (page.activation, len(page.layers)) == (stated, kept)


@pytest.mark.parametrize(
    ("activation", "wanted"),
    [
        ("sigmoid", [1 / (1 + 2.718281828**2), 0.5, 1 / (1 + 2.718281828**-0.5)]),
        ("tanh", [(1 - 0.9640276) / 2, 0.5, (1 + 0.4621172) / 2]),
        ("identity", [0.0, 0.0, 0.5]),
    ],
)
def test_activation_makes_a_picture(activation: str, wanted: list[float]) -> None:
    page = PageDecoder(nn.Sequential(nn.Identity()), activation)  # type: ignore[arg-type]
    values = page.decode(torch.tensor([-2.0, 0.0, 0.5]))
    torch.testing.assert_close(values, torch.tensor(wanted))
    assert float(page.decode(torch.tensor(99.0))) == 1


def test_vae_states_its_sigmoid() -> None:
    method = VAE(networks.conv(latent_dim=3, size=16))
    codes = normal(4, 3)
    torch.testing.assert_close(
        method.page_decoder().decode(codes), method.decode(codes).detach()
    )


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([nn.BatchNorm1d(3)], r"BatchNorm1d\(3.* at the start can't be folded"),
        ([nn.Linear(3, 4), nn.ReLU(), nn.BatchNorm1d(4)], r"after ReLU\(\) can't be"),
        (
            [nn.ConvTranspose2d(4, 4, 2, groups=2), nn.BatchNorm2d(4)],
            "without groups",
        ),
        ([nn.Linear(3, 4), nn.BatchNorm1d(2)], "does not fit the 4 outputs"),
        (
            [nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False)],
            "keeps no running statistics",
        ),
    ],
)
def test_batch_norm_that_cannot_be_folded_is_refused(
    layers: list[nn.Module], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        page_decoder(nn.Sequential(*layers), "sigmoid")


def test_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match=r"sigmoid, tanh, identity, got 'softmax'"):
        page_decoder(nn.Linear(3, 4), "softmax")  # type: ignore[arg-type]
