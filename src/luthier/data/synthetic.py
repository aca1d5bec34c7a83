"""Sounds whose truth is known: plucked strings to debug with, and an instrument in a room to learn back."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.atomic import atomic_folder
from luthier.data.audio_files import save_audio
from luthier.dsp.convolution import fft_convolve
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.framing import n_frames
from luthier.dsp.rendering import render_dry
from luthier.dsp.scaling import normalise_harmonics
from luthier.dsp.signals import Controls, Features
from luthier.features.expression import measure_expression
from luthier.features.loudness import loudness_db
from luthier.units import (
    A4_HZ,
    A4_MIDI,
    cents_to_ratio,
    cycles_to_radians,
    db_to_amplitude,
    midi_to_hz,
    seconds_to_samples,
    semitones_to_ratio,
)

PLUCKED_SEMITONES = range(-12, 12)
"""The notes of the assignment's synthetic data set, counted from A4."""
PLUCK_DECAY_PER_SECOND = 3.0
PLUCK_MODULATION = 8.0

NOTE_SECONDS = 0.8
REST_EVERY = 5
"""Every fifth note is a rest: the room is heard alone."""
LOWEST_NOTE, HIGHEST_NOTE = 55, 79
LEVEL_RANGE_DB = (-30.0, -10.0)
ATTACK_SECONDS = 0.03
RELEASE_SECONDS = 0.06
DECAY_DB_PER_SECOND = 6.0
VIBRATO_HZ = 5.5
VIBRATO_CENTS = 25.0
VIBRATO_DELAY_SECONDS = 0.2
NOISE_BELOW_TONE_DB = -26.0


def plucked_string(semitone: float, sample_rate: int, seconds: float = 4.0) -> Tensor:
    """Make one note of an FM plucked string.

    Args:
        semitone: distance from A4 (440 Hz).
        sample_rate: Hz.
        seconds: length.

    Returns:
        (1, n_samples), float32, peak at most 1: e^(-3t) cos(2 pi f t + 8 e^(-3t) cos(2 pi f t)).

    Source: Chowning 1973 (frequency modulation with a decaying index), as used by the assignment "String Along".
    """
    time = torch.arange(seconds_to_samples(seconds, sample_rate), dtype=torch.float64) / sample_rate
    carrier = cycles_to_radians(A4_HZ * semitones_to_ratio(semitone) * time)
    decay = torch.exp(-PLUCK_DECAY_PER_SECOND * time)
    note = decay * torch.cos(carrier + PLUCK_MODULATION * decay * torch.cos(carrier))
    return note.to(torch.float32).unsqueeze(0)


def write_plucked_strings(
    folder: str | Path,
    *,
    sample_rate: int = 16000,
    seconds: float = 4.0,
    semitones: Iterable[float] = PLUCKED_SEMITONES,
    force: bool = False,
) -> list[Path]:
    """Write a folder of plucked notes as WAV files, ready for `prepare`.

    Returns:
        The files, named by MIDI number.

    Raises:
        OutputError: the folder exists and `force` is not set, or cannot be written to.
    """
    notes = {f"plucked_midi_{A4_MIDI + semitone:g}.wav": semitone for semitone in semitones}
    with atomic_folder(folder, force=force) as temporary:
        for name, semitone in notes.items():
            save_audio(temporary / name, plucked_string(semitone, sample_rate, seconds), sample_rate)
    return [Path(folder) / name for name in notes]


class SyntheticInstrument(NamedTuple):
    """A performance of which everything is known.

    Attributes:
        audio: (1, n_samples), in the room.
        dry: (1, n_samples), without the room.
        features: (1, n_frames, 1) each; f0 is the true one, periodicity is 1 where a note sounds.
        controls: what was played, batch of 1.
        impulse_response: (n_taps,), the room.
    """

    audio: Tensor
    dry: Tensor
    features: Features
    controls: Controls
    impulse_response: Tensor


def synthetic_instrument(
    definition: FeatureDefinition,
    impulse_response: Tensor,
    generator: torch.Generator,
    *,
    seconds: float = 30.0,
    n_harmonics: int = 40,
    n_bands: int = 65,
) -> SyntheticInstrument:
    """Play random notes with vibrato, decay, breath noise and rests in a given room.

    The timbre follows the level as in real instruments: louder notes are brighter.

    Args:
        definition: sample rate, hop and loudness.
        impulse_response: (n_taps,), see `decaying_room`; a single 1 is no room.
        generator: source of all random numbers.
        seconds: length.
        n_harmonics: harmonics of the tone.
        n_bands: bands of the noise.
    """
    sample_rate, hop_length = definition.sample_rate, definition.hop_length
    n_samples = seconds_to_samples(seconds, sample_rate)
    controls = _perform(definition, n_frames(n_samples, hop_length), (n_harmonics, n_bands), generator)
    white = torch.rand((1, controls.f0_hz.shape[1] * hop_length), generator=generator) * 2 - 1
    parts = render_dry(controls, white, sample_rate=sample_rate, hop_length=hop_length)
    dry = (parts.harmonic + parts.noise)[:, :n_samples]
    audio = fft_convolve(dry, impulse_response)
    level_db = loudness_db(
        audio,
        sample_rate=sample_rate,
        hop_length=hop_length,
        n_fft=definition.loudness_n_fft,
        floor_db=definition.loudness_floor_db,
    )
    expression = measure_expression(audio, controls.f0_hz, sample_rate=sample_rate, hop_length=hop_length)
    features = Features(controls.f0_hz, (controls.amplitude > 0).float(), level_db, *expression)
    return SyntheticInstrument(audio, dry, features, controls, impulse_response)


def decaying_room(
    sample_rate: int,
    generator: torch.Generator,
    *,
    t60_seconds: float = 0.6,
    direct_to_reverberant_db: float = 6.0,
    predelay_seconds: float = 0.005,
) -> Tensor:
    """Make a room: the direct sound, then noise that decays exponentially.

    Args:
        sample_rate: Hz.
        generator: source of the noise.
        t60_seconds: time in which the decay loses 60 dB; the response is that long.
        direct_to_reverberant_db: energy of the direct sound against that of the rest, in dB.
        predelay_seconds: silence between the two.

    Returns:
        (n_taps,), tap 0 is 1.

    Source: Moorer 1979, reverberation as exponentially decaying white noise.
    """
    n_taps = seconds_to_samples(t60_seconds, sample_rate)
    time = torch.arange(n_taps) / sample_rate
    tail = torch.randn(n_taps, generator=generator) * db_to_amplitude(-60.0 * time / t60_seconds)
    tail[: max(1, seconds_to_samples(predelay_seconds, sample_rate))] = 0.0
    tail *= db_to_amplitude(-direct_to_reverberant_db) / tail.square().sum().sqrt()
    tail[0] = 1.0
    return tail


def _perform(definition: FeatureDefinition, count: int, sizes: tuple[int, int], generator: torch.Generator) -> Controls:
    """Controls of a random melody, (1, count, ...) each."""
    time = torch.arange(count) / definition.frame_rate
    number = torch.div(time, NOTE_SECONDS, rounding_mode="floor").long()
    within = time - number * NOTE_SECONDS
    n_notes = int(number[-1]) + 1
    midi = torch.randint(LOWEST_NOTE, HIGHEST_NOTE + 1, (n_notes,), generator=generator)[number]
    lowest_db, highest_db = LEVEL_RANGE_DB
    start_db = (lowest_db + (highest_db - lowest_db) * torch.rand(n_notes, generator=generator))[number]
    level_db = start_db - DECAY_DB_PER_SECOND * within
    is_note = number % REST_EVERY != REST_EVERY - 1
    f0_hz = _column(midi_to_hz(midi.float()) * cents_to_ratio(_vibrato_cents(within)))
    amplitude = _column(db_to_amplitude(level_db) * _envelope(within) * is_note)
    return Controls(
        f0_hz=f0_hz,
        amplitude=amplitude,
        harmonic_distribution=_timbre(f0_hz, _column(level_db), sizes[0], definition.sample_rate),
        noise_magnitudes=amplitude * _breath(sizes[1]),
    )


def _column(values: Tensor) -> Tensor:
    return values.reshape(1, -1, 1)


def _vibrato_cents(within: Tensor) -> Tensor:
    """Vibrato that begins a moment after the note does."""
    depth = ((within - VIBRATO_DELAY_SECONDS) / VIBRATO_DELAY_SECONDS).clamp(0.0, 1.0)
    return VIBRATO_CENTS * depth * torch.sin(cycles_to_radians(VIBRATO_HZ * within))


def _envelope(within: Tensor) -> Tensor:
    """Linear attack and release of each note, 0..1."""
    return torch.minimum(within / ATTACK_SECONDS, (NOTE_SECONDS - within) / RELEASE_SECONDS).clamp(0.0, 1.0)


def _timbre(f0_hz: Tensor, level_db: Tensor, n_harmonics: int, sample_rate: int) -> Tensor:
    """Harmonics that fall by a power of their number: steeply when soft, gently when loud."""
    lowest_db, highest_db = LEVEL_RANGE_DB
    loud = ((level_db - lowest_db) / (highest_db - lowest_db)).clamp(0.0, 1.0)
    number = torch.arange(1, n_harmonics + 1).float()
    return normalise_harmonics(number ** (loud - 2.5), f0_hz, sample_rate)


def _breath(n_bands: int) -> Tensor:
    """Gains of the noise against the tone: falling by 20 dB from the lowest band to the highest."""
    return db_to_amplitude(NOISE_BELOW_TONE_DB + torch.linspace(0.0, -20.0, n_bands))
