"""What `luthier transfer` can be asked for, with an instrument that has learned nothing yet."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from luthier.inference.output_level import ProgrammeMeter


def read(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="float32")[0]


@pytest.fixture
def play(luthier_command, tone_file, instrument_file, tmp_path):
    def run(*arguments: object, source: Path = tone_file, output: str = "out.wav"):
        return luthier_command("transfer", source, "--to", instrument_file, "-o", tmp_path / output, *arguments)

    return run


def test_the_diagnosis_has_a_kind_a_sentence_and_an_option(play) -> None:
    outcome = play("--octave", 4, "--json")
    ranges = [trouble for trouble in outcome.json["diagnosis"] if trouble["what"] == "range"]
    assert "above anything" in ranges[0]["sentence"]
    assert "--octave" in ranges[0]["option"]
    assert f"{ranges[0]['sentence']} {ranges[0]['option']}" in outcome.json["warnings"]
    assert ranges[0]["sentence"] in outcome.stderr


def test_loudness_is_brought_to_lufs_and_gain_adds_to_it(play, tmp_path) -> None:
    import torch

    for name, arguments, lufs in (("a", ("--lufs", -30), -30.0), ("b", ("--lufs", -30, "--gain", -6), -36.0)):
        outcome = play(*arguments, "--loudness", 0, "--json", output=f"{name}.wav")  # as loud as the tone
        meter = ProgrammeMeter(16000)
        meter.hear(torch.from_numpy(read(tmp_path / f"{name}.wav")).unsqueeze(0))
        assert meter.lufs == pytest.approx(lufs, abs=0.05)
        assert outcome.json["lufs"] == pytest.approx(lufs, abs=0.05)


def test_clipping_is_avoided_and_said_and_stems_still_sum(play, tmp_path) -> None:
    outcome = play("--gain", 90, "--stems", "--json")
    assert "would have clipped" in outcome.stderr
    whole = read(tmp_path / "out.wav")
    stems = sum(read(Path(path)) for path in outcome.json["stems"])
    assert np.abs(stems - whole).max() < 1e-6
    assert 0.2 < np.abs(whole).max() <= 1.0


def test_a_stereo_room_gives_a_stereo_file_whose_stems_sum(play, tmp_path) -> None:
    room = np.zeros((4000, 2))
    room[0], room[-1] = (1.0, 0.5), (-0.3, 0.6)
    soundfile.write(tmp_path / "room.wav", room, 16000)
    outcome = play("--room", tmp_path / "room.wav", "--stems", "--json")
    whole = read(tmp_path / "out.wav")
    assert whole.shape[1] == 2
    assert np.abs(sum(read(Path(path)) for path in outcome.json["stems"]) - whole).max() < 1e-6
    assert np.abs(whole[:, 0] - whole[:, 1]).max() > 1e-4


def test_the_room_of_an_instrument_is_a_room(play, instrument_file, tmp_path) -> None:
    assert play(output="own.wav").code == 0
    assert play("--room", instrument_file, output="same.wav").code == 0
    assert np.allclose(read(tmp_path / "own.wav"), read(tmp_path / "same.wav"), atol=1e-5)


def test_a_region_is_played_alone(play, tmp_path) -> None:
    assert play("--from", 0.5, "--until", 1.25, "--dry").code == 0
    assert len(read(tmp_path / "out.wav")) == pytest.approx(0.75 * 16000, abs=160)
    assert "silent" in play("--from", 2.2, "--until", 2.4, output="rest.wav").stderr
    refused = play("--from", 9, output="none.wav")
    assert (refused.code, refused.stderr.count("\n")) == (1, 1)
    assert "2.50 s" in refused.stderr


@pytest.mark.parametrize("name", ["curves.csv", "curves.npz"])
def test_saved_curves_play_the_same_again(play, tmp_path, name) -> None:
    assert play("--save-curves", tmp_path / name, "--tilt", 3).code == 0
    assert play(source=tmp_path / name, output="again.wav").code == 0
    assert np.allclose(read(tmp_path / "again.wav"), read(tmp_path / "out.wav"), atol=1e-4)


def test_saved_curves_are_as_loud_in_a_ringing_room_as_the_melody_was(luthier_command, tone_file, tmp_path) -> None:
    for source, name, options in (
        (tone_file, "out.wav", ("--save-curves", tmp_path / "curves.npz", "--semitones", 0.5)),
        (tmp_path / "curves.npz", "again.wav", ()),
    ):
        assert luthier_command("transfer", source, "--to", "violin", "-o", tmp_path / name, *options).code == 0
    heard, again = read(tmp_path / "out.wav"), read(tmp_path / "again.wav")
    assert np.abs(again - heard).max() < 1e-4 * np.abs(heard).max()


def test_notes_and_a_picture_are_written_beside(play, tmp_path) -> None:
    assert play("--save-midi", tmp_path / "a.mid", "--plot", tmp_path / "a.png").code == 0
    notes = [message.note for message in mido.MidiFile(tmp_path / "a.mid") if message.type == "note_on"]
    assert [note % 12 for note in notes] == [9]  # an A
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_soft_notes_are_written_as_soft_as_they_are_played(luthier_command, tmp_path) -> None:
    """The network is told the loudness of notes that it knows; that is nothing to write down."""
    time = np.arange(16000) / 16000
    notes = [
        level * sum(np.sin(2 * np.pi * k * hz * time) / k for k in range(1, 8))
        for level, hz in ((0.3, 330), (0.02, 440))
    ]
    soundfile.write(tmp_path / "two.wav", np.concatenate(notes), 16000)
    where = ("-o", tmp_path / "out.wav", "--save-midi", tmp_path / "a.mid")
    assert luthier_command("transfer", tmp_path / "two.wav", "--to", "violin", *where).code == 0
    speeds = [message.velocity for message in mido.MidiFile(tmp_path / "a.mid") if message.type == "note_on"]
    loud, soft = (speed for speed in speeds if speed)
    assert loud - soft > 2.5 * 0.8 * 20  # MIDI velocities for a dB, least dB of the violin's for one sung, dB


def test_what_lies_beside_is_not_overwritten(play, tmp_path) -> None:
    (tmp_path / "a.mid").write_text("precious")
    assert play("--save-midi", tmp_path / "a.mid").code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.mid"]


def test_a_folder_is_played_into_a_folder_and_a_bad_file_stops_no_other(play, tone_file, tmp_path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.wav").write_bytes(tone_file.read_bytes())
    (tmp_path / "in" / "deep" / "b.wav").write_bytes(tone_file.read_bytes())
    (tmp_path / "in" / "0.wav").write_text("no sound")
    outcome = play("--json", source=tmp_path / "in", output="played")
    assert outcome.code == 1
    assert "0.wav" in outcome.stderr
    assert [Path(report["output"]).name for report in outcome.json["outputs"]] == ["a.wav", "b.wav"]
    assert (tmp_path / "played" / "deep" / "b.wav").is_file()


@pytest.mark.parametrize(
    ("output", "options", "code", "said"),
    [
        ("a.wav", (), 2, "is a file's name"),
        ("played", ("--save-midi", "a.mid"), 2, "are for one file"),
        ("in/played", (), 1, "lies in the folder that is played"),
        ("St. Mary", (), 0, ""),
    ],
)
def test_a_folder_is_played_into_a_folder_elsewhere(play, tone_file, tmp_path, output, options, code, said) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.wav").write_bytes(tone_file.read_bytes())
    outcome = play(*options, source=tmp_path / "in", output=output)
    assert outcome.code == code
    assert said in " ".join(outcome.stderr.split())


def test_a_folder_in_the_place_of_a_file_is_named(play, tmp_path) -> None:
    (tmp_path / "taken.wav").mkdir()
    for options in ((), ("--force",)):
        assert "is a folder. Give the name of a file" in play(*options, output="taken.wav").stderr


def test_morphing_is_heard_and_needs_a_matching_instrument(play, instrument_file, tmp_path) -> None:
    assert play("--morph", instrument_file, output="same.wav").code == 0
    assert play(output="plain.wav").code == 0
    assert np.allclose(read(tmp_path / "same.wav"), read(tmp_path / "plain.wav"), atol=1e-4)
    assert play("--morph", instrument_file, "--morph-amount", 2, output="no.wav").code == 1


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [("--cents", "some", 2), ("--harmonics", "1,x", 2), ("--autotune", "3", 1),
     ("--lufs", "5", 1), ("--gate", "-1", 1), ("--save-curves", "curves.txt", 1),
     ("--save-midi", "notes.txt", 1), ("--cents", "1e9", 1)],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(play, tmp_path, option, value, code) -> None:
    outcome = play(option, value)
    assert outcome.code == code
    assert not (tmp_path / "out.wav").exists()


def test_a_scale_that_nobody_knows_is_refused(play) -> None:
    assert play("--autotune", 1, "--scale", "H-major").code == 1


def test_resynth_is_brought_to_lufs_too(luthier_command, tone_file, instrument_file, tmp_path) -> None:
    outcome = luthier_command(
        "resynth", tone_file, "--with", instrument_file, "-o", tmp_path / "out.wav", "--lufs", -33, "--json"
    )
    assert outcome.json["lufs"] == pytest.approx(-33.0, abs=0.05)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--octave", 1), ["--octave"]),
        (("--octave", "auto"), ["--octave"]),
        (("--from", 1, "--no-voicing", "--save-midi", "notes.mid"), ["--from", "--voicing", "--save-midi"]),
    ],
)
def test_curves_refuse_what_would_change_nothing(options, named, play, tmp_path) -> None:
    assert play("--save-curves", tmp_path / "curves.csv").code == 0
    outcome = play(*options, source=tmp_path / "curves.csv", output="again.wav")
    assert outcome.code == 2
    assert all(option in outcome.stderr for option in named)
    assert "--gate" not in outcome.stderr
    assert not (tmp_path / "again.wav").exists()


@pytest.mark.parametrize(
    ("option", "value", "needed"), [("--scale", "C-major", "--autotune"), ("--morph-amount", 0.3, "--morph")]
)
def test_an_option_that_changes_nothing_is_wrong_usage(play, option: str, value: str | float, needed: str) -> None:
    outcome = play(option, value)
    assert outcome.code == 2
    assert f"{option} changes nothing without {needed}" in " ".join(outcome.stderr.split())


def test_a_sound_never_takes_the_place_of_its_input(play, tone_file) -> None:
    before = tone_file.read_bytes()
    outcome = play("--force", output=tone_file)
    assert (outcome.code, "is the input itself" in outcome.stderr) == (1, True)
    assert tone_file.read_bytes() == before
