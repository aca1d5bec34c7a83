from __future__ import annotations

from pathlib import Path

import mido
import pytest

from luthier.errors import OutputError
from luthier.export.midi_notes import save_notes
from luthier.inference.notes import Note

NOTES = [Note(0, 50, 60.2, -20.0, False), Note(50, 90, 63.9, -26.0, True), Note(150, 200, 67.0, -90.0, False)]


def test_notes_keep_their_times_pitches_and_dynamics(tmp_path: Path) -> None:
    save_notes(tmp_path / "a.mid", NOTES, 100.0)
    now, heard = 0.0, []
    for message in mido.MidiFile(tmp_path / "a.mid"):
        now += message.time
        if message.type in ("note_on", "note_off"):
            heard.append((message.type, message.note, round(now, 2), message.velocity))
    assert heard == [
        ("note_on", 60, 0.0, 120), ("note_off", 60, 0.5, 0), ("note_on", 64, 0.5, 105), ("note_off", 64, 0.9, 0),
        ("note_on", 67, 1.5, 20), ("note_off", 67, 2.0, 0),
    ]  # fmt: skip


def test_no_notes_are_an_empty_file_and_nothing_is_overwritten(tmp_path: Path) -> None:
    save_notes(tmp_path / "a.mid", [], 100.0)
    assert mido.MidiFile(tmp_path / "a.mid").length == 0
    with pytest.raises(OutputError, match="--force"):
        save_notes(tmp_path / "a.mid", [], 100.0)
