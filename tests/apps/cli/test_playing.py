"""resynth, transfer, room and synth, with an instrument that has learned nothing yet."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch

from luthier.data.audio_files import save_audio


def read(path: Path) -> tuple[torch.Tensor, int]:
    samples, rate = soundfile.read(path, dtype="float32")
    return torch.from_numpy(samples), rate


@pytest.fixture(params=["resynth --with", "transfer --to"])
def play(request: pytest.FixtureRequest, luthier_command, tone_file, instrument_file):
    command, option = request.param.split()
    return lambda output, *arguments: luthier_command(
        command, tone_file, option, instrument_file, "-o", output, *arguments
    )


def test_it_writes_sound_at_the_instruments_rate_as_long_as_the_input(play, tmp_path) -> None:
    outcome = play(tmp_path / "out.wav")
    assert (outcome.code, outcome.stdout) == (0, f"{tmp_path / 'out.wav'}\n")
    audio, rate = read(tmp_path / "out.wav")
    assert (rate, len(audio)) == (16000, pytest.approx(2.5 * 16000, abs=160))
    assert audio.abs().max() > 1e-4


def test_an_existing_output_is_kept_without_force_and_replaced_with_it(play, tmp_path) -> None:
    output = tmp_path / "out.wav"
    output.write_text("precious")
    refused = play(output)
    assert (refused.code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "--force" in refused.stderr
    assert output.read_text() == "precious"
    assert play(output, "--force").code == 0
    assert read(output)[1] == 16000


@pytest.mark.parametrize("words", ["resynth --with", "transfer --to"])
def test_silence_is_refused_in_one_line_and_nothing_is_written(
    words, luthier_command, instrument_file, tmp_path
) -> None:
    save_audio(tmp_path / "silence.wav", torch.zeros(16000), 16000)
    command, option = words.split()
    outcome = luthier_command(command, tmp_path / "silence.wav", option, instrument_file, "-o", tmp_path / "out.wav")
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert "silence.wav: silent" in outcome.stderr
    assert not (tmp_path / "out.wav").exists()


def test_stems_sum_to_the_whole(play, tmp_path) -> None:
    outcome = play(tmp_path / "out.wav", "--stems", "--json")
    stems = [read(Path(path))[0] for path in outcome.json["stems"]]
    assert len(stems) == 3
    whole, _ = read(tmp_path / "out.wav")
    # 24-bit files: half a step of rounding in each of them
    assert torch.allclose(sum(stems), whole, atol=4 * 2**-24)


def test_an_existing_stem_stops_it_before_anything_is_written(play, tmp_path) -> None:
    (tmp_path / "out-room.wav").write_text("precious")
    assert play(tmp_path / "out.wav", "--stems").code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out-room.wav"]


def test_another_room_is_heard_and_dry_is_not_wet(play, tmp_path) -> None:
    echo = torch.zeros(12000)
    echo[0], echo[-1] = 1.0, 0.9
    save_audio(tmp_path / "room.wav", echo, 16000)
    for name, arguments in {"own": (), "dry": ("--dry",), "echo": ("--room", tmp_path / "room.wav")}.items():
        assert play(tmp_path / f"{name}.wav", *arguments).code == 0
    own, dry, echoed = (read(tmp_path / f"{name}.wav")[0] for name in ("own", "dry", "echo"))
    expected = torch.zeros(len(dry) + 11999)
    expected[: len(dry)] += dry
    expected[11999:] += 0.9 * dry
    expected, own = expected[: len(echoed)], own[: len(dry)]  # rooms ring out until nothing is heard
    assert len(dry) < len(echoed)
    gain = float((echoed * expected).sum() / expected.square().sum())
    assert 0.6 < gain < 1.0  # as loud as in its own room, on music or on this melody
    # 24-bit files of the sound and of the room
    assert torch.allclose(echoed, gain * expected, atol=1e-5, rtol=1e-3)
    assert (own - dry).abs().max() > 1e-3 * dry.abs().max()


def test_dry_and_another_room_at_once_is_wrong_usage(play, tmp_path, tone_file) -> None:
    outcome = play(tmp_path / "out.wav", "--dry", "--room", tone_file)
    assert outcome.code == 2
    assert "--dry" in outcome.stderr


@pytest.mark.parametrize(
    "command",
    ["resynth missing.wav --with missing -o", "transfer missing.wav --to missing -o", "room missing -o",
     "synth missing.csv -o", "prepare missing -o", "train missing -o", "evaluate missing missing -o", "demo -o"],
)  # fmt: skip
def test_an_existing_output_is_noticed_before_any_work(luthier_command, tmp_path, command) -> None:
    output = tmp_path / "out.wav"
    output.write_text("precious")
    outcome = luthier_command(*command.split(), output)
    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
    assert outcome.stderr.startswith(f"luthier: {output}: exists already.")
    assert output.read_text() == "precious"


@pytest.mark.parametrize("wet", ["-0.1", "1.1", "nan"])
def test_wet_is_a_share(play, tmp_path, wet) -> None:
    outcome = play(tmp_path / "out.wav", "--wet", wet)
    assert outcome.code == 1
    assert "wet" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("option", "value"), [("--wet", "1.1"), ("--lufs", "5"), ("--gain", "inf")])
@pytest.mark.parametrize("command", ["transfer {0} --to {1} -o out.wav", "resynth {0} --with {1} -o out.wav"])
def test_a_level_that_cannot_be_is_named_before_a_sound_is_read(
    luthier_command, instrument_file, tmp_path, command, option, value
) -> None:
    (tmp_path / "text.wav").write_text("not a sound")
    arguments = command.format(tmp_path / "text.wav", instrument_file).split()
    outcome = luthier_command(*arguments, option, value)
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert value in outcome.stderr
    assert "text.wav" not in outcome.stderr


def test_what_is_no_sound_is_one_line(luthier_command, instrument_file, tmp_path) -> None:
    (tmp_path / "text.wav").write_text("not a sound")
    outcome = luthier_command("transfer", tmp_path / "text.wav", "--to", instrument_file, "-o", tmp_path / "out.wav")
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert "text.wav" in outcome.stderr
    assert not (tmp_path / "out.wav").exists()


def test_what_is_no_instrument_is_one_line(luthier_command, tone_file, tmp_path) -> None:
    (tmp_path / "text.safetensors").write_text("not an instrument")
    outcome = luthier_command("transfer", tone_file, "--to", tmp_path / "text.safetensors", "-o", tmp_path / "out.wav")
    assert (outcome.code, outcome.stderr.count("\n")) == (1, 1)
    assert "text.safetensors" in outcome.stderr


def test_transfer_reports_its_shift(luthier_command, tone_file, instrument_file, tmp_path) -> None:
    outcome = luthier_command(
        "transfer", tone_file, "--to", instrument_file, "-o", tmp_path / "o.wav", "--octave", 1, "--semitones", -2,
        "--loudness", 6, "--json",
    )  # fmt: skip
    assert outcome.json["shift_semitones"] == 10
    assert outcome.json["loudness_shift_db"] == 6
    assert isinstance(outcome.json["warnings"], list)
    assert outcome.json["output"] == str(tmp_path / "o.wav")


@pytest.mark.parametrize(("option", "value"), [("--octave", "high"), ("--octave", "0.5"), ("--loudness", "loud")])
def test_words_that_mean_nothing_are_wrong_usage(
    luthier_command, tone_file, instrument_file, tmp_path, option, value
) -> None:
    outcome = luthier_command("transfer", tone_file, "--to", instrument_file, "-o", tmp_path / "out.wav", option, value)
    assert outcome.code == 2
    assert value in outcome.stderr


def test_the_room_alone_starts_with_its_direct_sound(luthier_command, instrument_file, tmp_path) -> None:
    outcome = luthier_command("room", instrument_file, "-o", tmp_path / "room.wav", "--json")
    audio, rate = read(tmp_path / "room.wav")
    assert (outcome.json["n_taps"], outcome.json["sample_rate"]) == (len(audio), rate)
    assert audio.abs().argmax() == 0


def test_synth_plays_the_tone_of_the_diary(luthier_command, tmp_path) -> None:
    outcome = luthier_command("synth", "-o", tmp_path / "tone.wav", "--spectrogram", tmp_path / "tone.png")
    assert outcome.code == 0
    audio, rate = read(tmp_path / "tone.wav")
    assert (len(audio), rate) == (64000, 16000)
    spectrum = torch.fft.rfft(audio[:16000] * torch.hann_window(16000)).abs()
    assert spectrum.argmax() == 440
    assert spectrum[18 * 440] > 1e-2 * spectrum.max()
    assert spectrum[16000 - 19 * 440 - 20 : 16000 - 19 * 440 + 20].max() < 1e-5 * spectrum.max()  # no alias
    assert (tmp_path / "tone.png").read_bytes().startswith(b"\x89PNG")


def test_synth_plays_curves_from_a_file(luthier_command, tmp_path) -> None:
    rows = ["f0_hz,amplitude,harmonic_1,harmonic_2", *["300,1,1,-50"] * 100]
    (tmp_path / "curves.csv").write_text("\n".join(rows))
    outcome = luthier_command("synth", tmp_path / "curves.csv", "-o", tmp_path / "tone.wav", "--hop-length", 160)
    assert outcome.code == 0
    audio, _ = read(tmp_path / "tone.wav")
    assert len(audio) == 16000
    assert torch.fft.rfft(audio).abs().argmax() == 300


@pytest.mark.parametrize(
    "text",
    ["", "f0_hz,amplitude", "f0_hz,amplitude,harmonic_1", "a,b,c\n1,2,3", "f0_hz,amplitude,harmonic_1\n1,2", "\x00",
     "f0_hz,amplitude,harmonic_1\n1,2,loud", "f0_hz,amplitude,harmonic_1\n440,nan,1",
     "f0_hz,amplitude,harmonic_1\n440,1,1\n-440,1,1", "f0_hz,amplitude,harmonic_1\n0,1,1"],
)  # fmt: skip
def test_curves_that_make_no_sense_are_one_line(luthier_command, tmp_path, text) -> None:
    (tmp_path / "curves.csv").write_text(text)
    outcome = luthier_command("synth", tmp_path / "curves.csv", "-o", tmp_path / "tone.wav")
    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1), outcome.stderr
    assert not (tmp_path / "tone.wav").exists()
