"""Once more, from the start, on the validation part, too: validation has said how long, and is not needed any more.

    train ---- validation ----> how many passes are best
    train and validation -----> as many passes again, the instrument

Source: refitting with the chosen settings on all that is not for test is what cross-validation ends with, Hastie et
al. 2009, The Elements of Statistical Learning, 7.10.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import lightning
from lightning.pytorch.callbacks import Callback

from luthier.data.dataset import Dataset
from luthier.data.split import Part
from luthier.model.instrument_file import load_instrument, save_instrument
from luthier.training.module import TrainingModule
from luthier.training.run_folder import RunFolder, append_log, read_log
from luthier.training.settings import Settings
from luthier.training.validation import MONITOR


class RefitReport(NamedTuple):
    """How far a refit is.

    Attributes:
        step: steps done.
        n_steps: steps in all.
        seconds: time spent on it so far.
        seconds_left: estimate of the rest; NaN before the first step.
        train_loss: mean batch loss since the last report; NaN before the first step.
        train_mss: mean batch MSS since the last report.
        material_seconds: of what it learns from.
    """

    step: int
    n_steps: int
    seconds: float
    seconds_left: float
    train_loss: float
    train_mss: float
    material_seconds: float


def refit_settings(settings: Settings, dataset: Dataset, folder: RunFolder) -> Settings:
    """The settings of the refit that follows a run: as many passes as its best instrument had heard.

    Args:
        settings: of the run.
        dataset: of the run.
        folder: of the run, which has validated at least once.
    """
    best = min(read_log(folder), key=lambda row: row["scores"][MONITOR])
    steps = round(best["step"] * part_seconds(dataset, "trainval") / part_seconds(dataset, "train"))
    changes = {"refit": False, "minutes": None, "epochs": None, "steps": steps}
    return settings._replace(training=settings.training.model_copy(update=changes))


def part_seconds(dataset: Dataset, part: Part) -> float:
    """The length of a part of a dataset."""
    return sum(block.n_frames for block in dataset.blocks(part)) / dataset.definition.frame_rate


class RefitReporter(Callback):
    """At the beginning and after each epoch: a line in the log, a report to whoever listens."""

    def __init__(self, folder: RunFolder, dataset: Dataset, on_report: Callable[[RefitReport], None] | None) -> None:
        self.folder, self.on_report = folder, on_report
        self.material_seconds = part_seconds(dataset, "trainval")

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Say that it begins."""
        self._report(trainer, module)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Say how far it is."""
        self._report(trainer, module)

    def _report(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        assert isinstance(module, TrainingModule)
        if not trainer.is_global_zero:
            return
        used, recent = module.progress().budget_used, module.take_recent_means()
        report = RefitReport(
            step=module.counter.steps,
            n_steps=module.config.steps or 0,
            seconds=module.seconds,
            seconds_left=module.seconds * (1.0 - used) / used if used else math.nan,
            train_loss=recent["loss"],
            train_mss=recent["mss"],
            material_seconds=self.material_seconds,
        )
        if report.step:
            append_log(self.folder, report._asdict())
        if self.on_report is not None:
            self.on_report(report)


def keep_refit(before: RunFolder, module: TrainingModule, dataset: Dataset) -> None:
    """Write the instrument of a refit that is over into its folder, with the scores of the run before it."""
    summary = load_instrument(before.best).summary
    changes = {
        "refit": True,
        "audio_seconds": part_seconds(dataset, "trainval"),
        "steps": module.counter.steps,
        "train_seconds": summary.train_seconds + module.seconds,
    }
    save_instrument(before.refit.best, module.instrument, summary.model_copy(update=changes), force=True)
