"""Several domains as one data set."""

from __future__ import annotations

import pytest
import torch
from test_dataset import Labels

from dlib.data import Correlated, Merged, Pairs, TwinDSprites, TwinShapes3D


def build(device: torch.device | str = "cpu", **options) -> Merged:
    domains = [TwinDSprites(16, device), TwinShapes3D(16, device)]
    return Merged([domain.part(0, 0.5) for domain in domains], **options)


def test_points_look_as_they_do_in_their_domain(device: torch.device) -> None:
    merged = build(device)
    index = merged.draw(64, torch.Generator(device).manual_seed(0))
    images, labels = merged.images(index), merged.labels(index)
    assert images.shape == (64, 3, 16, 16) and images.dtype == torch.uint8
    assert set(labels.tolist()) == {0, 1}
    sprites = images[labels == 0]
    assert torch.equal(sprites[:, 0], sprites[:, 2])  # grey, three times
    factors = merged.factors(index)
    grid = TwinShapes3D(16, device)
    assert torch.equal(images[labels == 1], grid.render(factors[labels == 1][:, 5:]))


def test_factors_of_another_domain_are_unknown(device: torch.device) -> None:
    merged = build(device)
    names = merged.space.names
    assert names[0] == "dsprites.shape" and names[5] == "shapes3d.floor_hue"
    assert merged.space.kinds[0] == "categorical"
    index = merged.draw(200, torch.Generator(device).manual_seed(0))
    factors, labels = merged.factors(index), merged.labels(index)
    assert bool((factors[labels == 0][:, 5:] == -1).all())
    assert bool((factors[labels == 1][:, :5] == -1).all())
    assert bool((factors[labels == 0][:, :5] >= 0).all())


def test_domains_are_equally_likely_unless_weighed() -> None:
    assert len(build()) == 368_640 + 240_000
    for weights, wanted in ((None, 0.5), ((1, 3), 0.75)):
        merged = build(weights=weights)
        index = merged.draw(4000, torch.Generator().manual_seed(0))
        share = merged.labels(index).double().mean()
        assert float(share) == pytest.approx(wanted, abs=0.03)


def test_a_domain_keeps_its_law() -> None:
    law = Correlated(Labels(), ("a", "b"), torch.eye(3, 5))
    merged = Merged([law, Labels()])
    index = merged.draw(500, torch.Generator().manual_seed(0))
    first = merged.factors(index)[merged.labels(index) == 0]
    assert torch.equal(first[:, 0], first[:, 1])
    part = merged.part(0, 0.5)
    index = part.draw(300, torch.Generator().manual_seed(0))
    first = part.factors(index)[part.labels(index) == 0]
    assert torch.equal(first[:, 0], first[:, 1])


def test_partners_are_of_the_same_domain() -> None:
    merged = build()
    generator = torch.Generator().manual_seed(0)
    index = merged.draw(200, generator)
    columns = [merged.space.names.index(n) for n in ("dsprites.shape", "shapes3d.shape")]
    other = merged.sharing(index, columns, generator)
    assert torch.equal(merged.labels(index), merged.labels(other))
    mine, theirs = merged.factors(index), merged.factors(other)
    assert torch.equal(mine[:, columns], theirs[:, columns])
    assert not torch.equal(mine, theirs)


def test_two_of_one_name_are_numbered() -> None:
    merged = Merged([Labels(), Labels()])
    assert merged.space.names == (
        "labels 1.a", "labels 1.b", "labels 2.a", "labels 2.b",
    )  # fmt: skip
    assert [int(image[0, 0, 0]) for image, _ in merged] == [*range(15)] * 2


class Other(Labels):
    """Of another size, or with other channels."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.channels, self.size = channels, size


@pytest.mark.parametrize(
    ("domains", "message"),
    [
        ([Labels()], "at least two domains, got 1"),
        ([Labels(), Other(1, 4)], "of one size, got 2, 4 pixels"),
        ([Other(2, 2), Other(3, 2)], "the same number of them, got 2, 3"),
        ([Labels(), Pairs(Labels(), ["a"])], "a picture at a time; merge first"),
    ],
)
def test_domains_that_do_not_fit_are_refused(domains, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Merged(domains)


@pytest.mark.parametrize("weights", [(1,), (1, 0), (1, -1)])
def test_weights_without_sense_are_refused(weights) -> None:
    with pytest.raises(ValueError, match="2 positive numbers"):
        Merged([Labels(), Labels()], weights)
