"""`luthier build`: everything from recordings to an instrument, and going on where it was interrupted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


def test_one_command_leaves_the_instrument_and_all_that_was_found_out(luthier_command, take, tmp_path) -> None:
    output, folder = tmp_path / "lute.safetensors", tmp_path / "lute-build"
    outcome = luthier_command("build", take, "-o", output, "--steps", 2, "--licence", "CC0", "--json")
    assert outcome.code == 0, outcome.stderr
    assert luthier_command("info", output, "--json").json["refit"] is True
    assert outcome.json["output"] == str(output)
    assert {"model", "gap"} <= outcome.json["mss_rel"].keys()
    assert (folder / "check" / "report.html").is_file()
    assert Path(outcome.json["report"]).is_file()
    assert "verdict: red" in outcome.stderr  # twelve seconds are too little, and it says so

    refused = luthier_command("build", take, "-o", output, "--steps", 2)
    assert (refused.code, "--force" in refused.stderr) == (1, True)


@pytest.mark.parametrize("step", ["train", "evaluate"])
def test_an_interrupted_build_goes_on_only_when_told_to(luthier_command, take, tmp_path, monkeypatch, step) -> None:
    output, folder = tmp_path / "lute.safetensors", tmp_path / "lute-build"
    with monkeypatch.context() as patch:
        patch.setattr(f"luthier.apps.cli.build.{step}", _interrupted)
        assert luthier_command("build", take, "-o", output, "--steps", 2).code != 0
    prepared = (folder / "dataset" / "manifest.json").stat().st_mtime_ns

    refused = luthier_command("build", take, "-o", output, "--steps", 2)
    assert (refused.code, "--resume" in refused.stderr) == (1, True)
    outcome = luthier_command("build", take, "-o", output, "--steps", 2, "--resume")
    assert outcome.code == 0, outcome.stderr
    told = outcome.stdout + outcome.stderr
    assert ("Next: luthier train" in told, told.count("report/report.html")) == (False, 1)
    assert output.is_file()
    assert (folder / "report" / "report.html").is_file()
    assert (folder / "dataset" / "manifest.json").stat().st_mtime_ns == prepared


def test_a_build_goes_on_with_what_it_was_begun_with(luthier_command, take, tmp_path, monkeypatch) -> None:
    output = tmp_path / "lute.safetensors"
    assert luthier_command("build", take, "-o", output, "--steps", 2).code == 0
    first = output.read_bytes()
    other = shutil.copy(take, tmp_path / "other.wav")
    refused = luthier_command("build", take, other, "-o", output, "--steps", 2, "--resume")
    assert (refused.code, "other recordings or settings" in refused.stderr) == (1, True)
    longer = luthier_command("build", take, "-o", output, "--steps", 3, "--resume")
    assert (longer.code, "3 of 4" in longer.stderr) == (0, True)
    plain = luthier_command("build", take, "-o", output, "--steps", 3, "--no-refit", "--resume")
    assert (plain.code, luthier_command("info", output, "--json").json["refit"]) == (0, False)
    with monkeypatch.context() as patch:
        patch.setattr("luthier.apps.cli.build.prepare", _interrupted)
        luthier_command("build", take, "-o", output, "--steps", 2, "--set", "gru_width=17", "--force")
    anew = luthier_command("build", take, "-o", output, "--steps", 2, "--set", "gru_width=17", "--resume")
    assert (anew.code, "2 of 4" in anew.stderr, "3 of 4" in anew.stderr) == (0, True, True)
    assert len(output.read_bytes()) != len(first)


WRONG = ["foo=1", "gru_width=-1", "n_harmonics=abc", "room.kind=nonsense", "inputs=['taste']", "start=four-players",
         "sample_rate=fast", "tracker=nose", "loudness=rms",
         "f0_min_hz=3000", "preset=studio", "instrument.preset=studio", "output=a.safetensors"]  # fmt: skip


@pytest.mark.parametrize("wrong", [*(("--set", wish) for wish in WRONG), ("--steps", 0), ("--preset", "nope")])
def test_wrong_settings_are_said_before_any_work(luthier_command, take, tmp_path, wrong) -> None:
    outcome = luthier_command("build", take, "-o", tmp_path / "out" / "lute.safetensors", *wrong)
    assert (outcome.code, outcome.stderr.count("\n"), "1 of 4" in outcome.stderr) == (1, 1, False)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_another_recording_is_not_gone_on_with(luthier_command, take, tmp_path) -> None:
    (tmp_path / "takes").mkdir()
    shutil.copy(take, tmp_path / "takes" / "one.wav")
    where = ("build", tmp_path / "takes", "-o", tmp_path / "takes" / "lute.safetensors", "--steps", 2, "--no-refit")
    assert luthier_command(*where).code == 0
    assert luthier_command(*where, "--resume").code == 0  # what the build itself left there is no recording
    shutil.copy(take, tmp_path / "takes" / "two.wav")
    refused = luthier_command(*where, "--resume")
    assert (refused.code, "other recordings or settings" in refused.stderr) == (1, True)


def test_a_folder_that_was_moved_is_the_same(luthier_command, take, tmp_path, monkeypatch) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    shutil.copy(take, before)
    output = tmp_path / "lute.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr("luthier.apps.cli.build.train", _interrupted)
        assert luthier_command("build", before, "-o", output, "--steps", 2).code != 0
    before.rename(after)
    outcome = luthier_command("build", after, "-o", output, "--steps", 2, "--resume")
    assert (outcome.code, "3 of 4" in outcome.stderr) == (0, True), outcome.stderr


def test_an_instrument_is_not_written_as_a_sound(luthier_command, take, tmp_path) -> None:
    outcome = luthier_command("build", take, "-o", tmp_path / "lute.wav", "--steps", 2)
    assert (outcome.code, outcome.stderr.count("\n"), ".safetensors" in outcome.stderr) == (1, 1, True)


def test_another_rate_is_prepared_and_trained(luthier_command, take, tmp_path) -> None:
    output = tmp_path / "lute.safetensors"
    wishes = [word for wish in ("sample_rate=48000", "f0_min_hz=70", "gru_width=8") for word in ("--set", wish)]
    outcome = luthier_command("build", take, "-o", output, "--preset", "studio", "--steps", 1, "--no-refit", *wishes)
    assert outcome.code == 0, outcome.stderr
    assert luthier_command("info", output, "--json").json["sample_rate"] == 48000


def test_recordings_that_cannot_be_read_leave_nothing_behind(luthier_command, tmp_path) -> None:
    (tmp_path / "broken.wav").write_text("this is no sound")
    outcome = luthier_command("build", tmp_path / "broken.wav", "-o", tmp_path / "lute.safetensors")
    assert (outcome.code, "Traceback" in outcome.stderr) == (1, False)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.wav"]


def _interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
