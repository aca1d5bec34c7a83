"""Where the spectrum of a recording ends: files that were compressed, or came from a lower sample rate.

dB |--------.        a cliff with nothing behind it:
   |        |        a filter, not an instrument
   |        |______
   +--------^------> Nyquist
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import median_filter

from luthier.analysis.checkup_spectra import Array, Spectra
from luthier.units import power_to_db

BAND_HZ = 100.0
BESIDE_BANDS = 5
"""Bands averaged on the upper edge of the cliff."""
SKIPPED_BANDS = 3
"""Bands that the fall itself may take."""
SMOOTHED_BANDS = 7
"""A running median over these takes out the lines of high notes."""
CLIFF_DB = 14.0
"""No instrument and no microphone falls this far within 600 Hz and stays there."""
DEAD_DB = -104.0
"""Behind a cliff lies what rounding to 16 bits leaves (-131 dB a bin) or a coder's traces; noise of a room is louder."""
LOWEST_HZ = 1500.0
HIGHEST_SHARE = 0.93
"""Above this part of Nyquist lies the filter of every converter."""


class Bandwidth(NamedTuple):
    """Bandwidth of a recording.

    Attributes:
        bandwidth_hz: where the spectrum ends: at a cliff, or at Nyquist.
        is_cut: whether it ends at a cliff.
    """

    bandwidth_hz: float
    is_cut: bool


def measure_bandwidth(spectra: Spectra) -> Bandwidth:
    """Find the lowest cliff in the noise of a recording, that is between the lines of its notes.

    Noise is everywhere unless something took it away: it ends where a coder or a converter ended it, while the
    harmonics of a note end where the instrument wants.
    """
    nyquist_hz = float(spectra.frequencies_hz[-1])
    level_db = _band_levels(spectra)
    first = round(LOWEST_HZ / BAND_HZ)
    last = min(len(level_db) - SKIPPED_BANDS - 1, int(HIGHEST_SHARE * nyquist_hz / BAND_HZ))
    for edge in range(first, last):
        upper = float(level_db[edge - BESIDE_BANDS : edge].mean())
        behind = float(level_db[edge + SKIPPED_BANDS :].max())
        if behind < DEAD_DB and upper - behind > CLIFF_DB:
            return Bandwidth((edge + SKIPPED_BANDS / 2) * BAND_HZ, is_cut=True)
    return Bandwidth(nyquist_hz, is_cut=False)


def _band_levels(spectra: Spectra) -> Array:
    """(n_bands,), dB: median over the bins of each band; the last band may be cut short and is left out."""
    per_band = max(1, round(BAND_HZ / float(spectra.frequencies_hz[1])))
    count = len(spectra.mean_power) // per_band
    bands = spectra.mean_power[: count * per_band].reshape(count, per_band)
    level_db = power_to_db(np.median(bands, axis=1))
    return np.asarray(median_filter(level_db, SMOOTHED_BANDS, mode="nearest"), dtype=np.float64)
