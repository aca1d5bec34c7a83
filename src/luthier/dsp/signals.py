"""The values that travel on the path: `Features` in, `Controls` in the middle.

Both are at frame rate. Frame t describes the audio around sample t * hop_length, so a clip of
n_samples has `framing.n_frames(n_samples, hop_length)` frames.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Features(NamedTuple):
    """What is measured in a recording and what drives an instrument.

    Attributes:
        f0_hz: (batch, n_frames, 1), fundamental in Hz, positive, gaps filled.
        periodicity: (batch, n_frames, 1), confidence 0..1 that there is a pitch.
        loudness_db: (batch, n_frames, 1), dB as defined by the `FeatureDefinition`.
    """

    f0_hz: Tensor
    periodicity: Tensor
    loudness_db: Tensor


class Controls(NamedTuple):
    """What the synthesisers play.

    Attributes:
        f0_hz: (batch, n_frames, 1), fundamental in Hz.
        amplitude: (batch, n_frames, 1), linear, not negative: the sum of the harmonics' peaks.
        harmonic_distribution: (batch, n_frames, n_harmonics), sums to 1 below Nyquist.
        noise_magnitudes: (batch, n_frames, n_bands), linear gains of uniform noise in [-1, 1],
            in bands spaced evenly from 0 Hz to Nyquist, both included.
    """

    f0_hz: Tensor
    amplitude: Tensor
    harmonic_distribution: Tensor
    noise_magnitudes: Tensor
