"""The metrics, one line each: what each takes, gives and asks for.

This table is the only place that says so: :func:`dlib.metrics.evaluate` computes
by it, a :class:`dlib.metrics.Report` draws by it, and messages name by it the
metrics that would take what another refuses.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dlib.metrics.active_units import active_units
from dlib.metrics.attribute_classifier import attribute_classifier
from dlib.metrics.chunk_use import chunk_use
from dlib.metrics.dci import dci
from dlib.metrics.explicitness import explicitness
from dlib.metrics.factor_vae import factor_vae
from dlib.metrics.group_accuracy import cluster_accuracy, group_accuracy
from dlib.metrics.group_mig import group_mig
from dlib.metrics.infomec import infomec
from dlib.metrics.irs import irs
from dlib.metrics.mig import mig
from dlib.metrics.mixture_novelty import mixture_novelty
from dlib.metrics.modularity import modularity
from dlib.metrics.reconstruction import reconstruction
from dlib.metrics.retrieval import retrieval
from dlib.metrics.sap import sap
from dlib.metrics.score import Score
from dlib.metrics.translation import translation
from dlib.metrics.unsupervised import (
    gaussian_total_correlation,
    gaussian_wasserstein_correlation,
    mean_code_mi,
)
from dlib.metrics.z_diff import z_diff

# Of all protocols together: how points are drawn and what is computed from them.
# A stored score says which it was measured by. Raise it when any of them changes,
# so that scores of the two are not put side by side as if they were one.
# 1: points to test on drawn from the same pictures as points to fit on. 2: disjoint.
PROTOCOL = 2

Takes = Literal["codes", "points", "split", "population", "labels", "groups", "method"]

# What evaluate gives a metric, so that a caller cannot.
_GIVEN = (
    "codes",
    "factors",
    "labels",
    "predicted",
    "codes_test",
    "factors_test",
    "names",
    "kinds",
    "space",
    "seed",
)
_GIVEN_TO_METHOD = ("method", "images", "batch_size")


@dataclass(frozen=True)
class Metric:
    """What is to be known of a metric.

    Attributes
    ----------
    name : str
        As :func:`dlib.metrics.evaluate` takes it.
    function : callable
        Computes it.
    takes : {"codes", "points", "split", "population", "labels", "groups", "method"}
        What the function is given: codes alone; codes and their factors; points to
        fit on and others to test on; something to draw points from that share a
        factor; codes and labels; the groups that the method puts points in and
        labels; or the method and its pictures.
    preset : mapping
        Options that make this protocol of the function's.
    left_out : str
        Why "all" leaves it out; empty for a metric that is in.
    bounds : (float, float)
        Between which its values lie.
    larger_is_better : bool
        Whether the ideal is the upper bound.
    discrete : bool
        Whether it counts values, so that real-valued factors are refused.
    gaps : bool
        Whether factors may have missing values.
    codes, factors : int
        Fewest codes, and factors, that it takes.
    chunks : bool
        Whether it scores the chunks of codes as wholes; others take their columns.
    """

    name: str
    function: Callable[..., Score]
    takes: Takes
    preset: Mapping[str, Any] = field(default_factory=dict)
    left_out: str = ""
    bounds: tuple[float, float] = (0.0, 1.0)
    larger_is_better: bool = True
    discrete: bool = True
    gaps: bool = True
    codes: int = 1
    factors: int = 1
    chunks: bool = False

    @property
    def in_all(self) -> bool:
        """Whether "all" means it too."""
        return not self.left_out

    @property
    def takes_factors(self) -> bool:
        """Whether it is computed with factors, which can then be chosen."""
        return self.takes in ("points", "split", "population")

    @property
    def seeded(self) -> bool:
        """Whether the function takes the seed of its draws."""
        return "seed" in inspect.signature(self.function).parameters

    @property
    def options(self) -> tuple[str, ...]:
        """Names of its options, ``factors`` and ``domain`` (which ones) among them.

        The function's own, but for those that tell its protocols apart: these have
        names of their own.
        """
        given = {*_GIVEN, *(_GIVEN_TO_METHOD if self.takes == "method" else ())}
        for metric in METRICS.values():
            if metric.function is self.function:
                given |= metric.preset.keys()
        names = inspect.signature(self.function).parameters
        own = [name for name in names if name not in given]
        return (*own, "factors", "domain") if self.takes_factors else tuple(own)

    @property
    def needed(self) -> tuple[str, ...]:
        """Names of the options that have no default."""
        parameters = inspect.signature(self.function).parameters
        return tuple(
            n for n in self.options
            if n in parameters and n not in ("factors", "domain")
            and parameters[n].default is inspect.Parameter.empty
        )  # fmt: skip


_SECOND = "a second protocol of {}"

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("mig", mig, "points", codes=2),
        Metric("sap", sap, "points", codes=2, discrete=False),
        Metric(
            "sap_discrete",
            sap,
            "split",
            {"variant": "reference_discrete"},
            _SECOND.format("sap"),
            codes=2,
        ),
        Metric(
            "sap_logistic",
            sap,
            "split",
            {"variant": "logistic"},
            _SECOND.format("sap"),
            codes=2,
            discrete=False,
            chunks=True,
        ),
        Metric(
            "sap_continuous",
            sap,
            "points",
            {"variant": "reference_continuous"},
            _SECOND.format("sap"),
            codes=2,
            discrete=False,
        ),
        Metric("z_diff", z_diff, "population", factors=2, gaps=False),
        Metric(
            "z_diff_logistic",
            z_diff,
            "population",
            {"classifier": "logistic"},
            _SECOND.format("z_diff"),
            factors=2,
            gaps=False,
        ),
        Metric("factor_vae", factor_vae, "population", factors=2, gaps=False),
        Metric("dci", dci, "split", codes=2, factors=2, chunks=True),
        Metric(
            "dci_forest",
            dci,
            "split",
            {"predictor": "forest"},
            _SECOND.format("dci"),
            codes=2,
            factors=2,
            discrete=False,
            chunks=True,
        ),
        Metric("irs", irs, "points", discrete=False),
        Metric("modularity", modularity, "points", factors=2),
        Metric("explicitness", explicitness, "split"),
        Metric("infomec", infomec, "points", factors=2),
        Metric(
            "gaussian_total_correlation",
            gaussian_total_correlation,
            "codes",
            bounds=(0.0, math.inf),
            larger_is_better=False,
            discrete=False,
            factors=0,
        ),
        Metric(
            "gaussian_wasserstein_correlation",
            gaussian_wasserstein_correlation,
            "codes",
            bounds=(0.0, math.inf),
            larger_is_better=False,
            discrete=False,
            factors=0,
        ),
        Metric(
            "mean_code_mi",
            mean_code_mi,
            "codes",
            bounds=(0.0, math.inf),
            larger_is_better=False,
            discrete=False,
            codes=2,
            factors=0,
        ),
        Metric(
            "active_units",
            active_units,
            "codes",
            left_out="counts latents, and is no score",
            bounds=(0.0, math.inf),
            discrete=False,
            factors=0,
        ),
        Metric(
            "attribute_classifier",
            attribute_classifier,
            "split",
            left_out="for attributes with two values",
        ),
        Metric(
            "retrieval",
            retrieval,
            "points",
            left_out="takes longer than all others together",
            chunks=True,
        ),
        Metric(
            "group_mig",
            group_mig,
            "points",
            left_out="must be told which chunk each factor belongs to",
            bounds=(-1.0, 1.0),
            codes=2,
            chunks=True,
        ),
        Metric(
            "group_accuracy",
            group_accuracy,
            "groups",
            left_out="for methods that predict a point's group",
            discrete=False,
            factors=0,
        ),
        Metric(
            "cluster_accuracy",
            cluster_accuracy,
            "labels",
            left_out="for data with labels, such as merged data",
            discrete=False,
            factors=0,
        ),
        Metric(
            "reconstruction",
            reconstruction,
            "method",
            bounds=(0.0, math.inf),
            larger_is_better=False,
            discrete=False,
            factors=0,
        ),
        Metric(
            "translation",
            translation,
            "method",
            left_out="in nats a picture by default: on one scale only with itself, on "
            "the same data",
            bounds=(0.0, math.inf),
            larger_is_better=False,
            discrete=False,
            factors=0,
            chunks=True,
        ),
        Metric(
            "chunk_use",
            chunk_use,
            "method",
            left_out="counts chunks, and is no score",
            bounds=(1.0, math.inf),
            discrete=False,
            factors=0,
            chunks=True,
        ),
        Metric(
            "mixture_novelty",
            mixture_novelty,
            "method",
            left_out="depends on how many pictures there are to be near to",
            bounds=(0.0, math.inf),
            larger_is_better=False,
            discrete=False,
            factors=0,
            chunks=True,
        ),
    )
}

Named = str | Sequence[Any]
Which = Named | Sequence[Named]


@dataclass(frozen=True)
class Entry:
    """A metric with options.

    Attributes
    ----------
    metric : Metric
    options : mapping
        What was asked for, without the preset.
    label : str
        What the report calls it; see :func:`label_of`.
    """

    metric: Metric
    options: Mapping[str, Any]
    label: str


def label_of(entry: Named) -> str:
    """What a report calls an entry of ``which``.

    A name alone, or with empty options, keeps its name. Options are written behind
    it, in alphabetical order: two entries of one metric that differ have labels that
    differ.

    Parameters
    ----------
    entry : str, or (str, mapping)
        A metric's name, or a pair of the name and its options.

    Raises
    ------
    ValueError
        If the entry is neither, or the metric or an option is unknown or missing.

    Examples
    --------
    >>> from dlib.metrics import label_of
    >>> label_of(("dci_forest", {"max_depth": [4, 2, 4, 2, 2]}))
    'dci_forest(max_depth=[4, 2, 4, 2, 2])'
    >>> label_of(("group_mig", {"groups": {"shape": 0, "scale": 1}}))
    'group_mig(groups={shape: 0, scale: 1})'
    """
    return _entry(entry).label


def metric_of(label: str) -> Metric | None:
    """The metric that a label of a report names; None if it is not of this table."""
    return METRICS.get(label.partition("(")[0])


def entries(which: Which, *, with_method: bool) -> list[Entry]:
    """What ``which`` asks for, each once, in its order.

    Parameters
    ----------
    which : "all", str, (str, mapping), or sequence of them
        As :func:`dlib.metrics.evaluate` takes it.
    with_method : bool
        Whether there is a method with pictures.

    Raises
    ------
    ValueError
        As :func:`label_of`; or if a metric needs the method and there is none.
    """
    if isinstance(which, str) and which == "all":
        which = [
            metric.name
            for metric in METRICS.values()
            if metric.in_all and (with_method or metric.takes != "method")
        ]
    elif isinstance(which, str) or _is_pair(which):
        which = [which]
    found = {entry.label: entry for entry in map(_entry, which)}
    for entry in found.values():
        of_method = entry.metric.takes in ("labels", "groups", "method")
        if of_method and not with_method:
            raise ValueError(
                f"{entry.metric.name} needs the method and its data: use "
                f"metrics.evaluate(method, dataset) or metrics.{entry.metric.name}"
            )
    return list(found.values())


def _is_pair(entry: Any) -> bool:
    return (
        isinstance(entry, Sequence)
        and len(entry) == 2
        and isinstance(entry[0], str)
        and isinstance(entry[1], Mapping)
    )


def _entry(entry: Named) -> Entry:
    options: dict[str, Any] = {}
    if isinstance(entry, str):
        name = entry
    elif _is_pair(entry):
        pair: Any = entry
        name, options = pair[0], dict(pair[1])
    else:
        raise ValueError(
            "a metric is asked for by its name, or by a pair of the name and its "
            f'options such as ("dci_forest", {{"max_depth": 4}}); got {entry!r}'
        )
    if name not in METRICS:
        raise ValueError(
            f"no metric is called {name!r}; there are {', '.join(METRICS)}, or 'all'"
        )
    metric = METRICS[name]
    for option in options:
        if option not in metric.options:
            raise ValueError(
                f"{name} has no option {option!r}; it has "
                f"{', '.join(metric.options) or 'none'}"
            )
    for option in metric.needed:
        if option not in options:
            raise ValueError(
                f"{name} needs the option {option}: give the pair "
                f'("{name}", {{"{option}": ...}})'
            )
    label = name
    if options:
        words = [f"{option}={_written(options[option])}" for option in sorted(options)]
        label = f"{name}({', '.join(words)})"
    return Entry(metric, options, label)


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return (
            "{" + ", ".join(f"{key}: {_written(v)}" for key, v in value.items()) + "}"
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_written, value)) + "]"
    return str(value)
