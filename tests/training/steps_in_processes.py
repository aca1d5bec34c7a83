"""Train some steps in one process or several, in double precision, and keep the weights.

    python steps_in_processes.py DATASET OUTPUT N_PROCESSES N_STEPS

By design each process draws noise, dropout and doubt about the pitch of its own. Here dropout and doubt are off and each
process takes its windows' share of one noise, so that nothing but the order of sums can differ.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import lightning
import torch
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.model.instrument import white_noise
from luthier.training.batches import training_loader
from luthier.training.module import TrainingModule, mixed_seed
from luthier.training.quiet import quiet_lightning
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build

SETTINGS = {
    "batch_size": 6, "window_seconds": 0.5, "windows_per_epoch": 1000, "dropout": 0.0, "precision": "float32",
    "predicted_windows": 0.0, "predictor_weight": 0.0, "rest_weight": 0.0, "gru_width": 16, "output_width": 16,
    "pitch_doubt": 0.0,
}  # fmt: skip


def shared_noise(self: TrainingModule, like: Tensor, seed: int, step: int) -> Tensor:
    """The rows of one process among the noise of all."""
    n_processes = self.trainer.world_size
    generator = torch.Generator().manual_seed(mixed_seed(seed, step))
    whole = white_noise(n_processes * len(like), like.shape[-1], generator, like.device)
    return whole[self.global_rank :: n_processes].to(like)


def main(dataset_path: str, output: str, n_processes: int, n_steps: int) -> None:
    TrainingModule._noise = shared_noise
    torch.set_num_threads(1)
    dataset = Dataset.open(dataset_path)
    settings = resolve_settings(settings_tables("fast", overrides={**SETTINGS, "steps": n_steps}), dataset.definition)
    module, batches = build(dataset, settings)
    start = {name: value.clone() for name, value in module.instrument.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder, quiet_lightning():
        trainer = lightning.Trainer(
            default_root_dir=folder, logger=False, max_epochs=-1, accelerator="cpu", devices=n_processes,
            strategy="ddp" if n_processes > 1 else "auto", precision="64-true", enable_checkpointing=False,
            use_distributed_sampler=False, enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(module, training_loader(batches, module.counter))
    assert trainer.world_size == n_processes
    assert module.counter.steps == n_steps
    found = {"start": start, "weights": module.instrument.state_dict(), "skipped": module.skipped}
    torch.save(found, f"{output}.{module.global_rank}")


if __name__ == "__main__":
    main(str(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
