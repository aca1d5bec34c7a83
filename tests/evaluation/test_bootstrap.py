from __future__ import annotations

import math

import numpy as np
import pytest

from luthier.evaluation.bootstrap import bootstrap_interval


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
