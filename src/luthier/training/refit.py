"""Once more, from the start, on the validation part, too: validation has said how long, and is not needed any more.

    train ---- validation ----> how many passes are best
    train and validation -----> as many passes again, the instrument

Source: refitting with the chosen settings on all that is not for test is what cross-validation ends with, Hastie et
al. 2009, The Elements of Statistical Learning, 7.10.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import lightning
from lightning.pytorch.callbacks import Callback

from luthier.data.dataset import Dataset
from luthier.data.split import Part
from luthier.evaluation.held_out import passages_for_file
from luthier.model.instrument_file import load_instrument, save_instrument
from luthier.training.module import TrainingModule
from luthier.training.run_folder import RunFolder, append_log, is_same_dataset, kept_numbers
from luthier.training.settings import Settings, settings_text
from luthier.training.start import with_start_passages


class RefitReport(NamedTuple):
    """How far a refit is.

    Attributes:
        begins: whether it only begins, or goes on after an interruption: there are no losses yet.
        step: steps done.
        n_steps: steps in all.
        seconds: time spent on it so far.
        seconds_left: estimate of the rest; NaN before the first step.
        train_loss: mean batch loss since the last report.
        train_mss: mean batch MSS since the last report.
        material_seconds: of what it learns from.
        until_then: the instrument that is refitted.
    """

    begins: bool
    step: int
    n_steps: int
    seconds: float
    seconds_left: float
    train_loss: float
    train_mss: float
    material_seconds: float
    until_then: Path


def refit_settings(settings: Settings, dataset: Dataset, folder: RunFolder) -> Settings:
    """The settings of the refit that follows a run: as many passes as its best instrument had heard.

    Args:
        settings: of the run.
        dataset: of the run.
        folder: of the run, which holds its best instrument.
    """
    steps = load_instrument(folder.best).summary.steps
    steps = max(1, round(steps * part_seconds(dataset, "trainval") / part_seconds(dataset, "train")))
    changes = {"refit": False, "minutes": None, "epochs": None, "steps": steps}
    return settings._replace(training=settings.training.model_copy(update=changes))


def refit_steps_done(folder: RunFolder, settings: Settings, dataset: Dataset) -> int | None:
    """Steps that a refit with these settings has done in a folder, on this dataset; None where it has not begun."""
    if not folder.checkpoint.is_file() or not folder.config.is_file():
        return None
    if folder.config.read_text(encoding="utf-8") != settings_text(settings):
        return None  # of the run before it was given a larger budget
    if not is_same_dataset(folder, dataset):
        return None  # of the pitch before it was corrected
    return int(kept_numbers(folder)["steps"])


def part_seconds(dataset: Dataset, part: Part) -> float:
    """The length of a part of a dataset."""
    return sum(block.n_frames for block in dataset.blocks(part)) / dataset.definition.frame_rate


class RefitReporter(Callback):
    """After each epoch: the instrument kept, a line in the log, a report to whoever listens."""

    def __init__(self, before: RunFolder, dataset: Dataset, on_report: Callable[[RefitReport], None] | None) -> None:
        self.before, self.on_report = before, on_report
        self.summary = load_instrument(before.best).summary
        self.material_seconds = part_seconds(dataset, "trainval")
        self.learned_from = passages_for_file(dataset, "trainval")

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Say that it begins."""
        assert isinstance(module, TrainingModule)
        if trainer.is_global_zero and self.on_report is not None:
            self.on_report(self._report(module, begins=True))

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Keep, log and report, before the checkpoint is written: one of the last step promises the instrument."""
        assert isinstance(module, TrainingModule)
        if not trainer.is_global_zero:
            return
        self._keep(module)
        report = self._report(module, begins=False)
        append_log(self.before.refit, report._asdict() | {"until_then": str(report.until_then)})
        if self.on_report is not None:
            self.on_report(report)

    def _keep(self, module: TrainingModule) -> None:
        """With the scores of the run before: nothing is left to score it on but the test part."""
        changes = {
            "refit": True,
            "audio_seconds": self.material_seconds,
            "learned_from": with_start_passages(self.learned_from, module.started_from),
            "steps": module.counter.steps,
            "train_seconds": self.summary.train_seconds + module.seconds,
        }
        save_instrument(self.before.refit.best, module.instrument, self.summary.model_copy(update=changes), force=True)

    def _report(self, module: TrainingModule, *, begins: bool) -> RefitReport:
        used, recent = module.progress().budget_used, module.take_recent_means()
        return RefitReport(
            begins=begins,
            step=module.counter.steps,
            n_steps=module.config.steps or 0,
            seconds=module.seconds,
            seconds_left=module.seconds * (1.0 - used) / used if used else math.nan,
            train_loss=recent["loss"],
            train_mss=recent["mss"],
            material_seconds=self.material_seconds,
            until_then=self.before.best,
        )
