"""The spectrum of a whole recording: on average, and in the quietest moments of every frequency.

power |    ..   ..      mean: the notes
      | ..    .    ..
      |------------     floor: what is left at each frequency while no note is there
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from luthier.dsp.spectra import hann_window
from luthier.features.long_audio import LongAudio

Array = NDArray[np.float64]

WINDOW_SECONDS = 0.1
MOST_WINDOWS = 2000
"""Spread over the recording: bounds time and memory, whatever its length."""
FLOOR_QUANTILE = 0.1
FLOOR_BIAS = -math.log(1.0 - FLOOR_QUANTILE)
"""That quantile of the power of steady Gaussian noise, as a part of its mean (chi-squared, two degrees of freedom)."""


class Spectra(NamedTuple):
    """Two spectra of a recording.

    Attributes:
        frequencies_hz: (n_bins,).
        mean_power: (n_bins,), sums to the mean square of the audio.
        floor_power: (n_bins,), expected power of the steady noise, on the same scale.
    """

    frequencies_hz: Array
    mean_power: Array
    floor_power: Array


def measure_spectra(audio: LongAudio, sample_rate: int, *, window_seconds: float = WINDOW_SECONDS) -> Spectra:
    """Average power and steady floor of every frequency.

    Args:
        audio: one row; a clip shorter than a window is lengthened with silence.
        sample_rate: Hz.
        window_seconds: length of the Hann windows.

    Returns:
        Spectra of (1 + window // 2) bins from 0 Hz to Nyquist.

    Source: Welch 1967 for the mean; the floor is a minimum statistic as of Martin 2001, a quantile instead of a minimum.
    """
    length = 2 * max(1, round(window_seconds * sample_rate / 2))
    power = _powers(audio, length)
    frequencies_hz = np.fft.rfftfreq(length, 1.0 / sample_rate)
    floor = np.quantile(power, FLOOR_QUANTILE, axis=0).astype(np.float64) / FLOOR_BIAS
    return Spectra(frequencies_hz.astype(np.float64), power.mean(0, dtype=np.float64), floor)


def _powers(audio: LongAudio, length: int) -> NDArray[np.float32]:
    """(n_windows, n_bins), each window's power on a one-sided scale whose sum is its mean square."""
    last = max(0, audio.n_samples - length)
    count = min(MOST_WINDOWS, 1 + 2 * last // length)
    starts = np.linspace(0, last, count).astype(int)
    window = hann_window(length, torch.float32, torch.device("cpu"))
    scale = 2.0 / float(window.square().sum()) / length
    powers = np.empty((count, length // 2 + 1), dtype=np.float32)
    for row, start in enumerate(starts.tolist()):
        piece = audio.read(start, min(start + length, audio.n_samples))[0].float().cpu()
        piece = torch.nn.functional.pad(piece, (0, length - len(piece)))
        powers[row] = (torch.fft.rfft(piece * window).abs().square() * scale).numpy()
    return powers
