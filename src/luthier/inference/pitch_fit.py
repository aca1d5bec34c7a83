"""Fitting another sound's register to what an instrument was trained on."""

from __future__ import annotations

from torch import Tensor

from luthier.dsp.signals import Features
from luthier.inference.loudness_fit import is_note
from luthier.units import SEMITONES_PER_OCTAVE, hz_to_octaves, octaves_to_hz, semitones_to_ratio

RANGE_QUANTILES = (1, 99)
"""Percent of the instrument's training notes that mark the ends of its range."""
MOST_OCTAVES = 4
RANGE_MARGIN_OCTAVES = 1.0 / SEMITONES_PER_OCTAVE
"""A semitone beyond the range still counts as inside it."""


def range_hz(f0_octaves_quantiles: Tensor) -> tuple[float, float]:
    """Lowest and highest fundamental of the training notes, stray ones left out, Hz."""
    low, high = (float(f0_octaves_quantiles[index]) for index in RANGE_QUANTILES)
    return octaves_to_hz(low), octaves_to_hz(high)


def share_outside(features: Features, f0_octaves_quantiles: Tensor) -> float:
    """Part of the input's notes that lie outside the instrument's range, 0..1; 0 without notes."""
    notes = hz_to_octaves(features.f0_hz[is_note(features)])
    if len(notes) == 0:
        return 0.0
    low, high = (float(f0_octaves_quantiles[index]) for index in RANGE_QUANTILES)
    outside = (notes < low - RANGE_MARGIN_OCTAVES) | (notes > high + RANGE_MARGIN_OCTAVES)
    return float(outside.float().mean())


def octave_shift(features: Features, f0_octaves_quantiles: Tensor) -> int:
    """Whole octaves that bring most notes into the instrument's range; of equals, the smallest shift, upwards first.

    Args:
        features: of the input, (1, n_frames, 1) each.
        f0_octaves_quantiles: (101,), of the instrument's notes.
    """
    candidates = sorted(range(-MOST_OCTAVES, MOST_OCTAVES + 1), key=lambda octaves: (abs(octaves), -octaves))
    return min(candidates, key=lambda octaves: round(_outside_after(features, octaves, f0_octaves_quantiles), 2))


def _outside_after(features: Features, octaves: int, f0_octaves_quantiles: Tensor) -> float:
    return share_outside(shift_pitch(features, SEMITONES_PER_OCTAVE * octaves), f0_octaves_quantiles)


def shift_pitch(features: Features, semitones: float) -> Features:
    """Move all pitches by so many semitones."""
    return features._replace(f0_hz=features.f0_hz * semitones_to_ratio(semitones))
