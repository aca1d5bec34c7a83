"""Every example runs from top to bottom and leaves a sound that is not silent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from luthier.data.audio_files import load_audio

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.py"))
MOST_LINES = 60


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_makes_a_sound(example: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(example), str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (result.returncode, result.stderr) == (0, "")
    sounds = list(tmp_path.glob("*.wav"))
    assert sounds
    for sound in sounds:
        assert float(load_audio(sound)[0].abs().max()) > 1e-3
        assert sound.name in result.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_said_how_to_run(example: Path) -> None:
    text = example.read_text(encoding="utf-8")
    assert len(text.splitlines()) < MOST_LINES
    assert f"python examples/{example.name}" in text
    assert f"python examples/{example.name}" in (example.parent / "README.md").read_text(encoding="utf-8")
