from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from luthier.apps.cli.main import app

VOICE = str(files("luthier.apps") / "demo_audio" / "voice.flac")


@pytest.mark.parametrize(
    "command",
    [
        "transfer {0} --to violin -o out.wav --plot {0}",
        "transfer {0} --to violin -o out.wav --room {1} --plot {1}",
        "transfer {0} --to violin -o {1} --room {1}",
        "transfer {0} --to violin -o voice.wav --stems",
        "resynth {0} --with violin -o {1} --room {1}",
        "resynth {0} --with violin -o voice.wav --stems",
    ],
)
def test_nothing_that_is_read_is_overwritten_even_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("voice-room.wav", "hall.wav"):
        shutil.copy(VOICE, name)
    before = Path(VOICE).read_bytes()
    result = CliRunner().invoke(app, [*command.format("voice-room.wav", "hall.wav").split(), "--force"])
    assert result.exit_code != 0
    assert "is the input itself" in str(result.exception) + result.output
    assert Path("voice-room.wav").read_bytes() == before
    assert Path("hall.wav").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        "transfer {0} --to violin -o out.wav --save-curves q.csv --plot q.csv",
        "transfer songs --to violin -o played --stems",
        "synth -o tone.wav --spectrogram tone.wav",
    ],
)
def test_no_result_is_written_over_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("songs").mkdir()
    for name in ("song.wav", "song-harmonic.wav"):
        shutil.copy(VOICE, Path("songs", name))
    result = CliRunner().invoke(app, [*command.format(VOICE).split(), "--force"])
    assert result.exit_code != 0
    assert "would be written twice" in str(result.exception) + result.output
    assert not any(map(Path.exists, map(Path, ("out.wav", "q.csv", "played", "tone.wav"))))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("transfer {0} --to violin -o out.wav --plot out.csv", "pictures are written as .png"),
        ("synth -o out.wav --spectrogram out.jpg", "pictures are written as .png"),
        ("transfer {0} --to violin -o out.wav --until nan", "expected a part of the"),
        ("transfer {0} --to violin -o out.wav --from inf", "expected a part of the"),
        ("transfer {0} --to violin -o out.wav --dry --wet 0.5", "leaves the room out"),
        ("resynth {0} --with violin -o out.wav --dry --wet 0.5", "leaves the room out"),
        ("synth tone.csv -o out.wav --f0-hz 220", "--f0-hz is of the tone"),
        ("studio --folder {0}", "is a file"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, command.format(VOICE).split())
    assert result.exit_code in (1, 2)
    assert said in str(result.exception) + result.output
    assert list(tmp_path.iterdir()) == []
