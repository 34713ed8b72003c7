"""When data does not suit a metric: the error, and what would take the data."""

from __future__ import annotations


class NotApplicable(ValueError):
    """The data does not suit the metric: too few points, a factor that is
    real-valued where values are counted, or has gaps, or does not vary.

    ``evaluate(..., "all")`` skips the metric and gives the message as the reason;
    every other error, a wrong option or NaN among the codes, goes to the caller.
    """


def instead(
    *,
    discrete: bool | None = None,
    gaps: bool | None = None,
    codes: int | None = None,
    factors: int | None = None,
) -> str:
    """Names of the metrics of factors that take such data, for a message.

    Parameters
    ----------
    discrete : bool, optional
        False: that take real-valued factors.
    gaps : bool, optional
        True: that take factors with missing values.
    codes, factors : int, optional
        That need no more codes, or factors, than these.
    """
    # Here, not above: the table knows the metrics, which know this file.
    from dlib.metrics.table import METRICS

    fitting: dict[object, str] = {}  # one name a function: its first protocol's
    for metric in METRICS.values():
        if (
            metric.takes in ("points", "split", "population")
            and (metric.in_all or metric.preset)
            and (discrete is None or metric.discrete == discrete)
            and (gaps is None or metric.gaps == gaps)
            and (codes is None or metric.codes <= codes)
            and (factors is None or metric.factors <= factors)
        ):
            fitting.setdefault(metric.function, metric.name)
    return ", ".join(fitting.values())
