"""A loaded instrument and everything one can do with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from luthier.dsp.resampling import resample
from luthier.dsp.samples import as_samples
from luthier.dsp.signals import MEASURED, Controls, Features
from luthier.errors import RangeError, ShapeError
from luthier.features.extract import extract_features
from luthier.features.long_audio import as_long_audio
from luthier.inference.diagnosis import Trouble, diagnose_input
from luthier.inference.fitting import Fitted, fit
from luthier.inference.harmonic_health import HarmonicHealth
from luthier.inference.output_level import ProgrammeMeter, gain_for
from luthier.inference.rendering import Rendering, RoomChoice, played_tones, render
from luthier.inference.wishes import Wishes
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import TrainingSummary, load_instrument

if TYPE_CHECKING:
    from typing_extensions import Unpack

LOUDEST = 1e10
"""Integers that were made floats reach 2e9; far beyond, squares of samples leave what a float can hold."""


class Transfer(NamedTuple):
    """A melody played by an instrument.

    Attributes:
        audio: (n_channels, n_samples); one channel unless the room has more.
        stems: the same shape, by name; their sum is the audio.
        sample_rate: Hz.
        shift_semitones, loudness_shift_db, expression, scale: as in `Fitted`.
        diagnosis: what may make it sound bad, and what to try.
        features: what the instrument followed, (1, n_frames, 1) each.
        controls: what was played.
    """

    audio: Tensor
    stems: dict[str, Tensor]
    sample_rate: int
    shift_semitones: float
    loudness_shift_db: float
    expression: str
    scale: str | None
    diagnosis: list[Trouble]
    features: Features
    controls: Controls

    @property
    def warnings(self) -> list[str]:
        """The diagnosis, one sentence each."""
        return [str(trouble) for trouble in self.diagnosis]

    def at_level(self, *, gain_db: float = 0.0, lufs: float | None = None) -> Transfer:
        """The same as loud as wanted; stems too, so that they still sum to the audio.

        Args:
            gain_db: to add, dB.
            lufs: loudness wanted first, by ITU-R BS.1770; None leaves it.

        Raises:
            RangeError: a number is not finite, or the loudness is above 0 LUFS.
        """
        meter = ProgrammeMeter(self.sample_rate)
        meter.hear(self.audio)
        gain = gain_for(lufs, gain_db, measured_lufs=meter.lufs)
        return self._replace(audio=gain * self.audio, stems={name: gain * stem for name, stem in self.stems.items()})


class Player:
    """An instrument, ready to play.

    Attributes:
        instrument: the network and its signal chain.
        summary: where it comes from.
    """

    def __init__(self, instrument: Instrument, summary: TrainingSummary) -> None:
        self.instrument, self.summary = instrument.eval(), summary

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.instrument.config.sample_rate

    def clip(self, audio: Tensor | np.ndarray, sample_rate: int) -> Tensor:
        """Any clip at this instrument's rate: (1, n_samples); one that has it already shares its memory.

        Args:
            audio: (n_samples,) or (1, n_samples), any level; integers as in `as_samples`.
            sample_rate: Hz, a whole number.

        Raises:
            ShapeError: the audio has another shape, or no samples.
            RangeError: a sample is not finite, or the sample rate is not positive or not whole.
        """
        if not (sample_rate >= 1 and float(sample_rate).is_integer()):
            raise RangeError(f"sample_rate {sample_rate}: expected a positive whole number of Hz.")
        clip = as_samples(audio)
        clip = clip.unsqueeze(0) if clip.ndim == 1 else clip
        if clip.ndim != 2 or len(clip) != 1 or clip.shape[-1] == 0:
            raise ShapeError(
                f"audio has shape {tuple(clip.shape)}: expected (n_samples,) or (1, n_samples), not empty. Of several "
                "channels give one, or their mean: audio.mean(axis=1) where soundfile read them."
            )
        if not torch.isfinite(clip).all():
            raise RangeError("audio holds NaN or infinite samples. Mend the recording first.")
        if float(clip.abs().max()) > LOUDEST:
            raise RangeError(
                f"audio reaches {float(clip.abs().max()):.3g}: expected full scale 1, at most {LOUDEST:g}."
            )
        return resample(clip, int(sample_rate), self.sample_rate)

    def measure(self, audio: Tensor | np.ndarray, sample_rate: int) -> Features:
        """Measure in any clip what this instrument follows: (1, n_frames, 1) each; arguments and errors as `clip`."""
        return extract_features(self.clip(audio, sample_rate), self.instrument.config.features)

    def resynth(
        self,
        audio: Tensor | np.ndarray,
        sample_rate: int,
        *,
        room: Tensor | np.ndarray | None = None,
        wet: float = 1.0,
        rings_out: bool = False,
    ) -> Rendering:
        """Play a clip again as it is: its own pitch, loudness and expression, as far as the instrument has one.

        For passages of the same instrument; `transfer` fits those of others to it.

        Args:
            audio: (n_samples,) or (1, n_samples).
            sample_rate: Hz.
            room: (n_taps,) or (n_channels, n_taps), another room than the instrument's own, at the instrument's rate.
            wet: 1 for the room as it is, 0 for the dry sound.
            rings_out: whether the room is heard after the end of the clip, too, until it has faded.

        Raises:
            ShapeError, RangeError: the audio or an option cannot be used.
        """
        return render(self.instrument, self.measure(audio, sample_rate), _place(room, wet, rings_out=rings_out))

    def transfer(
        self,
        audio: Tensor | np.ndarray,
        sample_rate: int,
        *,
        room: Tensor | np.ndarray | None = None,
        wet: float = 1.0,
        rings_out: bool = False,
        **wishes: Unpack[Wishes],
    ) -> Transfer:
        """Play the melody of another sound.

        Args:
            audio: (n_samples,) or (1, n_samples), a single voice.
            sample_rate: Hz.
            room: (n_taps,) or (n_channels, n_taps), another room than the instrument's own, at the instrument's rate.
            wet: 1 for the room as it is, 0 for the dry sound.
            rings_out: whether the room is heard after the end of the clip, too, until it has faded.
            **wishes: how the melody is fitted to the instrument, see `Wishes`.

        Raises:
            ShapeError, RangeError: the audio or an option cannot be used.
        """
        clip = self.clip(audio, sample_rate)
        measured = extract_features(clip, self.instrument.config.features)
        fitted = self.fit(measured, **wishes)
        tones = played_tones(self.instrument, fitted.features, fitted.edit)
        place = _place(room, wet, rings_out=rings_out)._replace(tones=tones)
        rendering = render(self.instrument, fitted.features, place, edit=fitted.edit)
        config = self.instrument.config
        heard = diagnose_input(
            as_long_audio(clip), measured, sample_rate=self.sample_rate, hop_length=config.hop_length
        )
        health = HarmonicHealth(fitted.gate.harmonic, config.hop_length)
        health.hear(rendering.stems)
        usual = self.instrument.statistics.quantiles_of("noisiness_db")
        played = health.diagnose(usual, fitted, wishes)
        return Transfer(
            audio=rendering.audio,
            stems=rendering.stems,
            sample_rate=self.sample_rate,
            shift_semitones=fitted.shift_semitones,
            loudness_shift_db=fitted.loudness_shift_db,
            expression=fitted.expression,
            scale=fitted.scale,
            diagnosis=[*fitted.diagnosis, *heard, *played],
            features=fitted.features,
            controls=rendering.controls,
        )

    def fit(self, measured: Features, **wishes: Unpack[Wishes]) -> Fitted:
        """Make the features of another sound fit this instrument.

        Args:
            measured: (1, n_frames, 1) each.
            **wishes: see `Wishes`.

        Raises:
            ShapeError: the features do not have one common shape (1, n_frames, 1), or no frame.
            RangeError: a feature is not finite, a pitch not positive, or an option cannot be used.
            ConfigError: the instrument to morph with does not go with this one.
        """
        _check_features(measured)
        return fit(self.instrument, measured, wishes)

    def room(self) -> Tensor:
        """The room alone, a clap in it: (n_taps,)."""
        return self.instrument.room.impulse_response().detach()


def _place(room: Tensor | np.ndarray | None, wet: float, *, rings_out: bool) -> RoomChoice:
    return RoomChoice(None if room is None else as_samples(room), wet, rings_out)


def _check_features(features: Features) -> None:
    given = {name: values for name in MEASURED if (values := getattr(features, name)) is not None}
    for name, values in given.items():
        if values.shape != (1, *features.f0_hz.shape[1:2], 1) or values.numel() == 0:
            raise ShapeError(f"{name} has shape {tuple(values.shape)}: expected (1, n_frames, 1), all features alike.")
        if not torch.isfinite(values).all():
            raise RangeError(f"{name} holds NaN or infinite values: expected finite numbers.")
    if float(features.f0_hz.min()) <= 0:
        raise RangeError(
            "f0_hz is 0 or less in a frame: expected a pitch everywhere; where there is none, periodicity 0."
        )


def load_player(path: str | Path) -> Player:
    """Load an instrument, ready to play.

    Args:
        path: an instrument file, or the name of an instrument that comes with the package: "violin".

    Raises:
        InstrumentFileError: the file is missing, damaged, foreign or of an unknown version.
    """
    loaded = load_instrument(path)
    return Player(loaded.instrument, loaded.summary)
