"""How sure a mean over few passages, or few listeners, is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from luthier.evaluation.gap import gap

N_RESAMPLES = 2000
SEED = 0


def student_interval(values: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float]:
    """Interval that holds the mean of `values` with the given confidence, however few they are.

    A bootstrap of four values holds it in four cases of five only: what is to be decided by it needs this one.

    Args:
        values: independent of each other, more or less normally distributed.
        confidence: 0..1.

    Returns:
        Low and high; NaN for fewer than two values.

    Source: Student 1908.
    """
    count = len(values)
    if count < 2:
        return math.nan, math.nan
    mean = float(np.mean(values))
    half = float(student.ppf(0.5 + confidence / 2, count - 1)) * float(np.std(values, ddof=1)) / math.sqrt(count)
    return mean - half, mean + half


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
    return _interval(lambda chosen: known[chosen].mean(1), len(known), confidence)


def gap_interval(
    values: Sequence[float], *, oracles: Sequence[float], bases: Sequence[float], confidence: float = 0.95
) -> tuple[float, float]:
    """Interval that holds the gap of `values` with the given confidence: as `bootstrap_interval`, of three means at once.

    Args:
        values: one per block.
        oracles: of the same blocks.
        bases: of the same blocks.
        confidence: 0..1.
    """
    scores = np.array([values, oracles, bases])

    def gaps(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        means = scores[:, chosen].mean(2).T
        return np.array([gap(model, oracle=oracle, base=base) for model, oracle, base in means.tolist()])

    return _interval(gaps, scores.shape[1], confidence)


def _interval(
    statistic: Callable[[NDArray[np.int64]], NDArray[np.float64]], count: int, confidence: float
) -> tuple[float, float]:
    """Quantiles of a statistic of resampled blocks, which are rows of indices."""
    if count == 0:
        return math.nan, math.nan
    resampled = statistic(np.random.default_rng(SEED).integers(count, size=(N_RESAMPLES, count)))
    tail = (1 - confidence) / 2
    known = resampled[np.isfinite(resampled)]  # a resample may have no scale
    if len(known) == 0:
        return math.nan, math.nan
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
