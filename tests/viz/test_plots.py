"""Plots: what they draw, and what they refuse."""

import itertools

import matplotlib
import pytest
import torch
from torch import nn

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from dlib import networks, viz
from dlib.data.dsprites import TwinDSprites
from dlib.models import VAE
from dlib.training import History


@pytest.fixture(autouse=True)
def closed_afterwards():
    yield
    plt.close("all")


@pytest.fixture
def method():
    return VAE(networks.conv(latent_dim=4, size=16)).eval()


def test_a_grid_places_every_picture():
    images = torch.arange(6).view(6, 1, 1, 1).expand(6, 1, 8, 8).to(torch.uint8) * 40
    figure = viz.image_grid(images, columns=3, row_titles=["a", "b"])
    sheet = figure.axes[0].images[0].get_array()
    assert sheet.shape == (2 * 9 - 1, 3 * 9 - 1, 4)
    assert sheet[9, 9, 0] == pytest.approx(4 * 40 / 255)  # second row, second column
    assert sheet[8, 0, 3] == 0  # the gap is transparent
    with pytest.raises(ValueError, match=r"\(n, c, h, w\)"):
        viz.image_grid(images[0], columns=3)


def test_traversals_move_one_latent_a_row(method):
    seen = []
    decode = method.decode
    method.decode = lambda codes: seen.append(codes) or decode(codes)
    image = TwinDSprites(16)[0][0]
    viz.traversals(method, image, order=[2, 0], steps=5, limit=2.0)
    codes = seen[0].view(2, 5, 4)
    assert torch.allclose(codes[0, :, 2], torch.linspace(-2, 2, 5))
    assert codes[0, :, [0, 1, 3]].std(0).max() < 1e-6
    assert codes[1, :, 1:].std(0).max() < 1e-6


def test_traverse_gives_the_pictures_of_the_rows(method):
    image = TwinDSprites(16)[0][0]
    pictures = viz.traverse(method, image, order=[2, 0], steps=5, limit=2.0)
    assert pictures.shape == (10, 1, 16, 16) and not pictures.requires_grad
    with torch.no_grad():
        code = method.encode(image[None] / 255)
        code[0, 0] = 1.0  # z0, fourth of five from -2 to 2
        wanted = method.decode(code)[0]
    torch.testing.assert_close(pictures[5 + 3], wanted)
    for wrong in ([], [4], [-1]):
        with pytest.raises(ValueError, match="0 to 3, and at least one; got"):
            viz.traverse(method, image, order=wrong)


def test_reconstructions_have_a_row_a_method(method):
    data = TwinDSprites(16)
    figure = viz.reconstructions({"one": method, "two": method}, data, n=4)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["picture", "one", "two"]


def test_methods_are_shown_as_they_are_used_and_left_as_they_were():
    """In evaluation mode, where a batch norm does not depend on the others shown."""
    pair = networks.conv(latent_dim=4, size=16)
    normed = nn.Sequential(nn.BatchNorm2d(1), pair.encoder)
    method = VAE(pair._replace(encoder=normed)).train()
    before = normed[0].running_mean.clone()
    viz.reconstructions({"one": method}, TwinDSprites(16), n=2)
    viz.traversals(method, TwinDSprites(16)[0][0], steps=2)
    assert method.training and normed.training
    assert torch.equal(normed[0].running_mean, before)


def test_curves_of_a_term_that_was_not_always_logged_have_no_gaps():
    history = History([50, 100, 150, 200], {"penalty": [None, 2.0, None, 1.0]}, 1.0)
    figure = viz.training_curves({"run": history}, "penalty")
    steps, values = figure.axes[0].lines[0].get_data()
    assert list(steps) == [100, 200] and list(values) == [2.0, 1.0]


def test_trade_off_goes_through_the_means_of_seeds():
    points = [(1.0, 0.1, 0.2), (1.0, 0.3, 0.4), (4.0, 0.5, 0.6)]
    figure = viz.trade_off({"m": points}, xlabel="x", ylabel="y")
    x, y = figure.axes[0].lines[0].get_data()
    assert list(x) == pytest.approx([0.2, 0.5]) and list(y) == pytest.approx([0.3, 0.6])


def test_the_rest_draw(method):
    viz.use()
    viz.covariance_map({"a": torch.eye(3), "b": -torch.eye(3)})
    viz.score_map(torch.rand(4, 2), ["shape", "scale"], title="t")
    history = History([50, 100], {"nll": [3.0, 2.0]}, 1.0)
    viz.training_curves({"run": history}, "nll")
    assert len(plt.get_fignums()) == 3


def test_labels_of_points_that_lie_close_do_not_lie_on_each_other():
    points = [(60.0, 0.5, 0.5), (200.0, 0.56, 0.52), (4.0, 0.0, 0.0), (9.0, 1.0, 1.0)]
    figure = viz.trade_off({"m": points, "n": points}, xlabel="x", ylabel="y")
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 8
    pairs = itertools.combinations(boxes, 2)
    assert not any(one.overlaps(other) for one, other in pairs)


def test_labels_of_points_on_top_of_each_other_are_one():
    points = [(1, 9.0, 29.0), (4, 5.8, 35.0), (60, 0.0, 142.0), (200, 0.01, 141.9)]
    figure = viz.trade_off({"β-VAE": points}, xlabel="x", ylabel="y")
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == ["1", "4", "60, 200"]
    alone = viz.trade_off({"β-VAE": points[:1]}, xlabel="x", ylabel="y")
    assert [text.get_text() for text in alone.axes[0].texts] == ["1"]
