"""How sure a mean over few passages, or few listeners, is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
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
    """Range of the means of `values` drawn again, as published results give it.

    It holds the true mean with the given confidence where the values are many; with ten it does in nine cases of ten,
    with four in eight: `student_interval` is the one to show and to decide by.

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
    chosen = np.random.default_rng(SEED).integers(len(known), size=(N_RESAMPLES, len(known)))
    tail = (1 - confidence) / 2
    low, high = np.quantile(known[chosen].mean(1), [tail, 1 - tail])
    return float(low), float(high)


def gap_interval(
    values: Sequence[float], *, oracles: Sequence[float], bases: Sequence[float], confidence: float = 0.95
) -> tuple[float, float]:
    """Interval that holds the gap of the means of `values` with the given confidence, however few they are.

    A gap is a quotient of means: how far it moves when one block is left out tells how sure it is.

    Args:
        values: one per block, more or less normally distributed.
        oracles: of the same blocks.
        bases: of the same blocks.
        confidence: 0..1.

    Returns:
        Low and high; NaN for fewer than two blocks, and where some without one of them have no scale.

    Source: jackknife of a quotient (Tukey 1958, Miller 1974), with Student's quantile.
    """
    scores, count = np.array([values, oracles, bases]), len(values)
    if count < 2:
        return math.nan, math.nan
    without = (scores.sum(axis=1, keepdims=True) - scores) / (count - 1)  # the means without one block each
    gaps = np.array([gap(model, oracle=oracle, base=base) for model, oracle, base in without.T.tolist()])
    model, oracle, base = scores.mean(axis=1).tolist()
    middle, deviation = gap(model, oracle=oracle, base=base), float(np.std(gaps)) * math.sqrt(count - 1)
    half = float(student.ppf(0.5 + confidence / 2, count - 1)) * deviation
    return middle - half, middle + half
