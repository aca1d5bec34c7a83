"""How each feature is scaled before a network hears it. The instrument's statistics supply the scales."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
EXPRESSION_INPUTS = {f"{field.rpartition('_')[0]}_z": field for field in Expression._fields}
"""brightness_z, warmth_z and so on: inputs that a `Predictor` supplies where the features leave them out."""
INPUT_NAMES = (*INPUTS, *EXPRESSION_INPUTS)


def n_channels(name: str) -> int:
    """How many numbers a frame an input has."""
    return 2 * len(WAVES_PER_OCTAVE) if name == "f0_waves" else 1


def require_input(name: str) -> None:
    """Refuse an input that does not exist, before anything is built on it.

    Raises:
        ConfigError: no input has this name.
    """
    if name not in INPUT_NAMES:
        raise ConfigError(f"decoder.inputs: found {name!r}, expected some of {', '.join(INPUT_NAMES)}.")


def scaled_inputs(names: Sequence[str], features: Features, statistics: Statistics) -> list[Tensor]:
    """Scale features for the network.

    Args:
        names: some of `INPUT_NAMES`.
        features: (batch, n_frames, 1) each, in physical units.
        statistics: of the training material.

    Returns:
        (batch, n_frames, n_channels(name)) for each name, without a unit.
    """
    expression = [name for name in names if name in EXPRESSION_INPUTS]
    scaled = _expression_z(expression, features, statistics) if expression else {}
    return [scaled[name] if name in scaled else INPUTS[name](features, statistics) for name in names]


def _expression_z(names: Sequence[str], features: Features, statistics: Statistics) -> dict[str, Tensor]:
    """All in one: a few numbers a frame cost less than the calls that scale them."""
    fields = [EXPRESSION_INPUTS[name] for name in names]
    values = [value for field in fields if (value := getattr(features, field)) is not None]
    assert len(values) == len(fields), "an instrument predicts what is not given before its decoder looks at it"
    scaled = statistics.standardised(fields, torch.cat(values, dim=-1))
    return dict(zip(names, scaled.clamp(-LARGEST_EXPRESSION_Z, LARGEST_EXPRESSION_Z).split(1, dim=-1), strict=True))
