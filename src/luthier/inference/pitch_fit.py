"""Fitting another sound's register to what an instrument was trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.dsp.signals import Features
from luthier.inference.loudness_fit import is_note
from luthier.units import (
    CENTS_PER_OCTAVE,
    SEMITONES_PER_OCTAVE,
    hz_to_midi,
    hz_to_octaves,
    octaves_to_hz,
    semitones_to_ratio,
)

RANGE_QUANTILES = (1, 99)
"""Percent of the instrument's training notes that mark the ends of its range."""
MOST_OCTAVES = 4
RANGE_MARGIN_OCTAVES = 1.0 / SEMITONES_PER_OCTAVE
"""A semitone beyond the range still counts as inside it."""


def range_hz(f0_octaves_quantiles: Tensor) -> tuple[float, float]:
    """Lowest and highest fundamental of the training notes, stray ones left out, Hz."""
    low, high = (float(f0_octaves_quantiles[index]) for index in RANGE_QUANTILES)
    return octaves_to_hz(low), octaves_to_hz(high)


def shares_outside(features: Features, f0_octaves_quantiles: Tensor) -> tuple[float, float]:
    """Parts of the input's notes below and above the instrument's range, 0..1; 0 without notes."""
    notes = hz_to_octaves(features.f0_hz[is_note(features)])
    if len(notes) == 0:
        return 0.0, 0.0
    low, high = (float(f0_octaves_quantiles[index]) for index in RANGE_QUANTILES)
    below = (notes < low - RANGE_MARGIN_OCTAVES).float().mean()
    return float(below), float((notes > high + RANGE_MARGIN_OCTAVES).float().mean())


def octave_shift(features: Features, f0_octaves_quantiles: Tensor) -> int:
    """Whole octaves that bring most notes into the instrument's range; of equals, the smallest shift, upwards first.

    Args:
        features: of the input, (1, n_frames, 1) each.
        f0_octaves_quantiles: (101,), of the instrument's notes.
    """
    candidates = sorted(range(-MOST_OCTAVES, MOST_OCTAVES + 1), key=lambda octaves: (abs(octaves), -octaves))
    return min(candidates, key=lambda octaves: round(_outside_after(features, octaves, f0_octaves_quantiles), 2))


def _outside_after(features: Features, octaves: int, f0_octaves_quantiles: Tensor) -> float:
    return sum(shares_outside(shift_pitch(features, SEMITONES_PER_OCTAVE * octaves), f0_octaves_quantiles))


def shift_pitch(features: Features, semitones: float) -> Features:
    """Move all pitches by so many semitones."""
    return features._replace(f0_hz=features.f0_hz * semitones_to_ratio(semitones))


def tuning_cents(features: Features) -> float:
    """How far the input's notes lie above the semitones of A 440, from -50 to 50 cents; 0 without notes.

    Source: circular mean (Mardia and Jupp 2000, section 2.2) of the fractional MIDI pitch.
    """
    turns = 2 * torch.pi * hz_to_midi(features.f0_hz[is_note(features)].double())
    angle = torch.atan2(turns.sin().sum(), turns.cos().sum())  # of an empty sum: 0
    return float(angle) / (2 * torch.pi) * CENTS_PER_OCTAVE / SEMITONES_PER_OCTAVE
