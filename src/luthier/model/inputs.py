"""How each feature is scaled before a network hears it. The instrument's statistics supply the scales."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from luthier.dsp.signals import Expression, Features
from luthier.errors import ConfigError
from luthier.model.statistics import Statistics
from luthier.units import cycles_to_radians, hz_to_midi, hz_to_octaves

MIDI_RANGE = 127.0
LOUDNESS_RANGE_DB = 80.0
SMALLEST_HZ = 1.0
"""Frequencies below this count as this: logarithms of 0 Hz stay finite."""
LARGEST_Z = 10.0
"""Standard deviations beyond which an input is as unusual as can be."""
LARGEST_EXPRESSION_Z = 4.0
"""The same for expression, which in rests and silence means nothing."""
WAVES_PER_OCTAVE = (1, 2, 4)
"""The finest lasts three semitones: neighbouring notes look different, and those between them still lie between."""
NEAR_HZ = 256.0
"""A power of two: the waves are those of 1 Hz."""


def _f0_hz(features: Features, statistics: Statistics) -> Tensor:
    return features.f0_hz


def _f0_midi_unit(features: Features, statistics: Statistics) -> Tensor:
    return hz_to_midi(features.f0_hz.clamp_min(SMALLEST_HZ)) / MIDI_RANGE


def _f0_octaves_z(features: Features, statistics: Statistics) -> Tensor:
    octaves = hz_to_octaves(features.f0_hz.clamp_min(SMALLEST_HZ))
    return ((octaves - statistics.f0_octaves_mean) / statistics.f0_octaves_std).clamp(-LARGEST_Z, LARGEST_Z)


def _f0_waves(features: Features, statistics: Statistics) -> Tensor:
    # Whole octaves are whole waves: counted from near the notes, a float32 keeps more of what lies between.
    octaves = hz_to_octaves(features.f0_hz.clamp_min(SMALLEST_HZ) / NEAR_HZ)
    angles = cycles_to_radians(octaves * torch.tensor(WAVES_PER_OCTAVE).to(octaves))
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _loudness_z(features: Features, statistics: Statistics) -> Tensor:
    level = (features.loudness_db - statistics.loudness_db_mean) / statistics.loudness_db_std
    return level.clamp(-LARGEST_Z, LARGEST_Z)


def _loudness_unit(features: Features, statistics: Statistics) -> Tensor:
    return features.loudness_db / LOUDNESS_RANGE_DB + 1.0


def _expression_z(name: str, features: Features, statistics: Statistics) -> Tensor:
    values = getattr(features, name)
    assert values is not None, "an instrument predicts what is not given before its decoder looks at it"
    return statistics.standardised(name, values).clamp(-LARGEST_EXPRESSION_Z, LARGEST_EXPRESSION_Z)


def _periodicity(features: Features, statistics: Statistics) -> Tensor:
    return features.periodicity


INPUTS: dict[str, Callable[[Features, Statistics], Tensor]] = {
    "f0_hz": _f0_hz,
    "f0_midi_unit": _f0_midi_unit,
    "f0_octaves_z": _f0_octaves_z,
    "f0_waves": _f0_waves,
    "loudness_z": _loudness_z,
    "loudness_unit": _loudness_unit,
    "periodicity": _periodicity,
}
EXPRESSION_INPUTS = {f"{name.rpartition('_')[0]}_z": partial(_expression_z, name) for name in Expression._fields}
"""brightness_z, warmth_z and so on: inputs that a `Predictor` supplies where the features leave them out."""
INPUTS |= EXPRESSION_INPUTS


def n_channels(name: str) -> int:
    """How many numbers a frame an input has."""
    return 2 * len(WAVES_PER_OCTAVE) if name == "f0_waves" else 1


def require_input(name: str) -> None:
    """Refuse an input that does not exist, before anything is built on it.

    Raises:
        ConfigError: no input has this name.
    """
    if name not in INPUTS:
        raise ConfigError(f"decoder.inputs: found {name!r}, expected some of {', '.join(INPUTS)}.")


def scaled_input(name: str, features: Features, statistics: Statistics) -> Tensor:
    """Scale one feature for the network.

    Args:
        name: a key of `INPUTS`.
        features: (batch, n_frames, 1) each, in physical units.
        statistics: of the training material.

    Returns:
        (batch, n_frames, n_channels(name)), without a unit.

    Raises:
        ConfigError: no input has this name.
    """
    require_input(name)
    return INPUTS[name](features, statistics)
