"""Notes in a MIDI file: what was sung, for every other program that plays."""

from __future__ import annotations

from pathlib import Path

import mido

from luthier.atomic import atomic_file, refuse_suffix
from luthier.inference.notes import Note

SUFFIXES = (".mid", ".midi")
TICKS_PER_BEAT, BEATS_PER_MINUTE = 480, 120
VELOCITY_PER_DB = 2.5
"""40 dB between the softest and the loudest velocity."""
LOUDEST, SOFTEST = 120, 20


def save_notes(path: Path, notes: list[Note], frame_rate: float, *, force: bool = False) -> None:
    """Write notes as a MIDI file of one track, pitches to the nearest semitone, times as sung at 120 beats a minute.

    Args:
        path: to write.
        notes: in order, not overlapping.
        frame_rate: frames per second.
        force: replace an existing file.

    Raises:
        OutputError: another suffix, the file exists, or the place cannot be written to.
    """
    refuse_suffix(path, "notes", SUFFIXES)
    file, track = mido.MidiFile(ticks_per_beat=TICKS_PER_BEAT), mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(BEATS_PER_MINUTE)))
    ticks_per_frame = TICKS_PER_BEAT * BEATS_PER_MINUTE / 60 / frame_rate
    loudest_db = max((note.level_db for note in notes), default=0.0)
    now = 0
    for note in notes:
        number = min(127, max(0, round(note.midi)))
        velocity = max(SOFTEST, round(LOUDEST + VELOCITY_PER_DB * (note.level_db - loudest_db)))
        for kind, frame in (("note_on", note.start), ("note_off", note.stop)):
            tick = round(frame * ticks_per_frame)
            speed = velocity if kind == "note_on" else 0
            track.append(mido.Message(kind, note=number, velocity=speed, time=tick - now))
            now = tick
    with atomic_file(path, force=force) as temporary:
        file.save(str(temporary))
