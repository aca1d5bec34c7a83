"""Whether two recordings are the same take, at another level or in another format.

Curves of loudness and pitch find candidates and how they lie to each other; the waveforms decide. Two takes of one
note can have the same curves, never the same waveform for seconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from luthier.analysis.checkup_material import Material
from luthier.dsp.resampling import resample
from luthier.units import ratio_to_cents

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

GRID_RATE = 100
"""Points per second at which curves are compared."""
ALL_PITCHED = 0.99
"""Between two frames that are both pitched."""
LEAST_LENGTH_RATIO = 0.8
LOUDNESS_DB, LOUDNESS_QUANTILE = 0.5, 0.75
"""Three quarters of the frames differ by less, apart from the level."""
PITCH_CENTS = 3.0
RANGE_DB = 30.0
"""What is this far below the loudest frame is silence where curves are laid on each other."""
RATE = 8000
"""Hz at which waveforms are compared: what every format keeps."""
PIECE_SECONDS, N_PIECES = 0.75, 4
REACH_SECONDS = 0.03
"""The curves place the waveforms to a hop or two."""
LEAST_CORRELATION = 0.975
"""Two takes of one tone fit with any shift of a period, but soon with another one."""


def is_same_take(one: Material, other: Material) -> bool:
    """Whether two recordings hold the same sound, whatever the level, the polarity, the sample rate and the coding."""
    shift = _shift_seconds(_grid(one), _grid(other))
    return shift is not None and _waveforms_agree(one, other, shift)


class _Grid(NamedTuple):
    """Curves at `GRID_RATE` exactly: hops are whole samples, so frames of two sample rates drift apart."""

    f0_hz: Array
    loudness_db: Array
    is_pitched: Mask


def _grid(material: Material) -> _Grid:
    seconds = np.arange(len(material.f0_hz)) * material.seconds_per_frame
    places = np.arange(int(material.seconds * GRID_RATE)) / GRID_RATE
    f0_hz, level_db, pitched = (
        np.interp(places, seconds, values) for values in (material.f0_hz, material.loudness_db, material.is_pitched)
    )
    return _Grid(f0_hz, level_db, pitched > ALL_PITCHED)


def _shift_seconds(one: _Grid, other: _Grid) -> float | None:
    """By how much the curves of `other` come later in `one`; None where they do not fit."""
    lengths = sorted((len(one.loudness_db), len(other.loudness_db)))
    if lengths[0] < max(1.0, LEAST_LENGTH_RATIO * lengths[1]):
        return None
    shift = _best_shift(_above_silence(one.loudness_db), _above_silence(other.loudness_db))
    here = slice(max(0, shift), min(len(one.loudness_db), shift + len(other.loudness_db)))
    there = slice(here.start - shift, here.stop - shift)
    if here.stop - here.start < LEAST_LENGTH_RATIO * lengths[0]:
        return None
    both = one.is_pitched[here] & other.is_pitched[there]
    if not both.any():
        return None
    difference_db = (one.loudness_db[here] - other.loudness_db[there])[both]
    apart_db = np.quantile(np.abs(difference_db - np.median(difference_db)), LOUDNESS_QUANTILE)
    cents = np.median(np.abs(ratio_to_cents(one.f0_hz[here][both] / other.f0_hz[there][both])))
    return shift / GRID_RATE if apart_db < LOUDNESS_DB and cents < PITCH_CENTS else None


def _above_silence(loudness_db: Array) -> Array:
    """Loudness as a height above silence, so that what lies beyond the ends of a clip is silence, too."""
    return (loudness_db - loudness_db.max() + RANGE_DB).clip(0.0)


def _best_shift(one: Array, other: Array) -> int:
    """Where the cross-correlation of two curves is largest."""
    length = next_fast_len(len(one) + len(other), real=True)
    product = np.fft.rfft(one, length) * np.fft.rfft(other, length).conj()
    shift = int(np.argmax(np.fft.irfft(product, length)))
    return shift if shift < len(one) else shift - length


def _waveforms_agree(one: Material, other: Material, shift_seconds: float) -> bool:
    """Compare pieces spread over what sounds in the common part: one and the same lag must fit all of them."""
    times = np.flatnonzero(one.is_pitched) * one.seconds_per_frame
    last = min(one.seconds, shift_seconds + other.seconds) - PIECE_SECONDS - REACH_SECONDS
    times = times[(times >= max(0.0, shift_seconds) + REACH_SECONDS) & (times <= last)]
    if len(times) == 0:
        return False
    correlations = [
        _correlations(_piece(one, start, 0.0), _piece(other, start - shift_seconds, REACH_SECONDS))
        for start in np.quantile(times, np.linspace(0.05, 0.95, N_PIECES)).tolist()
    ]
    worst_piece = torch.stack([row[: min(map(len, correlations))] for row in correlations]).amin(0)
    return float(worst_piece.max()) >= LEAST_CORRELATION


def _piece(material: Material, start_seconds: float, more_seconds: float) -> torch.Tensor:
    """A piece at `RATE`, with a bit more on both sides; silence beyond the ends."""
    rate = material.sample_rate
    n_samples = material.audio.n_samples
    start, stop = (round((start_seconds + offset) * rate) for offset in (-more_seconds, PIECE_SECONDS + more_seconds))
    audio = material.audio.read(min(max(0, start), n_samples), min(max(0, stop), n_samples))
    padded = torch.nn.functional.pad(audio, (max(0, -start), max(0, stop - n_samples)))
    return resample(padded, rate, RATE)[0]


def _correlations(piece: torch.Tensor, longer: torch.Tensor) -> torch.Tensor:
    """How well the piece fits at every place in a longer one, 0..1; either polarity."""
    windows = longer.unfold(0, len(piece), 1)
    norms = windows.square().sum(1).sqrt() * piece.square().sum().sqrt()
    return (windows @ piece).abs() / norms.clamp_min(1e-9)
