"""The FactorVAE score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dlib.metrics.estimators.threads import one_thread
from dlib.metrics.inputs import NotApplicable, instead, require_points
from dlib.metrics.inputs.population import BLOCK, Population, populations
from dlib.metrics.score import Score

if TYPE_CHECKING:
    from dlib.data.factors import FactorSpace


@one_thread
def factor_vae(
    codes: Any,
    factors: Any = None,
    codes_test: Any = None,
    factors_test: Any = None,
    *,
    space: FactorSpace | None = None,
    n_train: int = 10_000,
    n_test: int = 5_000,
    batch_size: int = 64,
    n_variance: int = 10_000,
    inactive_std: float = 0.05,
    seed: int = 0,
) -> Score:
    r"""Accuracy of a majority vote on which code varies least.

    For each vote a factor k is drawn and L images that agree in it. The vote is

    .. math::
        d^* = \arg\min_d \; \frac{\mathrm{Var}_l\, z_d(x_l)}{\mathrm{Var}\, z_d}

    and the classifier predicts, for each d*, the factor that it was cast for most
    often. Section 2 of Kim and Mnih, *Disentangling by Factorising* (2018), with
    disentanglement_lib's protocol: L = 64, 10,000 votes to learn from and 5,000
    to test, variances from 10,000 points, codes of standard deviation under 0.05
    dropped. That last constant makes the score depend on the codes' scale:
    codes multiplied by 0.01 can fall from 1 to 0.

    Perfect codes get 1, useless ones about 1 / k, and no active code at all 0.
    A factor spread over several codes costs nothing.

    Parameters
    ----------
    codes, factors, codes_test, factors_test, space
        Where points come from, as for :func:`dlib.metrics.z_diff`.
    n_train, n_test : int
        Votes.
    batch_size : int
        L, images a vote.
    n_variance : int
        Points for the variances over the whole data set.
    inactive_std : float
        Codes of smaller standard deviation cast no vote.
    seed : int
        Of the draws.

    Returns
    -------
    Score
        Test accuracy. Parts: ``train_accuracy``, ``votes`` (d, k) of training,
        ``active`` (the number of codes that may vote).

    Raises
    ------
    ValueError
        If the factors to test on are others than those to learn from, or as
        :class:`dlib.metrics.inputs.population.Table`.
    NotApplicable
        If there are fewer than 20 votes a factor, ``batch_size`` or ``n_variance``
        is below 2, there is one factor only, or as
        :class:`dlib.metrics.inputs.population.Table`.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> score = metrics.factor_vae(codes, factors, n_train=500, n_test=200)
    >>> score.value, score["votes"].argmax(dim=1).tolist()
    (1.0, [0, 1])
    """
    population, other = populations(
        codes, factors, codes_test, factors_test, space, "factor_vae"
    )
    count = len(population.names)
    if count < 2:
        raise NotApplicable(
            "factor_vae tells factors apart, so it needs at least two, got 1. Metrics "
            f"that take one: {instead(factors=1)}"
        )
    require_points(n_train, 20 * count, "factor_vae", "training votes (n_train)")
    require_points(n_test, 20 * count, "factor_vae", "test votes (n_test)")
    require_points(batch_size, 2, "factor_vae", "images a vote (batch_size)")
    require_points(n_variance, 2, "factor_vae", "points of the variances (n_variance)")
    generator = torch.Generator(population.device).manual_seed(seed)
    sample = population.draw((n_variance,), generator)
    if other is population:
        drawn = [(population, n_train + n_test)]
    else:
        drawn = [(population, n_train), (other, n_test)]
    votings = [(p, *_batches(p, n, batch_size, generator)) for p, n in drawn]
    population.prepare(sample, votings[0][1])
    votings[-1][0].prepare(votings[-1][1])
    variances = population.codes(sample).var(dim=0)
    active = variances.sqrt() >= inactive_std
    d = population.latent_dim
    if not bool(active.any()):
        return Score(
            "factor_vae",
            0.0,
            {"train_accuracy": 0.0, "votes": torch.zeros(d, count), "active": 0.0},
        )
    local = torch.cat(
        [p.codes(b).var(dim=1) for p, cast, _ in votings for b in cast.split(BLOCK)]
    )
    factor = torch.cat([factor for _, _, factor in votings])
    vote = (local / variances).masked_fill(~active, torch.inf).argmin(dim=1)
    votes = [
        torch.bincount(v * count + f, minlength=d * count).view(d, count).double()
        for v, f in (
            (vote[:n_train], factor[:n_train]),
            (vote[n_train:], factor[n_train:]),
        )
    ]
    answer = votes[0].argmax(dim=1, keepdim=True)
    train, test = (float(v.gather(1, answer).sum() / v.sum()) for v in votes)
    return Score(
        "factor_vae",
        test,
        {"train_accuracy": train, "votes": votes[0], "active": float(active.sum())},
    )


def _batches(
    population: Population, n: int, batch_size: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Points (n, batch_size) that agree, row by row, in the factor (n,)."""
    factor = torch.randint(
        len(population.names), (n, 1), generator=generator, device=population.device
    )
    base = population.draw((n, 1), generator).expand(n, batch_size)
    return population.sharing(base, factor, generator), factor[:, 0]
