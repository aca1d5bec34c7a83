"""From a pitch curve to notes: where each begins and ends, how high and how loud it is."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects, label
from scipy.signal import find_peaks

from luthier.dsp.signals import Features
from luthier.inference.loudness_fit import is_note
from luthier.units import hz_to_midi

Array = NDArray[np.float64]

CHANGE_SECONDS = 0.1
"""A neighbouring semitone must be nearer for about this long to become a note of its own: vibrato is faster."""
SHORTEST_SECONDS = 0.06
"""Shorter stretches are no notes."""
STRUCK_DB = 9.0
"""A dip of this depth inside a pitch starts a note anew; tremolo is shallower."""
FARTHEST_SEMITONES = 2.0
"""A frame costs no more than one this far from its note: single mistakes of a tracker make no note."""


class Note(NamedTuple):
    """A note in a melody.

    Attributes:
        start: its first frame.
        stop: the frame after its last.
        midi: median pitch, fractional MIDI note number.
        level_db: median loudness, dB.
        is_legato: whether it goes on from the note before without a new attack.
    """

    start: int
    stop: int
    midi: float
    level_db: float
    is_legato: bool


def find_notes(features: Features, frame_rate: float) -> list[Note]:
    """Divide a melody into notes.

    Args:
        features: (1, n_frames, 1) each.
        frame_rate: frames per second.

    Returns:
        Notes in order, not overlapping.

    Source: the cheapest sequence of semitones by the Viterbi algorithm (Forney 1973): a frame costs the square of
        its distance from its semitone, a change of semitone a constant.
    """
    midi = hz_to_midi(features.f0_hz.flatten().double().numpy())
    level_db = features.loudness_db.flatten().double().numpy()
    regions, _ = label(is_note(features).flatten().numpy())
    notes: list[Note] = []
    for (region,) in find_objects(regions):
        semitones = _steady_semitones(midi[region], frame_rate)
        struck = set(_struck(level_db[region], frame_rate).tolist())
        bounds = sorted({0, len(semitones), *(np.flatnonzero(np.diff(semitones)) + 1).tolist(), *struck})
        for first, last in pairwise(bounds):
            if last - first >= SHORTEST_SECONDS * frame_rate:
                here = slice(region.start + first, region.start + last)
                goes_on = bool(notes) and notes[-1].stop == here.start and first not in struck
                notes.append(
                    Note(here.start, here.stop, float(np.median(midi[here])), float(np.median(level_db[here])), goes_on)
                )
    return notes


def _steady_semitones(midi: Array, frame_rate: float) -> NDArray[np.int64]:
    """The semitone to which each frame belongs, (n_frames,)."""
    lowest = int(np.floor(midi.min()))
    semitones = np.arange(lowest, int(np.ceil(midi.max())) + 1)
    tuning = np.angle(np.exp(2j * np.pi * midi).mean()) / (2 * np.pi)  # of the singer, against A 440
    costs = np.square((midi[:, None] - semitones - tuning).clip(-FARTHEST_SEMITONES, FARTHEST_SEMITONES))
    change = CHANGE_SECONDS * frame_rate
    came_from = np.empty(costs.shape, dtype=np.int64)
    total, stay = costs[0].copy(), np.arange(len(semitones))
    for frame, cost in enumerate(costs):
        best = int(total.argmin()) if frame else 0
        came_from[frame] = np.where(total <= total[best] + change, stay, best)
        total = (np.minimum(total, total[best] + change) if frame else 0.0 * total) + cost
    path = np.empty(len(midi), dtype=np.int64)
    path[-1] = int(total.argmin())
    for frame in range(len(midi) - 1, 0, -1):
        path[frame - 1] = came_from[frame, path[frame]]
    return path + lowest


def _struck(level_db: Array, frame_rate: float) -> NDArray[np.int64]:
    """Frames in which a note is struck again: the bottoms of deep dips."""
    apart = max(1, round(SHORTEST_SECONDS * frame_rate))
    return find_peaks(-level_db, prominence=STRUCK_DB, distance=apart)[0].astype(np.int64)
