"""Learning once more, from the validation part, too."""

import itertools
import json
import os
import signal
import sys
from pathlib import Path

import pytest
import torch

from luthier.data.dataset import Dataset
from luthier.data.windows import random_windows
from luthier.errors import TrainingError
from luthier.model.instrument_file import load_instrument
from luthier.training import module as training_module
from luthier.training.refit import RefitReport, part_seconds
from luthier.training.run import RunOptions, RunResult, train
from luthier.training.run_folder import RunFolder
from luthier.training.start import start_path

QUICK = {"gru_width": 16, "output_width": 16, "output_depth": 1, "input_width": 8, "room.kind": "none"} | {
    "batch_size": 2,
    "window_seconds": 0.5,
    "windows_per_epoch": 8,
    "listen_every_epochs": 0,
}


def run(dataset: Path, output: Path, options: RunOptions = RunOptions(), **overrides: object) -> RunResult:  # noqa: B008
    return train(dataset, output, options=options, **(QUICK | overrides))


def weights(path: Path) -> dict[str, torch.Tensor]:
    return load_instrument(path).instrument.state_dict()


def test_windows_come_from_both_parts_and_never_from_the_test(dataset: Dataset) -> None:
    wanted = {"n_frames": 5, "batch_size": 64, "seed": 0, "step": 0}
    sources = random_windows(dataset, split="trainval", **wanted).origins
    frames = [round(origin.start_seconds * dataset.definition.frame_rate) for origin in sources]
    found = {part: sum(_lies_in(dataset, part, frame) for frame in frames) for part in ("train", "validation", "test")}
    assert found["test"] == 0
    assert found["train"] > found["validation"] > 0
    assert found["train"] + found["validation"] == 64


def _lies_in(dataset: Dataset, part: str, frame: int) -> bool:
    return any(block.start_frame <= frame < block.start_frame + block.n_frames for block in dataset.blocks(part))


def test_it_takes_as_many_passes_as_were_best_and_says_so(dataset_path: Path, tmp_path: Path) -> None:
    reports: list[RefitReport] = []
    plain = run(dataset_path, tmp_path / "a.safetensors", steps=12)
    result = run(dataset_path, tmp_path / "b.safetensors", RunOptions(on_refit=reports.append), steps=12, refit=True)
    dataset, folder = Dataset.open(dataset_path), RunFolder(result.run_folder)
    rows = [json.loads(line) for line in folder.log.read_text().splitlines()]
    best = min(rows, key=lambda row: row["scores"]["mss_rel"])["step"]
    longer = part_seconds(dataset, "trainval") / part_seconds(dataset, "train")
    assert longer > 1.1
    assert result.refit_steps == round(best * longer)
    assert [report.step for report in reports] == [*range(0, result.refit_steps, 4), result.refit_steps]
    # The run before is the very run that it would be without; the instrument is another one, with its scores.
    first, last = load_instrument(folder.best).summary, load_instrument(result.output).summary
    assert all(torch.equal(weight, weights(plain.output)[name]) for name, weight in weights(folder.best).items())
    assert not torch.equal(weights(result.output)["decoder.head.weight"], weights(folder.best)["decoder.head.weight"])
    assert (first.refit, last.refit) == (False, True)
    assert last.scores == first.scores
    assert last.audio_seconds == pytest.approx(part_seconds(dataset, "trainval"))


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
def test_a_refit_that_was_interrupted_goes_on_and_is_the_very_same(dataset_path: Path, tmp_path: Path) -> None:
    def stop(report: RefitReport) -> None:
        if report.step == 8:
            os.kill(os.getpid(), signal.SIGTERM)

    whole = run(dataset_path, tmp_path / "whole.safetensors", steps=12, refit=True)
    with pytest.raises(KeyboardInterrupt):
        run(dataset_path, tmp_path / "half.safetensors", RunOptions(on_refit=stop), steps=12, refit=True)
    assert not (tmp_path / "half.safetensors").exists()
    steps: list[int] = []
    told = RunOptions(resume=True, on_refit=lambda report: steps.append(report.step))
    resumed = run(dataset_path, tmp_path / "half.safetensors", told)
    assert resumed.refit_steps == whole.refit_steps
    assert steps[0] == 8
    for name, weight in weights(whole.output).items():
        assert torch.equal(weight, weights(resumed.output)[name]), name


def test_a_refit_that_was_killed_after_its_last_step_is_the_very_same(dataset_path: Path, tmp_path: Path) -> None:
    whole = run(dataset_path, tmp_path / "a.safetensors", steps=8, refit=True)
    content = whole.output.read_bytes()
    whole.output.unlink()
    told: list[RefitReport] = []
    again = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True, on_refit=told.append))
    assert again.output.read_bytes() == content
    assert (told, again.refit_steps, again.refit_seconds) == ([], whole.refit_steps, whole.refit_seconds)


def test_a_run_that_lost_its_patience_is_over(dataset_path: Path, tmp_path: Path) -> None:
    impatient = {"steps": 400, "patience": 1, "learning_rate": 1e-12}
    before = run(dataset_path, tmp_path / "a.safetensors", **impatient)
    refitted = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), refit=True)
    assert refitted.steps == before.steps < 400
    with pytest.raises(TrainingError, match="not improved for 1 epochs"):
        run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True))
    assert run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), patience=0, steps=40).steps == 40


def test_the_best_instrument_says_how_long_whatever_the_log_holds(dataset_path: Path, tmp_path: Path) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=12)
    log = result.run_folder / "log.jsonl"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    rows[0]["scores"]["mss_rel"] = float("nan")
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    best = load_instrument(result.run_folder / "best.safetensors").summary.steps
    refitted = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), refit=True)
    dataset = Dataset.open(dataset_path)
    longer = part_seconds(dataset, "trainval") / part_seconds(dataset, "train")
    assert refitted.refit_steps == round(best * longer)


def test_without_the_refit_the_instrument_of_the_run_itself_comes_back_and_stays(
    dataset_path: Path, tmp_path: Path
) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=8, refit=True)
    run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), refit=False)
    best = (result.run_folder / "best.safetensors").read_bytes()
    assert result.output.read_bytes() == best
    with pytest.raises(TrainingError, match="used up"):
        run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True))
    assert result.output.read_bytes() == best


def test_a_run_that_is_over_can_be_refitted_and_then_nothing_is_left_to_do(dataset_path: Path, tmp_path: Path) -> None:
    whole = run(dataset_path, tmp_path / "whole.safetensors", steps=8, refit=True)
    run(dataset_path, tmp_path / "a.safetensors", steps=8)
    later = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), refit=True)
    assert all(torch.equal(weight, weights(later.output)[name]) for name, weight in weights(whole.output).items())
    with pytest.raises(TrainingError, match="used up"):
        run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True))
    later.output.unlink()
    again = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True))
    assert again.refit_steps == whole.refit_steps
    assert load_instrument(again.output).summary.refit


@pytest.mark.parametrize("is_killed", [False, True], ids=["goes on", "killed before its refit"])
def test_a_larger_budget_is_followed_by_another_refit(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    output = tmp_path / "a.safetensors"
    before = run(dataset_path, output, steps=4, refit=True)
    if is_killed:
        monkeypatch.setattr("luthier.training.run._refit", lambda run, result: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            run(dataset_path, output, RunOptions(resume=True), steps=16)
        monkeypatch.undo()
    told: list[RefitReport] = []
    after = run(dataset_path, output, RunOptions(resume=True, on_refit=told.append), steps=16)
    assert told[0].step == 0  # anew: the other one's learning rate fell too soon
    assert after.refit_steps > before.refit_steps
    assert load_instrument(output).summary.steps == after.refit_steps


def test_a_budget_of_minutes_holds_the_refit_too(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=0.1)  # every look at the clock takes a tenth of a second
    monkeypatch.setattr(training_module.time, "monotonic", lambda: next(clock))
    result = run(dataset_path, tmp_path / "a.safetensors", minutes=0.5, refit=True)
    assert result.refit_steps > 8
    assert 0.7 * 30 < result.seconds + result.refit_seconds <= 30
    assert result.seconds == pytest.approx(0.4 * 30, abs=2.0)


def test_what_the_start_has_heard_is_named_before_and_after(dataset_path: Path, tmp_path: Path) -> None:
    wide = {"gru_width": 64, "output_width": 96, "output_depth": 2, "input_width": 16}  # as the start is
    result = run(dataset_path, tmp_path / "a.safetensors", steps=2, refit=True, **wide)
    heard = load_instrument(start_path("three-players")).summary.learned_from
    own = {recording.id for recording in Dataset.open(dataset_path).recordings}
    for path in (RunFolder(result.run_folder).best, result.output):
        assert load_instrument(path).summary.learned_from.keys() == heard.keys() | own
