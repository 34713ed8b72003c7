"""What every metric is given: codes and factors, checked once, in one place.

Codes are posterior means (or any representation), one row a point. Factors are
the causes, in the same row order: indices, labels or real values, with gaps.
"""

from dlib.metrics.inputs.applicable import NotApplicable, instead
from dlib.metrics.inputs.checks import (
    halves,
    prepare,
    prepare_test,
    require_discrete,
    require_known,
    require_points,
    require_varying,
)
from dlib.metrics.inputs.codes import Codes, as_codes
from dlib.metrics.inputs.factors import Factors, Kind, as_factors, bin_values

__all__ = [
    "Codes",
    "Factors",
    "Kind",
    "NotApplicable",
    "as_codes",
    "as_factors",
    "bin_values",
    "halves",
    "instead",
    "prepare",
    "prepare_test",
    "require_discrete",
    "require_known",
    "require_points",
    "require_varying",
]
