from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from luthier.errors import OutputError
from luthier.training.checkpoint_file import CheckpointFile


@contextmanager
def small_disk(n_bytes: int) -> Iterator[None]:
    """No file may become longer: writing on fails as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    CheckpointFile().save_checkpoint({"steps": 3, "weight": torch.arange(4.0)}, tmp_path / "run" / "last.ckpt")
    found = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert found["steps"] == 3
    assert torch.equal(found["weight"], torch.arange(4.0))


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
@pytest.mark.parametrize("n_bytes", [100, 100_000])
def test_a_full_disk_is_one_line_and_the_last_checkpoint_survives(tmp_path: Path, n_bytes: int) -> None:
    path = tmp_path / "last.ckpt"
    CheckpointFile().save_checkpoint({"steps": 3}, path)
    before = path.read_bytes()
    with small_disk(n_bytes), pytest.raises(OutputError, match=r"last\.ckpt: cannot be written") as caught:
        CheckpointFile().save_checkpoint({"steps": 4, "weight": torch.rand(100_000)}, path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["last.ckpt"]


def test_nothing_is_written_outside_the_runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's folder for temporary files may be on another drive: moving from there is no renaming."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    CheckpointFile().save_checkpoint({"steps": 3}, tmp_path / "last.ckpt")
    assert (tmp_path / "last.ckpt").is_file()
