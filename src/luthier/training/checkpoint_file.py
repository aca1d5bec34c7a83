"""The checkpoint on disk: the old one or the new one, whole, whenever a run is killed or the disk is full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from luthier.atomic import atomic_file


class CheckpointFile(TorchCheckpointIO):
    """Writes beside the old checkpoint, syncs and renames.

    Lightning by itself writes into the system's folder for temporary files, which may be on another drive: moving
    from there is copying, and who is killed while copying leaves half a checkpoint.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Replace the checkpoint at `path`.

        Raises:
            OutputError: it cannot be written; the old one stays.
        """
        with atomic_file(path, force=True) as temporary, temporary.open("wb") as file:
            _save(checkpoint, file)


def _save(checkpoint: dict[str, Any], file: Any) -> None:
    try:
        torch.save(checkpoint, file)
    except RuntimeError as error:  # how torch reports a full disk
        raise OSError(f"{error}; is the disk full?") from error
