"""The instruments in the box: listed, complete, and found by name by every command that takes an instrument."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from luthier.inference.player import load_player
from luthier.model.bundled import bundled_folder, bundled_names

PROMISED = {"violin", "alto-saxophone", "tenor-saxophone", "bagpipe-chanter"}
LARGEST_BYTES = 3_000_000
LONGEST_PREVIEW_SECONDS = 10.0
"""Seven and a half of the melody, and the room rings out."""
QUICK_SECONDS = 15.0


def test_the_promised_instruments_are_there() -> None:
    assert set(bundled_names()) >= PROMISED


@pytest.mark.parametrize("name", bundled_names())
def test_an_instrument_carries_its_story(name) -> None:
    summary = load_player(name).summary
    assert summary.title
    assert summary.licence
    assert summary.credit
    assert "luthier train" in summary.recipe
    assert 0 < summary.scores["test_mss_rel_gap"] < 1
    assert {"test_mss", "test_mel_db_gap", "test_loudness_db_l1_gap", "validation_mss_rel"} <= summary.scores.keys()
    assert (bundled_folder() / f"{name}.safetensors").stat().st_size < LARGEST_BYTES


@pytest.mark.parametrize("name", bundled_names())
def test_an_instrument_has_a_card_and_a_preview(name) -> None:
    card = (bundled_folder() / f"{name}.md").read_text(encoding="utf-8")
    summary = load_player(name).summary
    assert all(text in card for text in (summary.title, summary.licence, summary.credit, f"--to {name}", "seed"))
    audio, sample_rate = soundfile.read(bundled_folder() / f"{name}.ogg")
    assert sample_rate == load_player(name).sample_rate
    assert 5 < len(audio) / sample_rate <= LONGEST_PREVIEW_SECONDS
    assert 0.05 < abs(audio).max() <= 1.0


def test_they_are_listed(luthier_command) -> None:
    listed = luthier_command("instruments", "--json").json["instruments"]
    assert [entry["name"] for entry in listed] == bundled_names()
    violin = next(entry for entry in listed if entry["name"] == "violin")
    assert violin["licence"] == "CC BY 3.0"
    assert violin["sample_rate"] == 16000
    assert 150 < violin["lowest_hz"] < 300 < 900 < violin["highest_hz"] < 2000
    assert 0 < violin["score"] < 1
    table = luthier_command("instruments").stdout
    assert all(name in table for name in bundled_names())


def test_each_command_finds_an_instrument_by_its_name(luthier_command, tone_file, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [
        f"transfer {tone_file} --to violin -o a.wav --room tenor-saxophone --morph alto-saxophone",
        f"resynth {tone_file} --with violin -o b.wav",
        "room violin -o c.wav",
    ]
    for line in lines:
        outcome = luthier_command(*line.split())
        assert outcome.code == 0, outcome.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"a.wav", "b.wav", "c.wav"}
    assert luthier_command("info", "violin", "--json").json["title"] == "Violin"


def test_the_room_named_is_that_instruments_room(luthier_command, tone_file, tmp_path) -> None:
    start = ("transfer", tone_file, "--to", "violin", "--json", "-o")
    luthier_command(*start, tmp_path / "own.wav")
    luthier_command(*start, tmp_path / "named.wav", "--room", "violin")
    luthier_command(*start, tmp_path / "other.wav", "--room", "alto-saxophone")
    sounds = [soundfile.read(tmp_path / f"{name}.wav")[0] for name in ("own", "named", "other")]
    own, named, other = (sound[: min(map(len, sounds))] for sound in sounds)  # each room rings out
    assert abs(own - other).max() > 0.01
    assert abs(named - own).max() < 0.3 * abs(other - own).max()


@pytest.mark.parametrize(
    "line", ["info voilin", "transfer missing.wav --to voilin -o out.wav", "room voilin -o out.wav"]
)
def test_an_unknown_name_is_one_line_with_a_suggestion(line, luthier_command, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = luthier_command(*line.split())
    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (1, "", 1)
    assert "Did you mean violin?" in outcome.stderr
    assert "alto-saxophone" in outcome.stderr


def test_the_quick_demo_trains_nothing(luthier_command, tmp_path) -> None:
    outcome = luthier_command("demo", "--quick", "--minutes", 1, "-o", tmp_path / "demo")
    assert outcome.code == 2
    assert "--minutes" in outcome.stderr
    assert not (tmp_path / "demo").exists()


def test_loading_an_instrument_does_not_import_the_compiler_of_torch() -> None:
    """It would take longer than the loading itself: several seconds of the first minute."""
    code = "import sys, luthier; luthier.load('violin'); sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_quick_demo_is_quick_and_leaves_a_page_and_sounds(tmp_path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    code = "from luthier.apps.cli.main import main; main()"
    command = [sys.executable, "-c", code, "demo", "--quick", "-o", str(tmp_path / "demo")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time: what the clock says depends on what else the machine does.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < QUICK_SECONDS
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio") >= 3 + len(PROMISED)
    assert "CC BY 3.0" in page
    sounds = [Path(line) for line in result.stdout.splitlines() if line.endswith(".wav")]
    assert {f"voice-as-{name}.wav" for name in PROMISED} <= {path.name for path in sounds}
    for path in sounds:
        assert abs(soundfile.read(path)[0]).max() > 1e-2
