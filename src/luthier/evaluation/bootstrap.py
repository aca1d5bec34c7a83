"""How sure a mean over few blocks is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

N_RESAMPLES = 2000
SEED = 0


def bootstrap_interval(values: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval that holds the mean of `values` with the given confidence.

    Args:
        values: one per block; NaN is left out.
        confidence: 0..1.

    Returns:
        Low and high; equal for a single value, NaN for none. The same values give the same interval.

    Source: Efron 1979, percentile bootstrap of the mean.
    """
    known = np.array([value for value in values if not math.isnan(value)])
    if len(known) == 0:
        return math.nan, math.nan
    generator = np.random.default_rng(SEED)
    means = known[generator.integers(len(known), size=(N_RESAMPLES, len(known)))].mean(1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
