"""Every example runs from top to bottom and leaves a sound that is not silent."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from luthier.data.audio_files import load_audio

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
MOST_LINES = 60


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_makes_a_sound(example: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", [str(example), str(tmp_path)])
    runpy.run_path(str(example), run_name="__main__")
    said = capsys.readouterr()
    assert said.err == ""
    sounds, pictures = list(tmp_path.glob("*.wav")), list(tmp_path.glob("*.png"))
    assert sounds
    for sound in sounds:
        assert float(load_audio(sound)[0].abs().max()) > 1e-3
        assert sound.name in said.out
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_said_how_to_run(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    assert len(text.splitlines()) < MOST_LINES
    assert f"python examples/{example.name}" in text
    assert f"python examples/{example.name}" in (example.parent / "README.md").read_text(encoding="utf-8")
