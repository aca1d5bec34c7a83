"""To which A a recording is tuned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from luthier.analysis.checkup_material import Material
from luthier.units import A4_HZ, CENTS_PER_OCTAVE, SEMITONES_PER_OCTAVE, cents_to_ratio, hz_to_midi

LEAST_AGREEMENT = 0.3
"""Below, pitches lie anywhere between the notes: speech, glissando, or no equal temperament."""
LEAST_SECONDS = 1.0
CENTS_PER_SEMITONE = CENTS_PER_OCTAVE / SEMITONES_PER_OCTAVE


class Tuning(NamedTuple):
    """Tuning of a recording.

    Attributes:
        cents: above A4 = 440 Hz, from -50 to 50; None where the pitches do not agree on one.
        a4_hz: the same in Hz.
        around: seconds of the pitches, summed around the circle of a semitone.
        seconds: of the pitches, summed.
    """

    cents: float | None
    a4_hz: float | None
    around: complex
    seconds: float


def measure_tuning(material: Material) -> Tuning:
    """Mean distance of all pitches from the nearest semitone, taken around the circle.

    Source: circular mean (Mardia & Jupp 2000, section 2.2) of the fractional MIDI pitch.
    """
    return mean_tuning(material.f0_hz[material.is_pitched], material.seconds_per_frame)


def mean_tuning(f0_hz: np.ndarray, seconds_per_frame: float) -> Tuning:
    """Tuning of pitches (n,) in Hz; see `measure_tuning`."""
    around = np.exp(2j * np.pi * hz_to_midi(f0_hz.astype(np.float64))).sum() * seconds_per_frame
    return _tuning(complex(around), len(f0_hz) * seconds_per_frame)


def common_tuning(tunings: Sequence[Tuning]) -> Tuning:
    """Tuning of several recordings: of single notes, say, none of which has one of its own."""
    return _tuning(sum(each.around for each in tunings), sum(each.seconds for each in tunings))


def _tuning(around: complex, seconds: float) -> Tuning:
    agreement = abs(around) / seconds if seconds else 0.0
    if seconds < LEAST_SECONDS or agreement < LEAST_AGREEMENT:
        return Tuning(None, None, around, seconds)
    cents = float(np.angle(around)) / (2 * np.pi) * CENTS_PER_SEMITONE
    return Tuning(cents, A4_HZ * cents_to_ratio(cents), around, seconds)
