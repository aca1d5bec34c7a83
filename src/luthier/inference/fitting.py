"""Making a melody ready for an instrument, wish by wish.

measured ─► register, tuning ─► notes: autotune, vibrato, glide ─► loudness ─► attacks ─► expression ─► features
    `─────────────────────────► morph, colour, dynamics, gate: applied to the controls, block by block
"""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import torch

from luthier.dsp.harmonic_timbre import HarmonicTimbre
from luthier.dsp.signals import Controls, Features
from luthier.errors import RangeError
from luthier.inference.diagnosis import Trouble, diagnose_fit, diagnose_idle, diagnose_second
from luthier.inference.expression_fit import fit_expression
from luthier.inference.level_follow import LevelFollow, follow_level
from luthier.inference.loudness_fit import fit_loudness, is_note, match_loudness, raised_db, standardise_loudness
from luthier.inference.melody_shaping import autotune, glide, scale_vibrato, soften_attacks
from luthier.inference.morph import Morph, check_morph
from luthier.inference.note_gate import GateSettings, NoteGate, note_gate
from luthier.inference.notes import find_notes
from luthier.inference.pitch_fit import octave_shift, shift_pitch, tuning_cents
from luthier.inference.scales import detect_key, scale_classes
from luthier.inference.timbre import Colour
from luthier.inference.wishes import MOST_OCTAVES, Wishes, check_wishes, noisiness_db
from luthier.model.instrument import Instrument
from luthier.model.statistics import Statistics
from luthier.units import CENTS_PER_OCTAVE, SEMITONES_PER_OCTAVE

TOLD_PERIODICITY = 0.97
"""A rough vowel is as aperiodic as what an instrument's recordings have at the edges of notes only: told so, it answers
with bursts of noise within the note. Of a note it is told at least this."""
CENTS_PER_SEMITONE = CENTS_PER_OCTAVE / SEMITONES_PER_OCTAVE


class Fitted(NamedTuple):
    """A melody made ready for an instrument.

    Attributes:
        features: what the instrument is to follow, (1, n_frames, 1) each.
        gate: silences it where the input has no note.
        colour: changes its timbre.
        morph: the second instrument, following the same melody.
        level: plays each note as loud as wanted.
        noisier_db: how much louder the noise is to be against the harmonics.
        shift_semitones: by how much the pitch was shifted.
        loudness_shift_db: by how much the notes became louder, their median.
        expression: where it comes from: "input", "predict", or "none".
        scale: the notes were tuned to; None without autotune.
        diagnosis: what may make it sound bad.
    """

    features: Features
    gate: NoteGate
    colour: Colour
    morph: Morph | None
    level: LevelFollow
    noisier_db: float
    shift_semitones: float
    loudness_shift_db: float
    expression: str
    scale: str | None
    diagnosis: list[Trouble]

    @property
    def warnings(self) -> list[str]:
        """The diagnosis, one sentence each."""
        return [str(trouble) for trouble in self.diagnosis]

    def edit(self, controls: Controls, frames: slice) -> Controls:
        """What is played in some frames: see `rendering.EditControls`."""
        controls = _change_timbre(controls, frames, self.morph, self.colour)
        return self.gate.apply(self.level.apply(controls, frames), frames)


def fit(instrument: Instrument, measured: Features, wishes: Wishes) -> Fitted:
    """Make the features of another sound fit an instrument.

    Args:
        instrument: what is to play.
        measured: (1, n_frames, 1) each.
        wishes: see `Wishes`.

    Raises:
        RangeError: a wish makes no sense.
        ConfigError: the instrument to morph with does not go with this one.
    """
    check_wishes(wishes)
    idle = diagnose_idle(wishes, has_expression=instrument.predictor is not None)
    noisier_db = noisiness_db(wishes) - wishes.get("balance_db", 0.0)
    wishes, colour = _exact_colour(wishes, instrument)
    frame_rate = instrument.config.features.frame_rate
    shift = _shift_semitones(measured, wishes, instrument.statistics)
    melody, scale = _shape_melody(shift_pitch(measured, shift), wishes, frame_rate)
    settings = _gate_settings(wishes)
    input_gate = note_gate(measured, frame_rate, settings)
    # Rests that are hardly turned down are rests all the same.
    heard_gate = note_gate(measured, frame_rate, settings._replace(quiet_db=GateSettings().quiet_db))
    audible = melody.f0_hz < instrument.config.sample_rate / 2  # beyond, nothing but noise would be left
    gate = NoteGate(input_gate.harmonic * audible, input_gate.noise * audible)
    features, source = _fit_dynamics(instrument, melody, wishes, frame_rate)
    morph = _morph(instrument, melody, wishes, frame_rate)
    heard = partial(_heard, morph=morph, colour=colour, gate=gate)
    return Fitted(
        features=features,
        gate=gate,
        colour=colour,
        morph=morph,
        level=follow_level(instrument, features, heard, strength=wishes.get("dynamics", 1.0)),
        noisier_db=noisier_db,
        shift_semitones=shift,
        loudness_shift_db=raised_db(measured, features),
        expression=source,
        scale=scale,
        diagnosis=[
            *idle,
            *diagnose_fit(measured, features, heard_gate, instrument.statistics, wishes),
            *([] if morph is None else diagnose_second(morph.features, morph.instrument.statistics, wishes)),
        ],
    )


def _exact_colour(wishes: Wishes, instrument: Instrument) -> tuple[Wishes, Colour]:
    """What is added exactly to what an instrument plays, and the wishes without it.

    An instrument that obeys, or that knows no expression, adds all offsets but air to its own timbre and noise. Others are
    told another expression, and answer as they have learned to.
    """
    colour = Colour(wishes.get("balance_db", 0.0), wishes.get("tilt_db", 0.0), wishes.get("harmonics_db", ()))
    offsets = wishes.get("offsets")
    if offsets is None or (instrument.predictor is not None and "timbre" not in instrument.config.obeys):
        return wishes, colour
    exact = HarmonicTimbre(*(getattr(offsets, name) for name in HarmonicTimbre._fields))
    told = offsets._replace(**dict.fromkeys((*HarmonicTimbre._fields, "noisiness_db"), torch.zeros(())))
    colour = colour._replace(offsets=exact if any(exact) else None, noise_db=float(offsets.noisiness_db))
    return Wishes(**{**wishes, "offsets": told}), colour


def _change_timbre(controls: Controls, frames: slice, morph: Morph | None, colour: Colour) -> Controls:
    return colour.apply(controls if morph is None else morph(controls, frames))


def _heard(controls: Controls, frames: slice, morph: Morph | None, colour: Colour, gate: NoteGate) -> Controls:
    """What sounds where nothing rests: where the gate closes for want of a pitch, noise alone is to be loud enough."""
    controls = _change_timbre(controls, frames, morph, colour)
    is_closed = gate.harmonic[:, frames] < gate.noise[:, frames] / 2
    return controls._replace(amplitude=controls.amplitude.masked_fill(is_closed, 0.0))


def _shift_semitones(measured: Features, wishes: Wishes, statistics: Statistics) -> float:
    cents = wishes.get("cents", 0.0)
    if cents == "auto":
        cents = -tuning_cents(measured)
    if isinstance(cents, str) or not math.isfinite(cents):
        raise RangeError(f"cents {cents!r}: expected auto or a number.")
    semitones = wishes.get("semitones", 0.0) + cents / CENTS_PER_SEMITONE
    octave = wishes.get("octave", "auto")
    if octave == "auto":
        octave = octave_shift(shift_pitch(measured, semitones), statistics.f0_octaves_quantiles)
    if isinstance(octave, str) or octave % 1 or abs(octave) > MOST_OCTAVES:
        raise RangeError(f"octave {octave!r}: expected auto or a whole number from -{MOST_OCTAVES} to {MOST_OCTAVES}.")
    return SEMITONES_PER_OCTAVE * octave + semitones


def _shape_melody(features: Features, wishes: Wishes, frame_rate: float) -> tuple[Features, str | None]:
    """Change the pitch note by note; the answer names the scale that the notes were tuned to."""
    strength, vibrato, seconds = wishes.get("autotune", 0.0), wishes.get("vibrato", 1.0), wishes.get("glide", 0.0)
    if not strength and vibrato == 1.0 and not seconds:
        return features, None
    notes, scale = find_notes(features, frame_rate), None
    if vibrato != 1.0:
        features = scale_vibrato(features, notes, frame_rate, vibrato=vibrato)
    if strength:
        scale = wishes.get("scale", "chromatic")
        scale = detect_key(notes) if scale == "auto" else scale
        classes = scale_classes(scale)
        features = autotune(features, notes, frame_rate, strength=strength, classes=classes)
    if seconds:
        features = glide(features, notes, frame_rate, seconds=seconds)
    return features, scale


def _fit_dynamics(instrument: Instrument, melody: Features, wishes: Wishes, frame_rate: float) -> tuple[Features, str]:
    """Loudness, attacks and expression of an instrument, and where the expression comes from."""
    features = _fit_loudness(melody, wishes.get("loudness", "auto"), instrument.statistics)
    if seconds := wishes.get("attack", 0.0):
        features = soften_attacks(features, find_notes(melody, frame_rate), frame_rate, seconds=seconds)
    if not wishes.get("voicing", True):
        features = features._replace(periodicity=torch.ones_like(features.periodicity))
    sure = features.periodicity.clamp_min(TOLD_PERIODICITY)
    features = features._replace(periodicity=torch.where(is_note(features), sure, features.periodicity))
    choice = wishes.get("expression", "auto")
    features, source = fit_expression(features, instrument, choice=choice, offsets=wishes.get("offsets"))
    return instrument.with_known_loudness(features), source


def _fit_loudness(features: Features, loudness: str | float, statistics: Statistics) -> Features:
    if loudness == "auto":
        return match_loudness(features, statistics.loudness_db_quantiles)
    if loudness == "standardise":
        return standardise_loudness(features, float(statistics.loudness_db_mean), float(statistics.loudness_db_std))
    if loudness == "none":
        return features
    if isinstance(loudness, str):
        raise RangeError(f"loudness {loudness!r}: expected auto, standardise, none or a number of dB.")
    return fit_loudness(features, float(loudness))


def _gate_settings(wishes: Wishes) -> GateSettings:
    usual = GateSettings()
    return GateSettings(
        wishes.get("gate_db", usual.gate_db),
        wishes.get("quiet_db", usual.quiet_db),
        wishes.get("voicing", usual.voicing),
    )


def _morph(instrument: Instrument, melody: Features, wishes: Wishes, frame_rate: float) -> Morph | None:
    """The second instrument, its loudness and expression fitted to itself."""
    second = wishes.get("morph")
    if second is None:
        return None
    check_morph(instrument, second.instrument)
    return Morph(second, _fit_dynamics(second.instrument, melody, wishes, frame_rate)[0])
