"""How far the steady noise of a recording lies below its sound."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import median_filter

from luthier.analysis.checkup_spectra import Array, Spectra
from luthier.dsp.a_weighting import a_weighting_power
from luthier.units import power_to_db

NEIGHBOURHOOD_HZ = 300.0
"""Width within which most bins lie between the lines of a note that never stops."""


class Noise(NamedTuple):
    """Noise of a recording.

    Attributes:
        noise_db: A-weighted level of what is there at every frequency all the time, dB re full scale.
        below_sound_db: by how much it lies below the mean level of the recording, both A-weighted.
    """

    noise_db: float
    below_sound_db: float


def measure_noise(spectra: Spectra) -> Noise:
    """Level of the steady noise: floor of the spectrum between the lines, summed with the ear's weights.

    It needs no rests: a moment without a note at each frequency is enough. Bow and breath noise that never pauses
    counts as noise, and so does the tail of a room that never dies away.
    """
    weights = a_weighting_power(torch.from_numpy(spectra.frequencies_hz)).numpy()
    sound_db = float(power_to_db(float(spectra.mean_power @ weights)))
    noise_db = float(power_to_db(float(between_lines(spectra) @ weights)))
    return Noise(noise_db, sound_db - noise_db)


def between_lines(spectra: Spectra) -> Array:
    """(n_bins,), power of the floor without the lines of notes and hum: a running median over frequency."""
    width = max(1, round(NEIGHBOURHOOD_HZ / float(spectra.frequencies_hz[1])))
    return np.asarray(median_filter(spectra.floor_power, 2 * (width // 2) + 1, mode="nearest"), dtype=np.float64)
