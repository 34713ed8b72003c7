"""All metrics at once: encode once, share the codes, put noise beside each."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from dlib.inference import device_of, encode, evaluating
from dlib.metrics.chunk_use import ChunkUseTask
from dlib.metrics.inputs import (
    Codes,
    Factors,
    NotApplicable,
    as_codes,
    as_factors,
    halves,
    prepare_test,
)
from dlib.metrics.inputs.chunks import chunk_widths
from dlib.metrics.inputs.population import Grid, Population, Table, codes_of
from dlib.metrics.mixture_novelty import MixtureNoveltyTask
from dlib.metrics.noise import noise_codes_of, noise_like
from dlib.metrics.reconstruction import ReconstructionError
from dlib.metrics.report import Report
from dlib.metrics.score import Score
from dlib.metrics.table import PROTOCOL, Entry, Metric, Which, entries
from dlib.metrics.translation import TranslationTask
from dlib.progress import Progress

if TYPE_CHECKING:
    from dlib.data.dataset import Dataset
    from dlib.data.factors import FactorSpace
    from dlib.models.method import Method


@dataclass
class Points:
    """What metrics are computed from.

    Attributes
    ----------
    codes, factors
        All points, for metrics that fit and score on the same ones.
    split
        Codes and factors to fit on, codes and factors to test on.
    grid
        Where Z-diff and the FactorVAE score draw their samples from, if not from
        the two halves of the split.
    seed
        Of every draw.
    labels
        Of the points, int64 (n,), where there are some.
    groups
        Where the method predicts a point's group: from codes, (n, d), to int64 (n,).
    name
        Of the data set: what is not merged is one domain, of this name.
    """

    codes: Codes
    factors: Factors
    split: tuple[Codes, Factors, Codes, Factors]
    grid: Grid | None
    seed: int
    labels: Tensor | None = None
    groups: Callable[[Tensor], Tensor] | None = None
    name: str | None = None
    _tables: dict[tuple[str, ...] | None, tuple[Table, Table]] = field(
        default_factory=dict, init=False
    )

    def score(self, entry: Entry) -> Score:
        """The entry's metric, with its options, of these points."""
        metric = entry.metric
        options = {**metric.preset, **entry.options}
        domain = options.pop("domain", None)
        if domain is not None:
            others = {k: v for k, v in entry.options.items() if k != "domain"}
            return self._by_domain(replace(entry, options=others), domain)
        chosen = options.pop("factors", None)
        if metric.seeded:
            options["seed"] = self.seed
        if metric.takes == "codes":
            return metric.function(self.codes, **options)
        if metric.takes in ("labels", "groups"):
            return metric.function(*self._grouped(metric), **options)
        if metric.takes == "points":
            factors = _columns(self.factors, chosen)
            return metric.function(self.codes, factors, **options)
        if metric.takes == "split":
            fit, y, test, y_test = self.split
            y, y_test = _columns(y, chosen), _columns(y_test, chosen)
            return metric.function(fit, y, test, y_test, **options)
        if self.grid is not None:
            return metric.function(self.grid, chosen, **options)
        fitting, testing = self._population(metric.name, chosen)
        return metric.function(fitting, codes_test=testing, **options)

    def _grouped(self, metric: Metric) -> tuple[Tensor, Tensor]:
        """Codes, or the groups that the method sees in them; and the labels."""
        if self.labels is None:
            raise NotApplicable(
                f"{metric.name} compares with labels, and this data has none; merged "
                "data has the domains"
            )
        if metric.takes == "labels":
            return self.codes.values, self.labels
        if self.groups is None:
            raise NotApplicable(
                f"{metric.name} takes a method that predicts a point's group (with "
                "groups); cluster_accuracy looks for groups in any codes"
            )
        return self.groups(self.codes.values), self.labels

    def _by_domain(self, entry: Entry, domain: str) -> Score:
        """The entry's score on one domain of merged data, or the mean over each."""
        if domain != "each":
            return self._of_domain(domain).score(entry)
        names = self._domains()
        values = {name: self._of_domain(name).score(entry).value for name in names}
        return Score(entry.metric.name, sum(values.values()) / len(values), values)

    def _domains(self) -> list[str]:
        """Names of the domains: of data that is not merged, its own."""
        if self.name is not None and not any("." in n for n in self.factors.names):
            return [self.name]
        return list(dict.fromkeys(map(domain_of, self.factors.names)))

    def _of_domain(self, domain: str) -> Points:
        """The domain's points, with the factors that it has."""
        known = self._domains()
        if domain not in known:
            raise ValueError(
                f"no domain {domain!r}; there are {', '.join(known)}, and each"
            )
        if domain == self.name:
            return self
        fit, y, test, y_test = self.split
        cut = _domain(self.codes, self.factors, domain)
        parts = (*_domain(fit, y, domain), *_domain(test, y_test, domain))
        return Points(*cut, parts, None, self.seed)

    def _population(
        self, metric: str, chosen: Sequence[str] | None
    ) -> tuple[Population, Population]:
        """Points to draw from, the same for every metric of the same factors."""
        key = None if chosen is None else tuple(chosen)
        if key not in self._tables:
            fit, y, test, y_test = self.split
            self._tables[key] = (
                Table(fit, _columns(y, chosen), metric),
                Table(test, _columns(y_test, chosen), metric),
            )
        return self._tables[key]


# Metrics that decode codes anew, by name: each is scored from the codes to fit on.
TASKS: dict[str, Any] = {
    "translation": TranslationTask,
    "chunk_use": ChunkUseTask,
    "mixture_novelty": MixtureNoveltyTask,
}


def evaluate(
    method: Method | Any,
    dataset: Dataset,
    which: Which = "all",
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

    Draws ``n`` pictures to fit on from a part of the data set and ``n_test`` to test
    on from the rest, in proportion, so that no picture is fitted on and tested on;
    encodes each once (float32, without gradients), and gives the codes to every
    metric, cut into the method's chunks. Of a part that has no more points than are
    asked for, all equally likely, each is taken once: the report's protocol says
    how many there were.

    Parameters
    ----------
    method : Method
        With ``encode``; with ``decode`` for ``"reconstruction"``, ``"translation"``,
        ``"chunk_use"`` and ``"mixture_novelty"``; with ``chunks``, if its codes are
        not latents one by one.
    dataset : Dataset
        Where images and factors come from; the held-out part, if there is one.
        Factors of -1 are unknown there.
    which : "all", str, (str, mapping), or sequence of them
        Names of metrics, or pairs of a name and options such as
        ``("dci_forest", {"max_depth": 4})``; ``dlib.metrics.METRICS`` has them. What
        takes factors has the option ``factors``, the names of those to look at:
        ``("z_diff", {"factors": ["posX", "posY"]})``; and the option ``domain``, of
        merged data: one domain's points and factors, or ``"each"`` for the mean over
        all, with each in the score's parts; other data is one domain, of its own
        name. The report calls a pair ``name(option=value)``, as
        :func:`dlib.metrics.label_of` gives it. ``"all"``
        is one protocol of each but what the table leaves out, and says of those
        that the data does not suit why.
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
        the published protocol does (737,280 images for dSprites; to fit and to test
        on the same ones).
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
        If a metric or an option is unknown, ``n``, ``n_test`` or ``draw_from`` has no
        sense, the data set draws several pictures together, the chunks do not add
        up to the codes, or the encoder gives NaN.
    NotApplicable
        If the data does not suit a metric that was named. Under "all" the metric is
        skipped instead, and the report says why.

    Examples
    --------
    >>> import torch
    >>> from dlib import data, metrics, models, networks
    >>> shapes = data.load("dsprites", source="twin", size=32)
    >>> nets = networks.build("conv", latent_dim=4, channels=1, size=32)
    >>> random = torch.Generator().manual_seed(0)
    >>> method = networks.initialise(models.BetaVAE(nets), random)
    >>> report = metrics.evaluate(
    ...     method, shapes, ["mig", ("z_diff", {"factors": ["scale", "posX"]})],
    ...     n=700, n_test=350, progress=False)
    >>> list(report.scores)
    ['mig', 'z_diff(factors=[scale, posX])']
    """
    wanted = entries(which, with_method=True)
    if n < 2 or n_test < 2:
        raise ValueError(f"n and n_test must be at least 2, got {n} and {n_test}")
    if draw_from not in ("points", "grid"):
        raise ValueError(f"draw_from must be points or grid, got {draw_from!r}")
    whole = hasattr(dataset, "render") and len(dataset) == len(dataset.space)
    if draw_from == "grid" and not whole:
        raise ValueError(
            "draw_from='grid' needs the whole grid, and this is a part of it or none "
            f"({len(dataset):,} images, {math.prod(dataset.space.sizes):,} "
            "combinations of factors); use 'points'"
        )
    if dataset.together:
        raise ValueError(
            f"metrics look at pictures one by one, and {type(dataset).__name__} draws "
            "several together: give the data set that it is made of"
        )
    where = torch.device(device) if device is not None else device_of(method)
    index = draw_points(dataset, n, n_test, seed)
    of_method = [entry for entry in wanted if entry.metric.takes == "method"]
    errors = {
        entry.label: ReconstructionError(**entry.options)
        for entry in of_method
        if entry.metric.name == "reconstruction"
    }
    tasks = {
        entry.label: TASKS[entry.metric.name](**entry.options, seed=seed)
        for entry in of_method
        if entry.metric.name in TASKS
    }
    for task in tasks.values():
        task.require(len(index[0]))
    began = time.perf_counter()
    codes = _encode(method, dataset, index, list(errors.values()), batch_size, progress)
    encoding = time.perf_counter() - began
    checked = as_codes(_in_chunks(method, codes.to(where)))
    factors = dataset.factors(torch.cat(index)).cpu().double()
    factors[factors < 0] = torch.nan  # unknown, as in a data set of several
    table = as_factors(factors, checked, space=dataset.space, varying=False)
    sizes = [len(points) for points in index]
    fit, test = torch.arange(sum(sizes), device=where).split(sizes)
    split = checked.rows(fit), table.rows(fit), checked.rows(test), table.rows(test)
    labels = dataset.labels(index[0])
    grid = None
    if draw_from == "grid":
        grid = Grid(
            codes_of(method, dataset, batch_size=batch_size), dataset.space, where
        )
    report = _report(
        f"{type(method).__name__} on {dataset.name} ({dataset.source})",
        [entry for entry in wanted if entry not in of_method],
        Points(
            split[0],
            split[1],
            split,
            grid,
            seed,
            labels,
            _grouping(method),
            dataset.name,
        ),
        strict=which != "all",
        noise_floor=noise_floor,
        progress=progress,
    )
    scores, seconds = dict(report.scores), dict(report.seconds)
    for label, error in errors.items():
        scores[label] = replace(error.score(), name=label)
    for label, task in tasks.items():
        began = time.perf_counter()
        score = task.score(method, codes[: len(index[0])])
        scores[label] = replace(score, name=label)
        seconds[label] = time.perf_counter() - began
    return replace(
        report,
        scores={e.label: scores[e.label] for e in wanted if e.label in scores},
        seconds={**seconds, "encoding": encoding},
    )


def evaluate_codes(
    codes: Any,
    factors: Any,
    codes_test: Any = None,
    factors_test: Any = None,
    which: Which = "all",
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
    which : "all", str, (str, mapping), or sequence of them
        As for :func:`evaluate`.
    names, kinds, space
        Of the factors; see :func:`dlib.metrics.inputs.as_factors`.
    sample : Grid, optional
        Where Z-diff and the FactorVAE score draw from. Without, from the points to
        fit on and the points to test on, if the factors are discrete, without gaps,
        and each value comes often enough in both; else they do not apply.
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
        If a metric or an option is unknown, only one of ``codes_test`` and
        ``factors_test`` is given, or as :func:`dlib.metrics.inputs.as_codes` and
        :func:`dlib.metrics.inputs.as_factors`.
    NotApplicable
        If a metric that was named cannot take these codes or factors. Under "all"
        it is skipped instead, and the report says why.

    Examples
    --------
    >>> import numpy as np
    >>> from dlib import metrics
    >>> rng = np.random.default_rng(0)
    >>> factors = rng.integers(0, 4, (600, 2))
    >>> codes = factors + 0.1 * rng.normal(size=(600, 2))
    >>> report = metrics.evaluate_codes(
    ...     codes, factors, which=["mig", ("dci_forest", {"max_depth": 3})],
    ...     progress=False)
    >>> report["mig"].value > 0.9 > 0.1 > report["mig"].noise_floor
    True
    """
    wanted = entries(which, with_method=False)
    checked = as_codes(codes)
    table = as_factors(
        factors, checked, names=names, kinds=kinds, space=space, varying=False
    )
    if (codes_test is None) != (factors_test is None):
        raise ValueError("give both codes_test and factors_test, or neither")
    if codes_test is None:
        split = halves(checked, table, seed)
    else:
        test, table_test = prepare_test(
            checked,
            table,
            codes_test,
            factors_test,
            metric="evaluate_codes",
            known=False,
        )
        split = (checked, table, test, table_test)
    return _report(
        title,
        wanted,
        Points(checked, table, split, sample, seed),
        strict=which != "all",
        noise_floor=noise_floor,
        progress=progress,
    )


def draw_points(
    dataset: Dataset, n: int, n_test: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Points to fit on and points to test on, with none in common.

    Parameters
    ----------
    dataset : Dataset
        Is cut in two, in the proportion of ``n`` and ``n_test``.
    n, n_test : int
        How many to draw from each part, by its law and with replacement. Of a part
        that has no more, all equally likely, each is taken once, in the part's
        order.
    seed : int
        Of the cut and the draws.

    Returns
    -------
    fit, test : Tensor
        Index of the points, int64.
    """
    generator = torch.Generator().manual_seed(seed)
    cut = n / (n + n_test)
    drawn = []
    for part, count in (
        (dataset.part(0, cut, seed), n),
        (dataset.part(cut, 1, seed), n_test),
    ):
        if part.uniform and len(part) <= count:
            drawn.append(part.points(torch.arange(len(part), device=part.device)))
        else:
            drawn.append(part.draw(count, generator))
    return drawn[0], drawn[1]


def _columns(factors: Factors, chosen: Sequence[str] | None) -> Factors:
    return factors if chosen is None else factors.columns(chosen)


def _grouping(method: Any) -> Callable[[Tensor], Tensor] | None:
    """The groups that the method puts codes in, if it does."""
    if not hasattr(method, "groups"):
        return None

    def groups(codes: Tensor) -> Tensor:
        with evaluating(method):
            return method.groups(codes.to(device_of(method)))

    return groups


def domain_of(factor: str) -> str:
    """The domain that a factor of merged data is of: what stands before the dot.

    Raises
    ------
    ValueError
        If there is no dot.
    """
    domain, dot, _ = factor.rpartition(".")
    if not dot:
        raise ValueError(
            f"domains are those of merged data, and {factor!r} is of none: leave the "
            "option domain out"
        )
    return domain


def _domain(codes: Codes, factors: Factors, domain: str) -> tuple[Codes, Factors]:
    mine = [name for name in factors.names if domain_of(name) == domain]
    own = factors.columns(mine)
    rows = own.known.all(dim=1).nonzero()[:, 0]
    return codes.rows(rows), own.rows(rows)


def _in_chunks(method: Any, codes: Tensor) -> Tensor | list[Tensor]:
    """The codes as the method cuts them; one matrix if each column is a latent."""
    widths = chunk_widths(method, codes.shape[1])
    if all(width == 1 for width in widths):
        return codes
    return list(codes.split(widths, dim=1))


def _encode(
    method: Any,
    dataset: Dataset,
    index: tuple[Tensor, Tensor],
    errors: Sequence[ReconstructionError],
    batch_size: int,
    progress: bool,
) -> Tensor:
    """Codes of all points; those to fit on are decoded too if there are errors."""
    points, done = torch.cat(index), 0

    def decode(images: Tensor, codes: Tensor) -> None:
        nonlocal done
        keep = min(len(codes), max(0, len(index[0]) - done))
        done += len(codes)
        if errors and keep:
            made = method.decode(codes[:keep])
            for error in errors:
                error.add(images[:keep], made)

    with Progress("encoding", len(points), show=progress) as bar:
        return encode(
            method,
            dataset.images,
            points,
            batch_size=batch_size,
            seen=decode,
            progress=bar.update,
        )


def _report(
    title: str,
    wanted: list[Entry],
    real: Points,
    *,
    strict: bool,
    noise_floor: bool,
    progress: bool,
) -> Report:
    train, factors_train, test, factors_test = real.split
    codes, seed, grid = real.codes, real.seed, real.grid
    noisy = replace(
        real,
        codes=noise_like(codes, 3 * seed),
        split=(
            noise_like(train, 3 * seed + 1),
            factors_train,
            noise_like(test, 3 * seed + 2),
            factors_test,
        ),
        grid=None
        if grid is None
        else Grid(noise_codes_of(codes.latent_dim, seed), grid.space, grid.device),
    )
    scores: dict[str, Score] = {}
    skipped: dict[str, str] = {}
    seconds: dict[str, float] = {}
    with Progress("scoring", max(len(wanted), 1), show=progress) as bar:
        for done, entry in enumerate(wanted):
            bar.update(done, entry.label)
            began = time.perf_counter()
            try:
                score = real.score(entry)
                if noise_floor:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore", UserWarning)
                        score = score.with_noise_floor(noisy.score(entry).value)
            except NotApplicable as reason:
                if strict:
                    raise
                skipped[entry.label] = str(reason)
                continue
            scores[entry.label] = replace(score, name=entry.label)
            seconds[entry.label] = time.perf_counter() - began
        bar.update(len(wanted))
    protocol: Mapping[str, Any] = {
        "protocol": PROTOCOL,
        "n": codes.n,
        "n_train": train.n,
        "n_test": test.n,
        "seed": seed,
        "samples from": "points" if grid is None else "grid",
    }
    return Report(title, scores, skipped, seconds, protocol)
