"""Runs that go on, and what they never take for their own."""

import itertools
import os
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from luthier.data.array_files import array_path, write_array
from luthier.data.audio_files import save_audio
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.errors import ConfigError, OutputError, TrainingError
from luthier.training import module as training_module
from luthier.training.run import RunOptions, train
from luthier.training.run_folder import RunFolder, own_run
from training.small_runs import run


def test_a_resumed_run_is_the_very_same_run(dataset_path: Path, tmp_path: Path) -> None:
    settings = {"schedule": "constant", "dropout": 0.3}
    whole = run(dataset_path, tmp_path / "whole.safetensors", steps=12, **settings)
    half = run(dataset_path, tmp_path / "half.safetensors", steps=6, **settings)
    resumed = run(dataset_path, tmp_path / "half.safetensors", RunOptions(resume=True), steps=12)
    assert half.steps == 6
    assert resumed.steps == 12
    assert resumed.seconds > half.seconds
    one, two = (torch.load(path / "last.ckpt", weights_only=True) for path in (whole.run_folder, resumed.run_folder))
    for name, weight in one["state_dict"].items():
        assert torch.equal(weight, two["state_dict"][name]), name


def test_without_resume_nothing_is_replaced(dataset_path: Path, tmp_path: Path) -> None:
    run(dataset_path, tmp_path / "a.safetensors", steps=1)
    with pytest.raises(OutputError, match="--force"):
        run(dataset_path, tmp_path / "a.safetensors", steps=1)
    (tmp_path / "a.safetensors").unlink()
    with pytest.raises(OutputError, match="--resume to continue"):
        run(dataset_path, tmp_path / "a.safetensors", steps=1)
    run(dataset_path, tmp_path / "a.safetensors", RunOptions(force=True), steps=1)


@pytest.mark.parametrize("budget", ["epochs", "minutes"])
def test_a_run_whose_budget_is_used_up_says_so_and_changes_nothing(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget: str
) -> None:
    clock = itertools.count(step=0.1)
    monkeypatch.setattr(training_module.time, "monotonic", lambda: next(clock))
    less, more = {"epochs": (1, 2), "minutes": (0.05, 0.1)}[budget]
    before = run(dataset_path, tmp_path / "a.safetensors", **{budget: less})

    def found() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    left = found()
    for again in ({}, {budget: less}):
        with pytest.raises(TrainingError, match=rf"used up .* --{budget}"):
            run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), **again)
    assert found() == left
    resumed = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), **{budget: more})
    assert resumed.steps > before.steps


def test_a_run_that_was_killed_before_its_instrument_was_written_writes_it(dataset_path: Path, tmp_path: Path) -> None:
    whole = run(dataset_path, tmp_path / "a.safetensors", steps=8)
    content = whole.output.read_bytes()
    whole.output.unlink()
    again = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), steps=8)
    assert again.output.read_bytes() == content
    assert (again.steps, again.best_score, again.scores) == (8, whole.best_score, whole.scores)
    assert "used up" in again.stopped_because


def test_a_resumed_run_replaces_no_instrument_of_others(dataset_path: Path, tmp_path: Path) -> None:
    folder = run(dataset_path, tmp_path / "a.safetensors", steps=2).run_folder
    other = run(dataset_path, tmp_path / "other.safetensors", steps=1, seed=1).output
    before = other.read_bytes()
    for steps in (2, 4):
        with pytest.raises(OutputError, match=r"other\.safetensors: exists already.*--force"):
            run(dataset_path, other, RunOptions(run_folder=folder, resume=True), steps=steps)
    assert other.read_bytes() == before
    assert run(dataset_path, other, RunOptions(run_folder=folder, resume=True, force=True), steps=4).steps == 4
    assert other.read_bytes() == (folder / "best.safetensors").read_bytes()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
def test_a_run_that_was_begun_by_force_and_stopped_goes_on_to_replace_the_instrument(
    dataset_path: Path, tmp_path: Path
) -> None:
    before = run(dataset_path, tmp_path / "a.safetensors", steps=2).output.read_bytes()
    end = RunOptions(force=True, on_epoch=lambda report: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        run(dataset_path, tmp_path / "a.safetensors", end, steps=12)
    assert (tmp_path / "a.safetensors").read_bytes() == before
    assert own_run(tmp_path / "a.safetensors") is None  # made by the run that was replaced
    again = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), steps=12)
    assert again.output.read_bytes() != before
    assert own_run(again.output) == RunFolder(again.run_folder)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
@pytest.mark.parametrize("refit", [False, True])
def test_a_run_that_went_on_and_was_stopped_replaces_what_it_wrote_before(
    dataset_path: Path, tmp_path: Path, refit: bool
) -> None:
    output = tmp_path / "a.safetensors"
    before = run(dataset_path, output, steps=4, learning_rate=1e-2, refit=refit).output.read_bytes()
    for steps in (12, 16):
        end = RunOptions(resume=True, on_epoch=lambda report: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(KeyboardInterrupt):
            run(dataset_path, output, end, steps=steps)
        assert output.read_bytes() == before
    run(dataset_path, output, RunOptions(resume=True), steps=16)
    assert output.read_bytes() != before


def test_there_must_be_something_to_resume(dataset_path: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no run to resume"):
        run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), steps=1)


def test_a_run_is_not_resumed_on_other_recordings(dataset_path: Path, tmp_path: Path) -> None:
    run(dataset_path, tmp_path / "a.safetensors", steps=1)
    save_audio(tmp_path / "other.wav", torch.sin(torch.arange(12 * 16000) * 0.2), 16000)
    definition = Dataset.open(dataset_path).definition
    prepare([tmp_path / "other.wav"], tmp_path / "other", definition, n_jobs=1, credit="nobody", licence="CC0 1.0")
    with pytest.raises(TrainingError, match="begun on another dataset"):
        run(tmp_path / "other", tmp_path / "a.safetensors", RunOptions(resume=True), steps=2)


@pytest.fixture(scope="module")
def corrected(dataset_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same recording, prepared again after its pitch was halved by hand."""
    folder = tmp_path_factory.mktemp("corrected")
    recording, definition = dataset_path.parent / "notes.wav", Dataset.open(dataset_path).definition
    prepare([recording], folder / "before", definition, n_jobs=1, save_f0=folder / "curves")
    curve = folder / "curves" / "notes.csv"
    rows = [line.split(",") for line in curve.read_text().splitlines()]
    halved = [rows[0], *([seconds, str(float(f0_hz) / 2), *rest] for seconds, f0_hz, *rest in rows[1:])]
    curve.write_text("".join(",".join(row) + "\n" for row in halved))
    prepare([recording], folder / "after", definition, n_jobs=1, use_f0=folder / "curves")
    return folder


@pytest.mark.parametrize("refit", [False, True])
def test_a_run_is_not_resumed_on_a_corrected_pitch(
    dataset_path: Path, corrected: Path, tmp_path: Path, refit: bool
) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=2, refit=refit)
    before = result.output.read_bytes()
    for more in ({"steps": 4}, {"refit": True}):
        with pytest.raises(TrainingError, match="begun on another dataset"):
            run(corrected / "after", result.output, RunOptions(resume=True), **more)
    assert result.output.read_bytes() == before
    # Prepared again without a correction it is the same dataset.
    assert run(corrected / "before", result.output, RunOptions(resume=True), steps=4).steps == 4


def test_a_pitch_corrected_in_the_test_part_alone_is_another_dataset(dataset_path: Path, tmp_path: Path) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=2)
    shutil.copytree(dataset_path, tmp_path / "corrected")
    dataset = Dataset.open(tmp_path / "corrected")
    block = dataset.blocks("test")[0]
    path = array_path(dataset.path, block.recording, "f0_hz")
    values = np.load(path)
    values[block.start_frame] *= 2
    write_array(path, [values])
    with pytest.raises(TrainingError, match="begun on another dataset"):
        run(dataset.path, result.output, RunOptions(resume=True), steps=4)


def test_a_run_of_a_version_that_kept_no_features_goes_on(dataset_path: Path, corrected: Path, tmp_path: Path) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=2)
    forget(result.run_folder / "last.ckpt", "pitch")
    with pytest.raises(TrainingError, match="begun on another dataset"):  # of the version that kept statistics
        run(corrected / "after", result.output, RunOptions(resume=True), steps=4)
    forget(result.run_folder / "last.ckpt", "features")
    assert run(corrected / "after", result.output, RunOptions(resume=True), steps=4).steps == 4


def test_a_refit_that_learned_the_old_pitch_is_done_anew(dataset_path: Path, corrected: Path, tmp_path: Path) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=2, refit=True)
    before = result.output.read_bytes()
    forget(result.run_folder / "last.ckpt", "features", "pitch")
    again = run(corrected / "after", result.output, RunOptions(resume=True))
    assert again.output.read_bytes() != before


def forget(path: Path, *names: str) -> None:
    """Make a checkpoint one of the versions that kept less of its dataset."""
    checkpoint = torch.load(path, weights_only=True)
    for name in names:
        del checkpoint["luthier"][name]
    torch.save(checkpoint, path)


def test_a_run_is_not_resumed_with_another_network(dataset_path: Path, tmp_path: Path) -> None:
    run(dataset_path, tmp_path / "a.safetensors", steps=1)
    with pytest.raises(ConfigError, match="decoder changed"):
        run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), steps=2, gru_width=17)


@pytest.mark.parametrize("part", ["network", "optimiser"])
def test_a_run_of_another_version_is_refused_in_one_line(dataset_path: Path, tmp_path: Path, part: str) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=1)
    checkpoint = torch.load(result.run_folder / "last.ckpt", weights_only=True)
    if part == "network":
        checkpoint["state_dict"].popitem()
    else:  # once it held every weight by itself
        checkpoint["optimizer_states"][0]["param_groups"][0]["params"] = [0, 1, 2]
    torch.save(checkpoint, result.run_folder / "last.ckpt")
    with pytest.raises(TrainingError, match="another version of Luthier"):
        run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), steps=2)


@pytest.mark.parametrize("before", [0, 1])
def test_a_resumed_run_has_the_patience_that_it_is_given(dataset_path: Path, tmp_path: Path, before: int) -> None:
    learned_nothing = {"steps": 8, "learning_rate": 1e-12, "patience": before or 9}
    first = run(dataset_path, tmp_path / "a.safetensors", **learned_nothing)
    waited = first.steps // 4 - 1  # validations that were not better than the first
    resumed = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), steps=400, patience=waited + 3)
    assert resumed.stopped_because == "validation no longer improves"
    assert resumed.steps == first.steps + 3 * 4


def test_a_run_that_was_impatient_once_can_use_its_budget_up(dataset_path: Path, tmp_path: Path) -> None:
    impatient = {"steps": 400, "patience": 1, "learning_rate": 1e-12}
    first = run(dataset_path, tmp_path / "a.safetensors", **impatient)
    steps = first.steps + 8
    resumed = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), patience=90, steps=steps)
    assert (resumed.steps, resumed.stopped_because) == (steps, "the budget is used up")


def test_a_run_folder_that_was_moved_goes_on_without_a_warning(dataset_path: Path, tmp_path: Path) -> None:
    folder = run(dataset_path, tmp_path / "a.safetensors", steps=2).run_folder
    moved = folder.rename(tmp_path / "moved")
    options = RunOptions(run_folder=moved, resume=True)
    assert run(dataset_path, tmp_path / "a.safetensors", options, steps=4).steps == 4


def test_a_run_does_not_go_on_as_another_preset(dataset_path: Path, tmp_path: Path) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=2)
    for options in ({"preset": "standard"}, {"config_file": result.run_folder / "config.toml"}):
        with pytest.raises(ConfigError, match="the run's own settings, of fast"):
            train(dataset_path, tmp_path / "a.safetensors", options=RunOptions(resume=True), steps=4, **options)
