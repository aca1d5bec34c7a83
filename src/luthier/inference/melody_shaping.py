"""Shaping a melody note by note: into tune, with more or less vibrato, with glides, with softer attacks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import convolve1d

from luthier.dsp.signals import Features
from luthier.inference.notes import Note
from luthier.inference.scales import nearest_in_scale
from luthier.units import amplitude_to_db, hz_to_midi, midi_to_hz

Array = NDArray[np.float64]

CORRECTION_SECONDS = 0.06
"""A correction changes from note to note in this time, so that it is no jump."""
VIBRATO_SECONDS = 0.4
"""Modulation faster than this is vibrato, slower is melody: of a vibrato of 4.5 Hz and more a bell of this width
leaves 3 % at most."""
EDGE_SECONDS = 0.06
"""At the ends of a note its pitch comes and goes as it was sung."""
SOFTEST_DB = -40.0
"""Where a soft attack begins."""


def autotune(
    features: Features, notes: list[Note], frame_rate: float, *, strength: float, classes: tuple[int, ...]
) -> Features:
    """Move each note as a whole towards the nearest of a scale; vibrato and slides inside it stay.

    Args:
        features: (1, n_frames, 1) each.
        notes: of these features.
        frame_rate: frames per second.
        strength: 0 leaves the notes, 1 puts their median on the scale.
        classes: pitch classes of the scale, 0 for C.
    """
    if not notes:
        return features
    corrections = [strength * (nearest_in_scale(note.midi, classes) - note.midi) for note in notes]
    # Held through a note, on a straight line to the next one through a rest.
    times = [time for note in notes for time in (note.start, note.stop - 1)]
    curve = np.interp(np.arange(features.f0_hz.shape[1]), times, np.repeat(corrections, 2))
    return _pitch_changed(features, lambda midi: midi + _smoothed(curve, CORRECTION_SECONDS * frame_rate))


def scale_vibrato(features: Features, notes: list[Note], frame_rate: float, *, vibrato: float) -> Features:
    """Make the vibrato of each note so many times as wide: 0 for none, 1 as it is.

    Args:
        features: (1, n_frames, 1) each.
        notes: of these features.
        frame_rate: frames per second.
        vibrato: factor.
    """

    def change(midi: Array) -> Array:
        changed = midi.copy()
        for note in notes:
            sung = midi[note.start : note.stop]
            inside = _hump(len(sung), EDGE_SECONDS * frame_rate)
            changed[note.start : note.stop] += (
                (vibrato - 1) * inside * (sung - _smoothed(sung, VIBRATO_SECONDS * frame_rate))
            )
        return changed

    return _pitch_changed(features, change)


def glide(features: Features, notes: list[Note], frame_rate: float, *, seconds: float) -> Features:
    """Slide from note to note in a time; rests longer than that are not crossed.

    Args:
        features: (1, n_frames, 1) each.
        notes: of these features.
        frame_rate: frames per second.
        seconds: how long a slide takes; most of it lies in the middle two thirds.
    """
    half = round(seconds * frame_rate / 2)

    def change(midi: Array) -> Array:
        weight = np.zeros_like(midi)
        for before, after in pairwise(notes):
            if after.start - before.stop <= 2 * half:
                middle = (before.stop + after.start) // 2
                bump = np.hanning(2 * half + 3)[1:-1]  # no zero at its ends
                inside = slice(max(0, middle - half), min(len(midi), middle + half + 1))
                part = bump[inside.start - middle + half : inside.stop - middle + half]
                weight[inside] = np.maximum(weight[inside], part)
        return midi + weight * (_smoothed(midi, 2.0 * half) - midi)

    return _pitch_changed(features, change)


def soften_attacks(features: Features, notes: list[Note], frame_rate: float, *, seconds: float) -> Features:
    """Let each note that is struck anew grow from nothing to its loudness in a time.

    Args:
        features: (1, n_frames, 1) each.
        notes: of these features.
        frame_rate: frames per second.
        seconds: how long an attack takes.
    """
    n_frames = round(seconds * frame_rate)
    ramp = np.sin(np.pi / 2 * np.arange(1, n_frames + 1) / (n_frames + 1))
    ramp_db = amplitude_to_db(ramp).clip(SOFTEST_DB)
    level_db = features.loudness_db.clone()
    for note in notes:
        if not note.is_legato:
            n_inside = min(n_frames, note.stop - note.start)
            level_db[0, note.start : note.start + n_inside, 0] += torch.from_numpy(ramp_db[:n_inside]).to(level_db)
    return features._replace(loudness_db=level_db)


def _pitch_changed(features: Features, change: Callable[[Array], Array]) -> Features:
    """Change the pitch on the scale of semitones."""
    midi = hz_to_midi(features.f0_hz.flatten().double().numpy())
    f0_hz = torch.from_numpy(midi_to_hz(change(midi))).to(features.f0_hz)
    return features._replace(f0_hz=f0_hz.view_as(features.f0_hz))


def _smoothed(values: Array, n_frames: float) -> Array:
    """The mean under a bell of so many frames around each, the ends held."""
    bell = np.hanning(2 * round(n_frames / 2) + 3)[1:-1]
    smooth: Array = convolve1d(values, bell / bell.sum(), mode="nearest")
    return smooth


def _hump(n_frames: int, edge_frames: float) -> Array:
    """One in the middle, falling to zero at both ends: (n_frames,)."""
    from_end = np.minimum(np.arange(n_frames), np.arange(n_frames)[::-1])
    return np.minimum(1.0, from_end / max(1.0, edge_frames))
