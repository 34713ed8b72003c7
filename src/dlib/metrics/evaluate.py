"""All metrics at once: encode once, share the codes, put noise beside each."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from dlib.metrics.attribute_classifier import attribute_classifier
from dlib.metrics.dci import dci
from dlib.metrics.explicitness import explicitness
from dlib.metrics.factor_vae import factor_vae
from dlib.metrics.infomec import infomec
from dlib.metrics.inputs import (
    Codes,
    Factors,
    as_codes,
    as_factors,
    halves,
    prepare_test,
)
from dlib.metrics.irs import irs
from dlib.metrics.mig import mig
from dlib.metrics.modularity import modularity
from dlib.metrics.noise import noise_codes_of, noise_like
from dlib.metrics.inputs.population import (
    Grid,
    Population,
    Table,
    codes_of,
    device_of,
    posterior_mean,
)
from dlib.metrics.reconstruction import ReconstructionError
from dlib.metrics.report import Report
from dlib.metrics.retrieval import retrieval
from dlib.metrics.sap import sap
from dlib.metrics.score import Score
from dlib.metrics.unsupervised import (
    gaussian_total_correlation,
    gaussian_wasserstein_correlation,
    mean_code_mi,
)
from dlib.metrics.z_diff import z_diff
from dlib.progress import Progress

if TYPE_CHECKING:
    from dlib.data.dataset import Dataset
    from dlib.data.factors import FactorSpace
    from dlib.models.method import Method


@dataclass(frozen=True)
class Points:
    """What metrics are computed from.

    Attributes
    ----------
    codes, factors
        All points, for metrics that fit and score on the same ones.
    split
        Codes and factors to fit on, codes and factors to test on.
    population
        Makes what Z-diff and the FactorVAE score draw their samples from.
    seed
        Of every draw.
    """

    codes: Codes
    factors: Factors
    split: tuple[Codes, Factors, Codes, Factors]
    population: Callable[[], Population]
    seed: int


METRICS: dict[str, Callable[[Points], Score]] = {
    "mig": lambda p: mig(p.codes, p.factors),
    "sap": lambda p: sap(p.codes, p.factors),
    "sap_discrete": lambda p: sap(*p.split, variant="reference_discrete"),
    "sap_continuous": lambda p: sap(p.codes, p.factors, variant="reference_continuous"),
    "z_diff": lambda p: z_diff(p.population(), seed=p.seed),
    "z_diff_logistic": lambda p: z_diff(
        p.population(), classifier="logistic", seed=p.seed
    ),
    "factor_vae": lambda p: factor_vae(p.population(), seed=p.seed),
    "dci": lambda p: dci(*p.split, seed=p.seed),
    "dci_forest": lambda p: dci(*p.split, predictor="forest", seed=p.seed),
    "irs": lambda p: irs(p.codes, p.factors),
    "modularity": lambda p: modularity(p.codes, p.factors),
    "explicitness": lambda p: explicitness(*p.split),
    "infomec": lambda p: infomec(p.codes, p.factors),
    "gaussian_total_correlation": lambda p: gaussian_total_correlation(p.codes),
    "gaussian_wasserstein_correlation": lambda p: gaussian_wasserstein_correlation(
        p.codes
    ),
    "mean_code_mi": lambda p: mean_code_mi(p.codes),
    "attribute_classifier": lambda p: attribute_classifier(*p.split),
    "retrieval": lambda p: retrieval(p.codes, p.factors, seed=p.seed),
}

# Needs the method itself; ``evaluate`` alone can compute it.
RECONSTRUCTION = "reconstruction"

# What "all" leaves out: second protocols of a metric that is in; what is for
# binary attributes only; and retrieval, which is about chunks and takes longer
# than all others together.
LEFT_OUT = (
    "sap_discrete",
    "sap_continuous",
    "z_diff_logistic",
    "dci_forest",
    "attribute_classifier",
    "retrieval",
)


def evaluate(
    method: Method | Any,
    dataset: Dataset,
    which: Sequence[str] | Literal["all"] = "all",
    *,
    n: int = 10_000,
    n_test: int = 5_000,
    seed: int = 0,
    device: torch.device | str | None = None,
    batch_size: int = 512,
    draw_from: Literal["points", "grid"] = "points",
    noise_floor: bool = True,
    progress: bool = True,
) -> Report:
    """Score a trained method on a data set.

    Draws ``n + n_test`` images, encodes each once (posterior means, float32,
    without gradients), and gives the codes to every metric.

    Parameters
    ----------
    method : Method
        With ``encode``; with ``decode`` for ``"reconstruction"``.
    dataset : Dataset
        Where images and factors come from; the held-out part, if there is one.
    which : sequence of str, or "all"
        Names of metrics; ``dlib.metrics.METRICS`` lists them. ``"all"`` is one
        protocol of each but retrieval (ask for that one by name), and says of
        those that cannot be computed why.
    n, n_test : int
        Points to fit on and to test on; the reference's 10,000 and 5,000.
    seed : int
        Of every draw.
    device : torch.device or str, optional
        Where codes go and metrics are computed; where the method is by default,
        which is where it encodes.
    batch_size : int
        Images encoded at a time.
    draw_from : {"points", "grid"}
        Where Z-diff and the FactorVAE score draw from: the points encoded here,
        with replacement, or the whole grid, each distinct image encoded once, as
        the published protocol does (737,280 images for dSprites).
    noise_floor : bool
        Whether to score noise by the same protocols too.
    progress : bool
        Whether to show how far it is.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If a metric is unknown, one that was named cannot be computed, or the
        encoder gives NaN.
    """
    names = _names(which, with_method=True)
    if n < 2 or n_test < 2:
        raise ValueError(f"n and n_test must be at least 2, got {n} and {n_test}")
    if draw_from not in ("points", "grid"):
        raise ValueError(f"draw_from must be points or grid, got {draw_from!r}")
    if draw_from == "grid" and len(dataset) != len(dataset.space):
        raise ValueError(
            "draw_from='grid' needs the whole grid, and this is a part of it "
            f"({len(dataset):,} of {len(dataset.space):,} images); use 'points'"
        )
    where = torch.device(device) if device is not None else device_of(method)
    factors = dataset.sample_factors(n + n_test, torch.Generator().manual_seed(seed))
    error = ReconstructionError() if RECONSTRUCTION in names else None
    began = time.perf_counter()
    codes = _encode(method, dataset, factors, n, error, where, batch_size, progress)
    encoding = time.perf_counter() - began
    table = as_factors(factors.to(where), space=dataset.space, varying=False)
    cut = torch.arange(n + n_test, device=where).split([n, n_test])
    checked = as_codes(codes)
    grid = None
    if draw_from == "grid":
        grid = Grid(
            codes_of(method, dataset, batch_size=batch_size),
            dataset.space,
            where,
        )
    train, factors_train = checked.rows(cut[0]), as_factors(table.rows(cut[0]))
    report = _report(
        f"{type(method).__name__} on {dataset.name} ({dataset.source})",
        [name for name in names if name != RECONSTRUCTION],
        (train, factors_train),
        (train, factors_train, checked.rows(cut[1]), table.rows(cut[1])),
        grid,
        seed=seed,
        strict=which != "all",
        noise_floor=noise_floor,
        progress=progress,
    )
    scores = dict(report.scores)
    if error is not None:
        scores[RECONSTRUCTION] = error.score()
    return replace(
        report,
        scores={name: scores[name] for name in names if name in scores},
        seconds={**report.seconds, "encoding": encoding},
    )


def evaluate_codes(
    codes: Any,
    factors: Any,
    codes_test: Any = None,
    factors_test: Any = None,
    which: Sequence[str] | Literal["all"] = "all",
    *,
    names: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
    space: FactorSpace | None = None,
    sample: Grid | None = None,
    seed: int = 0,
    noise_floor: bool = True,
    progress: bool = True,
    title: str = "codes",
) -> Report:
    """Score codes that somebody else made.

    Parameters
    ----------
    codes : array, Tensor, or list of chunks
        Shape (n, d).
    factors : array, Tensor or DataFrame
        Shape (n, k): discrete or real-valued, with or without gaps.
    codes_test, factors_test : optional
        Test points. Without, metrics that need some are fitted on two thirds of
        the points, shuffled by the seed, and tested on the rest; those that
        need none take all.
    which : sequence of str, or "all"
        As for :func:`evaluate`.
    names, kinds, space
        Of the factors; see :func:`dlib.metrics.inputs.as_factors`.
    sample : Grid, optional
        Where Z-diff and the FactorVAE score draw from. Without, from the points
        given, if the factors are discrete, without gaps, and each value comes
        often enough; else they are skipped and the report says why.
    seed : int
        Of every draw.
    noise_floor : bool
        Whether to score noise by the same protocols too.
    progress : bool
        Whether to show how far it is.
    title : str
        Of the report.

    Returns
    -------
    Report

    Raises
    ------
    ValueError
        If a metric is unknown, one that was named cannot take these codes or
        factors, or as :func:`dlib.metrics.inputs.prepare`.
    """
    chosen = _names(which, with_method=False)
    checked = as_codes(codes)
    table = as_factors(factors, checked, names=names, kinds=kinds, space=space)
    if (codes_test is None) != (factors_test is None):
        raise ValueError("give both codes_test and factors_test, or neither")
    if codes_test is None:
        split = halves(checked, table, seed)
    else:
        test, table_test = prepare_test(
            checked, table, codes_test, factors_test, metric="evaluate_codes"
        )
        split = (checked, table, test, table_test)
    return _report(
        title,
        chosen,
        (checked, table),
        split,
        sample,
        seed=seed,
        strict=which != "all",
        noise_floor=noise_floor,
        progress=progress,
    )


def _names(which: Sequence[str] | str, with_method: bool) -> list[str]:
    known = [*METRICS, RECONSTRUCTION]
    if isinstance(which, str) and which == "all":
        chosen = [name for name in METRICS if name not in LEFT_OUT]
        return [*chosen, RECONSTRUCTION] if with_method else chosen
    chosen = [which] if isinstance(which, str) else list(which)
    for name in chosen:
        if name == "group_mig":
            raise ValueError(
                "group_mig must be told which chunk each factor belongs to: call "
                "metrics.group_mig(codes, factors, groups)"
            )
        if name not in known:
            raise ValueError(
                f"no metric is called {name!r}; there are {', '.join(known)}, or 'all'"
            )
    if RECONSTRUCTION in chosen and not with_method:
        raise ValueError(
            "reconstruction needs the method and its images: use "
            "metrics.evaluate(method, dataset) or metrics.reconstruction"
        )
    return chosen


def _encode(
    method: Any,
    dataset: Dataset,
    factors: Tensor,
    n: int,
    error: ReconstructionError | None,
    device: torch.device,
    batch_size: int,
    progress: bool,
) -> Tensor:
    """Codes of all points; the first ``n`` are decoded too if there is an error."""
    was_training = bool(getattr(method, "training", False))
    if was_training:
        method.eval()
    codes: list[Tensor] = []
    done = 0
    try:
        with torch.no_grad(), Progress("encoding", len(factors), show=progress) as bar:
            for part in factors.split(batch_size):
                images = dataset.render(part).to(device_of(method)).float() / 255.0
                mean = posterior_mean(method, images).float()
                codes.append(mean.to(device))
                if error is not None and done < n:
                    keep = min(len(part), n - done)
                    error.add(images[:keep], method.decode(mean[:keep]))
                done += len(part)
                bar.update(done)
    finally:
        if was_training:
            method.train()
    return torch.cat(codes)


def _report(
    title: str,
    names: list[str],
    whole: tuple[Codes, Factors],
    split: tuple[Codes, Factors, Codes, Factors],
    grid: Grid | None,
    *,
    seed: int,
    strict: bool,
    noise_floor: bool,
    progress: bool,
) -> Report:
    codes, factors = whole
    train, factors_train, test, factors_test = split
    real = Points(
        codes,
        factors,
        split,
        _once(lambda: grid or Table(codes, factors, "drawing samples from points")),
        seed,
    )
    noise = noise_like(codes, 3 * seed)
    noisy = Points(
        noise,
        factors,
        (
            noise_like(train, 3 * seed + 1),
            factors_train,
            noise_like(test, 3 * seed + 2),
            factors_test,
        ),
        _once(
            lambda: (
                Table(noise, factors)
                if grid is None
                else Grid(
                    noise_codes_of(codes.latent_dim, seed), grid.space, grid.device
                )
            )
        ),
        seed,
    )
    scores: dict[str, Score] = {}
    skipped: dict[str, str] = {}
    seconds: dict[str, float] = {}
    with Progress("scoring", max(len(names), 1), show=progress) as bar:
        for done, name in enumerate(names):
            bar.update(done, name)
            began = time.perf_counter()
            try:
                score = METRICS[name](real)
            except ValueError as reason:
                if strict:
                    raise
                skipped[name] = str(reason)
                continue
            if noise_floor:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)
                    score = score.with_noise_floor(METRICS[name](noisy).value)
            scores[name] = replace(score, name=name)
            seconds[name] = time.perf_counter() - began
        bar.update(len(names))
    protocol = {
        "n": codes.n,
        "n_train": train.n,
        "n_test": test.n,
        "seed": seed,
        "samples from": "points" if grid is None else "grid",
    }
    return Report(title, scores, skipped, seconds, protocol)


def _once(make: Callable[[], Population]) -> Callable[[], Population]:
    """The same population for every metric, made when the first one asks."""
    made: list[Population] = []

    def get() -> Population:
        if not made:
            made.append(make())
        return made[0]

    return get
