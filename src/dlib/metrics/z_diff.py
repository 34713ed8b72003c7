"""Z-diff, also known as the BetaVAE score."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits
from torch import Tensor

from dlib.metrics.inputs import require_points
from dlib.metrics.population import Grid, Population, Table
from dlib.metrics.score import Score
from dlib.metrics.threads import one_thread

if TYPE_CHECKING:
    from dlib.data.factors import FactorSpace

BLOCK = 250  # points drawn at a time, so that their pairs stay in the cache


@one_thread
def z_diff(
    codes: Any,
    factors: Any = None,
    *,
    space: FactorSpace | None = None,
    classifier: Literal["svm", "logistic"] = "svm",
    n_train: int = 10_000,
    n_test: int = 5_000,
    pairs: int = 64,
    regularisation: float = 0.01,
    seed: int = 0,
) -> Score:
    r"""Accuracy of telling which factor two sets of images share.

    For each point a factor y is drawn, then L pairs of images that agree in it:

    .. math::
        x_{\mathrm{point}} = \frac1L \sum_{l=1}^{L}
        \big| \mu(x_l^{(1)}) - \mu(x_l^{(2)}) \big|

    and a linear classifier predicts y from :math:`x_{\mathrm{point}}`. Higgins et
    al., *beta-VAE* (2017), as section 3 of Kumar et al. (2018), who name it Z-diff
    and give percentages; here it lies in 0 to 1. L = 64, 10,000 points to train
    and 5,000 to test as in disentanglement_lib.

    ``classifier="svm"``: one-vs-rest linear SVM, hinge loss weighted C = 0.01
    (section 4 of Kumar et al.). ``"logistic"``: scikit-learn's logistic
    regression, as the reference. The two differ; never mix them in a table.

    Perfect codes get 1. Useless ones get about 1 / k for k factors. Codes that
    are rotated can still get 1: any linear mixture will do for this classifier.

    Parameters
    ----------
    codes : Grid, Table, callable, or array
        Where points come from: ``Grid(codes_of(method, dataset), dataset.space)``
        draws from the whole grid; a callable with ``space`` is made into one; an
        array (n, d) with ``factors`` (n, k) is drawn from with replacement.
    factors : array or Tensor, optional
        With an array of codes: discrete, no gaps.
    space : FactorSpace, optional
        With a callable.
    classifier : {"svm", "logistic"}
        Which protocol.
    n_train, n_test : int
        Points.
    pairs : int
        L, pairs a point.
    regularisation : float
        C of the support vector machine.
    seed : int
        Of the draws.

    Returns
    -------
    Score
        Test accuracy. Parts: ``train_accuracy``, ``confusion`` (k, k), test points
        by true factor (row) and predicted factor (column).

    Raises
    ------
    ValueError
        If the classifier is unknown, there are fewer than 20 points a factor or
        one factor only, or as :class:`dlib.metrics.population.Table`.
    """
    if classifier not in ("svm", "logistic"):
        raise ValueError(f"classifier must be svm or logistic, got {classifier!r}")
    population = as_population(codes, factors, space, "z_diff")
    count = len(population.names)
    if count < 2:
        raise ValueError(
            "z_diff tells factors apart, so it needs at least two, got 1; mig, sap, "
            "irs and explicitness take one"
        )
    require_points(n_train, 20 * count, "z_diff", "training points (n_train)")
    require_points(n_test, 20 * count, "z_diff", "test points (n_test)")
    generator = torch.Generator(population.device).manual_seed(seed)
    points, labels = difference_points(population, n_train + n_test, pairs, generator)
    x, y = points.cpu().double().numpy(), labels.cpu().numpy()
    model = _fit(classifier, regularisation, x[:n_train], y[:n_train])
    predicted = model.predict(x)
    right = predicted == y
    confusion = np.bincount(
        y[n_train:] * count + predicted[n_train:], minlength=count * count
    ).reshape(count, count)
    return Score(
        "z_diff",
        float(right[n_train:].mean()),
        {
            "train_accuracy": float(right[:n_train].mean()),
            "confusion": torch.from_numpy(confusion),
        },
    )


def difference_points(
    population: Population, n: int, pairs: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mean absolute code differences (n, d) and the factor shared (n,)."""
    device = population.device
    factor = torch.randint(
        len(population.names), (n, 1), generator=generator, device=device
    )
    first = population.draw((n, pairs), generator)
    second = population.sharing(first, factor, generator)
    population.prepare(first, second)
    blocks = [
        (population.codes(a) - population.codes(b)).abs_().mean(dim=1)
        for a, b in zip(first.split(BLOCK), second.split(BLOCK), strict=True)
    ]
    return torch.cat(blocks), factor[:, 0]


def as_population(
    codes: Any, factors: Any, space: FactorSpace | None, metric: str
) -> Population:
    """A population made of whatever a caller has.

    Raises
    ------
    ValueError
        If codes come as an array without factors, or as a callable without a
        space.
    """
    if isinstance(codes, (Grid, Table)):
        return codes
    if callable(codes):
        if space is None:
            raise ValueError(
                f"{metric} was given a function of factors and needs to know which "
                "factors there are: pass space=dataset.space"
            )
        return Grid(codes, space)
    if factors is None:
        raise ValueError(
            f"{metric} draws points that share a factor: give it factors beside the "
            "codes, or a function codes_of(factors) and space="
        )
    return Table(codes, factors, metric)


def _fit(classifier: str, regularisation: float, x: np.ndarray, y: np.ndarray) -> Any:
    with warnings.catch_warnings(), threadpool_limits(1):
        # A cap on iterations is part of the reference's protocol.
        warnings.simplefilter("ignore")
        if classifier == "logistic":
            return LogisticRegression().fit(x, y)
        return LinearSVC(C=regularisation, loss="hinge", dual=True, random_state=0).fit(
            x, y
        )
