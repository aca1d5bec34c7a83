from __future__ import annotations

import numpy as np
import pytest

from features.tones import RATE, cents_off, glide, steady, tone
from luthier.features.pitch import track_pitch


@pytest.mark.parametrize("hz", [2500.0, 3000.0, 5200.0])
@pytest.mark.parametrize("tracker", ["swift", "crepe-tiny", "cascade"])
def test_tones_above_the_ceiling_are_found(tracker: str, hz: float) -> None:
    f0_hz = steady(hz, 0.6)
    pitch = track_pitch(tone(f0_hz), sample_rate=RATE, hop_length=160, tracker=tracker, f0_max_hz=6000.0)
    assert np.abs(cents_off(pitch.f0_hz, f0_hz, 160)).max() < 5
    assert pitch.periodicity[:, 5:-5].min() > 0.5


def test_a_glide_through_the_ceiling_has_no_seam() -> None:
    f0_hz = glide(1000.0, 4000.0)
    pitch = track_pitch(tone(f0_hz), sample_rate=RATE, hop_length=160, tracker="cascade", f0_max_hz=6000.0)
    assert np.quantile(np.abs(cents_off(pitch.f0_hz, f0_hz, 160)), 0.99) < 20


@pytest.mark.parametrize("hz", [300.0, 1000.0, 1900.0])
def test_low_tones_keep_their_octave_when_high_ones_are_allowed(hz: float) -> None:
    f0_hz = steady(hz, 0.6)
    pitch = track_pitch(tone(f0_hz), sample_rate=RATE, hop_length=160, tracker="cascade", f0_max_hz=6000.0)
    assert np.abs(cents_off(pitch.f0_hz, f0_hz, 160)).max() < 5
