"""A loaded instrument and everything one can do with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np
import torch
from torch import Tensor

from luthier.dsp.resampling import resample
from luthier.dsp.signals import Controls, Expression, Features
from luthier.errors import RangeError, ShapeError
from luthier.features.extract import extract_features
from luthier.inference.expression_fit import fit_expression
from luthier.inference.loudness_fit import fit_loudness, is_note, loudness_shift_db, standardise_loudness
from luthier.inference.note_gate import NoteGate, note_gate
from luthier.inference.pitch_fit import octave_shift, range_hz, share_outside, shift_pitch
from luthier.inference.rendering import Rendering, RoomChoice, render
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import TrainingSummary, load_instrument
from luthier.units import SEMITONES_PER_OCTAVE

if TYPE_CHECKING:
    from typing_extensions import Unpack

FEW_OUTSIDE = 0.02
"""Part of the notes that may lie outside the instrument's range without a warning."""
MOST_OCTAVES = 8


class Transfer(NamedTuple):
    """A melody played by an instrument.

    Attributes:
        audio: (1, n_samples).
        stems: (1, n_samples) each, by name; their sum is the audio.
        sample_rate: Hz.
        shift_semitones: by how much the pitch was shifted.
        loudness_shift_db: by how much the notes' median loudness was raised.
        expression: where it comes from: "input", "predict", or "none".
        warnings: what may make it sound bad, one sentence each.
        features: what the instrument followed, (1, n_frames, 1) each.
        controls: what was played.
    """

    audio: Tensor
    stems: dict[str, Tensor]
    sample_rate: int
    shift_semitones: float
    loudness_shift_db: float
    expression: str
    warnings: list[str]
    features: Features
    controls: Controls


class Fitted(NamedTuple):
    """A melody made ready for an instrument.

    Attributes:
        features: what the instrument is to follow, (1, n_frames, 1) each.
        gate: silences it where the input has no note.
        shift_semitones, loudness_shift_db, expression, warnings: as in `Transfer`.
    """

    features: Features
    gate: NoteGate
    shift_semitones: float
    loudness_shift_db: float
    expression: str
    warnings: list[str]


class Wishes(TypedDict, total=False):
    """How a melody is fitted to an instrument; what is left out is chosen automatically.

    Attributes:
        octave: whole octaves to shift by; "auto": those that bring it into the instrument's range.
        semitones: to shift by besides.
        loudness: "auto": the median of the notes becomes the instrument's; "standardise": mean and spread of all
            frames become the instrument's, as in the assignment; "none"; or dB to add.
        expression: "input": that of the input, matched to the instrument's; "predict": as the instrument would at
            this pitch and loudness; "auto" chooses, see `fit_expression`.
        offsets: added to the expression, octaves and dB.
    """

    octave: str | int
    semitones: float
    loudness: str | float
    expression: str
    offsets: Expression | None


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

    def measure(self, audio: Tensor | np.ndarray, sample_rate: int) -> Features:
        """Measure in any clip what this instrument follows.

        Args:
            audio: (n_samples,) or (1, n_samples), any level.
            sample_rate: Hz.

        Returns:
            (1, n_frames, 1) each.

        Raises:
            ShapeError: the audio has another shape, or no samples.
            RangeError: a sample is not finite, or the sample rate is not positive.
        """
        if sample_rate < 1:
            raise RangeError(f"sample_rate {sample_rate}: expected a positive number of Hz.")
        clip = torch.as_tensor(audio, dtype=torch.float32)
        clip = clip.unsqueeze(0) if clip.ndim == 1 else clip
        if clip.ndim != 2 or len(clip) != 1 or clip.shape[-1] == 0:
            raise ShapeError(
                f"audio has shape {tuple(clip.shape)}: expected (n_samples,) or (1, n_samples), not empty."
            )
        if not torch.isfinite(clip).all():
            raise RangeError("audio holds NaN or infinite samples. Mend the recording first.")
        return extract_features(resample(clip, sample_rate, self.sample_rate), self.instrument.config.features)

    def resynth(
        self, audio: Tensor | np.ndarray, sample_rate: int, *, room: Tensor | None = None, wet: float = 1.0
    ) -> Rendering:
        """Play a clip again as it is: its own pitch and loudness, the instrument's timbre and room.

        Args:
            audio: (n_samples,) or (1, n_samples).
            sample_rate: Hz.
            room: (n_taps,), another room than the instrument's own, at the instrument's rate.
            wet: 1 for the room as it is, 0 for the dry sound.

        Raises:
            ShapeError, RangeError: the audio or an option cannot be used.
        """
        return render(self.instrument, self.measure(audio, sample_rate), RoomChoice(room, wet))

    def transfer(
        self,
        audio: Tensor | np.ndarray,
        sample_rate: int,
        *,
        room: Tensor | None = None,
        wet: float = 1.0,
        **wishes: Unpack[Wishes],
    ) -> Transfer:
        """Play the melody of another sound.

        Args:
            audio: (n_samples,) or (1, n_samples), a single voice.
            sample_rate: Hz.
            room: (n_taps,), another room than the instrument's own, at the instrument's rate.
            wet: 1 for the room as it is, 0 for the dry sound.
            **wishes: how the melody is fitted to the instrument, see `Wishes`.

        Raises:
            ShapeError, RangeError: the audio or an option cannot be used.
        """
        fitted = self.fit(self.measure(audio, sample_rate), **wishes)
        rendering = render(self.instrument, fitted.features, RoomChoice(room, wet), edit=fitted.gate.apply)
        return Transfer(
            audio=rendering.audio,
            stems=rendering.stems,
            sample_rate=self.sample_rate,
            shift_semitones=fitted.shift_semitones,
            loudness_shift_db=fitted.loudness_shift_db,
            expression=fitted.expression,
            warnings=fitted.warnings,
            features=fitted.features,
            controls=rendering.controls,
        )

    def fit(self, measured: Features, **wishes: Unpack[Wishes]) -> Fitted:
        """Make the features of another sound fit this instrument.

        Args:
            measured: (1, n_frames, 1) each.
            **wishes: see `Wishes`.

        Raises:
            RangeError: an option cannot be used.
        """
        features, shift = self._fit_pitch(measured, wishes.get("octave", "auto"), wishes.get("semitones", 0.0))
        features, shift_db = self._fit_loudness(features, wishes.get("loudness", "auto"))
        choice, offsets = wishes.get("expression", "auto"), wishes.get("offsets")
        features, source = fit_expression(features, self.instrument, choice=choice, offsets=offsets)
        gate = note_gate(measured, self.instrument.config.features.frame_rate)
        return Fitted(features, gate, shift, shift_db, source, self._warnings(features))

    def room(self) -> Tensor:
        """The room alone, a clap in it: (n_taps,)."""
        return self.instrument.room.impulse_response().detach()

    def _fit_pitch(self, features: Features, octave: str | int, semitones: float) -> tuple[Features, float]:
        shifted = shift_pitch(features, semitones)
        if octave == "auto":
            octave = octave_shift(shifted, self.instrument.statistics.f0_octaves_quantiles)
        if not isinstance(octave, int) or abs(octave) > MOST_OCTAVES:
            raise RangeError(
                f"octave {octave!r}: expected auto or a whole number from -{MOST_OCTAVES} to {MOST_OCTAVES}."
            )
        whole = SEMITONES_PER_OCTAVE * octave
        return shift_pitch(shifted, whole), whole + semitones

    def _fit_loudness(self, features: Features, loudness: str | float) -> tuple[Features, float]:
        statistics = self.instrument.statistics
        if loudness == "standardise":
            fitted = standardise_loudness(
                features, float(statistics.loudness_db_mean), float(statistics.loudness_db_std)
            )
            return fitted, float((fitted.loudness_db - features.loudness_db).median())
        if loudness == "auto":
            shift_db = loudness_shift_db(features, statistics.loudness_db_quantiles)
        elif loudness == "none":
            shift_db = 0.0
        elif isinstance(loudness, str):
            raise RangeError(f"loudness {loudness!r}: expected auto, standardise, none or a number of dB.")
        else:
            shift_db = float(loudness)
        return fit_loudness(features, shift_db), shift_db

    def _warnings(self, features: Features) -> list[str]:
        quantiles = self.instrument.statistics.f0_octaves_quantiles
        if not bool(is_note(features).any()):
            return ["no pitched sound found in the input: expected a single voice or instrument. Only noise is played."]
        outside = share_outside(features, quantiles)
        if outside <= FEW_OUTSIDE:
            return []
        low, high = range_hz(quantiles)
        return [
            f"{outside:.0%} of the notes lie outside what this instrument was trained on ({low:.0f} to {high:.0f} Hz). "
            "Try another octave or semitones."
        ]


def load_player(path: str | Path) -> Player:
    """Load an instrument file, ready to play.

    Raises:
        InstrumentFileError: the file is missing, damaged, foreign or of an unknown version.
    """
    loaded = load_instrument(path)
    return Player(loaded.instrument, loaded.summary)
