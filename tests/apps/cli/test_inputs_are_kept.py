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
