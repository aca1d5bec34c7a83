"""Scales: which notes a melody may have, and which it seems to be in."""

from __future__ import annotations

import numpy as np

from luthier.errors import RangeError
from luthier.inference.notes import Note

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
STEPS = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
CHROMATIC = tuple(range(12))
PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
"""How well each note fits a key, above its tonic (Krumhansl & Kessler 1982)."""


def detect_key(notes: list[Note]) -> str:
    """Guess the key of a melody: "C-major", or "chromatic" where there are no notes.

    Source: Krumhansl 1990, Cognitive Foundations of Musical Pitch, chapter 4: the key whose profile correlates best
        with the durations of the pitch classes.
    """
    durations = np.zeros(12)
    for note in notes:
        durations[round(note.midi) % 12] += note.stop - note.start
    if np.ptp(durations) == 0:
        return "chromatic"
    fits = {
        f"{NAMES[tonic]}-{mode}": float(np.corrcoef(np.roll(profile, tonic), durations)[0, 1])
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    }
    return max(fits, key=lambda key: fits[key])


def scale_classes(scale: str) -> tuple[int, ...]:
    """The pitch classes of a scale, 0 for C.

    Args:
        scale: "chromatic", or a tonic and a mode: "C-major", "F#-minor", "Bb-major".

    Raises:
        RangeError: there is no such scale.
    """
    if scale == "chromatic":
        return CHROMATIC
    tonic, _, mode = scale.partition("-")
    tonic = FLATS.get(tonic, tonic)
    if tonic not in NAMES or mode not in STEPS:
        raise RangeError(f"scale {scale!r}: expected chromatic, auto, or a key such as C-major, F#-minor or Bb-major.")
    return tuple(sorted((NAMES.index(tonic) + step) % 12 for step in STEPS[mode]))


def nearest_in_scale(midi: float, classes: tuple[int, ...]) -> int:
    """The MIDI note of a scale that is nearest to a pitch."""
    around = range(round(midi) - 6, round(midi) + 7)
    return min((note for note in around if note % 12 in classes), key=lambda note: abs(note - midi))
