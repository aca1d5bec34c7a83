"""Every unit conversion of the package, each written once.

All functions work elementwise on Python numbers, NumPy arrays and torch tensors
and return what they were given.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

Value = TypeVar("Value", float, np.ndarray, Tensor)

A4_HZ = 440.0
A4_MIDI = 69.0
SEMITONES_PER_OCTAVE = 12.0
CENTS_PER_OCTAVE = 1200.0
SMALLEST_POWER = 1e-20
"""Power below which a level counts as silence (-200 dB): keeps logarithms finite."""


def _log2(value: Value) -> Value:
    if isinstance(value, Tensor):
        return torch.log2(value)
    return np.log2(value)


def _log10_clamped(value: Value, minimum: float) -> Value:
    if isinstance(value, Tensor):
        return torch.log10(value.clamp_min(minimum))
    return np.log10(np.maximum(value, minimum))


def hz_to_midi(frequency_hz: Value) -> Value:
    """Frequency in Hz (> 0) to fractional MIDI note numbers, A4 = 440 Hz = 69."""
    return A4_MIDI + SEMITONES_PER_OCTAVE * _log2(frequency_hz / A4_HZ)


def midi_to_hz(midi: Value) -> Value:
    """Fractional MIDI note numbers to Hz, 69 = 440 Hz."""
    return A4_HZ * 2.0 ** ((midi - A4_MIDI) / SEMITONES_PER_OCTAVE)


def hz_to_octaves(frequency_hz: Value) -> Value:
    """Frequency in Hz (> 0) to octaves above 1 Hz: the scale on which intervals are differences."""
    return _log2(frequency_hz)


def octaves_to_hz(octaves: Value) -> Value:
    """Octaves above 1 Hz to Hz."""
    return 2.0**octaves


def semitones_to_ratio(semitones: Value) -> Value:
    """Interval in semitones to a frequency ratio: 12 -> 2."""
    return 2.0 ** (semitones / SEMITONES_PER_OCTAVE)


def ratio_to_cents(ratio: Value) -> Value:
    """Frequency ratio (> 0) to cents: 2 -> 1200."""
    return CENTS_PER_OCTAVE * _log2(ratio)


def cents_to_ratio(cents: Value) -> Value:
    """Interval in cents to a frequency ratio: 1200 -> 2."""
    return 2.0 ** (cents / CENTS_PER_OCTAVE)


def power_to_db(power: Value) -> Value:
    """Power (>= 0) to dB; below `SMALLEST_POWER` the answer stays at -200 dB."""
    return 10.0 * _log10_clamped(power, SMALLEST_POWER)


def db_to_power(level_db: Value) -> Value:
    """dB to power: -10 -> 0.1."""
    return 10.0 ** (level_db / 10.0)


def amplitude_to_db(amplitude: Value) -> Value:
    """Linear amplitude (>= 0) to dB; silence stays at -200 dB."""
    return 20.0 * _log10_clamped(amplitude, math.sqrt(SMALLEST_POWER))


def db_to_amplitude(level_db: Value) -> Value:
    """dB to linear amplitude: -20 -> 0.1."""
    return 10.0 ** (level_db / 20.0)


def hz_to_mel(frequency_hz: Tensor) -> Tensor:
    """Frequency (>= 0) to mel, the ear's scale of pitch distances: 1000 Hz -> 1000 (O'Shaughnessy 1987)."""
    return 2595.0 * torch.log10(1.0 + frequency_hz / 700.0)


def cycles_to_radians(cycles: Value) -> Value:
    """Cycles to radians: 1 -> 2 pi."""
    return cycles * (2.0 * math.pi)


def samples_to_seconds(n_samples: float, sample_rate: int) -> float:
    """A number of samples to seconds."""
    return n_samples / sample_rate


def seconds_to_samples(seconds: float, sample_rate: int) -> int:
    """Seconds to the nearest whole number of samples."""
    return round(seconds * sample_rate)
