"""What a score is to be read beside: the best and the least that this synthesiser can do with the same audio.

oracle  closed-form analysis of the very audio that is scored, played back: it sees the answer
floor   the oracle's controls played with two different noises, one against the other
base    one constant timbre, the mean of the training material, following f0 and loudness
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.analysis.controls import analyse
from luthier.dsp.scaling import normalise_harmonics
from luthier.dsp.signals import VOICED_PERIODICITY, Controls, Features
from luthier.errors import DatasetError
from luthier.model.config import InstrumentConfig
from luthier.units import amplitude_to_db, db_to_amplitude

SOUNDING_RANGE_DB = 60.0
"""Frames further below the loudest one are rests and say nothing about the timbre."""
SMALLEST_AMPLITUDE = 1e-5
"""-100 dB: frames in which analysis finds no harmonics at all have no level to compare with loudness."""


class Synthesiser(NamedTuple):
    """The synthesiser that all frames of reference are played on: the instrument's, without network and room."""

    sample_rate: int
    hop_length: int
    n_harmonics: int
    n_bands: int

    @classmethod
    def of(cls, config: InstrumentConfig) -> Synthesiser:
        """The one that an instrument of this configuration plays on."""
        return cls(config.sample_rate, config.hop_length, config.n_harmonics, config.n_bands)


class MeanTimbre(NamedTuple):
    """The constant timbre of the base.

    Attributes:
        harmonics: (n_harmonics,), share of each harmonic in the amplitude, sums to 1.
        noise: (n_bands,), noise magnitudes at amplitude 1.
        amplitude_over_loudness_db: level of the amplitude above the loudness, dB, mean of the material.
    """

    harmonics: Tensor
    noise: Tensor
    amplitude_over_loudness_db: float


def oracle_controls(audio: Tensor, features: Features, synthesiser: Synthesiser) -> Controls:
    """Analyse the audio that is scored: audio (1, n_frames * hop_length), features (1, n_frames, 1) each."""
    return analyse(audio, features.f0_hz, **synthesiser._asdict())


def mean_timbre(clips: Iterable[tuple[Tensor, Features]], synthesiser: Synthesiser) -> MeanTimbre:
    """Average what closed-form analysis finds in the sounding, pitched frames of the training material.

    Args:
        clips: audio (1, n_frames * hop_length) with features (1, n_frames, 1) each.
        synthesiser: what the timbre is to be played on.

    Raises:
        DatasetError: no clip holds a pitched sound.
    """
    found = [_sounding_frames(oracle_controls(audio, features, synthesiser), features) for audio, features in clips]
    amplitude, distribution, noise, loudness_db = (torch.cat(parts) for parts in zip(*found, strict=True))
    if len(amplitude) == 0:
        raise DatasetError("the training material holds no pitched sound. Is it a solo recording?")
    # Sums before the division: loud frames count more, and a frame of almost nothing cannot make a ratio explode.
    total = amplitude.sum()
    return MeanTimbre(
        harmonics=(amplitude * distribution).sum(0) / total,
        noise=noise.sum(0) / total,
        amplitude_over_loudness_db=float((amplitude_to_db(amplitude) - loudness_db).mean()),
    )


def base_controls(features: Features, timbre: MeanTimbre, synthesiser: Synthesiser) -> Controls:
    """Play the mean timbre at the given pitch and loudness.

    The amplitude is the loudness plus one constant: it knows neither that high notes need less amplitude to sound
    as loud, nor that soft notes have less in their upper harmonics. Knowing it is what an instrument learns.

    Args:
        features: (batch, n_frames, 1) each.
        timbre: of the training material.
        synthesiser: what it is played on.
    """
    amplitude = db_to_amplitude(features.loudness_db + timbre.amplitude_over_loudness_db)
    strengths = timbre.harmonics.expand(*features.f0_hz.shape[:2], -1)
    distribution = normalise_harmonics(strengths, features.f0_hz, synthesiser.sample_rate)
    return Controls(features.f0_hz, amplitude, distribution, amplitude * timbre.noise)


def _sounding_frames(controls: Controls, features: Features) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Amplitude, distribution, noise and loudness of the frames that count, each (n_counted, channels)."""
    level = features.loudness_db[..., 0]
    is_counted = (level >= level.max() - SOUNDING_RANGE_DB) & (features.periodicity[..., 0] >= VOICED_PERIODICITY)
    is_counted &= controls.amplitude[..., 0] > SMALLEST_AMPLITUDE
    kept = (controls.amplitude, controls.harmonic_distribution, controls.noise_magnitudes, features.loudness_db)
    amplitude, distribution, noise, loudness_db = (values[is_counted] for values in kept)
    return amplitude, distribution, noise, loudness_db
