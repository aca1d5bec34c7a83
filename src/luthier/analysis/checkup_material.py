"""A recording with its pitch and loudness: what every part of the check-up looks at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luthier.dsp.signals import VOICED_PERIODICITY
from luthier.features.long_audio import LongAudio
from luthier.features.loudness import loudness_db
from luthier.features.pitch import track_pitch

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

TRACKER = "auto"
"""As dear as all the rest together, but a single note taken for one two octaves higher spoils the range of a set."""
F0_RANGE_HZ = (50.0, 2000.0)
FRAMES_PER_SECOND = 100
"""Nearly: the hop is a whole number of samples."""
LOUD_QUANTILE = 0.95
AUDIBLE_RANGE_DB = 40.0
"""What is this far below the loud frames is a rest with its noise."""
QUIETEST_DB = -70.0
"""Loudness below which nothing sounds, however quiet the rest is."""


class Material(NamedTuple):
    """A recording, one channel at its own sample rate, and what is heard in it.

    Attributes:
        audio: one row.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        f0_hz: (n_frames,), Hz.
        periodicity: (n_frames,), 0..1.
        loudness_db: (n_frames,), dB.
        f0_range_hz: lowest and highest pitch looked for.
    """

    audio: LongAudio
    sample_rate: int
    hop_length: int
    f0_hz: Array
    periodicity: Array
    loudness_db: Array
    f0_range_hz: tuple[float, float] = F0_RANGE_HZ

    @property
    def seconds(self) -> float:
        """Length of the recording."""
        return self.audio.n_samples / self.sample_rate

    @property
    def seconds_per_frame(self) -> float:
        """Time from one frame to the next."""
        return self.hop_length / self.sample_rate

    @property
    def is_sounding(self) -> Mask:
        """(n_frames,), where more than the noise of a rest is heard."""
        loud_db = float(np.quantile(self.loudness_db, LOUD_QUANTILE))
        return self.loudness_db > max(loud_db - AUDIBLE_RANGE_DB, QUIETEST_DB)

    @property
    def is_pitched(self) -> Mask:
        """(n_frames,), where a tone is heard that an instrument can learn from."""
        return self.is_sounding & (self.periodicity >= VOICED_PERIODICITY)


def listen(audio: LongAudio, sample_rate: int, f0_range_hz: tuple[float, float] = F0_RANGE_HZ) -> Material:
    """Measure pitch and loudness of a recording of any length, about 100 times a second.

    Args:
        audio: one row, at least one sample.
        sample_rate: Hz.
        f0_range_hz: lowest and highest pitch looked for.

    Raises:
        ShapeError: the audio has no samples.
        RangeError: a sample is NaN or infinite.
    """
    rates = {"sample_rate": sample_rate, "hop_length": max(1, round(sample_rate / FRAMES_PER_SECOND))}
    low_hz, high_hz = f0_range_hz
    pitch = track_pitch(audio, **rates, tracker=TRACKER, f0_min_hz=low_hz, f0_max_hz=high_hz)
    level_db = loudness_db(audio, **rates)
    f0_hz, periodicity, level = (values.reshape(-1).cpu().numpy() for values in (*pitch, level_db))
    return Material(audio, sample_rate, rates["hop_length"], f0_hz, periodicity, level, f0_range_hz)
