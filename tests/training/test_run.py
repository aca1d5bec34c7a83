"""Whole runs on a small synthetic dataset."""

import itertools
import json
import math
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from luthier.data.array_files import HEADER_BYTES
from luthier.data.audio_files import save_audio
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.data.synthetic import plucked_string
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.errors import ConfigError, DatasetError, OutputError, TrainingError
from luthier.evaluation.held_out import learned_share
from luthier.model.instrument_file import load_instrument
from luthier.training import module as training_module
from luthier.training.listening import Example, Listener, training_curve, training_verdict
from luthier.training.reports import EpochReport
from luthier.training.run import RunOptions, train
from luthier.training.run_folder import RunFolder, read_moments
from luthier.training.settings import settings_tables
from luthier.training.verdict import judge
from training.small_runs import QUICK, losses, run


def test_training_comes_close_to_an_instrument_that_can_be_learned(dataset_path: Path, tmp_path: Path) -> None:
    reports: list[EpochReport] = []
    settings = {"batch_size": 4, "windows_per_epoch": 100, "learning_rate": 1e-2, "steps": 125, "minutes": None}
    result = run(dataset_path, tmp_path / "a.safetensors", RunOptions(on_epoch=reports.append), **settings)
    over_floor = [report.scores["mss_rel"] - report.scores["mss_rel_floor"] for report in reports]
    assert reports[-1].train_loss < 0.75 * reports[0].train_loss
    assert over_floor[-1] < 0.6 * over_floor[0]
    assert result.steps == 125


def test_what_is_left_behind_is_complete(dataset_path: Path, tmp_path: Path) -> None:
    save_audio(tmp_path / "voice.wav", 0.1 * torch.sin(torch.arange(8000) * 0.1)[None], 16000)
    example = Example(tmp_path / "voice.wav", 12.0)
    result = run(
        dataset_path, tmp_path / "a.safetensors", RunOptions(examples=[example]), steps=8, listen_every_epochs=2
    )
    loaded = load_instrument(result.output)
    assert loaded.summary.licence == "CC0 1.0"
    assert loaded.summary.scores["validation_mss_rel"] == pytest.approx(result.best_score)
    folder = result.run_folder
    assert settings_tables("fast", config_file=folder / "config.toml")["training"]["steps"] == 8
    for name in ("validation", "voice"):
        sound, rate = soundfile.read(folder / "audio" / "epoch_0002" / f"{name}.wav")
        assert rate == 16000
        assert 0 < abs(sound).max() <= 1
        assert (folder / "audio" / "epoch_0002" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert list((folder / "tensorboard").glob("events*"))


def test_weights_decay_but_the_room_does_not(dataset_path: Path, tmp_path: Path) -> None:
    room = {"room.kind": "decaying", "learning_rate": 1e-2, "steps": 4}
    free = run(dataset_path, tmp_path / "free.safetensors", **room)
    bound = run(dataset_path, tmp_path / "bound.safetensors", weight_decay=10.0, **room)
    one, two = (load_instrument(result.output).instrument for result in (free, bound))
    assert two.decoder.head.weight.norm() < 0.8 * one.decoder.head.weight.norm()
    torch.testing.assert_close(two.room.t60_seconds(), one.room.t60_seconds(), rtol=0.1, atol=0)


def test_one_broken_step_is_skipped_and_named(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_steps(monkeypatch, {2})
    result = run(dataset_path, tmp_path / "a.safetensors", steps=6)
    (sentence,) = result.skipped
    assert re.fullmatch(r"step 2 skipped: audio of notes\.wav at \d+\.\d\d s is not finite", sentence)
    weights = load_instrument(result.output).instrument.state_dict().values()
    assert all(torch.isfinite(weight).all() for weight in weights)


def test_three_broken_steps_in_a_row_stop_with_the_cause(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_steps(monkeypatch, {1, 2, 3})
    with pytest.raises(TrainingError, match=r"step 3 skipped: audio of notes\.wav at .* s is not finite; 3 steps"):
        run(dataset_path, tmp_path / "a.safetensors", steps=6)
    assert not (tmp_path / "a.safetensors").exists()


def test_a_broken_sample_on_disk_is_traced_to_its_place_in_its_recording(dataset_path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(dataset_path, broken)
    dataset = Dataset.open(broken)
    (recording,) = dataset.recordings
    block = max(dataset.blocks("train"), key=lambda one: one.n_frames)
    frame = block.start_frame + block.n_frames // 2
    content = np.fromfile(broken / f"{recording.id}.audio.npy", dtype=np.float32)
    content[HEADER_BYTES // 4 + frame * 160] = math.nan
    content.tofile(broken / f"{recording.id}.audio.npy")
    every_window = {"windows": "regular", "window_step_seconds": 0.5, "epochs": 1}
    result = run(broken, tmp_path / "a.safetensors", **every_window)
    (sentence,) = result.skipped
    assert sentence.endswith(f"skipped: audio of notes.wav at {frame / 100:.2f} s is not finite")


def break_steps(monkeypatch: pytest.MonkeyPatch, steps: set[int]) -> None:
    """Put a NaN into the audio of some steps."""
    honest = training_module.TrainingModule.training_step

    def broken(self: training_module.TrainingModule, batch: object, index: int) -> None:
        if self.counter.steps in steps:
            batch.audio[0, 5] = math.nan  # type: ignore[attr-defined]
        honest(self, batch, index)  # type: ignore[arg-type]

    monkeypatch.setattr(training_module.TrainingModule, "training_step", broken)


def test_a_run_that_no_longer_improves_stops_early(dataset_path: Path, tmp_path: Path) -> None:
    impatient = {"steps": 400, "patience": 1, "learning_rate": 1e-12, "listen_every_epochs": 100}
    result = run(dataset_path, tmp_path / "a.safetensors", **impatient)
    assert result.steps < 400
    assert result.stopped_because == "validation no longer improves"
    heard = sorted(path.name for path in (result.run_folder / "audio").iterdir())
    assert heard == ["epoch_0001", f"epoch_{len(losses(result)):04d}"]  # how it ends is heard, too


def test_a_budget_of_minutes_ends_in_time_the_last_validation_included(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=0.1)  # every look at the clock takes a tenth of a second
    monkeypatch.setattr(training_module.time, "monotonic", lambda: next(clock))
    result = run(dataset_path, tmp_path / "a.safetensors", minutes=0.25)
    assert result.steps > 8
    assert result.seconds == pytest.approx(15.0, abs=2.0)


def test_a_budget_of_minutes_ends_annealed_not_cut_off(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=0.1)
    monkeypatch.setattr(training_module.time, "monotonic", lambda: next(clock))
    result = run(dataset_path, tmp_path / "a.safetensors", minutes=0.25, learning_rate=1e-2)
    (optimiser,) = torch.load(result.run_folder / "last.ckpt", weights_only=True)["optimizer_states"]
    assert optimiser["param_groups"][0]["lr"] < 0.03 * 1e-2


@pytest.mark.parametrize("every", [2, 100])
def test_a_budget_of_minutes_holds_the_sounds_of_the_end_and_is_used_up(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    clock = itertools.count(step=0.1)
    monkeypatch.setattr(training_module.time, "monotonic", lambda: next(clock))
    listened: list[float] = []

    def listen_for_two_seconds(*_: object) -> None:
        listened.append([next(clock) for _ in range(20)][-1])

    monkeypatch.setattr(Listener, "_render", listen_for_two_seconds)
    wishes = {"minutes": 0.5, "listen_every_epochs": every, "learning_rate": 1e-2}
    result = run(dataset_path, tmp_path / "a.safetensors", **wishes)
    (optimiser,) = torch.load(result.run_folder / "last.ckpt", weights_only=True)["optimizer_states"]
    assert len(listened) >= 2  # at the end, too
    assert result.seconds == pytest.approx(30.0, abs=1.0)
    assert optimiser["param_groups"][0]["lr"] < 0.02 * 1e-2
    assert json.loads((result.run_folder / "log.jsonl").read_text().splitlines()[-1])["seconds"] < result.seconds - 2


def test_every_validation_stands_beside_its_floor_and_oracle(dataset_path: Path, tmp_path: Path) -> None:
    reports: list[EpochReport] = []
    result = run(dataset_path, tmp_path / "a.safetensors", RunOptions(on_epoch=reports.append), steps=12)
    rows = [json.loads(line) for line in (result.run_folder / "log.jsonl").read_text().splitlines()]
    for scores in [*(report.scores for report in reports), *(row["scores"] for row in rows)]:
        assert scores["mss_rel_floor"] > 0
        assert 0 < scores["mss_rel_oracle"] < scores["mss_rel"]
    assert len({report.scores["mss_rel_oracle"] for report in reports}) == 1
    assert load_instrument(result.output).summary.scores["validation_mss_rel_oracle"] > 0


def test_an_instrument_says_which_passages_it_learned_from(dataset_path: Path, tmp_path: Path) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=2)
    dataset = Dataset.open(dataset_path)
    learned_from = load_instrument(result.output).summary.learned_from
    assert learned_share(learned_from, dataset, "train") == pytest.approx(1.0)
    assert learned_share(learned_from, dataset, "validation") == 0.0


def test_features_that_are_not_the_datasets_are_refused(dataset_path: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"f0_max_hz 2000\.0 instead of 1500"):
        run(dataset_path, tmp_path / "a.safetensors", steps=1, f0_max_hz=1500)
    assert list(tmp_path.iterdir()) == []


def test_an_output_that_cannot_be_written_is_found_before_training(dataset_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for output in (tmp_path / "file" / "a.safetensors", tmp_path / "file" / "new" / "a.safetensors"):
        with pytest.raises(OutputError, match="cannot be written"):
            run(dataset_path, output, RunOptions(run_folder=tmp_path / "run"), steps=1)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("wrong", [{"room.kind": "nonsense"}, {"inputs": ["taste"]}, {"start": "four-players"}])
def test_a_run_is_not_thrown_away_for_one_that_cannot_begin(
    dataset_path: Path, tmp_path: Path, wrong: dict[str, object]
) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=2)
    before = {path: path.read_bytes() for path in result.run_folder.rglob("*") if path.is_file()}
    with pytest.raises(ConfigError):
        run(dataset_path, result.output, RunOptions(force=True), steps=2, **wrong)
    assert {path: path.read_bytes() for path in result.run_folder.rglob("*") if path.is_file()} == before


def test_a_run_that_learns_nothing_says_so_in_the_progress_the_log_and_the_summary(
    dataset_path: Path, tmp_path: Path
) -> None:
    reports: list[EpochReport] = []
    result = run(
        dataset_path, tmp_path / "a.safetensors", RunOptions(on_epoch=reports.append), steps=44, learning_rate=1e-12
    )
    assert [report.course for report in reports] == ["early"] * 6 + ["plateau"] * 5
    assert [report.is_news for report in reports[5:]] == [False, True, False, False, False, False]
    assert "Validation has improved by no more than its noise for" in reports[6].verdict
    assert "more training will not help" in result.verdict
    last = json.loads((result.run_folder / "log.jsonl").read_text().splitlines()[-1])
    assert (last["course"], last["verdict"]) == ("plateau", reports[-1].verdict)
    curve = training_curve(RunFolder(result.run_folder))
    assert curve is not None
    assert training_verdict(RunFolder(result.run_folder)) == result.verdict
    assert curve.oracle == pytest.approx(reports[0].scores["mss_oracle"])


def test_a_run_that_diverged_says_so(dataset_path: Path, tmp_path: Path) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=4)
    log = RunFolder(result.run_folder).log
    log.write_text(log.read_text().replace('"mss_rel": ', '"mss_rel": 1000'))
    assert judge(read_moments(RunFolder(result.run_folder))).course == "diverged"


@pytest.mark.parametrize("settings", [{"windows": "regular"}, {"precision": "bfloat16"}, {"loss": "spectral"}])
def test_other_ways_to_train_work(dataset_path: Path, tmp_path: Path, settings: dict[str, object]) -> None:
    result = run(dataset_path, tmp_path / "a.safetensors", steps=3, **settings)
    assert math.isfinite(result.best_score)


def test_training_leaves_torchs_generator_alone(dataset_path: Path, tmp_path: Path) -> None:
    before = torch.get_rng_state()
    run(dataset_path, tmp_path / "a.safetensors", steps=1)
    assert torch.equal(before, torch.get_rng_state())


def test_string_along_trains_with_a_falling_loss(dataset_path: Path, tmp_path: Path) -> None:
    reports: list[EpochReport] = []
    settings = {"steps": 12, "batch_size": 2, "window_seconds": 1.0, "windows_per_epoch": 8, "listen_every_epochs": 0}
    train(
        dataset_path,
        tmp_path / "a.safetensors",
        preset="string-along",
        options=RunOptions(on_epoch=reports.append),
        **(settings | {"seconds": 0.25}),
    )
    assert reports[-1].train_loss < 0.9 * reports[0].train_loss


def test_digital_silence_between_notes_does_no_harm(tmp_path: Path) -> None:
    """Samples that are exactly 0 for most of every window, as gated or edited recordings have them."""
    time = torch.arange(16000 * 8) / 16000
    notes = torch.sin(2 * torch.pi * 330.0 * time) * (time % 1.0 < 0.3)
    save_audio(tmp_path / "gated.wav", 0.5 * notes[None], 16000)
    prepare([tmp_path / "gated.wav"], tmp_path / "ds", FeatureDefinition(tracker="swift"), n_jobs=1)
    result = run(tmp_path / "ds", tmp_path / "a.safetensors", steps=24, learning_rate=1e-2, **{"room.kind": "decaying"})
    assert result.skipped == []
    assert all(map(math.isfinite, losses(result)))
    scores = [json.loads(line)["scores"]["mss"] for line in (result.run_folder / "log.jsonl").read_text().splitlines()]
    assert scores[-1] < 0.9 * scores[0]


def test_a_short_training_at_48_khz(tmp_path: Path) -> None:
    sound = torch.cat([plucked_string(semitone, 48000, 1.0) for semitone in (-12, -5, 0, 3, 7, 12, 2, 4)], dim=1)
    save_audio(tmp_path / "notes.wav", 0.5 * sound, 48000)
    definition = FeatureDefinition(sample_rate=48000, hop_length=480, tracker="swift")
    prepare([tmp_path / "notes.wav"], tmp_path / "ds", definition, n_jobs=1)
    reports: list[EpochReport] = []
    result = train(
        tmp_path / "ds",
        tmp_path / "a.safetensors",
        options=RunOptions(on_epoch=reports.append),
        **(QUICK | {"steps": 16, "learning_rate": 1e-2, "features.sample_rate": 48000, "features.hop_length": 480}),
    )
    assert reports[-1].scores["mss"] < 0.9 * reports[0].scores["mss"]
    assert load_instrument(result.output).instrument.config.sample_rate == 48000


def test_a_full_disk_while_training_is_one_line_and_the_run_can_go_on(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[object] = []
    save = torch.save

    def fill(checkpoint: object, file: object) -> None:
        saved.append(checkpoint)
        if len(saved) == 2:
            raise OSError(28, "No space left on device")
        save(checkpoint, file)

    monkeypatch.setattr(torch, "save", fill)
    with pytest.raises(OutputError, match=r"last\.ckpt: .*No space left"):
        run(dataset_path, tmp_path / "a.safetensors", steps=12)
    monkeypatch.undo()
    assert not (tmp_path / "a.safetensors").exists()
    resumed = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), steps=12)
    assert resumed.steps == 12


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
def test_being_told_to_end_is_no_success_and_the_run_can_go_on(dataset_path: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.safetensors"
    end = RunOptions(on_epoch=lambda report: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        run(dataset_path, output, end, steps=12)
    assert not output.exists()
    assert run(dataset_path, output, RunOptions(resume=True), steps=12).steps == 12


def test_a_run_that_names_no_budget_takes_one_that_suits_its_material(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("luthier.training.run.default_steps", lambda config, seconds: round(seconds))
    result = run(dataset_path, tmp_path / "a.safetensors")
    assert result.steps == round(Dataset.open(dataset_path).statistics.total_seconds)
    tomorrow = run(dataset_path, tmp_path / "a.safetensors", RunOptions(resume=True), steps=result.steps + 1)
    assert tomorrow.steps == result.steps + 1
