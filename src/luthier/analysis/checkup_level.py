"""How high a recording is levelled, and whether peaks were cut off flat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luthier.features.long_audio import LongAudio
from luthier.units import amplitude_to_db, power_to_db

PIECE_SAMPLES = 1 << 20
"""Samples looked at in one go."""
TOP_SHARE = 0.999
"""Samples from this part of the peak on may be cut off."""
BELOW_SHARE = 0.99
"""What lies between here and the top says how many samples one would expect there."""
CROWDED = 3.0
"""A sine has 0.5 times as many samples in the thin top layer as in the thick one below; a cut wave has many more."""
FEWEST_CUT = 10


class Level(NamedTuple):
    """Levels of a recording.

    Attributes:
        peak_db: largest magnitude, dB re full scale.
        rms_db: mean square of the whole recording, dB re full scale.
        n_clipped: samples on a flat top, 0 where peaks are round.
        clipped_share: the same as a part of all samples.
    """

    peak_db: float
    rms_db: float
    n_clipped: int
    clipped_share: float


def measure_level(audio: LongAudio) -> Level:
    """Peak, mean level and flat tops of a recording, wherever in the scale it was cut.

    Peaks of sound thin out towards the largest: a layer at the very top that holds more samples than the ten times
    thicker one below it can only come from cutting.

    Args:
        audio: one row, at least one sample.
    """
    peak = max(float(np.abs(piece).max()) for piece in _pieces(audio))
    n_top = n_below = 0
    energy = 0.0
    for piece in _pieces(audio):
        share = np.abs(piece) / max(peak, 1e-12)
        n_top += int((share >= TOP_SHARE).sum())
        n_below += int(((share >= BELOW_SHARE) & (share < TOP_SHARE)).sum())
        energy += float(np.square(piece, dtype=np.float64).sum())
    is_cut = n_top >= FEWEST_CUT and n_top > CROWDED * n_below
    n_clipped = n_top if is_cut else 0
    return Level(
        float(amplitude_to_db(peak)),
        float(power_to_db(energy / audio.n_samples)),
        n_clipped,
        n_clipped / audio.n_samples,
    )


def _pieces(audio: LongAudio) -> Iterator[NDArray[np.float32]]:
    for start in range(0, audio.n_samples, PIECE_SAMPLES):
        yield audio.read(start, min(start + PIECE_SAMPLES, audio.n_samples))[0].cpu().numpy()
