"""Audio to `Features`, as a `FeatureDefinition` says."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.samples import as_samples
from luthier.dsp.signals import Features
from luthier.features.expression import measure_expression
from luthier.features.long_audio import LongAudio
from luthier.features.loudness import loudness_db, rms_power_db
from luthier.features.pitch import Pitch, track_pitch

LOUDNESSES: dict[str, Callable[..., Tensor]] = {"a_weighted": loudness_db, "rms": rms_power_db}
"""Name in a `FeatureDefinition` -> function."""


def extract_features(audio: Tensor | LongAudio, definition: FeatureDefinition) -> Features:
    """Measure pitch, periodicity, loudness and expression of audio, in the same memory whatever its length.

    Args:
        audio: (batch, n_samples) at `definition.sample_rate`, or long audio that is read piece by piece.
        definition: what to measure, and how.

    Returns:
        Features with n_frames(n_samples, definition.hop_length) frames each.

    Raises:
        ShapeError: audio is not (batch, n_samples) or has no samples.
        RangeError: a sample is NaN or infinite, or the range of pitches is empty.
        ConfigError: there is no tracker of that name.
    """
    audio = audio if isinstance(audio, LongAudio) else as_samples(audio)
    pitch = track_pitch(
        audio,
        sample_rate=definition.sample_rate,
        hop_length=definition.hop_length,
        tracker=definition.tracker,
        f0_min_hz=definition.f0_min_hz,
        f0_max_hz=definition.f0_max_hz,
    )
    return features_at(pitch, audio, definition)


def features_at(known_pitch: Pitch, audio: Tensor | LongAudio, definition: FeatureDefinition) -> Features:
    """Measure loudness and expression of audio whose pitch is known.

    Args:
        known_pitch: (batch, n_frames, 1) each, of the same audio.
        audio: as for `extract_features`.
        definition: what to measure, and how; its tracker is not asked.

    Raises:
        ShapeError: audio is not (batch, n_samples) or has no samples, or the pitch has another number of frames.
        RangeError: a sample is NaN or infinite.
    """
    level_db = LOUDNESSES[definition.loudness](
        audio,
        sample_rate=definition.sample_rate,
        hop_length=definition.hop_length,
        n_fft=definition.loudness_n_fft,
        floor_db=definition.loudness_floor_db,
    )
    expression = measure_expression(
        audio, known_pitch.f0_hz, sample_rate=definition.sample_rate, hop_length=definition.hop_length
    )
    return Features(known_pitch.f0_hz, known_pitch.periodicity, level_db, *expression)
