"""What the numbers of a check-up mean for the person with the recordings: a light and a sentence for each aspect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import NamedTuple

from luthier.analysis.checkup import Checkup
from luthier.analysis.checkup_range import Seconds
from luthier.analysis.checkup_tuning import Tuning

SILENT_PEAK_DB = -70.0
QUIET_RMS_DB = -45.0
CANCELLED_DB = 3.0
"""More than unrelated channels lose in their mean: their sum is half of what chance makes it."""
MANY_CLIPPED = 1e-4
"""One sample in ten thousand: heard as crackling."""
CLEAN_DB, NOISY_DB = 22.0, 12.0
"""How far steady noise should lie below the sound; violins in live rooms measure 28 to 32 dB."""
SHORTEST_SECONDS = 3.0
"""Of a recording whose noise can be told from its notes: the 25 s of a violin with 27 dB came to 7 to 22 dB in pieces
of 2 s and less."""
SOFT_HUM_DB, LOUD_HUM_DB = 60.0, 40.0
"""Below the mean level; less than the first is heard in rests."""
VOICE_HUM_DB = 30.0
"""Hum of 20 dB below the sound was taken for a voice in half of six recordings, of 30 dB in none."""
WIDE_HZ, NARROW_HZ = 15000.0, 7500.0
LIVE_SECONDS, BOOMY_SECONDS = 1.8, 3.0
"""Long rooms are estimated too short: 4 s as 2.4 s."""
FAR_CENTS = 15.0
FEWEST_NOTES, LEAST_NOTE_SECONDS = 3, 0.2
"""A single note is sharp or flat; only several have a tuning."""
UNPITCHED, MOSTLY_UNPITCHED = 0.3, 0.6
"""Singing has up to 0.28 of consonants and breath, speech 0.3 to 0.4, a violin 0.03."""
LEAST_PITCHED_SECONDS = 0.5


class Light(IntEnum):
    """How good an aspect is; grey where nothing could be measured. The largest of several is the worst."""

    GREY = 0
    GREEN = 1
    YELLOW = 2
    RED = 3

    @property
    def word(self) -> str:
        """The colour."""
        return self.name.lower()


class Finding(NamedTuple):
    """One aspect of a recording or of a set.

    Attributes:
        aspect: its name.
        light: how good it is.
        sentence: what was found, and what to do.
    """

    aspect: str
    light: Light
    sentence: str


def judge(checkup: Checkup) -> list[Finding]:
    """All aspects of one recording."""
    return [Finding(aspect, *rule(checkup)) for aspect, rule in RULES.items()]


def worst(findings: Sequence[Finding]) -> Light:
    """The verdict over several aspects."""
    return max((finding.light for finding in findings), default=Light.GREY)


Answer = tuple[Light, str]


def _pitch(checkup: Checkup) -> Answer:
    if checkup.pitched_seconds < LEAST_PITCHED_SECONDS:
        low_hz, high_hz = checkup.f0_range_hz
        return Light.RED, (
            f"No usable pitch from {low_hz:.0f} to {high_hz:.0f} Hz: is this a solo recording of a pitched instrument?"
        )
    share = checkup.unpitched_share
    if share > MOSTLY_UNPITCHED:
        return Light.RED, f"{share:.0%} of the sound has no pitch: leave it out, or remove noise and speech."
    if share > UNPITCHED:
        return Light.YELLOW, f"{share:.0%} of the sound has no pitch: only the rest teaches the instrument notes."
    return Light.GREEN, f"{checkup.pitched_seconds / 60:.2f} minutes with a clear pitch."


def _voices(checkup: Checkup) -> Answer:
    share = checkup.voices.polyphonic_share
    if checkup.voices.is_polyphonic and _hum_below_db(checkup) < VOICE_HUM_DB:
        return Light.GREY, "With hum as loud as a second voice, voices cannot be counted."
    if checkup.voices.is_polyphonic:
        t60_seconds = checkup.t60_seconds
        room = "" if t60_seconds is not None and t60_seconds <= LIVE_SECONDS else ", or record in a drier room"
        return Light.RED, f"Several voices at once in {share:.0%} of the steady notes: leave chords out{room}."
    if checkup.pitched_seconds < LEAST_PITCHED_SECONDS:
        return Light.GREY, "Without pitch, voices cannot be counted."
    return Light.GREEN, "One voice at a time."


def _level(checkup: Checkup) -> Answer:
    level = checkup.level
    if checkup.cancelled_db > CANCELLED_DB:
        return Light.RED, "Its channels cancel each other: invert one of them, or give one alone."
    if level.peak_db < SILENT_PEAK_DB:
        return Light.RED, f"Silent (peak {level.peak_db:.0f} dB): is this the right track?"
    if level.n_clipped:
        light = Light.RED if level.clipped_share > MANY_CLIPPED else Light.YELLOW
        return light, f"{level.n_clipped} samples are clipped: record again with less gain."
    if level.rms_db < QUIET_RMS_DB:
        return Light.YELLOW, f"Very quiet (mean level {level.rms_db:.0f} dB): record again with more gain."
    return Light.GREEN, f"Peak {level.peak_db:.1f} dB, mean level {level.rms_db:.1f} dB, no flat peaks."


def _noise(checkup: Checkup) -> Answer:
    below_db = checkup.noise.below_sound_db
    if checkup.level.peak_db < SILENT_PEAK_DB:
        return Light.GREY, "Nothing sounds that noise could be compared with."
    if below_db >= CLEAN_DB:
        return Light.GREEN, f"Steady noise lies {below_db:.0f} dB below the sound."
    if checkup.seconds < SHORTEST_SECONDS:
        return Light.GREY, "Too short to tell noise from the note."
    light = Light.YELLOW if below_db >= NOISY_DB else Light.RED
    return light, f"Steady noise only {below_db:.0f} dB below the sound: record closer, in a quieter room."


def _hum_below_db(checkup: Checkup) -> float:
    return checkup.level.rms_db - checkup.hum.hum_db


def _hum(checkup: Checkup) -> Answer:
    hum, below_db = checkup.hum, _hum_below_db(checkup)
    if hum.mains_hz is None or below_db > SOFT_HUM_DB:
        return Light.GREEN, "No hum of the mains below the notes."
    light = Light.YELLOW if below_db > LOUD_HUM_DB else Light.RED
    return light, f"{hum.mains_hz:.0f} Hz hum, {below_db:.0f} dB below the sound: check cables, or cut below the notes."


def _bandwidth(checkup: Checkup) -> Answer:
    found = checkup.bandwidth
    khz = found.bandwidth_hz / 1000
    why = " (compressed, or from a lower sample rate)" if found.is_cut else ""
    text = f"The spectrum reaches {khz:.1f} kHz{why}"
    if checkup.level.peak_db < SILENT_PEAK_DB:
        return Light.GREY, "Nothing sounds whose spectrum could be seen."
    if found.bandwidth_hz >= WIDE_HZ:
        return Light.GREEN, f"{text}."
    if found.bandwidth_hz >= NARROW_HZ:
        return Light.YELLOW, f"{text}: an instrument at more than {2 * khz:.0f} kHz gains nothing; use the original."
    return Light.RED, f"{text}: too dull even for an instrument at 16 kHz; look for the original."


def _room(checkup: Checkup) -> Answer:
    t60_seconds = checkup.t60_seconds
    if t60_seconds is None:
        return Light.GREY, "Notes never end freely, so the room cannot be judged: leave rests."
    if t60_seconds <= LIVE_SECONDS:
        return Light.GREEN, f"The room rings for about {t60_seconds:.1f} s (T60)."
    light = Light.YELLOW if t60_seconds <= BOOMY_SECONDS else Light.RED
    return (
        light,
        f"The room rings for about {t60_seconds:.1f} s (T60) and blurs notes: record closer or in a drier one.",
    )


def _tuning(checkup: Checkup) -> Answer:
    return judge_tuning(checkup.tuning, checkup.note_seconds)


def judge_tuning(tuning: Tuning, note_seconds: Seconds) -> Answer:
    """Light and sentence of the tuning of one recording or of all, with seconds of each MIDI note, (128,)."""
    if (note_seconds >= LEAST_NOTE_SECONDS).sum() < FEWEST_NOTES:
        return Light.GREY, "Too few notes to speak of a tuning."
    if tuning.cents is None:
        return Light.GREY, "Pitches keep to no scale, so there is no tuning."
    text = f"Tuned to A4 = {tuning.a4_hz:.1f} Hz ({tuning.cents:+.0f} cents)"
    if abs(tuning.cents) <= FAR_CENTS:
        return Light.GREEN, f"{text}."
    return Light.YELLOW, f"{text}: fine to learn from; say so when others are to play along."


RULES: dict[str, Callable[[Checkup], Answer]] = {
    "pitch": _pitch,
    "voices": _voices,
    "level": _level,
    "noise": _noise,
    "hum": _hum,
    "bandwidth": _bandwidth,
    "room": _room,
    "tuning": _tuning,
}
"""Name of an aspect -> light and sentence."""
