from __future__ import annotations

import pytest

from inference.melodies import FRAME_RATE, sung
from luthier.inference.notes import find_notes


def test_each_pitch_becomes_a_note_with_its_place() -> None:
    notes = find_notes(sung(60.0, 62.0, None, 67.0), FRAME_RATE)
    assert [(note.start, note.stop) for note in notes] == [(0, 50), (50, 100), (150, 200)]
    assert [note.midi for note in notes] == pytest.approx([60.0, 62.0, 67.0], abs=1e-3)
    assert [note.level_db for note in notes] == [-20.0] * 3
    assert [note.is_legato for note in notes] == [False, True, False]


@pytest.mark.parametrize("width", [0.5, 1.0])
def test_vibrato_makes_no_notes(width: float) -> None:
    notes = find_notes(sung(60.3, 64.3, vibrato=width, seconds=1.0), FRAME_RATE)
    assert len(notes) == 2
    assert [note.midi for note in notes] == pytest.approx([60.3, 64.3], abs=0.25)


def test_a_deep_dip_strikes_a_note_anew_and_a_shallow_one_does_not() -> None:
    melody = sung(60.0, 60.0)
    for depth_db, count in ((6.0, 1), (15.0, 2)):
        level_db = melody.loudness_db.clone()
        level_db[0, 48:52] -= depth_db
        notes = find_notes(melody._replace(loudness_db=level_db), FRAME_RATE)
        assert len(notes) == count
        assert not notes[-1].is_legato


def test_blips_and_silence_are_no_notes() -> None:
    assert find_notes(sung(None, None), FRAME_RATE) == []
    assert find_notes(sung(60.0, seconds=0.04), FRAME_RATE) == []
    assert len(find_notes(sung(60.0, seconds=0.08), FRAME_RATE)) == 1
