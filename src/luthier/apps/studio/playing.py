"""A melody to a sound of an instrument: the same as `luthier transfer`, for the page."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from luthier.apps.cli.sounds import Level
from luthier.apps.studio.bare_names import with_bare_names
from luthier.apps.studio.workshop import Workshop
from luthier.apps.transfer_run import Beside, TransferPlan, transfer_file
from luthier.errors import AudioFileError, LuthierError
from luthier.inference.player import load_player
from luthier.inference.rendering import RoomChoice
from luthier.inference.wishes import Wishes

LOUDNESS_LUFS = -25.0
"""Instruments differ by 20 dB as they were recorded: here they are equally loud."""


class Played(NamedTuple):
    """What came of it.

    Attributes:
        sound: the file.
        picture: before and after, .png.
        sentences: how it was fitted, and what may make it sound bad.
    """

    sound: Path
    picture: Path
    sentences: list[str]


def play_melody(workshop: Workshop, melody: str | None, shown: str | None, wishes: Wishes, wet: float) -> Played:
    """Play a melody with an instrument.

    Args:
        workshop: knows the instruments.
        melody: sound file as the page hands it over.
        shown: the instrument by the name that is shown.
        wishes: how the melody is fitted to it.
        wet: 1 for the room as it is, 0 for the dry sound.

    Raises:
        LuthierError: something cannot be read or played.
    """
    if melody is None:
        raise AudioFileError("no melody yet. Record one, or drop a sound file.")
    file = workshop.instrument(shown)
    source = Path(melody)
    _, place = workshop.new_place()
    played = place / f"{source.stem[:40]}-as-{file.stem}.wav"
    picture = place / "before-and-after.png"
    plan = TransferPlan(
        load_player(file),
        wishes,
        RoomChoice(wet=wet, rings_out=True),
        Level(lufs=LOUDNESS_LUFS),
        beside=Beside(plot=picture),
    )
    try:
        report = transfer_file(source, played, plan)
    except LuthierError as error:
        raise type(error)(with_bare_names(str(error), source.parent)) from error
    sentences = [_fitted(report["shift_semitones"]), *(trouble["sentence"] for trouble in report["diagnosis"])]
    return Played(played, picture, sentences)


def _fitted(shift_semitones: float) -> str:
    if not shift_semitones:
        return "Played at the pitch of the melody."
    direction = "higher" if shift_semitones > 0 else "lower"
    return f"Played {abs(shift_semitones):g} semitones {direction} than the melody."
