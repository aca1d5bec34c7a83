"""The values that travel on the path: `Features` in, `Controls` in the middle.

Both are at frame rate. Frame t describes the audio around sample t * hop_length, so a clip of
n_samples has `framing.n_frames(n_samples, hop_length)` frames.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

VOICED_PERIODICITY = 0.5
"""From here on a frame has a pitch."""


class Expression(NamedTuple):
    """How a tone is played, beside its pitch and loudness; none of it depends on these two by definition.

    Attributes:
        brightness_octaves: (batch, n_frames, 1), centroid of the harmonics' amplitudes in octaves above the
            fundamental: 0 for a sine.
        warmth_db: (batch, n_frames, 1), power of the fundamental against that of all harmonics, dB: 0 for a sine.
        hollowness_db: (batch, n_frames, 1), power of the odd harmonics against that of the even ones, dB.
        noisiness_db: (batch, n_frames, 1), power of the noise against that of the harmonics, dB.
        air_octaves: (batch, n_frames, 1), centroid of the noise's magnitudes in octaves above 1 kHz.
    """

    brightness_octaves: Tensor
    warmth_db: Tensor
    hollowness_db: Tensor
    noisiness_db: Tensor
    air_octaves: Tensor


class Features(NamedTuple):
    """What is measured in a recording and what drives an instrument.

    Attributes:
        f0_hz: (batch, n_frames, 1), fundamental in Hz, positive, gaps filled.
        periodicity: (batch, n_frames, 1), confidence 0..1 that there is a pitch.
        loudness_db: (batch, n_frames, 1), dB as defined by the `FeatureDefinition`.
        brightness_octaves, warmth_db, hollowness_db, noisiness_db, air_octaves: as in `Expression`; None leaves
            them to the instrument.
        is_wish: bool, (batch, n_frames, n_fields of `Expression`), which of them an instrument that obeys is to play
            exactly; None for all that are given.
        told_loudness_db: (batch, n_frames, 1), what the network of an instrument that obeys is told instead of
            `loudness_db`, which is played; None for the same.
    """

    f0_hz: Tensor
    periodicity: Tensor
    loudness_db: Tensor
    brightness_octaves: Tensor | None = None
    warmth_db: Tensor | None = None
    hollowness_db: Tensor | None = None
    noisiness_db: Tensor | None = None
    air_octaves: Tensor | None = None
    is_wish: Tensor | None = None
    told_loudness_db: Tensor | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> Features:
        """Change every feature that is given in the same way."""
        return Features._make(None if values is None else change(values) for values in self)

    def without_expression(self) -> Features:
        """Leave the expression to the instrument."""
        return Features(self.f0_hz, self.periodicity, self.loudness_db, told_loudness_db=self.told_loudness_db)


MEASURED = Features._fields[: Features._fields.index("is_wish")]
"""What of `Features` is measured in a recording and kept in a dataset."""


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
