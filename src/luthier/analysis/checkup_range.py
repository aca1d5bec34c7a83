"""Which notes were played for how long, and which are missing."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.checkup_material import Material
from luthier.units import hz_to_midi

N_NOTES = 128
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
HEARD_SECONDS, HEARD_SHARE = 0.25, 0.002
"""A note heard for less than this, or for less than this part of all, may be a mistake of the tracker."""
ISLAND_SHARE = 0.02
"""So may be a few notes beyond a gap with less than this part of the material: octaves above the rest, mostly."""
LEARNED_SECONDS = 0.5
"""A note needs this much to be learned."""
GAP_NOTES = 3
"""Fewer missing notes in a row are bridged by their neighbours."""
END_NOTES, END_SHARE = 5, 0.02
"""The lowest and the highest five notes should hold this part of the material each."""

Seconds = NDArray[np.float64]


class Range(NamedTuple):
    """The notes of a recording or of a whole set.

    Attributes:
        lowest, highest: MIDI numbers; None without pitch.
        gaps: first and last missing note of each gap.
        thin: "low" and "high" where that end of the range holds little.
    """

    lowest: int | None
    highest: int | None
    gaps: list[tuple[int, int]]
    thin: list[str]


def note_seconds(material: Material) -> Seconds:
    """(128,), seconds of each MIDI note."""
    midi = hz_to_midi(material.f0_hz[material.is_pitched].astype(np.float64))
    counts = np.bincount(np.rint(midi).astype(int).clip(0, N_NOTES - 1), minlength=N_NOTES)
    return np.asarray(counts * material.seconds_per_frame, dtype=np.float64)


def judge_range(seconds: Seconds) -> Range:
    """Find the ends of the range, and what is missing inside it."""
    heard = _without_islands(np.flatnonzero(seconds >= max(HEARD_SECONDS, HEARD_SHARE * float(seconds.sum()))), seconds)
    if len(heard) == 0:
        return Range(None, None, [], [])
    lowest, highest = int(heard[0]), int(heard[-1])
    gaps: list[tuple[int, int]] = []
    present = [lowest, *(note for note in range(lowest, highest) if seconds[note] >= LEARNED_SECONDS), highest]
    for below, above in pairwise(present):
        if above - below > GAP_NOTES:
            gaps.append((below + 1, above - 1))
    ends = {"low": seconds[lowest : lowest + END_NOTES], "high": seconds[highest - END_NOTES + 1 : highest + 1]}
    is_wide = highest - lowest >= 2 * END_NOTES
    thin = [end for end, notes in ends.items() if is_wide and notes.sum() < END_SHARE * seconds.sum()]
    return Range(lowest, highest, gaps, thin)


def _without_islands(heard: NDArray[np.int_], seconds: Seconds) -> NDArray[np.int_]:
    """Notes in stretches that hold a real part of the material, and what lies between these."""
    stretches = np.split(heard, np.flatnonzero(np.diff(heard) > GAP_NOTES) + 1)
    large = [stretch for stretch in stretches if seconds[stretch].sum() >= ISLAND_SHARE * seconds.sum()]
    return np.concatenate(large) if large else heard[:0]


def note_name(note: int) -> str:
    """MIDI number to a name: 69 -> A4."""
    return f"{NAMES[note % 12]}{note // 12 - 1}"
