from __future__ import annotations

import numpy as np
import pytest

from luthier.features.pitch_grid import N_BINS, bin_range, bins_to_hz, hz_to_bins, read_path


def test_the_grid_is_that_of_the_published_network() -> None:
    np.testing.assert_allclose(bins_to_hz(np.array([0.0, 359.0])), [31.70, 2005.5], rtol=1e-3)
    np.testing.assert_allclose(hz_to_bins(bins_to_hz(np.arange(360.0))), np.arange(360.0), atol=1e-9)


@pytest.mark.parametrize(("low", "high"), [(50.0, 2000.0), (440.0, 440.1), (1.0, 20.0), (3000.0, 9000.0), (1.0, 1e5)])
def test_a_range_holds_only_wanted_bins_and_at_least_one(low: float, high: float) -> None:
    first, last = bin_range(low, high)
    assert 0 <= first < last <= N_BINS
    if last - first > 1:
        assert low <= bins_to_hz(np.array(first)) <= bins_to_hz(np.array(last - 1)) <= high


def test_pitch_is_read_between_bins_and_only_near_the_path() -> None:
    ratings = np.zeros((1, 40), dtype=np.float32)
    ratings[0, [20, 21, 39]] = 0.5, 0.5, 1.0
    f0_hz, periodicity = read_path(ratings, np.array([20]), 100)
    np.testing.assert_allclose(f0_hz, bins_to_hz(np.array([120.5])), rtol=1e-6)
    np.testing.assert_allclose(periodicity, [0.5])


def test_an_unrated_step_has_the_pitch_of_its_bin() -> None:
    f0_hz, periodicity = read_path(np.zeros((1, 9), dtype=np.float32), np.array([0]), 50)
    np.testing.assert_allclose(f0_hz, bins_to_hz(np.array([50.0])), rtol=1e-6)
    assert periodicity[0] == 0
