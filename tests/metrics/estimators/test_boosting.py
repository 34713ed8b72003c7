"""Boosted trees: the same splits as an exhaustive search, the reference's scores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import GradientBoostingClassifier
from torch import Tensor

from dlib.metrics.estimators.boosting import GradientBoosting


def _points(n: int, d: int, classes: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Codes of which the first two tell of the labels, and the labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (n,), generator=generator)
    codes = torch.randn(n, d, generator=generator, dtype=torch.float64)
    codes[:, 0] += labels
    codes[:, 1] += 2 * (labels % 2)
    return codes, labels


@pytest.mark.parametrize("classes", [2, 5])
def test_agrees_with_scikit_learn(classes: int) -> None:
    codes, labels = _points(500, 4, classes)
    test, labels_test = _points(500, 4, classes, seed=1)
    theirs = GradientBoostingClassifier(random_state=0).fit(codes, labels)
    ours = GradientBoosting().fit(codes, labels[:, None])
    # Equal gains are many where few points are left; which one wins is chance.
    assert ours.importances[:, 0].numpy() == pytest.approx(
        theirs.feature_importances_, abs=0.01
    )
    right = ours.predict_training_points()[:, 0] == labels
    assert float(right.double().mean()) == pytest.approx(
        theirs.score(codes, labels), abs=0.01
    )
    accuracy = float((ours.predict(test)[:, 0] == labels_test).double().mean())
    assert accuracy == pytest.approx(theirs.score(test, labels_test), abs=0.03)


@pytest.mark.parametrize("classes", [2, 3])
def test_scores_are_scikit_learns_where_no_gains_are_equal(classes: int) -> None:
    # Few rounds of stumps: two splits of all points hardly ever gain the same.
    codes, labels = _points(200, 2, classes)
    theirs = GradientBoostingClassifier(n_estimators=5, max_depth=1).fit(codes, labels)
    ours = GradientBoosting(rounds=5, depth=1).fit(codes, labels[:, None])
    expected = theirs.decision_function(codes).reshape(200, -1)
    found = ours.scores(codes).numpy()
    if classes > 2:  # a number added to the scores of all classes means nothing
        found = found - found.mean(axis=1, keepdims=True)
        expected = expected - expected.mean(axis=1, keepdims=True)
    assert found == pytest.approx(expected, abs=1e-6)
    assert ours.importances[:, 0].numpy() == pytest.approx(
        theirs.feature_importances_, abs=1e-6
    )


def test_scores_of_training_points_are_those_of_the_fit() -> None:
    codes, labels = _points(300, 3, 4)
    fitted = GradientBoosting(rounds=10).fit(codes, labels[:, None])
    assert torch.allclose(fitted.scores(codes), fitted.train_scores)


def test_bins_do_not_change_the_result() -> None:
    codes, labels = _points(400, 3, 4)
    fits = [
        GradientBoosting(rounds=10, bins=b).fit(codes, labels[:, None])
        for b in (16, 400)
    ]
    importances = [f.importances.numpy() for f in fits]
    assert importances[0] == pytest.approx(importances[1], abs=0.01)


def test_twice_is_the_same_to_the_last_digit() -> None:
    codes, labels = _points(200, 3, 4)
    first, second = (
        GradientBoosting(rounds=5).fit(codes, labels[:, None]) for _ in range(2)
    )
    assert torch.equal(first.importances, second.importances)
    assert torch.equal(first.train_scores, second.train_scores)


def test_a_code_that_tells_nothing_apart_has_no_importance() -> None:
    codes, labels = _points(200, 3, 4)
    codes[:, 2] = 1.5
    fitted = GradientBoosting(rounds=5).fit(codes, labels[:, None])
    assert fitted.importances[2] == 0
    assert float(fitted.importances.sum()) == pytest.approx(1)


def test_a_copy_of_a_code_gets_its_share() -> None:
    codes, labels = _points(500, 3, 4)
    codes = torch.cat([codes, codes[:, :1]], dim=1)
    theirs = GradientBoostingClassifier(random_state=0).fit(codes, labels)
    both = (
        theirs.feature_importances_,
        (GradientBoosting().fit(codes, labels[:, None]).importances[:, 0].numpy()),
    )
    for found in both:  # by chance more or less than half
        assert 0.3 < found[0] / (found[0] + found[3]) < 0.7
    assert both[0][1:3] == pytest.approx(both[1][1:3], abs=0.01)


def test_the_seed_only_settles_ties() -> None:
    codes, labels = _points(500, 3, 4)
    first, second = (
        GradientBoosting(rounds=5, depth=1, seed=s).fit(codes, labels[:, None])
        for s in (0, 1)
    )
    assert torch.allclose(first.importances, second.importances, atol=1e-4)


def test_splits_that_gain_nothing_are_made_for_their_children() -> None:
    corner = torch.arange(400)
    codes = torch.stack([corner % 2, corner // 2 % 2], dim=1).double()
    labels = (codes[:, 0] != codes[:, 1]).double()  # neither code alone says it
    fitted = GradientBoosting(rounds=5).fit(codes, labels[:, None])
    assert torch.equal(fitted.predict_training_points()[:, 0], labels)
    assert float(fitted.importances.sum()) == pytest.approx(1)


def test_a_discrete_code_first_lends_no_importance_to_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(2, (40_000,), generator=generator)
    noise = torch.randn(40_000, generator=generator)
    for codes in ([labels, noise], [noise, labels]):
        fitted = GradientBoosting(rounds=1).fit(
            torch.stack([c.double() for c in codes], dim=1), labels[:, None]
        )
        assert float(fitted.importances.min()) < 1e-5


def test_inference_mode_is_no_obstacle() -> None:
    codes, labels = _points(100, 2, 40)  # more columns than a block has
    with torch.inference_mode():
        fitted = GradientBoosting(rounds=2).fit(codes, labels[:, None])
        assert fitted.predict(codes).shape == (100, 1)


def test_constant_codes_give_no_importance_at_all() -> None:
    fitted = GradientBoosting(rounds=2).fit(
        torch.zeros(20, 2, dtype=torch.float64), torch.arange(20)[:, None] % 2
    )
    assert fitted.importances.tolist() == [[0], [0]]
    assert np.isfinite(fitted.train_scores.numpy()).all()


def test_factors_side_by_side_are_as_if_alone() -> None:
    codes, labels = _points(200, 3, 4)
    both = torch.stack([labels % 2, labels], dim=1)
    together = GradientBoosting(rounds=5).fit(codes, both)
    alone = [GradientBoosting(rounds=5).fit(codes, both[:, [j]]) for j in range(2)]
    for j, one in enumerate(alone):
        assert torch.allclose(together.importances[:, [j]], one.importances)
        assert torch.equal(together.predict(codes)[:, [j]], one.predict(codes))


def test_points_without_a_label_are_as_if_absent() -> None:
    codes, labels = _points(600, 3, 3)
    missing = labels.double()
    missing[::3] = torch.nan
    known = ~missing.isnan()
    fitted = GradientBoosting(rounds=5, bins=100).fit(codes, missing[:, None])
    without = GradientBoosting(rounds=5, bins=100).fit(
        codes[known], missing[known, None]
    )
    # Rounding may settle a tie between two codes the other way: not digit by digit.
    assert torch.allclose(fitted.importances, without.importances, atol=0.01)
    same = fitted.train_scores[known].argmax(1) == without.train_scores.argmax(1)
    assert float(same.double().mean()) > 0.97


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least two classes, got only \[3\]"):
        GradientBoosting().fit(torch.randn(10, 2), torch.full((10, 1), 3))


def test_devices_agree(device: torch.device) -> None:
    codes, labels = _points(300, 3, 4)
    here = GradientBoosting(rounds=5).fit(codes, labels[:, None])
    there = GradientBoosting(rounds=5).fit(codes.to(device), labels[:, None].to(device))
    assert there.importances.device.type == device.type
    assert torch.allclose(there.importances.cpu(), here.importances, atol=1e-3)
