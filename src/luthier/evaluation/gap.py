"""Where a score lies between a constant timbre and the best that the synthesiser can do."""

from __future__ import annotations

import math

SMALLEST_RANGE = 1e-6
"""If oracle and base are no further apart than this there is no scale to place a model on."""


def gap(model: float, *, oracle: float, base: float) -> float:
    """0 where the model is as good as closed-form analysis, 1 where it learned nothing beyond a mean timbre.

    Returns:
        (model - oracle) / (base - oracle); NaN where the base is not worse than the oracle.
    """
    if not base - oracle > SMALLEST_RANGE:
        return math.nan
    return (model - oracle) / (base - oracle)
