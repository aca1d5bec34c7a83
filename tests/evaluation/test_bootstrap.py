from __future__ import annotations

import math

import numpy as np
import pytest

from luthier.evaluation.bootstrap import bootstrap_interval, gap_interval


def test_the_interval_of_many_normal_values_is_two_standard_errors_wide_on_either_side() -> None:
    values = np.random.default_rng(1).normal(10, 2, 400)
    low, high = bootstrap_interval(list(values))
    error = values.std() / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.03)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.03)


def test_the_same_values_give_the_same_interval() -> None:
    assert bootstrap_interval([1, 2, 4]) == bootstrap_interval([1, 2, 4])


def test_one_value_has_no_width_and_none_has_no_interval() -> None:
    assert bootstrap_interval([3.0]) == (3.0, 3.0)
    assert bootstrap_interval([3.0, math.nan]) == (3.0, 3.0)
    assert all(math.isnan(end) for end in bootstrap_interval([math.nan]))


def test_the_interval_of_a_gap_is_that_of_the_mean_on_a_scale_that_stays() -> None:
    values = [3.0, 3.4, 2.9, 3.3, 3.1]
    low, high = bootstrap_interval(values)
    found = gap_interval(values, oracles=[2.0] * 5, bases=[4.0] * 5)
    assert found == pytest.approx(((low - 2.0) / 2.0, (high - 2.0) / 2.0))


def test_passages_that_are_hard_for_all_leave_a_gap_sure() -> None:
    hard = np.array([0.0, 1.0, 5.0, 9.0])
    low, high = gap_interval(list(hard + 3.0), oracles=list(hard + 2.0), bases=list(hard + 4.0))
    assert (low, high) == pytest.approx((0.5, 0.5))


def test_without_passages_or_a_scale_there_is_no_interval() -> None:
    assert all(math.isnan(end) for end in gap_interval([], oracles=[], bases=[]))
    assert all(math.isnan(end) for end in gap_interval([1.0], oracles=[2.0], bases=[2.0]))
    low, high = gap_interval([1.0, 2.0, 3.0], oracles=[1.0] * 3, bases=[1.0, 1.0, 2.0])  # some resamples have none
    assert math.isfinite(low)
    assert math.isfinite(high)
