from __future__ import annotations

import math

import numpy as np
import pytest

from luthier.evaluation.intervals import bootstrap_interval, gap_interval, student_interval


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


def test_few_values_have_the_interval_of_student() -> None:
    low, high = student_interval([1.0, 2.0, 3.0, 4.0])
    half = 3.18245 * math.sqrt(5 / 3) / 2  # t of three degrees of freedom, from tables
    assert (low, high) == pytest.approx((2.5 - half, 2.5 + half), abs=1e-4)
    assert all(math.isnan(end) for end in student_interval([1.0]))


def test_students_interval_holds_the_mean_as_often_as_it_says_and_the_bootstrap_of_four_does_not() -> None:
    draws = np.random.default_rng(0).normal(0, 1, (1000, 4)).tolist()
    for interval, share in ((student_interval, 0.95), (bootstrap_interval, 0.80)):
        ends = [interval(values) for values in draws]
        assert np.mean([low <= 0 <= high for low, high in ends]) == pytest.approx(share, abs=0.025)


def test_the_interval_of_a_gap_is_that_of_the_mean_on_a_scale_that_stays() -> None:
    values = [3.0, 3.4, 2.9, 3.3, 3.1]
    low, high = student_interval(values)
    found = gap_interval(values, oracles=[2.0] * 5, bases=[4.0] * 5)
    assert found == pytest.approx(((low - 2.0) / 2.0, (high - 2.0) / 2.0))


@pytest.mark.parametrize("count", [2, 4, 10])
def test_the_interval_of_a_gap_holds_it_as_often_as_it_says(count: int) -> None:
    """Passages are hard or easy for all three, and their scales differ by a third."""
    random, is_held = np.random.default_rng(0), []
    for _ in range(1000):
        oracles = 3 + random.normal(0, 1, count)
        scales = 3 * np.exp(0.3 * random.normal(0, 1, count))
        values = oracles + (0.3 + 0.12 * random.normal(0, 1, count)) * scales
        low, high = gap_interval(list(values), oracles=list(oracles), bases=list(oracles + scales))
        is_held.append(low <= 0.3 <= high)
    assert np.mean(is_held) == pytest.approx(0.95, abs=0.02)


def test_passages_that_are_hard_for_all_leave_a_gap_sure() -> None:
    hard = np.array([0.0, 1.0, 5.0, 9.0])
    low, high = gap_interval(list(hard + 3.0), oracles=list(hard + 2.0), bases=list(hard + 4.0))
    assert (low, high) == pytest.approx((0.5, 0.5))


def test_without_passages_or_a_scale_there_is_no_interval() -> None:
    assert all(math.isnan(end) for end in gap_interval([], oracles=[], bases=[]))
    assert all(math.isnan(end) for end in gap_interval([1.0], oracles=[2.0], bases=[3.0]))
    assert all(math.isnan(end) for end in gap_interval([1.0, 1.0], oracles=[2.0, 2.0], bases=[2.0, 2.0]))
    one_has_a_scale = gap_interval([1.0, 2.0, 3.0], oracles=[1.0] * 3, bases=[1.0, 1.0, 2.0])
    assert all(math.isnan(end) for end in one_has_a_scale)
