"""How long the room of a recording rings, read from what is left after notes end.

level |----.            the note ends
      |     :           the player's release is left out
      |      `--..__    then the room is alone: its slope is the decay time
      +-------------->
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, find_objects, label, maximum_filter1d
from torch import Tensor

from luthier.dsp.framing import n_frames
from luthier.dsp.signals import Features
from luthier.dsp.spectra import hann_window
from luthier.errors import ShapeError
from luthier.units import db_to_power, ratio_to_cents, seconds_to_samples

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

WINDOW_SECONDS = 0.064
FALL_DB, FALL_SECONDS = 6.0, 0.5
"""A level this far below the loudest of the last half second has been let go."""
SLOPE_DB_PER_SECOND, SLOPE_SECONDS = 12.0, 0.3
"""Slower falls over a third of a second are played; a room of 4 s falls by 15 dB in a second."""
PITCHED = 0.5
"""Least periodicity of a note."""
NEXT_NOTE_CENTS, NEXT_NOTE_PERIODICITY = 80.0, 0.9
"""A pitch so far from that of the loudest of the last moments, and as clear as this, is the next note's, however soft.
In tails trackers find pitches of earlier notes, too, less clear."""
RELEASE_SECONDS = 0.06
"""What the player and the window need at least until only the room is left."""
STOP_SECONDS = 0.05
"""Over which the steepest fall is looked for: there the player stopped."""
STOP_BEFORE_SECONDS = 0.02
"""How long before that: a release is steepest in decibels when hardly anything is left to be heard of it."""
ABOVE_FLOOR_DB = 10.0
"""Decays are followed down to here above the quietest hundredth of the recording."""
RANGE_DB, RANGE_SECONDS = 50.0, 1.5
"""What is this far below the loudest of the last moments counts as silence: the bands leak into each other."""
SHORTEST_SECONDS = 0.5
"""Free decay needed in all before anything is said."""
QUANTILE = 0.6
"""Of the slopes: a little steeper than most, because what is still played falls more slowly than the room."""
SHORTENING_HZ = 1000.0
"""Above this the air only shortens the decay; what seems to ring longer is noise."""
T60_SECONDS = (0.1, 4.0)
MOST_UNLIKE = 3.0
"""Between decay times of octaves in one room."""
SHORTEST_RUN = 5
"""Frames of a decay that count."""
LEAST_DB = 3.0
"""By how much all decays of a band fall, together: less is waves of noise."""
NEIGHBOUR_NATS = 1.5
"""By how much less each next neighbour counts when bands are smoothed."""
POWER_DECAY_60 = math.log(1e6)
SMALLEST_ENERGY = 1e-12


class Decays(NamedTuple):
    """What is left after the notes of a recording, in bands.

    Attributes:
        energy: (n_frames, n_bands), of everything that is heard.
        is_free: (n_frames,), bool: nothing is played and the room dies away.
        is_rest: (n_frames,), bool: the same, from where the player stopped.
        is_heard: (n_frames, n_bands), bool: the same, and above the noise.
        frame_rate: Hz.
    """

    energy: Array
    is_free: Mask
    is_rest: Mask
    is_heard: Mask
    frame_rate: float


def find_decays(
    audio: Tensor, features: Features, *, sample_rate: int, hop_length: int, edges_hz: list[float]
) -> Decays | None:
    """Find the decays after notes, in bands.

    Args:
        audio: (n_samples,), one instrument in one room.
        features: (n_frames,) each.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        edges_hz: n_bands + 1 rising edges.

    Returns:
        The decays; None where less than half a second of the recording falls freely.

    Raises:
        ShapeError: audio is not (n_samples,), or the features do not fit to it.
    """
    if audio.ndim != 1 or features.loudness_db.shape != (n_frames(len(audio), hop_length),):
        raise ShapeError(
            f"audio {tuple(audio.shape)}, features {tuple(features.loudness_db.shape)}: "
            "expected one clip and one frame for each hop."
        )
    frame_rate = sample_rate / hop_length
    is_free = find_free_decays(features, frame_rate=frame_rate).numpy()
    if int(is_free.sum()) < SHORTEST_SECONDS * frame_rate:
        return None
    energy = _band_energies(audio, sample_rate, hop_length, edges_hz)
    recent = _highest_before(energy, 2 * round(RANGE_SECONDS * frame_rate / 2))
    floor = recent * db_to_power(-RANGE_DB) + 4.0 * np.quantile(energy, 0.01, axis=0)
    is_rest = _from_the_stop(is_free, features.loudness_db.cpu().double().numpy(), frame_rate)
    return Decays(energy, is_free, is_rest, is_free[:, None] & (energy > floor), frame_rate)


def decay_times(decays: Decays, edges_hz: list[float]) -> Tensor | None:
    """T60 of decays: (n_bands,), seconds, between 0.1 and 4; None where no band falls anywhere.

    Bands without sound take after their neighbours. An instrument that rings itself adds to the room.
    """
    t60_seconds, weight = _fit(decays)
    if not weight.any():
        return None
    smoothed = torch.from_numpy(np.exp(_smoothed(np.log(t60_seconds), weight))).float()
    n_low = sum(edge <= SHORTENING_HZ for edge in edges_hz[1:-1])
    return torch.cat([smoothed[:n_low], smoothed[n_low:].cummin(0).values])


def bands_disagree(decays: Decays) -> bool:
    """Whether half of the bands that fall at all hardly do, and another falls several times as fast: no room does so."""
    t60_seconds, weight = _fit(decays)
    heard, longest = t60_seconds[weight > 0], T60_SECONDS[1]
    return bool(len(heard) and np.mean(heard >= longest) >= 0.5 and heard.min() < longest / MOST_UNLIKE)


def quiet_level_db(loudness_db: Tensor) -> float:
    """Level of the quietest hundredth of some frames, dB."""
    return float(np.quantile(loudness_db.cpu().numpy(), 0.01))


def find_free_decays(
    features: Features,
    *,
    frame_rate: float,
    quiet_db: float | None = None,
    next_note_periodicity: float = NEXT_NOTE_PERIODICITY,
) -> Tensor:
    """Find the frames in which nothing is played and the room dies away.

    Args:
        features: (n_frames,) each.
        frame_rate: Hz.
        quiet_db: `quiet_level_db` of the recording that this is a part of; None: of this.
        next_note_periodicity: how clear another pitch must be to be the next note's.

    Returns:
        (n_frames,), bool: falling, without pitch or far below what was just heard, and at no other pitch, for a moment
        already, and not yet down in the noise.
    """
    level = features.loudness_db.cpu().double().numpy()
    reach, half = max(1, round(FALL_SECONDS * frame_rate)), max(1, round(SLOPE_SECONDS * frame_rate / 2))
    padded = np.pad(level, half, mode="edge")
    per_second = (padded[2 * half :] - padded[: -2 * half]) * frame_rate / (2 * half)
    periodicity, loudest = features.periodicity.cpu().numpy(), _loudest_before(level, reach)
    is_let_go = (level < level[loudest] - FALL_DB) | (periodicity < PITCHED)
    cents = ratio_to_cents(features.f0_hz.cpu().double().clamp_min(1.0)).numpy()
    is_next_note = (periodicity >= next_note_periodicity) & (np.abs(cents - cents[loudest]) > NEXT_NOTE_CENTS)
    is_heard = level > (quiet_level_db(features.loudness_db) if quiet_db is None else quiet_db) + ABOVE_FLOOR_DB
    is_free = is_heard & is_let_go & ~is_next_note & (per_second < -SLOPE_DB_PER_SECOND)
    release = round(RELEASE_SECONDS * frame_rate)
    is_free = binary_erosion(is_free, np.ones(2 * release + 1), origin=release)
    return torch.from_numpy(is_free)


def _loudest_before(level: Array, n_frames: int) -> NDArray[np.int64]:
    """Which of each frame and the n_frames before it is the loudest: (n_frames,)."""
    padded = np.concatenate([np.full(n_frames, -np.inf), level])
    return np.arange(len(level)) - n_frames + sliding_window_view(padded, n_frames + 1).argmax(axis=1)


def _from_the_stop(is_free: Mask, level: Array, frame_rate: float) -> Mask:
    """Free decays and what is before them, from where the level fell most steeply."""
    half, reach, before = (
        round(seconds * frame_rate) for seconds in (STOP_SECONDS / 2, SLOPE_SECONDS, STOP_BEFORE_SECONDS)
    )
    padded = np.pad(level, half, mode="edge")
    rise = padded[2 * half :] - padded[: -2 * half]
    is_rest = is_free.copy()
    runs, n_runs = label(is_free)
    for (run,) in find_objects(runs, n_runs):
        first = max(0, run.start - reach)
        stop = first + int(rise[first : run.start + 1].argmin()) - before
        is_rest[max(0, stop) : run.start] = True
    return is_rest


def _highest_before(values: Array, n_frames: int) -> Array:
    """Largest of each frame and the n_frames before it: (n_frames, n_bands)."""
    return maximum_filter1d(values, n_frames + 1, axis=0, origin=n_frames // 2, mode="nearest")


def _band_energies(audio: Tensor, sample_rate: int, hop_length: int, edges_hz: list[float]) -> Array:
    """(n_frames, n_bands)."""
    size = seconds_to_samples(WINDOW_SECONDS, sample_rate)
    count = n_frames(len(audio), hop_length)
    padded = torch.nn.functional.pad(audio, (size // 2, size))
    frequencies_hz = torch.fft.rfftfreq(size, 1.0 / sample_rate)
    bands = torch.stack([(frequencies_hz > a) & (frequencies_hz <= b) for a, b in pairwise(edges_hz)], 1)
    window, energies = hann_window(size, audio.dtype, audio.device), []
    for frames in padded.unfold(0, size, hop_length)[:count].split(1024):
        power = torch.fft.rfft(frames * window).abs().square()
        energies.append(power.double() @ bands.double())
    return torch.cat(energies).numpy() + SMALLEST_ENERGY


def _fit(decays: Decays) -> tuple[Array, Array]:
    """T60 and weight of each band."""
    bands = zip(decays.energy.T, decays.is_heard.T, strict=True)
    decay, weight = map(np.asarray, zip(*(_decay_per_frame(*band) for band in bands), strict=True))
    shortest, longest = T60_SECONDS
    slowest, fastest = (POWER_DECAY_60 / seconds / decays.frame_rate for seconds in (longest, shortest))
    # What hardly falls may be a long decay that waves; what rises as fast as that is none.
    return POWER_DECAY_60 / np.clip(decay, slowest, fastest) / decays.frame_rate, np.where(
        decay > -slowest, weight, 0.0
    )


def _decay_per_frame(energy: Array, is_heard: Mask) -> tuple[float, float]:
    """A high median of the slopes of all decays of a band, in nats a frame, and how much material says so, or 0."""
    slopes, weights, fall_nats = [0.0], [0.0], 0.0
    runs, n_runs = label(is_heard)
    for (run,) in find_objects(runs, n_runs):
        level = np.log(energy[run])
        time = np.arange(len(level)) - (len(level) - 1) / 2
        if len(level) >= SHORTEST_RUN:
            slopes.append(-float(time @ level) / float(time @ time))
            weights.append(math.sqrt(float(time @ time)))  # one over the slope's standard error
            fall_nats += slopes[-1] * len(level)
    if fall_nats < math.log(db_to_power(LEAST_DB)):
        return 0.0, 0.0
    order = np.argsort(slopes)
    passed = np.cumsum(np.asarray(weights)[order])
    return slopes[order[np.searchsorted(passed, passed[-1] * QUANTILE)]], passed[-1]


def _smoothed(values: Array, weight: Array) -> Array:
    """Each band with its neighbours: bands without sound take the value of those that have some."""
    index = np.arange(len(values))
    share = np.sqrt(weight)[None] * np.exp(-np.abs(index[:, None] - index[None]) * NEIGHBOUR_NATS)
    share /= share.sum(1, keepdims=True)
    return share @ values
