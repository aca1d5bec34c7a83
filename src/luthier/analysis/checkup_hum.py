"""Hum of the mains: steady lines at 50 or 60 Hz and their multiples, below the notes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from luthier.analysis.checkup_material import Material
from luthier.analysis.checkup_spectra import Spectra, measure_spectra
from luthier.units import power_to_db

MAINS_HZ = (50.0, 60.0)
N_LINES = 5
WINDOW_SECONDS = 1.0
"""Tells 50 Hz from the G1 beside it (49 Hz), nearly: 4 Hz from dip to dip."""
LINE_HZ, AROUND_HZ = 1.5, (5.0, 12.0)
"""A line is read this close to its place; its surroundings lie between these distances."""
PROMINENT_DB = 15.0
"""A line that stands out less from its surroundings is chance."""
LOWEST_NOTE_QUANTILE = 0.02
NOTE_MARGIN = 0.85
"""Lines above this part of the lowest note may be notes and are not looked at."""
FOLLOWED_HZ = 1.0
"""A pitch this close to one of the first two lines is loud hum, heard by the tracker in rests: no note."""


class Hum(NamedTuple):
    """Hum of a recording.

    Attributes:
        mains_hz: 50 or 60; None where no hum is heard, or where notes lie so low that it cannot be told from them.
        hum_db: level of its lines together, dB re full scale; -200 without hum.
    """

    mains_hz: float | None
    hum_db: float


NO_HUM = Hum(None, -200.0)


def measure_hum(material: Material) -> Hum:
    """Find steady lines of the mains below the lowest note; clips shorter than two windows say nothing."""
    if material.seconds < 2 * WINDOW_SECONDS:
        return NO_HUM
    spectra = measure_spectra(material.audio, material.sample_rate, window_seconds=WINDOW_SECONDS)
    highest_hz = _highest_line(material)
    hums = [_hum_at(spectra, mains_hz, highest_hz) for mains_hz in MAINS_HZ]
    return max(hums, key=lambda hum: hum.hum_db)


def _highest_line(material: Material) -> float:
    pitched_hz = material.f0_hz[material.is_pitched]
    lines_hz = np.outer((1, 2), MAINS_HZ).reshape(-1, 1)
    notes_hz = pitched_hz[(np.abs(pitched_hz - lines_hz) > FOLLOWED_HZ).all(axis=0)]
    if len(notes_hz) == 0:  # one note all the time, or none
        notes_hz = pitched_hz
    if len(notes_hz) == 0:
        return float("inf")
    return NOTE_MARGIN * float(np.quantile(notes_hz, LOWEST_NOTE_QUANTILE))


def _hum_at(spectra: Spectra, mains_hz: float, highest_hz: float) -> Hum:
    """Hum at one frequency of the mains: its first line or its second must stand out."""
    lines_hz = [n * mains_hz for n in range(1, N_LINES + 1) if n * mains_hz < highest_hz]
    powers = [_line_power(spectra, hz) for hz in lines_hz]
    if not any(power > 0 for power in powers[:2]):
        return NO_HUM
    return Hum(mains_hz, float(power_to_db(sum(powers))))


def _line_power(spectra: Spectra, line_hz: float) -> float:
    """Steady power of a line, 0 where it does not stand out from both sides."""
    distance_hz = np.abs(spectra.frequencies_hz - line_hz)
    around = (distance_hz >= AROUND_HZ[0]) & (distance_hz <= AROUND_HZ[1])
    peak = float(spectra.floor_power[distance_hz <= LINE_HZ].max())
    outstanding_db = power_to_db(peak) - power_to_db(float(spectra.floor_power[around].max()))
    if outstanding_db < PROMINENT_DB:
        return 0.0
    return float(spectra.floor_power[distance_hz <= 2 * LINE_HZ].sum()) * FLOOR_OF_A_LINE


FLOOR_OF_A_LINE = -float(np.log(0.9))
"""The floor is made for noise; a line has the same power all the time and needs no such correction."""
