"""`kill -9` at random moments: the output is the old one or the new one, whole, and the same command goes on."""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from apps.commands_to_kill import Kills, run_whole
from data.known_material import tone
from luthier.data.dataset import Dataset
from luthier.data.prepare import prepare
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.model.instrument import Instrument
from luthier.model.instrument_file import TrainingSummary, load_instrument, save_instrument
from luthier.model.presets import instrument_config, preset_tables
from luthier.training.run import RunOptions, train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs a fork server"),
]

SWIFT = FeatureDefinition(tracker="swift")
MOMENTS = 50
"""For each command: two hundred in all."""
HIT_WHILE_WRITING = 10
"""Of these, at least: kills that hit nothing prove nothing."""
SMALL = {
    "gru_width": 8, "output_width": 8, "batch_size": 2, "window_seconds": 0.5, "windows_per_epoch": 4,
    "listen_every_epochs": 100,
}  # fmt: skip
STEPS = 8


def moments(seed: int, longest: float) -> Iterator[float]:
    """Seconds after which to kill, anywhere between the first moment and the last."""
    generator = random.Random(seed)
    return (generator.uniform(0.0, longest) for _ in range(10 * MOMENTS))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def melody(seed: int, seconds: int) -> np.ndarray:
    notes = np.random.default_rng(seed).integers(0, 24, seconds)
    return np.concatenate([tone(1.0, 16000, 220.0 * 2 ** (note / 12)) for note in notes])


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    for index in range(6):
        soundfile.write(folder / f"take {index}.wav", melody(index, 2), 16000)
    return folder


@pytest.fixture(scope="module")
def dataset(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dataset") / "ds"
    prepare(sorted(recordings.iterdir())[:4], path, SWIFT, n_jobs=1)
    return path


@pytest.fixture(scope="module")
def instrument(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that is quickly followed, and a megabyte."""
    table = preset_tables("tiny")["instrument"] | {"room": {"kind": "free_taps_direct", "seconds": 1.0}}
    path = tmp_path_factory.mktemp("instrument") / "a.safetensors"
    save_instrument(path, Instrument(instrument_config(table)), TrainingSummary())
    return path


@pytest.fixture
def enough(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Kills], None]:
    """Checks that kills were as many and as evenly spread as promised, and says so."""

    def check(command: str, kills: Kills) -> None:
        with capsys.disabled():
            print(f"\n{command}: {kills}")
        assert kills.total == MOMENTS
        assert kills.counts["while"] >= HIT_WHILE_WRITING

    return check


def test_prepare_leaves_the_old_dataset_or_the_new_one_and_goes_on(
    recordings: Path, dataset: Path, tmp_path: Path, enough
) -> None:
    place, log = tmp_path / "place", tmp_path / "log"
    output = place / "ds"
    command = ["prepare", recordings, "-o", output, "--tracker", "swift", "--jobs", 1, "--force"]
    run_whole(command, log)  # the first one waits for imports
    seconds = run_whole(command, log)
    new, old = content(output), content(dataset)
    kills, kept = Kills(place), 0
    for after in moments(1, seconds):
        if kills.total == MOMENTS:
            break
        shutil.rmtree(output)
        shutil.copytree(dataset, output)
        kills.run_and_kill(command, log, after)
        Dataset.open(output)
        assert content(output) in (old, new)
        finished = {
            path.parent.name[:16]: (path.parent / "audio.npy").stat().st_ino
            for path in place.glob(".ds.partial/*/entry.json")
            if "unfinished" not in path.parent.name
        }
        run_whole(command, log)
        assert content(output) == new
        assert all((output / f"{name}.audio.npy").stat().st_ino == inode for name, inode in finished.items())
        assert [path.name for path in place.iterdir()] == ["ds"]
        kept += len(finished)
    enough("prepare", kills)
    assert kept > MOMENTS  # recordings that were finished before the kill and not done again


def is_sound(run: Path) -> None:
    """Whatever is in a run's folder under a name of its own is whole."""
    for path in run.glob("[!.]*.safetensors"):
        load_instrument(path)
    for path in run.glob("[!.]*.ckpt"):
        torch.load(path, weights_only=True)
    for line in (run / "log.jsonl").read_text().splitlines() if (run / "log.jsonl").exists() else []:
        json.loads(line)


def test_training_goes_on_to_the_same_weights(dataset: Path, tmp_path: Path, enough) -> None:
    whole = train(dataset, tmp_path / "whole.safetensors", steps=STEPS, schedule="constant", **SMALL)
    wanted = torch.load(whole.run_folder / "last.ckpt", weights_only=True)["state_dict"]
    output, log, run = tmp_path / "new" / "a.safetensors", tmp_path / "log", tmp_path / "new" / "a-run"
    settings = [f"--set={name}={value}" for name, value in (SMALL | {"schedule": "constant"}).items()]
    command = ["train", dataset, "-o", output, "--steps", STEPS, *settings]
    run_whole(command, log)  # the first one waits for imports
    seconds = run_whole([*command, "--force"], log)
    output.unlink()
    (run / "last.ckpt").unlink()
    kills, resumed = Kills(output.parent), 0
    for after in moments(2, seconds):
        if kills.total == MOMENTS:
            break
        can_resume = (run / "last.ckpt").exists()
        resumed += can_resume
        was_killed = kills.run_and_kill([*command, "--resume"] if can_resume else command, log, after)
        is_sound(run)
        if was_killed and not output.exists():
            continue
        load_instrument(output)
        found = torch.load(run / "last.ckpt", weights_only=True)
        assert found["luthier"]["steps"] == STEPS
        assert all(torch.equal(wanted[name], value) for name, value in found["state_dict"].items())
        output.unlink()
        (run / "last.ckpt").unlink()
    enough("train", kills)
    assert resumed > MOMENTS // 4
    options = RunOptions(run_folder=run, resume=(run / "last.ckpt").exists())
    train(dataset, output, options=options, steps=STEPS, schedule="constant", **SMALL)
    found = torch.load(run / "last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(wanted[name], value) for name, value in found.items())
    assert not [path for path in run.rglob("*") if "unfinished" in path.name and path.parent == run]


def test_transfer_leaves_the_old_sound_or_the_new_one(instrument: Path, tmp_path: Path, enough) -> None:
    soundfile.write(tmp_path / "voice.wav", melody(9, 8), 16000)
    output, log = tmp_path / "out" / "played.wav", tmp_path / "log"
    command = ["transfer", tmp_path / "voice.wav", "--to", instrument, "-o", output, "--force"]
    run_whole(command, log)  # the first one waits for imports
    seconds = run_whole(command, log)
    new, kills = output.read_bytes(), Kills(output.parent)
    for after in moments(3, seconds):
        if kills.total == MOMENTS:
            break
        output.write_bytes(b"old")
        kills.run_and_kill(command, log, after)
        assert output.read_bytes() in (b"old", new)
    enough("transfer", kills)
    run_whole(command, log)
    assert [path.name for path in output.parent.iterdir()] == ["played.wav"]


def test_export_leaves_the_old_files_or_the_new_ones(instrument: Path, tmp_path: Path, enough) -> None:
    output, log = tmp_path / "out" / "a.onnx", tmp_path / "log"
    room = output.with_suffix(".room.wav")
    command = ["export", instrument, "--to", "onnx", "-o", output, "--force"]
    run_whole(command, log)  # the first one waits for imports
    seconds = run_whole(command, log)
    new, kills = (output.read_bytes(), room.read_bytes()), Kills(output.parent)
    for after in moments(4, seconds):
        if kills.total == MOMENTS:
            break
        output.write_bytes(b"old")
        room.write_bytes(b"old room")
        kills.run_and_kill(command, log, after)
        assert output.read_bytes() in (b"old", new[0])
        assert room.read_bytes() in (b"old room", new[1])
        assert output.read_bytes() == b"old" or room.read_bytes() == new[1]  # never without its room
    enough("export", kills)
    run_whole(command, log)
    assert sorted(path.name for path in output.parent.iterdir()) == ["a.onnx", "a.room.wav"]
