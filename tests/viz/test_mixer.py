"""The mixer: what its sliders make is what mixing codes makes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from chromium import needs_browser
from test_explorer import framed, open_page, pixels
from torch import Tensor, nn

from dlib import networks
from dlib.losses import mix
from dlib.models import MixingAutoencoder, PageDecoder
from dlib.viz import mixer as module
from dlib.viz.mixer import mixer
from dlib.viz.steered import still

CHUNKS = (3, 1, 4)


def method(chunks: tuple[int, ...] = CHUNKS) -> MixingAutoencoder:
    nets = networks.mixing_small(latent_dim=sum(chunks), channels=3, size=32)
    made = MixingAutoencoder(nets, chunks, "MIX")
    networks.initialise(made, torch.Generator().manual_seed(0))
    with torch.no_grad():
        random = torch.Generator().manual_seed(3)
        for _ in range(5):  # so that the norms have seen something
            made.decode(made.encode(torch.rand(32, 3, 32, 32, generator=random)))
        for layer in made.decoder.modules():
            if isinstance(layer, nn.ConvTranspose2d):
                layer.weight *= 3
    return made.eval()


def pictures() -> Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_shares_of_chunks_are_mixtures_of_codes() -> None:
    some, both = method(), pictures()
    codes = some.encode(both)
    steered = module._between("some", some, codes, CHUNKS)
    shares = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)
    first, second = (code.expand(len(shares), -1) for code in codes)
    wanted = some.decode(mix(first, second, CHUNKS, shares == 0))
    torch.testing.assert_close(steered.decode(shares), wanted)


def test_the_two_pictures_stand_beside_it() -> None:
    shown = mixer({"MIX": method()}, *pictures(), labels=["a", "b", "c"])
    text = shown._repr_html_()
    for word in ("first picture", "second picture", "MIX", "chunk 0: a", "chunk 2: c"):
        assert word in text
    same = still(pictures()[1], 3)
    torch.testing.assert_close(same.decode(torch.rand(1, 3))[0], pictures()[1])


def test_a_method_s_own_weights_stay() -> None:
    some = method()
    before = {name: value.clone() for name, value in some.state_dict().items()}
    mixer({"MIX": some}, *pictures())
    assert all(torch.equal(before[k], v) for k, v in some.state_dict().items())
    assert all(weight.requires_grad for weight in some.parameters())


@needs_browser
def test_a_browser_mixes_as_torch_does(tmp_path: Path) -> None:
    some, both = method(), pictures()
    page = framed(mixer({"MIX": some}, *both), {1: 1.0})
    seen = open_page(page, tmp_path, canvas="figure:last-of-type canvas")["report"][0]
    assert "error" not in seen, seen
    with torch.no_grad():
        first, second = some.encode(both)
        mask = torch.tensor([[True, False, True]])
        wanted = some.decode(mix(first[None], second[None], CHUNKS, mask))[0]
    assert float((pixels(seen["moved"], wanted) - wanted).abs().max()) < 0.01


class Plain(MixingAutoencoder):
    def page_decoder(self) -> PageDecoder:
        layers = super().page_decoder().layers
        return PageDecoder(nn.Sequential(nn.Tanh(), *layers), "sigmoid")


class Dark(MixingAutoencoder):
    def decode(self, codes: Tensor) -> Tensor:
        return super().decode(codes) / 2


def test_what_can_t_be_mixed_is_refused() -> None:
    first, second = pictures()
    with pytest.raises(ValueError, match="divide bytes by 255"):
        mixer({"MIX": method()}, first * 255, second)
    with pytest.raises(ValueError, match="divide bytes by 255"):
        mixer({"MIX": method()}, (first * 255).byte(), (second * 255).byte())
    nets = networks.mixing_small(latent_dim=8, channels=3, size=32)
    with pytest.raises(ValueError, match="dark: in the page a pixel would be off"):
        mixer({"dark": Dark(nets, CHUNKS, "MIX").eval()}, first, second)
    with pytest.raises(ValueError, match=r"two of one shape \(c, h, w\)"):
        mixer({"MIX": method()}, first, second[:, :4])
    with pytest.raises(ValueError, match="got none"):
        mixer({}, first, second)
    with pytest.raises(ValueError, match="one: 3, other: 2"):
        mixer({"one": method(), "other": method((4, 4))}, first, second)
    with pytest.raises(ValueError, match="one for each of 3 chunks"):
        mixer({"MIX": method()}, first, second, labels=["hair"])
    nets = networks.mixing_small(latent_dim=8, channels=3, size=32)
    with pytest.raises(TypeError, match="begins with a linear layer, got Tanh"):
        mixer({"MIX": Plain(nets, CHUNKS, "MIX").eval()}, first, second)
