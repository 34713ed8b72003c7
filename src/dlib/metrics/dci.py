"""Disentanglement, completeness and informativeness (DCI)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from dlib.metrics.estimators.boosting import GradientBoosting
from dlib.metrics.inputs import (
    Codes,
    Factors,
    NotApplicable,
    halves,
    instead,
    prepare,
    prepare_test,
    require_known,
    require_varying,
)
from dlib.metrics.score import Score

Predictor = Literal["boosting", "forest"]

# Fewest points that a fit and a test on two thirds and a third make sense for.
MINIMUM = 60
# Depths that cross-validation chooses from, the trees that it tries them with, and
# the parts that it cuts the points into.
DEPTHS = (2, 4, 8, 16, 32)
TRIAL_TREES = 20
FOLDS = 3
# Added to importances before their logarithm, as the reference does.
SMALL = 1e-11


@dataclass(frozen=True)
class Fitted:
    """What one factor's predictor says: importances (d,), and how well it does."""

    importances: Tensor
    train: float
    test: float


def dci(
    codes: Any,
    factors: Any,
    codes_test: Any = None,
    factors_test: Any = None,
    *,
    predictor: Predictor = "boosting",
    max_depth: int | Sequence[int | None] | Literal["cv"] | None = None,
    names: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    seed: int = 0,
) -> Score:
    r"""Disentanglement, completeness and informativeness.

    One predictor per factor; :math:`R_{ij}` is the importance of code i for
    factor j, and with :math:`P_{ij} = R_{ij} / \sum_j R_{ij}` and
    :math:`Q_{ij} = R_{ij} / \sum_i R_{ij}`,

    .. math::
        D = \sum_i \rho_i \Big(1 + \sum_j P_{ij} \log_k P_{ij}\Big), \qquad
        C = \sum_j \sigma_j \Big(1 + \sum_i Q_{ij} \log_d Q_{ij}\Big)

    where :math:`\rho_i` and :math:`\sigma_j` are the rows' and columns' shares of
    all importance. Section 2 of Eastwood and Williams, *A Framework for the
    Quantitative Evaluation of Disentangled Representations* (2018).

    **The predictor is part of the metric**: on the same codes boosting gives
    0.58, a random forest 0.18. Never put the two in one table.

    ``predictor="boosting"`` is disentanglement_lib's: scikit-learn's
    ``GradientBoostingClassifier`` with its defaults on 10,000 points, tested on
    5,000 (see :mod:`dlib.metrics.estimators.boosting`, which finds the same splits
    faster). Informativeness is accuracy.

    ``predictor="forest"`` is the random forest *regressor* of Lin et al. (2020)
    and of papers after it: scikit-learn's defaults but for ``max_depth``, which is
    one number per factor (4, 2, 4, 2, 2 for shape, scale, rotation, x and y of
    dSprites) or chosen by cross-validation (3DShapes). Informativeness is R².

    Perfect codes get 1 for all three; useless codes at most 0.005 for D and C, and
    chance level for informativeness on test points.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d). The importance of a chunk is the sum of its columns'.
    factors : array or Tensor
        Shape (n, k), k at least 2; may have gaps. Real-valued ones only with
        ``predictor="forest"``.
    codes_test, factors_test : optional
        Points to test on. Without, a third of the points, chosen by the seed; the
        predictors are then fitted on two thirds.
    predictor : {"boosting", "forest"}
        Which protocol.
    max_depth : int, None, sequence of them, or "cv"
        Of the forest's trees, for all factors or one per factor; None is no limit,
        as in scikit-learn.
    names, kinds : sequence of str, optional
        Of the factors; see :func:`dlib.metrics.inputs.as_factors`.
    seed : int
        Of the predictor (for boosting it only settles which of two codes is used
        where both serve equally) and of the choice of test points.

    Returns
    -------
    Score
        The value is D. Parts: ``disentanglement``, ``completeness``,
        ``informativeness_train``, ``informativeness_test`` (means over factors),
        ``importances`` (d, k), ``codes`` (d,) each code's disentanglement,
        ``factors`` (k,) each factor's completeness.

    Raises
    ------
    ValueError
        If the predictor is unknown; ``max_depth`` is given for boosting, has the
        wrong length or is no depth; or as :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If there are fewer than two factors, two codes or 60 points; a factor is
        real-valued and the predictor is boosting; a factor does not vary in the
        points to fit on, or is known at too few to test on.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> score = metrics.dci(codes, factors, predictor="forest", max_depth=[4, 2])
    >>> round(score.value, 2), round(score["informativeness_test"], 2)
    (1.0, 1.0)
    >>> noise = rng.normal(size=(600, 2))
    >>> score = metrics.dci(noise, factors)  # boosting; classes: chance is 0.25
    >>> score.value < 0.1, 0.15 < score["informativeness_test"] < 0.35
    (True, True)
    """
    if predictor not in ("boosting", "forest"):
        raise ValueError(
            f"dci's predictor is 'boosting' or 'forest', got {predictor!r}"
        )
    checked, table = prepare(
        codes, factors, metric="dci", minimum=MINIMUM, names=names, kinds=kinds
    )
    if codes_test is None and factors_test is None:
        train, y, test, y_test = halves(checked, table, seed)
        require_varying(y, "dci")
        require_known(y_test)
    else:
        train, y = checked, table
        test, y_test = prepare_test(
            train, y, codes_test, factors_test, metric="dci", minimum=MINIMUM // 3
        )
    count = len(y.names)
    if count < 2 or len(train.chunks) < 2:
        raise NotApplicable(
            "dci compares factors with each other and codes with each other, so it "
            f"needs at least two of both; got {count} factors and "
            f"{len(train.chunks)} codes"
        )
    if predictor == "boosting":
        if max_depth is not None:
            raise ValueError(
                "max_depth belongs to predictor='forest'; boosted trees have depth 3 "
                f"in the reference's protocol, got max_depth={max_depth!r}"
            )
        _require_classes(y)
        fitted = _boosting(train, y, test, y_test, seed)
    else:
        depths = _depths(max_depth, count)
        fitted = [
            _forest(train, y, test, y_test, j, depth, seed)
            for j, depth in enumerate(depths)
        ]
    columns = torch.stack([f.importances for f in fitted], dim=1)
    importances = torch.stack([columns[a:b].sum(dim=0) for a, b in train.chunks])
    each_code = 1 - _entropy(importances)
    each_factor = 1 - _entropy(importances.T)
    total = importances.sum()
    if total > 0:
        d = float((each_code * importances.sum(dim=1)).sum() / total)
        c = float((each_factor * importances.sum(dim=0)).sum() / total)
    else:
        d, c = float(each_code.mean()), float(each_factor.mean())
    return Score(
        "dci",
        d,
        {
            "disentanglement": d,
            "completeness": c,
            "informativeness_train": float(np.mean([f.train for f in fitted])),
            "informativeness_test": float(np.mean([f.test for f in fitted])),
            "importances": importances,
            "codes": each_code,
            "factors": each_factor,
        },
    )


def _entropy(rows: Tensor) -> Tensor:
    """Entropy of each row, normalised to sum 1, in units of the row's largest."""
    p = rows + SMALL
    p = p / p.sum(dim=1, keepdim=True)
    return -(p * p.log()).sum(dim=1) / np.log(rows.shape[1])


def _require_classes(factors: Factors) -> None:
    for name, discrete, size in zip(
        factors.names, factors.discrete, factors.sizes, strict=True
    ):
        if not discrete:
            raise NotApplicable(
                f"dci with boosting predicts classes, and {name} is real-valued "
                f"({size} distinct values in {factors.n} points). Use "
                "predictor='forest', which regresses (dci_forest in evaluate and in "
                f"dlib score), another metric ({instead(discrete=False)}), or bin it "
                "first: "
                "metrics.bin_values(factors, bins=20)"
            )


def _depths(
    max_depth: int | Sequence[int | None] | Literal["cv"] | None, count: int
) -> list[int | Literal["cv"] | None]:
    if max_depth == "cv":
        return ["cv"] * count
    if isinstance(max_depth, str):
        raise ValueError(
            "max_depth is a number, None, one of these per factor, or 'cv', "
            f"got {max_depth!r}"
        )
    if isinstance(max_depth, Sequence):
        depths: list[Any] = list(max_depth)
    else:
        depths = [max_depth] * count
    if len(depths) != count:
        raise ValueError(
            f"max_depth must name one depth for each of the {count} factors, "
            f"got {len(depths)}"
        )
    for depth in depths:
        whole = isinstance(depth, Integral) and not isinstance(depth, bool)
        if depth is not None and not (whole and depth >= 1):
            raise ValueError(
                "a max_depth is a whole number of at least 1, or None for no limit; "
                f"got {depth!r}"
            )
    return depths


def _boosting(
    train: Codes, y: Factors, test: Codes, y_test: Factors, seed: int
) -> list[Fitted]:
    trees = GradientBoosting(seed=seed).fit(train.values, y.values)
    right = trees.predict_training_points() == y.values
    right_test = trees.predict(test.values) == y_test.values
    return [
        Fitted(
            trees.importances[:, j],
            float(right[y.known[:, j], j].double().mean()),
            float(right_test[y_test.known[:, j], j].double().mean()),
        )
        for j in range(len(y.names))
    ]


def _forest(
    train: Codes,
    y: Factors,
    test: Codes,
    y_test: Factors,
    j: int,
    depth: int | Literal["cv"] | None,
    seed: int,
) -> Fitted:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.model_selection import GridSearchCV

    known, known_test = y.known[:, j], y_test.known[:, j]
    fewest = 2 * FOLDS if depth == "cv" else 2  # two to tell a variance by
    if int(known.sum()) < fewest or int(known_test.sum()) < 2:
        raise NotApplicable(
            f"dci's forest needs {y.names[j]} at {fewest} points to fit on and 2 to "
            f"test on; it is known at {int(known.sum())} and {int(known_test.sum())}"
        )
    x, target = train.values[known].cpu().numpy(), y.values[known, j].cpu().numpy()
    if depth == "cv":
        trial = RandomForestRegressor(TRIAL_TREES, random_state=seed)
        search = GridSearchCV(trial, {"max_depth": DEPTHS}, cv=FOLDS, refit=False)
        depth = search.fit(x, target).best_params_["max_depth"]
    forest = RandomForestRegressor(max_depth=depth, random_state=seed).fit(x, target)
    x_test = test.values[known_test].cpu().numpy()
    target_test = y_test.values[known_test, j].cpu().numpy()
    return Fitted(
        torch.from_numpy(forest.feature_importances_).to(train.values),
        float(forest.score(x, target)),
        float(forest.score(x_test, target_test)),
    )
