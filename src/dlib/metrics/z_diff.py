"""Z-diff, also known as the BetaVAE score."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.inputs import NotApplicable, instead, require_points
from dlib.metrics.inputs.population import BLOCK, Population, populations
from dlib.metrics.score import Score

if TYPE_CHECKING:
    from dlib.data.factors import FactorSpace


@one_thread
def z_diff(
    codes: Any,
    factors: Any = None,
    codes_test: Any = None,
    factors_test: Any = None,
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

    Which factors may be shared is part of the protocol too: Higgins et al. leave
    dSprites' shape out, and with it or without it scores differ by some 20 points.

    Perfect codes get 1. Useless ones get about 1 / k for k factors. Codes that
    are rotated can still get 1: any linear mixture will do for this classifier.

    Parameters
    ----------
    codes : Grid, Table, callable, or array
        Where points come from: ``Grid(codes_of(method, dataset), dataset.space)``
        draws from the whole grid; a callable with ``space`` is made into one; an
        array (n, d) with ``factors`` (n, k) is drawn from with replacement.
    factors : array, Tensor, or sequence of str, optional
        With an array of codes its factors, discrete, no gaps. Otherwise the names
        of those that two images may share, all by default.
    codes_test, factors_test : optional
        Where the points to test on come from, as above; from the same place as
        those to train on by default, as the whole grid does in the reference.
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
        If the classifier is unknown, ``pairs`` is below 1, ``regularisation`` not
        above 0, the factors to test on are others than those to train on, or as
        :class:`dlib.metrics.inputs.population.Table`.
    NotApplicable
        If there are fewer than 20 points a factor or one factor only, or as
        :class:`dlib.metrics.inputs.population.Table`.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import data, metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 3))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 3))
    >>> round(metrics.z_diff(codes, factors, n_train=500, n_test=200).value, 2)
    1.0
    >>> space = data.FactorSpace(
    ...     [data.Factor(name, tuple(range(4))) for name in ("shape", "x", "y")])
    >>> grid = metrics.Grid(lambda f: f.float(), space)
    >>> metrics.z_diff(grid, ["x", "y"], n_train=500, n_test=200)["confusion"].shape
    torch.Size([2, 2])
    """
    if classifier not in ("svm", "logistic"):
        raise ValueError(f"classifier must be svm or logistic, got {classifier!r}")
    if pairs < 1:
        raise ValueError(f"pairs must be at least 1, got {pairs}")
    if regularisation <= 0:
        raise ValueError(f"regularisation must be above 0, got {regularisation}")
    population, other = populations(
        codes, factors, codes_test, factors_test, space, "z_diff"
    )
    count = len(population.names)
    if count < 2:
        raise NotApplicable(
            "z_diff tells factors apart, so it needs at least two, got 1. Metrics "
            f"that take one: {instead(factors=1)}"
        )
    require_points(n_train, 20 * count, "z_diff", "training points (n_train)")
    require_points(n_test, 20 * count, "z_diff", "test points (n_test)")
    generator = torch.Generator(population.device).manual_seed(seed)
    if other is population:
        points, labels = difference_points(
            population, n_train + n_test, pairs, generator
        )
    else:
        both = [
            difference_points(p, n, pairs, generator)
            for p, n in ((population, n_train), (other, n_test))
        ]
        points, labels = (torch.cat(parts) for parts in zip(*both, strict=True))
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


def _fit(classifier: str, regularisation: float, x: np.ndarray, y: np.ndarray) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        # A cap on iterations is part of the reference's protocol.
        warnings.simplefilter("ignore")
        if classifier == "logistic":
            return LogisticRegression().fit(x, y)
        return LinearSVC(C=regularisation, loss="hinge", dual=True, random_state=0).fit(
            x, y
        )
