import json
import math
from pathlib import Path

import pytest
import torch

from luthier.errors import OutputError, TrainingError
from luthier.training.run_folder import (
    RunFolder,
    append_log,
    begun_preset,
    default_run_folder,
    kept_numbers,
    open_run_folder,
    read_log,
)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return default_run_folder(tmp_path / "violin.safetensors")


def finish_a_run(folder: RunFolder) -> None:
    open_run_folder(folder, resume=False, force=False)
    for path in (folder.config, folder.checkpoint):
        path.write_text("kept")


def test_it_lies_beside_the_instrument(folder: RunFolder) -> None:
    open_run_folder(folder, resume=False, force=False)
    assert folder.path.name == "violin-run"
    assert folder.path.is_dir()


def test_a_run_is_kept_unless_force_is_given(folder: RunFolder) -> None:
    finish_a_run(folder)
    with pytest.raises(OutputError, match="--resume to continue"):
        open_run_folder(folder, resume=False, force=False)
    assert folder.checkpoint.read_text() == "kept"
    open_run_folder(folder, resume=False, force=True)
    assert not folder.checkpoint.exists()


def test_what_is_not_ours_is_never_removed(folder: RunFolder) -> None:
    finish_a_run(folder)
    (folder.path / "holiday.jpg").write_text("mine")
    with pytest.raises(OutputError, match=r"holiday\.jpg"):
        open_run_folder(folder, resume=False, force=True)
    assert (folder.path / "holiday.jpg").read_text() == "mine"


def test_a_run_without_a_checkpoint_does_not_stand_in_the_way(folder: RunFolder) -> None:
    folder.path.mkdir()
    folder.config.write_text("half")
    open_run_folder(folder, resume=False, force=False)
    assert not folder.config.exists()


def test_resuming_needs_a_checkpoint(folder: RunFolder) -> None:
    with pytest.raises(TrainingError, match="no run to resume"):
        open_run_folder(folder, resume=True, force=False)
    finish_a_run(folder)
    open_run_folder(folder, resume=True, force=False)
    assert folder.checkpoint.read_text() == "kept"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="cannot be made"):
        open_run_folder(RunFolder(tmp_path / "file" / "run"), resume=False, force=False)


def test_the_log_is_read_as_it_was_written(folder: RunFolder) -> None:
    open_run_folder(folder, resume=False, force=False)
    assert read_log(folder) == []
    append_log(folder, {"step": 1})
    append_log(folder, {"step": 2})
    assert [row["step"] for row in read_log(folder)] == [1, 2]


def test_what_a_killed_run_does_again_stands_in_the_log_once(folder: RunFolder) -> None:
    open_run_folder(folder, resume=False, force=False)
    for step, loss in ((40, 3.0), (80, 2.0), (120, 1.0), (80, 2.5), (115, 1.5)):
        append_log(folder, {"step": step, "train_loss": loss})
    assert [(row["step"], row["train_loss"]) for row in read_log(folder)] == [(40, 3.0), (80, 2.5), (115, 1.5)]


def test_a_damaged_run_is_one_line(folder: RunFolder) -> None:
    finish_a_run(folder)
    folder.config.write_text("")
    with pytest.raises(TrainingError, match="holds no settings of a run"):
        begun_preset(folder, "fast")
    folder.log.write_text('{"step": 1}\n{"step": 2, "sc')
    with pytest.raises(TrainingError, match=r"log.jsonl: damaged.*--force"):
        read_log(folder)


def test_what_a_killed_run_left_unfinished_is_no_obstacle(folder: RunFolder) -> None:
    open_run_folder(folder, resume=False, force=False)
    (folder.path / ".best.unfinished-x3k9_abc.safetensors").write_text("half")
    open_run_folder(folder, resume=False, force=False)
    assert list(folder.path.iterdir()) == []


def test_a_full_disk_leaves_the_lines_of_the_log_whole(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    open_run_folder(folder, resume=False, force=False)
    append_log(folder, {"step": 1})

    def write_half(path: Path, text: str, **_: object) -> None:
        path.write_bytes(text.encode()[:-5])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(OutputError, match="No space left"):
        append_log(folder, {"step": 2})
    monkeypatch.undo()
    append_log(folder, {"step": 3})
    assert read_log(folder) == [{"step": 1}, {"step": 3}]


def test_what_was_not_measured_is_null_in_the_log_and_nan_when_read(folder: RunFolder) -> None:
    folder.path.mkdir()
    append_log(folder, {"step": 1, "train_mss": math.nan, "scores": {"mss": math.inf}})
    assert json.loads(folder.log.read_text(), parse_constant=pytest.fail) == {
        "step": 1, "train_mss": None, "scores": {"mss": None},
    }  # fmt: skip
    (row,) = read_log(folder)
    assert (row["step"], math.isnan(row["train_mss"]), math.isnan(row["scores"]["mss"])) == (1, True, True)


@pytest.mark.parametrize("size", [0, 500, 3000])
def test_a_damaged_checkpoint_is_named(folder: RunFolder, size: int) -> None:
    folder.path.mkdir()
    torch.save({"luthier": {"steps": 7}, "weights": torch.zeros(1000)}, folder.checkpoint)
    assert kept_numbers(folder) == {"steps": 7}
    folder.checkpoint.write_bytes(folder.checkpoint.read_bytes()[:size])
    with pytest.raises(TrainingError, match=r"last\.ckpt: .*damaged.* --force"):
        kept_numbers(folder)
