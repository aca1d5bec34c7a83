"""`luthier build`: everything from recordings to an instrument, and going on where it was interrupted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from luthier.data.recordings import BUILD_NAME


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


def test_a_build_that_died_before_it_noted_its_training_goes_on(luthier_command, take, tmp_path) -> None:
    output, progress = tmp_path / "lute.safetensors", tmp_path / "lute-build" / BUILD_NAME
    assert luthier_command("build", take, "-o", output, "--steps", 2).code == 0
    before = output.read_bytes()
    shutil.rmtree(tmp_path / "lute-build" / "report")
    progress.write_text(json.dumps(json.loads(progress.read_text()) | {"is_trained": False}))
    outcome = luthier_command("build", take, "-o", output, "--steps", 2, "--resume")
    assert (outcome.code, "budget of 2 steps is used up" in outcome.stderr) == (0, True), outcome.stderr
    assert (tmp_path / "lute-build" / "report" / "report.html").is_file()
    assert output.read_bytes() == before
    assert json.loads(progress.read_text())["is_trained"]


def test_a_build_that_is_trained_needs_its_checkpoint_no_more(luthier_command, take, tmp_path) -> None:
    output = tmp_path / "lute.safetensors"
    assert luthier_command("build", take, "-o", output, "--steps", 2, "--no-refit").code == 0
    shutil.rmtree(tmp_path / "lute-build" / "report")
    (tmp_path / "lute-run" / "last.ckpt").write_bytes(b"half")
    again = luthier_command("build", take, "-o", output, "--steps", 2, "--no-refit", "--resume")
    assert (again.code, "3 of 4" in again.stderr) == (0, False), again.stderr
    longer = luthier_command("build", take, "-o", output, "--steps", 3, "--no-refit", "--resume")
    assert (longer.code, "last.ckpt: no checkpoint of a run, or damaged" in longer.stderr) == (1, True)


def test_a_pitch_that_was_corrected_by_hand_is_trained_on_anew(luthier_command, take, tmp_path) -> None:
    output, dataset = tmp_path / "lute.safetensors", tmp_path / "lute-build" / "dataset"
    assert luthier_command("build", take, "-o", output, "--steps", 2).code == 0
    before, curves = output.read_bytes(), tmp_path / "curves"
    prepare = ("prepare", take, "-o", dataset, "--force")
    assert luthier_command(*prepare, "--save-f0", curves).code == 0
    unchanged = luthier_command("build", take, "-o", output, "--steps", 2, "--resume")
    assert (unchanged.code, "3 of 4" in unchanged.stderr) == (0, False), unchanged.stderr
    (curve,) = curves.iterdir()
    first, *rows = curve.read_text().splitlines()
    halved = [f"{seconds},{float(f0_hz) / 2},{rest}" for seconds, f0_hz, rest in (row.split(",", 2) for row in rows)]
    curve.write_text("\n".join([first, *halved]) + "\n")
    assert luthier_command(*prepare, "--use-f0", curves).code == 0
    outcome = luthier_command("build", take, "-o", output, "--steps", 2, "--resume")
    assert (outcome.code, "Training begins anew" in outcome.stderr) == (0, True), outcome.stderr
    assert output.read_bytes() != before
    again = luthier_command("build", take, "-o", output, "--steps", 2, "--resume")
    assert (again.code, "3 of 4" in again.stderr) == (0, False), again.stderr


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
