from __future__ import annotations

import numpy as np
import pytest

from luthier.data.statistics import FrameArrays, measure_statistics
from luthier.dsp.signals import Expression


def frames(f0_hz: list[float], periodicity: list[float], loudness_db: list[float]) -> FrameArrays:
    """Frames whose expression is their number in the block."""
    arrays = (f0_hz, periodicity, loudness_db, *[range(len(f0_hz))] * len(Expression._fields))
    return FrameArrays(*(np.array(values, dtype=np.float32) for values in arrays))


def test_pitch_is_measured_on_pitched_frames_and_loudness_on_all() -> None:
    blocks = [frames([256, 999], [1.0, 0.2], [-10, -80]), frames([1024], [0.5], [-20])]
    statistics = measure_statistics(blocks, frame_rate=100.0)
    assert statistics.f0_octaves.mean == pytest.approx(9.0)
    assert (statistics.f0_octaves.minimum, statistics.f0_octaves.maximum) == (8.0, 10.0)
    assert statistics.f0_octaves.std == pytest.approx(1.0)
    assert statistics.loudness_db.mean == pytest.approx(-110 / 3)
    assert statistics.loudness_pitched_db.mean == pytest.approx(-15.0)
    assert statistics.periodicity.mean == pytest.approx(1.7 / 3)
    assert tuple(statistics.expression) == Expression._fields
    assert statistics.expression["warmth_db"].maximum == 0.0  # frame 0 of both blocks
    assert statistics.pitched_seconds == pytest.approx(0.02)
    assert statistics.total_seconds == pytest.approx(0.03)


def test_quantiles_are_percentiles() -> None:
    levels = np.linspace(-50, 0, 1001).tolist()
    statistics = measure_statistics([frames([440.0] * 1001, [1.0] * 1001, levels)], frame_rate=100.0)
    np.testing.assert_allclose(statistics.loudness_db.quantiles, np.linspace(-50, 0, 101), atol=1e-5)


def test_material_without_pitch_has_finite_statistics() -> None:
    statistics = measure_statistics([frames([220.0], [0.0], [-80.0])], frame_rate=100.0)
    assert statistics.pitched_seconds == 0.0
    assert statistics.f0_octaves.mean == pytest.approx(np.log2(220.0))


def test_every_third_frame_says_the_same_of_long_material_and_times_count_all() -> None:
    generator = np.random.default_rng(0)
    blocks = [
        frames(*(generator.uniform(low, high, n).tolist() for low, high in ((200, 400), (0, 1), (-60, 0))))
        for n in (3001, 1, 7000, 2, 5005)
    ]
    whole, thinned = (measure_statistics(blocks, frame_rate=100.0, every=every) for every in (1, 3))
    assert (thinned.total_seconds, thinned.pitched_seconds) == (whole.total_seconds, whole.pitched_seconds)
    assert thinned.loudness_db != whole.loudness_db
    np.testing.assert_allclose(thinned.loudness_db.quantiles, whole.loudness_db.quantiles, atol=1.0)
    one_block = frames(
        *(np.concatenate([getattr(block, name) for block in blocks]) for name in FrameArrays._fields[:3])
    )
    kept = [array[::3] for array in one_block[:3]]
    assert thinned.f0_octaves == measure_statistics([frames(*kept)], frame_rate=100.0).f0_octaves
