"""Factor groups: the header's gradient, the prototypes' walk, both ways to learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor, nn
from torch.nn import functional

from dlib import metrics, networks, runs
from dlib.data import Batch, Merged, TwinDSprites, TwinShapes3D, Views
from dlib.data.augment import Move
from dlib.data.dataset import Dataset
from dlib.losses import contrastive_loss, cosface_loss
from dlib.models import FactorGroupVAE, FactorVAE, Method
from dlib.models.factor_group_vae import Prototypes
from dlib.training import fit

SIZE = 16


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> Merged:
    kept = tmp_path_factory.mktemp("cache")
    return Merged([TwinDSprites(SIZE), TwinShapes3D(SIZE, root=kept)])


def views(of: Dataset) -> Views:
    return Views(of, [Move(name="move", shift=0.1)], keep_first=True)


def build(learning: str = "unsupervised", **options: object) -> FactorGroupVAE:
    options = {"groups": 2, "width": 16, "depth": 2, **options}
    method = FactorGroupVAE(networks.conv(6, 3, SIZE), learning=learning, **options)
    networks.initialise(method, torch.Generator().manual_seed(0))
    return method


def drawn(data: Dataset, n: int = 16) -> Batch:
    batch = data.batch(n, torch.Generator().manual_seed(1))
    return batch._replace(images=batch.images.float() / 255)


def without_header(method: FactorGroupVAE, batch: Batch) -> Tensor:
    """FactorVAE's loss of the pictures themselves."""
    plain = FactorVAE(networks.conv(6, 3, SIZE), width=16, depth=2)
    state = method.state_dict()
    plain.load_state_dict({key: state[key] for key in plain.state_dict()})
    images = batch.images if batch.images.ndim == 4 else batch.images[:, 0]
    loss = next(plain.losses(Batch(images), torch.Generator().manual_seed(2)))
    return loss.value


def test_unsupervised_is_eq_2_with_eq_3(domains: Merged) -> None:
    method, batch = build(weight=3.0, scale=5.0), drawn(views(domains))
    loss = next(method.losses(batch, torch.Generator().manual_seed(2)))
    both = torch.cat([batch.images[:8, 0], batch.images[:8, 1]])
    embedded = method.embed(method.encode(both))
    header = contrastive_loss(embedded[:8], embedded[8:], 5.0)
    torch.testing.assert_close(loss.logs["header"], header.detach())
    torch.testing.assert_close(loss.value, without_header(method, batch) + 3 * header)


def test_supervised_is_eq_2_with_eq_4(domains: Merged) -> None:
    method, batch = build("supervised", weight=3.0, margin=0.2), drawn(domains)
    loss = next(method.losses(batch, torch.Generator().manual_seed(2)))
    header = cosface_loss(
        method.embed(method.encode(batch.images[:8])),
        method.prototypes.vectors,
        batch.labels[:8],
        10.0,
        0.2,
    )
    torch.testing.assert_close(loss.value, without_header(method, batch) + 3 * header)


@pytest.mark.parametrize("learning", ["unsupervised", "supervised"])
def test_the_header_s_loss_reaches_the_encoder(learning: str, domains: Merged) -> None:
    method = build(learning, weight=1e4)
    batch = drawn(domains if learning == "supervised" else views(domains))
    heavy = next(method.losses(batch, torch.Generator().manual_seed(2))).value
    light = without_header(method, batch)
    slopes = [
        torch.autograd.grad(value, next(method.encoder.parameters()))[0]
        if value is heavy
        else None
        for value in (heavy, light)
    ]
    assert slopes[0] is not None and float(slopes[0].abs().max()) > 0


def test_the_header_has_the_papers_layers() -> None:
    method = FactorGroupVAE(networks.conv(20, 3, SIZE), width=16, depth=2)
    kinds = [type(layer) for layer in method.header]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.ReLU] * 2
    assert {m.in_features for m in method.header if isinstance(m, nn.Linear)} == {20}
    assert (method.scale, method.margin, method.weight) == (10.0, 0.1, 100.0)
    assert len(method.prototypes.vectors) == 3


def test_no_loss_sees_the_prototypes_that_k_means_moves() -> None:
    method = build()
    assert not list(method.prototypes.parameters())
    assert list(build("supervised").prototypes.parameters())
    owned = [id(p) for player in method.players().values() for p in player.parameters]
    assert sorted(owned) == sorted(id(p) for p in method.parameters())
    assert isinstance(method, Method)


def test_prototypes_walk_as_one_mini_batch_k_means_would() -> None:
    """One object that is kept, and ours that is made anew each step, agree."""
    rng = np.random.default_rng(0)
    centres = np.eye(3, dtype=np.float32)
    kept = MiniBatchKMeans(3, init=centres, n_init=1, random_state=0)
    ours = Prototypes(3, 3, learned=False)
    ours.vectors.copy_(torch.from_numpy(centres))
    for _ in range(5):
        near = centres[rng.integers(0, 3, 60)] + 0.1 * rng.normal(size=(60, 3))
        points = functional.normalize(torch.from_numpy(near.astype(np.float32)))
        kept.partial_fit(points.numpy())
        ours.follow(points, torch.Generator().manual_seed(0))
        # Ours are brought to length one before each update.
        kept.cluster_centers_ /= np.linalg.norm(
            kept.cluster_centers_, axis=1, keepdims=True
        )
    found = functional.normalize(ours.vectors).numpy()
    np.testing.assert_allclose(found, kept.cluster_centers_, atol=1e-5)
    assert float(ours.counts.sum()) == 300


def test_a_prototype_that_nothing_is_near_is_put_elsewhere() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(40, 3, generator=generator)
    prototypes = Prototypes(2, 3, learned=False)
    prototypes.vectors.copy_(torch.tensor([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]]))
    prototypes.follow(points, generator)
    assert bool((prototypes.vectors >= 0).all())


@pytest.mark.parametrize("learning", ["unsupervised", "supervised"])
def test_domains_are_found(learning: str, domains: Merged, tmp_path: Path) -> None:
    method = build(learning, weight=100.0)
    data = domains if learning == "supervised" else views(domains)
    fit(method, data, steps=150, batch_size=64, device="cpu", progress=False)
    report = metrics.evaluate(
        method, domains, ["group_accuracy", "cluster_accuracy"],
        n=400, n_test=200, progress=False,
    )  # fmt: skip
    assert report["group_accuracy"].value > 0.8
    assert report["group_accuracy"].noise_floor < 0.7
    assert 0.5 <= report["cluster_accuracy"].value <= 1


def test_a_shipped_run_still_knows_the_groups() -> None:
    method = build()
    assert set(method.shipped) == {"encoder", "decoder", "header", "prototypes"}
    recipe = runs.Recipe(
        method="factor_group_vae",
        options={"groups": 2},
        data={
            "kind": "views",
            "of": {"kind": "merged", "of": ["dsprites", "shapes3d"]},
            "augment": [{"name": "move", "shift": 0.1}],
            "keep_first": True,
        },
    )
    assert isinstance(recipe.build(), FactorGroupVAE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 1}, "groups must be at least 2, got 1"),
        ({"learning": "half"}, "unsupervised.*supervised.*got 'half'"),
        ({"weight": -1.0}, "weight must not be negative, got -1"),
        ({"margin": -1.0}, "margin must not be negative, got -1"),
        ({"scale": 0.0}, "scale must be positive, got 0"),
    ],
)
def test_bad_options_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(**options)


def test_data_of_the_wrong_kind_is_refused(domains: Merged) -> None:
    with pytest.raises(ValueError, match=r"two views.*keep_first = true"):
        next(build().losses(drawn(domains), torch.Generator()))
    for data in (TwinDSprites(SIZE), views(domains)):
        with pytest.raises(ValueError, match="single pictures with labels"):
            next(build("supervised").losses(drawn(data), torch.Generator()))
