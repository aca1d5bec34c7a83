"""Whether several voices sound at once: chords, double stops, a second player.

level of one frequency that is no harmonic of the pitch:

    |-----.                     |        ------
    |      `--..__   a tail     |  -----        a second voice: as loud now
    +--------^------> time      +--------^---->  as at any moment just before
             now                         now
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_opening, maximum_filter1d, minimum_filter1d

from luthier.analysis.checkup_material import Material
from luthier.dsp.signals import VOICED_PERIODICITY
from luthier.dsp.spectra import hann_window
from luthier.units import db_to_power, hz_to_octaves

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

WINDOW_SECONDS = 0.128
"""Tells lines 31 Hz apart from one another."""
OVERSAMPLING = 2
"""Zero-padding, so that a peak's place is known to a few Hz."""
EVERY_FRAMES = 2
"""One frame in two is looked at."""
STEADY_STEPS, STEADY_OCTAVES = 3, 0.1
"""The pitch must keep still this many steps to either side: 140 ms in all."""
PAST_STEPS = 20
"""What sounded in the last 0.4 s and is now weaker rings; it is not played."""
LOWEST_HZ, HIGHEST_HZ = 60.0, 3000.0
HIGHEST_HARMONIC = 5.5
"""Above, vibrato smears harmonics over everything between them."""
HARMONIC_SHARE, HARMONIC_HZ = 0.025, 12.0
"""A line this close to a multiple of half the pitch belongs to it. Half: trackers err by octaves."""
LOUD_DB = -15.0
"""A second voice has a line that is not weaker than this against the strongest harmonic."""
LARGEST_CHANGE_DB = 4.0
"""From the start of the steady stretch to its end."""
LARGEST_FALL_DB = 1.5
"""Below the loudest moment of the past; the tail of a room falls by more, with the direct sound gone."""
MISTAKEN = (0.25, 1.0 / 3.0)
"""A line at these parts of the pitch says that the tracker took a harmonic for the pitch: no second voice."""
MISTAKEN_SHARE = 0.08
SHORTEST_STEPS = 2
"""A second voice for a single step is chance: the beating of a room."""
POLYPHONIC_SHARE = 0.05
"""Single voices stay below 0.02, in rooms that drown them below 0.045; double stops and company came to 0.1 and more,
but two fast players to 0.02 to 0.06 only."""
POLYPHONIC_SECONDS = 0.3
"""Less than this may be chance."""
STEPS_AT_ONCE = 1024


class Voices(NamedTuple):
    """How much of a recording has several voices.

    Attributes:
        polyphonic_share: of the frames with a steady pitch, those with a second steady voice.
        polyphonic_seconds: how long these are.
        is_polyphonic: whether that is more than a single voice ever shows.
    """

    polyphonic_share: float
    polyphonic_seconds: float
    is_polyphonic: bool


def measure_voices(material: Material) -> Voices:
    """Look for lines beside the harmonics that are as loud as they were before: a voice of its own.

    Octaves and, in part, fifths hide behind the harmonics of the voice that is tracked; notes shorter than 0.15 s
    are not judged.

    Args:
        material: a recording.

    Returns:
        Share and duration, and the verdict.
    """
    is_steady = _steady(material)
    has_second = np.zeros(len(is_steady), dtype=bool)
    judged = np.zeros(len(is_steady), dtype=bool)
    for start in range(0, len(is_steady), STEPS_AT_ONCE):
        inside = slice(start, min(start + STEPS_AT_ONCE, len(is_steady)))
        judged[inside], has_second[inside] = _judge(material, is_steady, inside)
    has_second = binary_opening(has_second, np.ones(SHORTEST_STEPS))
    share = float(has_second.sum() / max(1, judged.sum()))
    seconds = float(has_second.sum()) * EVERY_FRAMES * material.seconds_per_frame
    return Voices(share, seconds, share >= POLYPHONIC_SHARE and seconds >= POLYPHONIC_SECONDS)


def _steady(material: Material) -> Mask:
    """(n_steps,), where one pitch lasts a while, away from the ends of the clip."""
    octaves = hz_to_octaves(material.f0_hz[::EVERY_FRAMES])
    is_pitched = material.is_pitched[::EVERY_FRAMES] & (material.periodicity[::EVERY_FRAMES] >= VOICED_PERIODICITY)
    width = 2 * STEADY_STEPS + 1
    spread = maximum_filter1d(octaves, width) - minimum_filter1d(octaves, width)
    steady = (spread < STEADY_OCTAVES) & minimum_filter1d(is_pitched, width)
    steady[:STEADY_STEPS] = steady[len(steady) - STEADY_STEPS :] = False
    return np.asarray(steady, dtype=bool)


def _judge(material: Material, is_steady: Mask, inside: slice) -> tuple[Mask, Mask]:
    """Which of some steps could be judged, and which of them have a second voice."""
    first = max(0, inside.start - PAST_STEPS)
    last = min(len(is_steady), inside.stop + STEADY_STEPS)
    power, bin_hz = _spectrogram(material, first, last)
    around = maximum_filter1d(power, 5, axis=1)  # vibrato moves a line by a bin or two
    loudest = maximum_filter1d(around, PAST_STEPS, axis=0, origin=(PAST_STEPS - 1) // 2)
    judged, second = (np.zeros(inside.stop - inside.start, dtype=bool) for _ in range(2))
    for step in np.flatnonzero(is_steady[inside]) + inside.start:
        here = slice(step - first - STEADY_STEPS, step - first + STEADY_STEPS + 1)
        f0_hz = float(material.f0_hz[step * EVERY_FRAMES])
        found = _second_voice(power[here], around[here], loudest[step - first], f0_hz / bin_hz, bin_hz)
        if found is not None:
            judged[step - inside.start], second[step - inside.start] = True, found
    return judged, second


def _spectrogram(material: Material, first: int, last: int) -> tuple[Array, float]:
    """Power (last - first, n_bins) around some steps, and the distance of bins in Hz."""
    length = 2 * round(WINDOW_SECONDS * material.sample_rate / 2)
    step_samples = EVERY_FRAMES * material.hop_length
    start = first * step_samples - length // 2
    stop = (last - 1) * step_samples + length // 2
    clip = material.audio.read(max(0, start), min(stop, material.audio.n_samples))[0].float().cpu()
    clip = torch.nn.functional.pad(clip, (max(0, -start), max(0, stop - material.audio.n_samples)))
    windows = clip.unfold(0, length, step_samples) * hann_window(length, clip.dtype, clip.device)
    n_fft = OVERSAMPLING * length
    n_bins = min(length, round(HIGHEST_HZ * n_fft / material.sample_rate))
    power = torch.cat([torch.fft.rfft(part, n=n_fft)[:, :n_bins].abs().square() for part in windows.split(256)])
    return power.numpy(), material.sample_rate / n_fft


def _second_voice(power: Array, around: Array, loudest: Array, f0_bins: float, bin_hz: float) -> bool | None:
    """Whether a steady stretch (n_steps, n_bins) has a second voice; None where the pitch is doubtful."""
    mean = power.mean(0)
    peaks = np.flatnonzero((mean[1:-1] > mean[:-2]) & (mean[1:-1] >= mean[2:])) + 1
    peaks = peaks[(peaks * bin_hz > LOWEST_HZ) & (peaks < HIGHEST_HARMONIC * f0_bins)]
    distance = np.abs(peaks - np.round(2 * peaks / f0_bins) * f0_bins / 2)
    is_own = distance <= np.maximum(HARMONIC_SHARE * peaks, HARMONIC_HZ / bin_hz)
    if not is_own.any():
        return None
    others = peaks[~is_own & (mean[peaks] > db_to_power(LOUD_DB) * mean[peaks[is_own]].max())]
    early, late = around[1, others], around[-2, others]
    is_held = np.maximum(early, late) < db_to_power(LARGEST_CHANGE_DB) * np.minimum(early, late)
    is_played = is_held & (mean[others] > db_to_power(-LARGEST_FALL_DB) * loudest[others])
    parts = others[is_played] / f0_bins
    if any(bool((np.abs(parts - part) < MISTAKEN_SHARE * part).any()) for part in MISTAKEN):
        return None
    return bool(is_played.any())
