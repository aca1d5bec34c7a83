"""The third tab without its page: the same as `luthier transfer`, at one loudness."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.apps.studio.playing import LOUDNESS_LUFS, play_melody
from luthier.apps.studio.workshop import Workshop
from luthier.data.audio_files import load_audio
from luthier.errors import AudioFileError, InstrumentFileError
from luthier.inference.output_level import ProgrammeMeter
from luthier.inference.wishes import Wishes

VIOLIN = "violin (in the box)"


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "instruments", tmp_path / "scratch")


def test_octaves_room_and_loudness_are_as_wished(workshop, tone_file) -> None:
    played = [play_melody(workshop, str(tone_file), VIOLIN, Wishes(octave=1, semitones=-2), wet) for wet in (1.0, 0.0)]
    assert played[0].sentences[0] == "Played 10 semitones higher than the melody."
    sounds = [load_audio(one.sound) for one in played]
    wet, dry = (audio for audio, _ in sounds)
    assert float((wet[:, : dry.shape[1]] - dry).abs().max()) > 0.01
    for audio, sample_rate in sounds:
        meter = ProgrammeMeter(sample_rate)
        meter.hear(audio)
        assert meter.lufs == pytest.approx(LOUDNESS_LUFS, abs=0.1)


def test_what_may_sound_bad_is_said_without_options_of_the_command_line(workshop, tone_file) -> None:
    sentences = play_melody(workshop, str(tone_file), VIOLIN, Wishes(octave=-3), 1.0).sentences
    assert len(sentences) > 1
    assert not any("--" in sentence for sentence in sentences)


def test_what_cannot_be_played_is_named_as_the_visitor_knows_it(workshop, tmp_path, tone_file) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_text("this is no sound")
    with pytest.raises(AudioFileError, match=r"^broken\.wav: not a sound file"):
        play_melody(workshop, str(broken), VIOLIN, Wishes(), 1.0)
    with pytest.raises(AudioFileError, match="no melody yet"):
        play_melody(workshop, None, VIOLIN, Wishes(), 1.0)
    with pytest.raises(InstrumentFileError, match="no such instrument here"):
        play_melody(workshop, str(tone_file), "/etc/passwd", Wishes(), 1.0)
