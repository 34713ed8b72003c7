"""InfoMEC: modularity, explicitness and compactness from information alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.inputs import Codes, Factors, NotApplicable, instead, prepare
from dlib.metrics.score import Score

NEIGHBOURS = 10
# A code is active if its range is more than this share of the widest one's.
ACTIVE = 1 / 20
MINIMUM = 50


@one_thread
def infomec(
    codes: Any,
    factors: Any,
    *,
    discrete_codes: bool = False,
    neighbours: int = NEIGHBOURS,
    names: Sequence[str] | None = None,
) -> Score:
    r"""InfoM, InfoE and InfoC.

    With :math:`m_{ij} = I(z_i; v_j) / H(v_j)`, over the *active* codes only, d of
    them, and k factors,

    .. math::
        \mathrm{InfoM} = \frac{\frac1d \sum_i \max_j m_{ij} / \sum_j m_{ij} - 1/k}
        {1 - 1/k}, \qquad
        \mathrm{InfoC} = \frac{\frac1k \sum_j \max_i m_{ij} / \sum_i m_{ij} - 1/d}
        {1 - 1/d}

    .. math::
        \mathrm{InfoE} = \frac1k \sum_j \frac{H(v_j) - H(v_j \mid z)}{H(v_j)}

    where the entropies of InfoE are the log losses of the best multinomial
    logistic regression on all codes and on none. Section 5 of Hsu, Dorrell,
    Whittington, Wu and Finn, *Disentanglement via Latent Quantization* (2023), with
    the protocol of the authors' code: a code is active if its range is more than a
    twentieth of the widest; the regression has no penalty, balanced classes, at
    most 100 steps, and is scored on the points that it was fitted on.

    The mutual information of a continuous code with a factor is the
    nearest-neighbour estimate of Ross (2014), with 10 neighbours, that
    scikit-learn's ``mutual_info_classif`` gives: no bins. Codes that take few
    values (quantised ones) need ``discrete_codes=True``, which counts.

    Perfect codes get 1. Useless codes get 0 for InfoE, but not for InfoM and InfoC,
    which see only ratios: read them beside their noise floor.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d).
    factors : array or Tensor
        Discrete, shape (n, k), k at least 2; may have gaps.
    discrete_codes : bool
        Whether codes are symbols: information is counted, the regression sees
        them one-hot, and every code that varies is active.
    neighbours : int
        Of the estimate for continuous codes.
    names : sequence of str, optional
        Of the factors.

    Returns
    -------
    Score
        The value is InfoM. Parts: ``modularity`` (InfoM), ``explicitness``
        (InfoE), ``compactness`` (InfoC; 0 where fewer than two codes are active),
        ``information`` (d, k), the :math:`m_{ij}` of all codes, and ``active``
        (d,).

    Raises
    ------
    ValueError
        If ``neighbours`` is below 1, or as :func:`dlib.metrics.inputs.prepare`.
    NotApplicable
        If there is one factor only, there are fewer than 50 points or a factor is
        real-valued.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> score = metrics.infomec(codes, factors)
    >>> [round(score[p], 1) for p in ("modularity", "explicitness", "compactness")]
    [1.0, 1.0, 1.0]
    """
    checked, table = prepare(
        codes,
        factors,
        metric="infomec",
        minimum=MINIMUM,
        discrete=True,
        names=names,
    )
    if len(table.names) < 2:
        raise NotApplicable(
            "infomec compares factors with each other, so it needs at least two, "
            f"got 1. Metrics that take one: {instead(factors=1)}"
        )
    if neighbours < 1:
        raise ValueError(f"neighbours must be at least 1, got {neighbours}")
    estimate = _counted if discrete_codes else _nearest_neighbours
    values = _symbols(checked.values) if discrete_codes else _standard(checked.values)
    columns = []
    for j, size in enumerate(table.sizes):
        known = table.known[:, j]
        labels = table.labels[known, j]
        shares = torch.bincount(labels, minlength=size).to(checked.values) / len(labels)
        entropy = -(shares * shares.log()).sum()
        columns.append(estimate(values[known], labels, neighbours) / entropy)
    information = torch.stack(columns, dim=1)  # (d, k)
    low, high = checked.values.aminmax(dim=0)
    reach = high - low
    active = reach > (0 if discrete_codes else ACTIVE * reach.max())
    pruned = information[active]
    modularity = _concentration(pruned)
    return Score(
        "infomec",
        modularity,
        {
            "modularity": modularity,
            "explicitness": _explicitness(checked, table, discrete_codes),
            "compactness": _concentration(pruned.T),
            "information": information,
            "active": active,
        },
    )


def _concentration(rows: Tensor) -> float:
    """Mean share of each row's largest entry, 0 where all are equal and 1 at best."""
    count, width = rows.shape
    if count == 0 or width < 2:
        return 0.0
    total = rows.sum(dim=1)
    share = torch.where(total > 0, rows.amax(dim=1) / total.clamp(min=1e-30), 1 / width)
    return float((share.mean() - 1 / width) / (1 - 1 / width))


def _standard(values: Tensor) -> Tensor:
    """Standardised columns, with ties parted by a jitter far below any structure.

    Equal values would have neighbours at distance zero, and as many as there are
    ties; the estimate is for values without ties.
    """
    scale = values.std(dim=0, correction=0)
    values = (values - values.mean(dim=0)) / torch.where(scale > 0, scale, 1.0)
    generator = torch.Generator().manual_seed(0)
    jitter = torch.randn(values.shape, generator=generator, dtype=torch.float64)
    return values + 1e-10 * jitter.to(values)


def _symbols(values: Tensor) -> Tensor:
    columns = [c.unique(return_inverse=True)[1] for c in values.T]
    return torch.stack(columns, dim=1)


def _counted(symbols: Tensor, labels: Tensor, neighbours: int) -> Tensor:
    """Mutual information (d,) in nats of columns of symbols with the labels."""
    size = int(labels.max()) + 1
    result = []
    for column in symbols.T:
        joint = torch.bincount(column * size + labels, minlength=0).double()
        joint = torch.nn.functional.pad(joint, (0, -len(joint) % size))
        joint = joint.view(-1, size) / len(labels)
        apart = joint.sum(dim=1, keepdim=True) * joint.sum(dim=0, keepdim=True)
        there = joint > 0
        result.append((joint[there] * (joint[there] / apart[there]).log()).sum())
    return torch.stack(result)


def _nearest_neighbours(values: Tensor, labels: Tensor, neighbours: int) -> Tensor:
    """Mutual information (d,) in nats of continuous columns with the labels.

    B. C. Ross, "Mutual information between discrete and continuous data sets"
    (2014), equation 2. In one dimension the k nearest of a point are a stretch of
    the sorted values around it, so the distance to the k-th among the points of
    its label is a minimum over the k + 1 stretches that hold it.
    """
    size = torch.bincount(labels)
    # Labels that occur once have no neighbour and are left out.
    values, labels = values[size[labels] > 1], labels[size[labels] > 1]
    n = len(labels)
    if n == 0:
        return values.new_zeros(values.shape[1])
    size = torch.bincount(labels)
    end = size.cumsum(0)
    own = labels.sort().values  # (n,), points now in order of label
    first, last, k = (end - size)[own], end[own] - 1, size[own].sub(1)
    k = k.clamp(max=neighbours)
    here = torch.arange(n, device=values.device)
    result = []
    for column in values.T:
        ordered, order = column.sort()
        grouped = ordered[labels[order].argsort(stable=True)]  # by label, then value
        radius = torch.full_like(grouped, torch.inf)
        for step in range(int(k.max()) + 1):
            low, high = here - step, here - step + k
            fits = (step <= k) & (low >= first) & (high <= last)
            below = grouped - grouped[low.clamp(min=0)]
            above = grouped[high.clamp(max=n - 1)] - grouped
            reach = torch.maximum(below, above)
            radius = torch.where(fits, torch.minimum(radius, reach), radius)
        # Closer than the k-th, which must not come back in by rounding.
        radius = radius - 4 * torch.finfo(radius.dtype).eps * ordered.abs().max()
        inside = torch.searchsorted(ordered, grouped + radius, right=True)
        inside = inside - torch.searchsorted(ordered, grouped - radius)
        information = (
            torch.tensor(float(n), dtype=values.dtype, device=values.device).digamma()
            + k.to(values).digamma().mean()
            - size[own].to(values).digamma().mean()
            - inside.clamp(min=1).to(values).digamma().mean()
        )
        result.append(information.clamp(min=0))
    return torch.stack(result)


def _explicitness(codes: Codes, factors: Factors, discrete_codes: bool) -> float:
    """Share of each factor's entropy that logistic regression finds, mean of all."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.preprocessing import OneHotEncoder, StandardScaler
    from threadpoolctl import threadpool_limits

    values = codes.values.cpu().numpy()
    transform = OneHotEncoder() if discrete_codes else StandardScaler()
    inputs = transform.fit_transform(values)
    shares = []
    for j, size in enumerate(factors.sizes):
        known = factors.known[:, j].cpu().numpy()
        labels = factors.labels[:, j].cpu().numpy()[known]
        model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100)
        with warnings.catch_warnings(), threadpool_limits(1):
            # Without a penalty separable classes have no finite optimum; the
            # protocol stops at 100 steps.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(inputs[known], labels)
            loss = log_loss(labels, model.predict_proba(inputs[known]))
        # With balanced classes and no inputs the best guess is a uniform one.
        shares.append(1 - loss / np.log(size))
    return float(np.mean(shares))
