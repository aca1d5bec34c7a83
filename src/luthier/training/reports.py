"""What a run says about itself after each validation, and what it keeps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import lightning
from lightning.pytorch.callbacks import Callback

import luthier
from luthier.data.dataset import Dataset
from luthier.evaluation.frames_of_reference import Synthesiser
from luthier.evaluation.held_out import passages_for_file
from luthier.model.instrument_file import TrainingSummary, save_instrument
from luthier.training.module import TrainingModule
from luthier.training.run_folder import RunFolder, append_log, as_moment, as_moments, rows_before
from luthier.training.start import with_start_credit, with_start_passages
from luthier.training.validation import MONITOR, oracle_scores
from luthier.training.verdict import Course, Verdict, judge, say_verdict


class EpochReport(NamedTuple):
    """One validation.

    Attributes:
        epoch: epochs done.
        step: steps done.
        seconds: time spent so far.
        seconds_left: estimate of the rest.
        train_loss: mean batch loss since the last validation.
        train_mss: mean batch MSS since the last validation.
        scores: validation `mss`, `mss_rel`, and the floors and oracles of both.
        best_score: lowest `mss_rel` so far, this one included.
        is_best: whether that is this one.
        skipped: steps skipped so far because something was not finite.
        course: whether it is still learning, in one word.
        verdict: the same in words, with what to do about it; empty where there is nothing to say.
        is_news: whether that verdict is given for the first time.
    """

    epoch: int
    step: int
    seconds: float
    seconds_left: float
    train_loss: float
    train_mss: float
    scores: dict[str, float]
    best_score: float
    is_best: bool
    skipped: int
    course: Course
    verdict: str
    is_news: bool


class Reporter(Callback):
    """After each validation: a line in the log, the best instrument kept, a report to whoever listens."""

    def __init__(self, folder: RunFolder, dataset: Dataset, on_epoch: Callable[[EpochReport], None] | None) -> None:
        self.folder, self.dataset, self.on_epoch = folder, dataset, on_epoch
        self.best_score = math.inf
        self.oracle: dict[str, float] = {}
        self.verdict = Verdict("early", 0.0, 0.0)
        self.courses: set[Course] = set()
        self.last: EpochReport | None = None

    def on_fit_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Find out what the best possible controls would score, before the clock of the budget starts."""
        assert isinstance(module, TrainingModule)
        if trainer.is_global_zero:
            self.oracle = oracle_scores(self.dataset, Synthesiser.of(module.instrument.config))

    def on_validation_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Report, log and keep."""
        assert isinstance(module, TrainingModule)
        if not trainer.is_global_zero:
            return
        self.last = report = self._report(trainer, module)
        if report.is_best:
            self.best_score = report.best_score
            summary = summarise(report, self.dataset, module.started_from)
            save_instrument(self.folder.best, module.instrument, summary, force=True)
        append_log(self.folder, report._asdict())
        self.courses.add(report.course)
        if self.on_epoch is not None:
            self.on_epoch(report)

    def _report(self, trainer: lightning.Trainer, module: TrainingModule) -> EpochReport:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        scores = {name.removeprefix("validation/"): value for name, value in metrics.items() if "validation/" in name}
        progress, recent = module.progress(), module.take_recent_means()
        used = min(1.0, max(progress.budget_used, 1e-9))
        seconds, seconds_left = module.seconds, module.seconds * (1.0 - used) / used
        now = as_moment(seconds, recent["loss"], scores | self.oracle)
        self.verdict = verdict = judge([*as_moments(rows_before(self.folder, progress.step)), now])
        return EpochReport(
            epoch=math.ceil(progress.epoch),
            step=progress.step,
            seconds=seconds,
            seconds_left=seconds_left,
            train_loss=recent["loss"],
            train_mss=recent["mss"],
            scores=scores | self.oracle,
            best_score=min(self.best_score, scores[MONITOR]),
            is_best=scores[MONITOR] < self.best_score,
            skipped=len(module.skipped),
            course=verdict.course,
            verdict=say_verdict(verdict, is_over=used >= 1.0),
            is_news=verdict.course not in self.courses,
        )

    def state_dict(self) -> dict[str, Any]:
        """The best score, for resuming."""
        return {"best_score": self.best_score}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the best score over from the part of the run before."""
        self.best_score = state["best_score"]


def summarise(report: EpochReport, dataset: Dataset, start: str = "") -> TrainingSummary:
    """What the instrument file says about its training, which may have begun from a start of this name."""
    return TrainingSummary(
        licence=dataset.licence,
        credit=with_start_credit(dataset.credit, start),
        luthier_version=luthier.__version__,
        audio_seconds=dataset.statistics.total_seconds,
        learned_from=with_start_passages(passages_for_file(dataset, "train"), start),
        steps=report.step,
        train_seconds=report.seconds,
        scores={f"validation_{name}": score for name, score in report.scores.items()},
    )
