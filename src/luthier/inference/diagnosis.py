"""Why a transfer may sound bad: what was found, in words, and the option that mends it."""

from __future__ import annotations

from typing import NamedTuple

from luthier.analysis.checkup_hum import measure_hum
from luthier.analysis.checkup_level import measure_level
from luthier.analysis.checkup_material import FRAMES_PER_SECOND, Material
from luthier.analysis.checkup_room import measure_room
from luthier.analysis.checkup_voices import measure_voices
from luthier.dsp.signals import VOICED_PERIODICITY, Features
from luthier.features.long_audio import LongAudio
from luthier.inference.loudness_fit import is_note
from luthier.inference.note_gate import GateSettings, NoteGate, loud_level_db
from luthier.inference.pitch_fit import range_hz, shares_outside
from luthier.inference.wishes import Wishes
from luthier.model.statistics import Statistics

FEW_OUTSIDE = 0.02
"""Part of the notes that may lie outside what the instrument knows without a word."""
LEVEL_MARGIN_DB = 6.0
"""So far beyond the instrument's loudest and softest notes it still plays well."""
MUCH_OFF_LEVEL = 0.25
"""Part of the notes that may be louder or softer than that: with `--loudness auto` up to 0.22 are, where a melody has
more dynamics than an instrument, and are played by a gain. It is more where the level is wrong."""
MUCH_UNPITCHED = 0.4
"""Singing has up to 0.28 of consonants and breath, speech more."""
MUCH_GATED = 0.25
"""Part of the pitched frames that may be taken for rests."""
LITTLE_SOUND = 0.1
FLOOR_QUANTILE, STEADY_DB = 0.05, 1.5
"""Noise is steady where it stays this near to the level of the softest of what has no pitch."""
STEADY_SHARE, STEADY_CLIP_SHARE = 0.2, 0.05
"""So much of what has no pitch, and of the whole, is steady where there is noise 20 to 30 dB below a voice (0.23 and 0.07 at
least); in singing and speech without it 0.10 and 0.03 at most."""
NOISE_GATE_DB = 8.0
"""A gate this much above steady noise makes it 24 dB softer. Nearer to the notes it is no matter of a gate."""
MISHEARD_HUM_DB = 40.0
"""Below the whole sound, hum is no longer taken for notes in rests; from 33 dB on it was."""
LONG_T60_SECONDS = 1.8
AUDIBLE = 0.5


class Trouble(NamedTuple):
    """One reason why a transfer may sound bad.

    Attributes:
        what: the kind: range, level, voicing, polyphony, hum, reverb, silence, noise, harmonics, expression.
        sentence: what was found.
        option: what to try.
    """

    what: str
    sentence: str
    option: str

    def __str__(self) -> str:
        """Both in one line."""
        return f"{self.sentence} {self.option}"


def diagnose_input(audio: LongAudio, features: Features, *, sample_rate: int, hop_length: int) -> list[Trouble]:
    """Listen for what no instrument could follow: several voices, hum, a long room.

    Args:
        audio: the input, one row.
        features: of the input, (1, n_frames, 1) each.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
    """
    material = _as_material(audio, features, sample_rate, hop_length)
    troubles = []
    voices = measure_voices(material)
    if voices.is_polyphonic:
        sentence = (
            f"several notes sound at once for at least {voices.polyphonic_seconds:.1f} s of the input: one is followed."
        )
        troubles.append(
            Trouble("polyphony", sentence, "Cut these places off with --from and --until, or play one voice.")
        )
    hum = measure_hum(material)
    if hum.mains_hz is not None and hum.hum_db > measure_level(audio).rms_db - MISHEARD_HUM_DB:
        sentence = f"the mains hum in the input ({hum.mains_hz:.0f} Hz) and may be taken for notes."
        troubles.append(Trouble("hum", sentence, "Filter it out below the lowest note, or set --octave by hand."))
    t60_seconds = measure_room(material)
    if t60_seconds is not None and t60_seconds > LONG_T60_SECONDS:
        sentence = f"the input rings for {t60_seconds:.1f} s: rests fill with what still sounds."
        troubles.append(Trouble("reverb", sentence, "Try --gate 25, or record in a drier room."))
    return troubles


def diagnose_fit(
    measured: Features, fitted: Features, gate: NoteGate, statistics: Statistics, wishes: Wishes | None = None
) -> list[Trouble]:
    """Compare what an instrument is to follow with what it was trained on.

    Args:
        measured: of the input, (1, n_frames, 1) each.
        fitted: the same as the instrument is to follow it.
        gate: where it is silenced.
        statistics: of the instrument's recordings.
        wishes: what is in force already, and so no advice.
    """
    wishes = wishes or Wishes()
    notes = is_note(measured)
    if not bool(notes.any()):
        sentence = "no pitched sound found in the input: expected a single voice or instrument."
        if not wishes.get("voicing", True):
            return [Trouble("silence", sentence, "Check the recording.")]
        advice = "Check the recording; --no-voicing plays its pitch all the same."
        return [Trouble("silence", f"{sentence} Only noise is played.", advice)]
    troubles = [_range(fitted, statistics, wishes), _level(fitted, statistics, wishes)]
    troubles += [_voicing(measured, gate, wishes), _noise(measured, gate)]
    troubles += [_silence(measured, gate), _gated(measured, gate, wishes)]
    return [trouble for trouble in troubles if trouble is not None]


def diagnose_idle(wishes: Wishes, *, has_expression: bool) -> list[Trouble]:
    """Name the wishes that change nothing: those about an expression that an instrument does not have."""
    offsets = wishes.get("offsets")
    idle = ["--expression"] if wishes.get("expression", "auto") != "auto" else []
    idle += ["--air"] if offsets is not None and float(offsets.air_octaves) else []
    if has_expression or not idle:
        return []
    sentence = f"this instrument follows pitch and loudness only: {' and '.join(idle)} changed nothing."
    return [Trouble("expression", sentence, "Leave it out; brightness, warmth, hollowness and noisiness still work.")]


def diagnose_second(fitted: Features, statistics: Statistics, wishes: Wishes) -> list[Trouble]:
    """Compare what the second instrument of a morph is to follow with the pitches that it was trained on."""
    trouble = _range(fitted, statistics, wishes)
    return [] if trouble is None else [trouble._replace(sentence=f"for the second instrument, {trouble.sentence}")]


def _range(fitted: Features, statistics: Statistics, wishes: Wishes) -> Trouble | None:
    quantiles = statistics.f0_octaves_quantiles
    below, above = shares_outside(fitted, quantiles)
    if below + above <= FEW_OUTSIDE:
        return None
    low, high = range_hz(quantiles)
    where = "above" if above >= below else "below"
    sentence = (
        f"{max(below, above):.0%} of the notes lie {where} anything this instrument was trained on "
        f"({low:.0f} to {high:.0f} Hz)."
    )
    semitones = wishes.get("semitones", 0.0) + (-5 if where == "above" else 5)
    other = "" if wishes.get("octave", "auto") == "auto" else "--octave auto, or "
    return Trouble("range", sentence, f"Try {other}--semitones {semitones:g}.")


def _level(fitted: Features, statistics: Statistics, wishes: Wishes) -> Trouble | None:
    quantiles_db = statistics.loudness_db_quantiles
    level_db = fitted.loudness_db[is_note(fitted)]
    louder = float((level_db > quantiles_db[-2] + LEVEL_MARGIN_DB).float().mean())
    softer = float((level_db < quantiles_db[1] - LEVEL_MARGIN_DB).float().mean())
    if louder + softer <= MUCH_OFF_LEVEL:
        return None
    share, where = max((louder, "louder"), (softer, "softer"))
    sentence = f"{share:.0%} of the notes are {where} than anything this instrument was trained on."
    other = "" if wishes.get("loudness", "auto") == "auto" else "--loudness auto, or "
    return Trouble("level", sentence, f"Try {other}--loudness with a number of dB.")


def _voicing(measured: Features, gate: NoteGate, wishes: Wishes) -> Trouble | None:
    sounding = gate.noise > AUDIBLE
    unpitched = float((measured.periodicity[sounding] < VOICED_PERIODICITY).float().mean())
    if not unpitched > MUCH_UNPITCHED or not wishes.get("voicing", True):
        return None
    sentence = f"{unpitched:.0%} of what sounds has no pitch (speech, breath, noise, or higher than the tracker looks): it is played as noise."
    return Trouble("voicing", sentence, "Try --no-voicing, or a sung input.")


def _noise(measured: Features, gate: NoteGate) -> Trouble | None:
    """Steady noise that is too loud to be taken for a rest."""
    is_noise = (gate.noise > AUDIBLE) & (measured.periodicity < VOICED_PERIODICITY)
    if not bool(is_noise.any()):
        return None
    level_db = measured.loudness_db[is_noise]
    floor_db = level_db.quantile(FLOOR_QUANTILE)
    steady = float(((level_db - floor_db).abs() < STEADY_DB).sum())
    if steady < STEADY_SHARE * len(level_db) or steady < STEADY_CLIP_SHARE * gate.noise.numel():
        return None
    below_db = float(loud_level_db(measured) - floor_db)
    if below_db < NOISE_GATE_DB:
        return None
    sentence = f"steady noise, {below_db:.0f} dB below the notes, fills the rests of the input and is played."
    return Trouble("noise", sentence, f"Try --gate {below_db - NOISE_GATE_DB:.0f}, or take the noise out before.")


def _silence(measured: Features, gate: NoteGate) -> Trouble | None:
    sounding = float((gate.noise > AUDIBLE).float().mean())
    if sounding >= LITTLE_SOUND:
        return None
    sentence = f"only {sounding:.0%} of the input is more than silence."
    return Trouble("silence", sentence, "Choose a part with --from and --until, or raise --gate.")


def _gated(measured: Features, gate: NoteGate, wishes: Wishes) -> Trouble | None:
    """Quiet notes that are taken for rests."""
    pitched = measured.periodicity >= VOICED_PERIODICITY
    gated = float((gate.noise[pitched] <= AUDIBLE).float().mean())
    if gated <= MUCH_GATED:
        return None
    sentence = f"{gated:.0%} of what has a pitch is so quiet that it is taken for a rest."
    return Trouble(
        "level", sentence, f"Try --gate {wishes.get('gate_db', GateSettings().gate_db) + 20.0:g} to hear it."
    )


def _as_material(audio: LongAudio, features: Features, sample_rate: int, hop_length: int) -> Material:
    """The input as the recording check-up looks at it, about as many frames a second as it expects."""
    every = max(1, round(sample_rate / hop_length / FRAMES_PER_SECOND))
    f0_hz, periodicity, level_db = (values.flatten()[::every].cpu().numpy() for values in features[:3])
    return Material(audio, sample_rate, hop_length * every, f0_hz, periodicity, level_db)
