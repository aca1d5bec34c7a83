"""`luthier prepare --save-f0` and `--use-f0`."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.known_material import write_tone


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_tone(tmp_path / "take.wav", 8.0)


def test_curves_are_written_and_given_back(luthier_command, recording: Path, tmp_path: Path) -> None:
    common = ("--tracker", "swift", "--jobs", 1, "--json")
    curves = tmp_path / "curves"
    first = luthier_command("prepare", recording, "-o", tmp_path / "one", "--save-f0", curves, *common)
    assert first.json["given_f0"] == 0
    assert [path.name for path in curves.iterdir()] == ["take.csv"]
    second = luthier_command("prepare", recording, "-o", tmp_path / "two", "--use-f0", curves, *common)
    assert second.json["given_f0"] == 1


def test_a_wrong_curve_is_one_line(luthier_command, recording: Path, tmp_path: Path) -> None:
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves" / "take.csv").write_text("seconds,f0_hz\n0,440\n0.01,high\n")
    outcome = luthier_command(
        "prepare", recording, "-o", tmp_path / "ds", "--use-f0", tmp_path / "curves", "--tracker", "swift", "--jobs", 1
    )
    assert (outcome.code, outcome.stdout) == (1, "")
    (line,) = [line for line in outcome.stderr.splitlines() if "take.csv" in line]
    assert "row 3: 'high'" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves", "take.wav"]
