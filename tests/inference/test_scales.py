from __future__ import annotations

import pytest

from luthier.errors import RangeError
from luthier.inference.notes import Note
from luthier.inference.scales import detect_key, nearest_in_scale, scale_classes


def tune(*midi: int, last: int = 100) -> list[Note]:
    """Notes of 50 frames each, the last longer."""
    lengths = [50] * (len(midi) - 1) + [last]
    return [Note(0, length, float(pitch), -20.0, False) for pitch, length in zip(midi, lengths, strict=True)]


@pytest.mark.parametrize("transposed", [0, 2, 7, 10])
def test_the_key_of_a_song_is_found_wherever_it_is_sung(transposed: int) -> None:
    names = {0: "C", 2: "D", 7: "G", 10: "A#"}
    song = [60, 60, 67, 67, 69, 69, 67, 65, 65, 64, 64, 62, 62, 60]  # Ah vous dirai-je, Maman
    assert detect_key(tune(*(note + transposed for note in song))) == f"{names[transposed]}-major"


def test_a_minor_song_is_minor() -> None:
    assert detect_key(tune(69, 71, 72, 74, 76, 76, 74, 72, 71, 69)) == "A-minor"


def test_without_notes_every_semitone_is_allowed() -> None:
    assert detect_key([]) == "chromatic"


def test_scales_have_their_notes() -> None:
    assert scale_classes("C-major") == (0, 2, 4, 5, 7, 9, 11)
    assert scale_classes("A-minor") == scale_classes("C-major")
    assert scale_classes("Bb-major") == scale_classes("A#-major") == (0, 2, 3, 5, 7, 9, 10)
    assert scale_classes("chromatic") == tuple(range(12))


@pytest.mark.parametrize("scale", ["H-major", "C", "C-dorian", "", "c-major"])
def test_what_is_no_scale_is_refused(scale: str) -> None:
    with pytest.raises(RangeError, match="scale"):
        scale_classes(scale)


@pytest.mark.parametrize(("midi", "nearest"), [(60.4, 60), (60.6, 60), (61.2, 62), (65.9, 65), (71.6, 72)])
def test_the_nearest_note_of_a_scale(midi: float, nearest: int) -> None:
    assert nearest_in_scale(midi, scale_classes("C-major")) == nearest
