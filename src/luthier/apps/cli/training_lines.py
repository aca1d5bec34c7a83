"""What a training run says on stderr: what begins, one line for each validation, what is left behind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from luthier.apps.cli.output import say

if TYPE_CHECKING:
    from luthier.training.refit import RefitReport
    from luthier.training.reports import EpochReport
    from luthier.training.run import RunResult, RunStart

REFIT_HEADER = "    step     time     left   train mss"
HEADER = " epoch    step     time     left   train mss   valid mss   mss_rel (floor, oracle)"


def say_start(start: RunStart) -> None:
    """Say what is about to be learned, from what, where its traces go and how to follow them."""
    instrument, training = start.settings
    say(
        f"{instrument.preset}: {start.n_parameters:,} parameters, {instrument.sample_rate} Hz, "
        f"room {instrument.room.kind}, {start.train_seconds / 60:.1f} minutes of training material, "
        f"on {start.device} ({_cores(start)})."
    )
    budget = {"minutes": training.minutes, "steps": training.steps, "epochs": training.epochs}
    limits = ", ".join(f"{value:g} {name}" for name, value in budget.items() if value is not None)
    shared = " with the refit" if training.refit and training.minutes is not None else ""
    say(f"Budget: {limits}{shared}. A validation every {start.steps_per_epoch} steps.")
    say(f"Sounds, pictures and checkpoints: {start.folder.path}    curves: tensorboard --logdir {start.folder.path}")
    if start.resumed_at:
        say(f"Going on after step {start.resumed_at}.")
    say(
        "Stop with Ctrl-C at any time; the same command with --resume goes on after the last validation. "
        "Lower is better; * is the best so far."
    )
    say("Floor: two takes of the same noise. Oracle: the recording analysed and played back, the best to hope for.")
    say(HEADER)


def say_epoch(report: EpochReport) -> None:
    """One line of the table, and what there is to say about the course of the run when it changes."""
    scores = report.scores
    train_mss = "-" if math.isnan(report.train_mss) else f"{report.train_mss:.3f}"
    say(
        f"{report.epoch:6d}{report.step:8d}{clock(report.seconds):>9}{clock(report.seconds_left):>9}"
        f"{train_mss:>12}{scores['mss']:12.3f}"
        f"{scores['mss_rel']:10.3f} ({scores['mss_rel_floor']:.2f}, {scores['mss_rel_oracle']:.2f})"
        f"{' *' if report.is_best else ''}" + (f"  {report.skipped} steps skipped" if report.skipped else "")
    )
    if report.verdict and report.is_news and report.seconds_left > 0:
        say(report.verdict)


def say_refit(report: RefitReport) -> None:
    """Say what a refit is when it begins, then how far it is."""
    if report.begins:
        minutes = report.material_seconds / 60
        say(f"Refit: once more from the start, on the validation passages, too: {minutes:.1f} minutes of material.")
        say(f"As many passes as were best: {report.n_steps} steps. Test passages stay unheard.")
        say(f"The instrument until then: {report.until_then}")
        if report.step:
            say(f"Going on after step {report.step}.")
        say(REFIT_HEADER)
        return
    train_mss = "-" if math.isnan(report.train_mss) else f"{report.train_mss:.3f}"
    say(f"{report.step:8d}{clock(report.seconds):>9}{clock(report.seconds_left):>9}{train_mss:>12}")


def say_end(result: RunResult) -> None:
    """Say why it stopped and what can be done now."""
    say(f"Stopped after {result.steps} steps and {clock(result.seconds)}: {result.stopped_because}.")
    for sentence in [*result.skipped, result.verdict]:
        if sentence:
            say(sentence)
    if result.refit_steps:
        say(
            f"Refitted in {result.refit_steps} steps and {clock(result.refit_seconds)} "
            f"(validation mss_rel before {result.best_score:.3f}): {result.output}"
        )
    else:
        say(f"The best instrument so far (validation mss_rel {result.best_score:.3f}): {result.output}")


def _cores(start: RunStart) -> str:
    if start.n_processes > 1:
        return f"{start.n_processes} processes"
    return "1 thread" if start.n_threads == 1 else f"{start.n_threads} threads"


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, with hours where there are some: 1:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
