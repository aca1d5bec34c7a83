"""Training as `luthier train` does it, batches and Lightning included, with a clock between the steps."""

from __future__ import annotations

import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from measuring import peak_mib

from luthier.data.dataset import Dataset
from luthier.data.process import keep_freed_memory
from luthier.training.batches import Share, training_loader
from luthier.training.companion import Companion
from luthier.training.module import LOG_EVERY_STEPS
from luthier.training.quiet import quiet_lightning
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build

WARM_UP = 5
"""Steps that are not counted: FFT plans, caches, the optimiser's memory."""


class Times(NamedTuple):
    """Medians over the steps: from the end of one to the end of the next, drawing the batch included.

    Attributes:
        wall: s.
        cpu: of all threads of the process, s.
        thread: of the main thread alone, s. On a busy machine it says what `wall` would be on an idle one.
        audio_seconds: trained in a step by all processes together, s.
        mib: memory needed beyond what the process held before the first step.
    """

    wall: float
    cpu: float
    thread: float
    audio_seconds: float
    mib: float


class StepClock(Callback):
    """Looks at three clocks after each step."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float, float]] = []
        self.mib_before = 0.0

    def on_train_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        self.mib_before = peak_mib()

    def on_train_batch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, *_: Any, **__: Any
    ) -> None:
        self.ends.append((time.perf_counter(), time.process_time(), time.thread_time()))

    def medians(self) -> list[float]:
        counted = self.ends[WARM_UP:]
        steps = [[after - before for before, after in zip(a, b, strict=True)] for a, b in pairwise(counted)]
        return [statistics.median(column) for column in zip(*steps, strict=True)]


@keep_freed_memory()
def fit(
    dataset_path: Path,
    preset: str,
    *,
    steps: int,
    threads: int = 1,
    processes: int = 1,
    accelerator: str = "cpu",
    **overrides: Any,
) -> Times:
    """Train a preset with its own settings for some steps, without validation."""
    torch.set_num_threads(threads)
    dataset = Dataset.open(dataset_path)
    tables = settings_tables(preset, overrides={"steps": steps + WARM_UP + 1, **overrides})
    settings = resolve_settings(tables, dataset.definition)
    module, batches = build(dataset, settings)
    clock = StepClock()
    companion = Companion(dataset_path, Share(1, 2)) if processes == 2 else None
    if companion is not None:
        module.helper, batches.share = companion, Share(0, 2)
    with tempfile.TemporaryDirectory() as folder, quiet_lightning():
        trainer = lightning.Trainer(
            default_root_dir=folder,
            logger=TensorBoardLogger(folder, name="tensorboard", version=""),
            callbacks=[clock],
            max_epochs=-1,
            accelerator=accelerator,
            devices=1,
            enable_checkpointing=False,
            log_every_n_steps=LOG_EVERY_STEPS,
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, training_loader(batches, module.counter))
    if companion is not None:
        companion.close()
    wall, cpu, thread = clock.medians()
    training = settings.training
    audio_seconds = training.batch_size * batches.n_frames / dataset.definition.frame_rate
    return Times(wall, cpu, thread, audio_seconds, peak_mib() - clock.mib_before)
