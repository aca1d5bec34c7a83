"""What recordings are good for together: enough material, the whole range, one source, nothing twice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from luthier.analysis.checkup import Checkup
from luthier.analysis.checkup_findings import Finding, Light, judge_tuning
from luthier.analysis.checkup_range import Range, judge_range, note_name
from luthier.analysis.checkup_sources import can_compare, group_sources
from luthier.analysis.checkup_tuning import common_tuning

ENOUGH_SECONDS, LITTLE_SECONDS = 240.0, 60.0
NARROW_SEMITONES = 12


def judge_set(
    names: Sequence[str], checkups: Sequence[Checkup], duplicates: Sequence[tuple[str, str]]
) -> list[Finding]:
    """Aspects that only a whole set has.

    Args:
        names: of the recordings, in the order of `checkups`.
        checkups: what was measured, each recording once.
        duplicates: names of the same take, the copy first.
    """
    note_seconds = total_note_seconds(checkups)
    return [
        Finding("material", *_material(checkups)),
        Finding("range", *_range(judge_range(note_seconds))),
        Finding("sources", *_sources(names, checkups)),
        Finding("tuning", *judge_tuning(common_tuning([one.tuning for one in checkups]), note_seconds)),
        Finding("duplicates", *_duplicates(duplicates)),
    ]


def total_note_seconds(checkups: Sequence[Checkup]) -> np.ndarray:
    """(128,), seconds of each MIDI note in all recordings that have one voice."""
    single = [checkup.note_seconds for checkup in checkups if not checkup.voices.is_polyphonic]
    return np.sum([np.zeros(128), *single], axis=0)


def usable_seconds(checkups: Sequence[Checkup]) -> float:
    """Pitched time of all recordings that have one voice."""
    return sum(checkup.pitched_seconds for checkup in checkups if not checkup.voices.is_polyphonic)


def _material(checkups: Sequence[Checkup]) -> tuple[Light, str]:
    seconds = usable_seconds(checkups)
    text = f"{seconds / 60:.1f} minutes of one voice with a clear pitch"
    if seconds >= ENOUGH_SECONDS:
        return Light.GREEN, f"{text}: enough to train on."
    if seconds >= LITTLE_SECONDS:
        return Light.YELLOW, f"{text}: enough to try; four minutes or more sound better."
    return Light.RED, f"{text}: too little, record at least one minute, better four."


def _range(found: Range) -> tuple[Light, str]:
    if found.lowest is None or found.highest is None:
        return Light.GREY, "Without notes there is no range."
    text = f"Notes from {note_name(found.lowest)} to {note_name(found.highest)}"
    if found.gaps:
        low, high = max(found.gaps, key=lambda gap: gap[1] - gap[0])
        more = f" and {len(found.gaps) - 1} smaller gaps" if len(found.gaps) > 1 else ""
        return Light.YELLOW, f"{text}, nothing from {note_name(low)} to {note_name(high)}{more}: record these notes."
    if found.thin:
        # Notes hardly heard at the low end: more of them are wanted below where the material begins in earnest.
        ends = {"low": f"below {note_name(found.lowest + 5)}", "high": f"above {note_name(found.highest - 5)}"}
        return Light.YELLOW, f"{text}, hardly any {' or '.join(ends[end] for end in found.thin)}: record more there."
    if found.highest - found.lowest < NARROW_SEMITONES:
        return Light.YELLOW, f"{text} only, less than an octave: record the notes that are to be played."
    return Light.GREEN, f"{text} without gaps."


def _sources(names: Sequence[str], checkups: Sequence[Checkup]) -> tuple[Light, str]:
    if len(checkups) < 2:
        return Light.GREEN, "One recording, one source."
    prints = [checkup.sound_print for checkup in checkups]
    if not can_compare(prints):
        return Light.GREY, "Too short, or too different in pitch, to tell whether they are of one source."
    groups = group_sources(prints)
    if len(groups) <= 1:
        return Light.GREEN, "Nothing speaks against one instrument in one room."
    others = [names[index] for group in groups[1:] for index in group]
    shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    return Light.YELLOW, f"Another instrument, room or microphone: {shown}. Make one instrument of each."


def _duplicates(duplicates: Sequence[tuple[str, str]]) -> tuple[Light, str]:
    if not duplicates:
        return Light.GREEN, "No recording is there twice."
    copy, original = duplicates[0]
    more = f", and {len(duplicates) - 1} more" if len(duplicates) > 1 else ""
    return Light.YELLOW, f"{copy} is the same take as {original}{more}: leave the copies out."
