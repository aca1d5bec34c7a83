"""How high a recording is levelled, and whether peaks were cut off flat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luthier.features.long_audio import LongAudio
from luthier.units import amplitude_to_db, power_to_db

PIECE_SAMPLES = 1 << 16
"""Samples looked at in one go, a second or two: what is cut in one place need not be the peak of the whole."""
TOP_SHARE = 0.999
"""Samples from this part of the peak on may be cut off."""
BELOW_SHARE = 0.99
"""What lies between here and the top says how many samples one would expect there."""
BELOW_STEPS = 2.5
"""The layer below the top holds two steps of the quantiser at least: soft or 8-bit sound has few of them."""
CROWDED = 3.0
"""A sine has 0.5 times as many samples in the thin top layer as in the thick one below; a cut wave has many more."""
FEWEST_CUT = 10
SILENT_PEAK = 1e-3


class Level(NamedTuple):
    """Levels of a recording.

    Attributes:
        peak_db: largest magnitude, dB re full scale.
        rms_db: mean square of the whole recording about its mean, dB re full scale.
        n_clipped: samples on a flat top, 0 where peaks are round.
        clipped_share: the same as a part of all samples.
    """

    peak_db: float
    rms_db: float
    n_clipped: int
    clipped_share: float


def measure_level(audio: LongAudio) -> Level:
    """Peak, mean level and flat tops of a recording, wherever in the scale they are.

    Peaks of sound thin out towards the largest: a layer at the very top that holds more samples than the ten times
    thicker one below it can only come from cutting. Tops and bottoms of each second or two are looked at by themselves.
    What was cut before it was compressed (MP3), filtered or resampled is round again and is not found.

    Args:
        audio: one row, at least one sample.
    """
    peak, total, energy, n_clipped = 0.0, 0.0, 0.0, 0
    for piece in _pieces(audio):
        peak = max(peak, float(np.abs(piece).max()))
        total += float(piece.sum(dtype=np.float64))
        energy += float(np.square(piece, dtype=np.float64).sum())
        n_clipped += _n_flat(piece) + _n_flat(-piece)
    mean = total / audio.n_samples
    return Level(
        float(amplitude_to_db(peak)),
        float(power_to_db(max(0.0, energy / audio.n_samples - mean * mean))),
        n_clipped,
        n_clipped / audio.n_samples,
    )


def _n_flat(piece: NDArray[np.float32]) -> int:
    """Samples on a flat top at the upper end of a piece."""
    peak = float(piece.max())
    if peak < SILENT_PEAK:
        return 0
    steps = np.abs(piece[piece != 0.0])
    n_top = int((piece >= TOP_SHARE * peak).sum())
    below = min(BELOW_SHARE * peak, TOP_SHARE * peak - BELOW_STEPS * float(steps.min()))
    n_below = int((piece >= below).sum()) - n_top
    return n_top if n_top >= FEWEST_CUT and n_top > CROWDED * n_below else 0


def _pieces(audio: LongAudio) -> Iterator[NDArray[np.float32]]:
    for start in range(0, audio.n_samples, PIECE_SAMPLES):
        yield audio.read(start, min(start + PIECE_SAMPLES, audio.n_samples))[0].cpu().numpy()
