"""`luthier check` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from luthier.data.audio_files import save_audio
from luthier.data.synthetic import plucked_string


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    notes = torch.cat([plucked_string(semitone, 16000, 1.0) for semitone in (-12, -5, 0)], dim=1)
    save_audio(folder / "take.wav", 0.5 * notes, 16000)
    (folder / "broken.wav").write_text("this is no sound")
    return folder


def test_json_keeps_its_contract(luthier_command, recordings: Path) -> None:
    outcome = luthier_command("check", recordings, "--json", "--jobs", 1)
    assert outcome.code == 0, outcome.stderr
    (file,) = outcome.json["files"]
    assert outcome.json["verdict"] == "red"
    assert Path(file["path"]).name == "take.wav"
    assert file["polyphonic"] is False
    assert 0 < file["pitched_minutes"] < 3.1 / 60
    assert set(file["note_seconds"]) >= {"A2", "E3", "A3"} or len(file["note_seconds"]) >= 3
    assert [Path(entry["path"]).name for entry in outcome.json["unreadable"]] == ["broken.wav"]
    assert all({"aspect", "light", "sentence"} == set(one) for one in outcome.json["findings"] + file["findings"])


def test_table_names_lights_and_what_to_do_and_the_page_is_made(luthier_command, recordings, tmp_path) -> None:
    outcome = luthier_command("check", recordings, "-o", tmp_path / "report", "--jobs", 1)
    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout.rstrip().endswith("verdict: red")
    assert "too little" in outcome.stdout
    assert "broken.wav" in outcome.stdout
    assert (tmp_path / "report" / "report.html").stat().st_size > 10000
    again = luthier_command("check", recordings, "-o", tmp_path / "report", "--jobs", 1)
    assert (again.code, "--force" in again.stderr) == (1, True)


def test_nothing_readable_is_the_only_failure(luthier_command, tmp_path) -> None:
    (tmp_path / "broken.wav").write_text("this is no sound")
    outcome = luthier_command("check", tmp_path)
    assert outcome.code == 1
    assert "none of 1 recordings can be read" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_the_page_never_takes_the_place_of_the_recordings(luthier_command, recordings) -> None:
    outcome = luthier_command("check", recordings, "-o", recordings, "--force", "--jobs", 1)
    assert (outcome.code, "would be lost" in outcome.stderr) == (1, True)
    assert (recordings / "take.wav").is_file()
