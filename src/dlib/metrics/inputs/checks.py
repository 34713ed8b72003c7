"""Codes and factors together: what a metric asks of them before it starts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch

from dlib.metrics.inputs.applicable import NotApplicable, instead
from dlib.metrics.inputs.codes import Codes, as_codes
from dlib.metrics.inputs.factors import Factors, as_factors


def prepare(
    codes: Any,
    factors: Any,
    *,
    metric: str,
    minimum: int = 2,
    discrete: bool = False,
    names: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
) -> tuple[Codes, Factors]:
    """Check codes and factors together, for one metric.

    Parameters
    ----------
    codes, factors
        As in :func:`as_codes` and :func:`as_factors`.
    metric : str
        Named in messages.
    minimum : int
        Fewest points that the protocol makes sense for.
    discrete : bool
        Whether the metric counts values, so that real-valued factors are out.

    Raises
    ------
    ValueError
        As the two functions do.
    NotApplicable
        If there are fewer than ``minimum`` points, a factor does not vary or is
        real-valued where it may not be.
    """
    checked_codes = as_codes(codes)
    checked_factors = as_factors(factors, checked_codes, names=names, kinds=kinds)
    require_points(checked_codes.n, minimum, metric)
    if discrete:
        require_discrete(checked_factors, metric)
    return checked_codes, checked_factors


def prepare_test(
    codes: Codes,
    factors: Factors,
    codes_test: Any,
    factors_test: Any,
    *,
    metric: str,
    minimum: int = 2,
    known: bool = True,
) -> tuple[Codes, Factors]:
    """Check test points against training points that are already checked.

    ``known`` says whether a factor that is missing at all of them is an error.

    Raises
    ------
    ValueError
        If only one of the two is given, or their columns are not the training
        columns.
    NotApplicable
        If there are fewer than ``minimum`` of them, or a factor is known at none.
    """
    if codes_test is None or factors_test is None:
        raise ValueError(
            f"{metric} needs test points: give both codes_test and factors_test"
        )
    with warnings.catch_warnings():
        # A code that is constant was announced when the training codes came.
        warnings.simplefilter("ignore", UserWarning)
        codes_test = as_codes(codes_test, name="codes_test")
    factors_test = as_factors(
        factors_test,
        codes_test,
        names=None if isinstance(factors_test, Factors) else factors.names,
        kinds=None if isinstance(factors_test, Factors) else factors.kinds,
        varying=False,
        name="factors_test",
        like=factors,
    )
    if codes_test.latent_dim != codes.latent_dim:
        raise ValueError(
            f"codes_test must have {codes.latent_dim} columns like codes, "
            f"got {codes_test.latent_dim}"
        )
    if len(factors_test.names) != len(factors.names):
        raise ValueError(
            f"factors_test must have {len(factors.names)} columns like factors, "
            f"got {len(factors_test.names)}"
        )
    if known:
        require_known(factors_test)
    require_points(codes_test.n, minimum, metric, "test points")
    return codes_test, factors_test


def halves(
    codes: Codes, factors: Factors, seed: int = 0, fraction: float = 2 / 3
) -> tuple[Codes, Factors, Codes, Factors]:
    """``fraction`` of the points to fit on, drawn by the seed, the rest to test on.

    Two thirds are the reference's 10,000 and 5,000. Points may come in any order,
    a grid's too. A factor that is seldom known may come out unknown, or constant,
    in one of the two: ask :func:`require_varying` and :func:`require_known`.
    """
    order = torch.randperm(codes.n, generator=torch.Generator().manual_seed(seed))
    cut = round(codes.n * fraction)
    train, test = order[:cut].to(codes.device), order[cut:].to(codes.device)
    return codes.rows(train), factors.rows(train), codes.rows(test), factors.rows(test)


def require_points(n: int, minimum: int, metric: str, what: str = "points") -> None:
    """Raise NotApplicable if there are fewer than ``minimum`` points."""
    if n < minimum:
        raise NotApplicable(
            f"{metric} needs at least {minimum} {what} for its protocol, got {n}"
        )


def require_discrete(factors: Factors, metric: str) -> None:
    """Raise NotApplicable if a factor has too many values to be counted."""
    for j, label in enumerate(factors.names):
        if not factors.discrete[j]:
            raise NotApplicable(
                f"{metric} counts how often each value of a factor occurs, and "
                f"{label} is real-valued ({factors.sizes[j]} distinct values in "
                f"{factors.n} points). Metrics that take it as it is: "
                f"{instead(discrete=False)}. Or bin it first: "
                "metrics.bin_values(factors, bins=20)"
            )


def require_varying(factors: Factors, metric: str) -> None:
    """Raise NotApplicable if a factor has one value only where a metric fits."""
    for label, size in zip(factors.names, factors.sizes, strict=True):
        if size < 2:
            raise NotApplicable(
                f"{label} has one value only in the {factors.n} points that {metric} "
                "fits on (or is missing at all of them); give more points, or leave "
                "the factor out"
            )


def require_known(factors: Factors) -> None:
    """Raise NotApplicable if a factor is missing at all test points."""
    for label, known in zip(factors.names, factors.known.T, strict=True):
        if not bool(known.any()):
            raise NotApplicable(
                f"{label} is missing at all {factors.n} test points; give more of "
                "them, or leave the factor out"
            )
