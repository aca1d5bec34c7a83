"""A whole training run: a dataset becomes an instrument file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from luthier.atomic import atomic_file, refuse_existing, refuse_unwritable
from luthier.data.dataset import Dataset
from luthier.data.process import keep_freed_memory
from luthier.data.windows import PlacedBatch
from luthier.errors import ConfigError, TrainingIsOverError
from luthier.model.presets import DEFAULT_PRESET, instrument_config, read_config_file
from luthier.training.batches import StepBatches, training_loader
from luthier.training.budget import budget_used, default_steps, say_stopped_early, say_used_up
from luthier.training.checkpoint_file import CheckpointFile
from luthier.training.config import training_config
from luthier.training.cores import all_cores
from luthier.training.listening import Example, Listener, get_example, validation_clip
from luthier.training.module import LOG_EVERY_STEPS, TrainingModule
from luthier.training.patience import Patience
from luthier.training.quiet import quiet_lightning
from luthier.training.refit import RefitReport, RefitReporter, refit_settings, refit_steps_done
from luthier.training.reports import EpochReport, Reporter
from luthier.training.room_start import settle_room
from luthier.training.run_folder import (
    RunFolder,
    begun_preset,
    check_same_dataset,
    default_run_folder,
    has_stopped_early,
    is_own_instrument,
    keep_for_replacing,
    kept_numbers,
    open_run_folder,
    read_log,
    refuse_other_names,
)
from luthier.training.settings import (
    BUDGETS,
    Settings,
    check_same_instrument,
    refuse_other_features,
    resolve_settings,
    settings_tables,
    write_settings,
)
from luthier.training.untrained import build
from luthier.training.validation import validation_windows
from luthier.training.verdict import say_verdict


class RunStart(NamedTuple):
    """What is known when learning begins.

    Attributes:
        folder: where the run keeps its things.
        settings: the full configuration.
        n_parameters: of the instrument.
        steps_per_epoch: until the next validation.
        train_seconds: of training material.
        device: what computes.
        n_threads: threads that it uses on a CPU.
        n_processes: processes that share a step.
        resumed_at: steps done before, 0 for a new run.
    """

    folder: RunFolder
    settings: Settings
    n_parameters: int
    steps_per_epoch: int
    train_seconds: float
    device: str
    n_threads: int
    n_processes: int
    resumed_at: int


class RunOptions(NamedTuple):
    """How a run is carried out; none of it changes what is learned.

    Attributes:
        run_folder: where it keeps its things; beside the instrument if None.
        resume: continue the run in that folder.
        force: replace an instrument or run that is there already.
        examples: clips to play with the instrument as it learns.
        on_start: told what is about to begin.
        on_epoch: told after each validation.
        on_refit: told when a refit begins and how far it is.
    """

    run_folder: Path | None = None
    resume: bool = False
    force: bool = False
    examples: Sequence[Example] = ()
    on_start: Callable[[RunStart], None] | None = None
    on_epoch: Callable[[EpochReport], None] | None = None
    on_refit: Callable[[RefitReport], None] | None = None


class RunResult(NamedTuple):
    """What a run leaves behind.

    Attributes:
        output: the instrument file.
        run_folder: sounds, pictures, checkpoints, log.
        steps: done in all, but for a refit's.
        seconds: spent in all, but for a refit.
        scores: of the last validation.
        best_score: lowest validation `mss_rel`; that of the instrument file, unless it was refitted.
        stopped_because: in words.
        verdict: whether more training would help, in words; empty after too few validations to say.
        skipped: steps skipped because something was not finite, a sentence each.
        refit_steps: done to refit it; 0 where it was not.
        refit_seconds: spent on that.
    """

    output: Path
    run_folder: Path
    steps: int
    seconds: float
    scores: dict[str, float]
    best_score: float
    stopped_because: str
    verdict: str
    skipped: list[str]
    refit_steps: int = 0
    refit_seconds: float = 0.0


def train(
    dataset: str | Path,
    output: str | Path,
    *,
    preset: str = DEFAULT_PRESET,
    config_file: str | Path | None = None,
    options: RunOptions = RunOptions(),  # noqa: B008  immutable
    **overrides: Any,
) -> RunResult:
    """Train an instrument.

    Args:
        dataset: folder made by `prepare`.
        output: instrument file to write, .safetensors.
        preset: what to train, a name of `preset_names()`.
        config_file: TOML with tables `instrument` and `training`, laid over the preset.
        options: how the run is carried out.
        **overrides: single settings by name, such as minutes=5 or batch_size=4; without a budget (minutes, steps or
            epochs) by preset, file or name, training takes as many steps as suit the material.

    Returns:
        What the run leaves behind; the file holds the instrument with the best validation, or the one that was
        refitted when that was known.

    Raises:
        DatasetError, ConfigError, OutputError, AudioFileError: something given is not usable.
        TrainingError: three steps in a row were not finite.
        TrainingIsOverError: the budget of a resumed run is used up, or its patience.
    """
    output = Path(output)
    folder = RunFolder(options.run_folder) if options.run_folder else default_run_folder(output)
    refuse_existing(output, force=options.force or (options.resume and is_own_instrument(folder, output)))
    refuse_other_names(output)
    refuse_unwritable(output)
    opened = Dataset.open(dataset)
    tables = _with_budget(_tables(folder, preset, config_file, overrides, resume=options.resume), opened)
    refuse_other_features(overrides, tables["instrument"]["preset"], opened.definition)
    run = _Run(opened, settle_room(resolve_settings(tables, opened.definition), opened), folder, options)
    if options.resume:
        check_same_instrument(instrument_config(read_config_file(folder.config)["instrument"]), run.settings.instrument)
        check_same_dataset(folder, opened)
    result = _finished(run, output) if options.resume else None
    if result is not None and _is_published(run, output):
        raise TrainingIsOverError(f"{folder.path}: {result.stopped_because}.")
    if options.resume and is_own_instrument(folder, output):
        keep_for_replacing(folder, output)
    result = result or _carry_out(run, output)
    write_settings(folder.config, run.settings)  # a finished run may be older than the wish to refit it
    if run.settings.training.refit:
        result = _refit(run, result)
    _publish(run, output)
    return result


def _carry_out(run: _Run, output: Path) -> RunResult:
    callbacks = _callbacks(run)
    module, _ = build(run.dataset, run.settings)
    # Everything that a user can get wrong has been read by now: only then is anything written.
    open_run_folder(run.folder, resume=run.options.resume, force=run.options.force)
    write_settings(run.folder.config, run.settings)
    if output.exists() and not run.options.resume:
        keep_for_replacing(run.folder, output)
    with _ready(module):
        trainer = _trainer(run.folder, callbacks)
        if run.options.on_start is not None:
            run.options.on_start(_start(run, module, trainer))
        validation = DataLoader(_ValidationWindows(run.dataset), batch_size=None)
        _fit(trainer, module, validation, run.folder.checkpoint if run.options.resume else None)
    return _result(output, run, module, callbacks)


def _refit(run: _Run, result: RunResult) -> RunResult:
    """Learn once more, from the validation part, too; one that was interrupted goes on."""
    settings, folder = refit_settings(run.settings, run.dataset, run.folder), run.folder.refit
    done = refit_steps_done(folder, settings, run.dataset)
    if done is None:
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.path.mkdir(parents=True)
        write_settings(folder.config, settings)
    if done is None or done < (settings.training.steps or 0):
        module, _ = build(run.dataset, settings, "trainval")
        with _ready(module):
            # The only checkpoint is the last one.
            checkpoint = ModelCheckpoint(folder.path, filename=folder.checkpoint.stem, enable_version_counter=False)
            reporter = RefitReporter(run.folder, run.dataset, run.options.on_refit)
            _fit(_trainer(folder, [reporter, checkpoint]), module, None, folder.checkpoint if done else None)
    kept = kept_numbers(folder)
    return result._replace(
        skipped=[*result.skipped, *kept["skipped"]], refit_steps=kept["steps"], refit_seconds=kept["seconds"]
    )


class _Run(NamedTuple):
    dataset: Dataset
    settings: Settings
    folder: RunFolder
    options: RunOptions


def _tables(
    folder: RunFolder,
    preset: str,
    config_file: str | Path | None,
    overrides: dict[str, Any],
    *,
    resume: bool,
) -> dict[str, Any]:
    """The configuration as tables: a resumed run's own, or the preset's; single settings over it."""
    if resume:
        begun = begun_preset(folder, preset)
        if config_file is not None or preset not in (DEFAULT_PRESET, begun):
            raise ConfigError(
                f"--resume: goes on with the run's own settings, of {begun}. Leave out --preset and --config; "
                "single values change with --set."
            )
    return settings_tables(preset, config_file=folder.config if resume else config_file, overrides=overrides)


def _with_budget(tables: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Where nobody names a budget, as many steps as suit the material."""
    training = tables.get("training", {})
    if any(training.get(name) is not None for name in BUDGETS):
        return tables
    steps = default_steps(training_config(training), dataset.statistics.total_seconds)
    return tables | {"training": training | {"steps": steps}}


def _finished(run: _Run, output: Path) -> RunResult | None:
    """What a run left that is over, but for its refit; None where there is something to do."""
    folder, config = run.folder, run.settings.training
    if not folder.checkpoint.is_file():
        return None
    kept = kept_numbers(folder)
    steps, seconds = kept["steps"], kept["seconds"]
    steps_per_epoch = StepBatches(run.dataset, config).steps_per_epoch
    # With the validation that a budget reserves time for, as when it stopped.
    until_stop = seconds + kept.get("validation_seconds", 0.0) + kept.get("listening_seconds", 0.0)
    rows = read_log(folder)
    is_used_up = budget_used(config, steps=steps, steps_per_epoch=steps_per_epoch, seconds=until_stop) >= 1.0
    if not rows or not (is_used_up or has_stopped_early(folder, config.patience)):
        return None
    why = say_used_up(config, steps=steps, seconds=seconds) if is_used_up else say_stopped_early(config.patience)
    last = {name: rows[-1][name] for name in ("seconds", "scores", "best_score", "verdict")}
    return RunResult(output, folder.path, steps, stopped_because=why, skipped=kept["skipped"], **last)


def _is_published(run: _Run, output: Path) -> bool:
    """Whether the instrument that a finished run is to end with is there already."""
    made = run.folder
    if run.settings.training.refit:
        settings, made = refit_settings(run.settings, run.dataset, run.folder), run.folder.refit
        if (refit_steps_done(made, settings, run.dataset) or 0) < (settings.training.steps or 0):
            return False
    return output.is_file() and output.read_bytes() == made.best.read_bytes()


# In the order in which Lightning calls them: who listens at the end has to know that it is the end.
class _Callbacks(NamedTuple):
    reporter: Reporter
    patience: Patience | None
    listener: Listener
    checkpoint: ModelCheckpoint


def _callbacks(run: _Run) -> _Callbacks:
    dataset, settings, folder = run.dataset, run.settings.training, run.folder
    examples = [get_example(example, dataset.definition) for example in run.options.examples]
    listener = Listener(folder, [validation_clip(dataset), *examples], settings.listen_every_epochs)
    # The only checkpoint is the last one: the best instrument is kept as an instrument file.
    checkpoint = ModelCheckpoint(folder.path, filename=folder.checkpoint.stem, enable_version_counter=False)
    reporter = Reporter(folder, dataset, run.options.on_epoch)
    return _Callbacks(reporter, Patience(settings.patience) if settings.patience else None, listener, checkpoint)


def _trainer(folder: RunFolder, callbacks: Iterable[Callback | None]) -> lightning.Trainer:
    used: list[Callback] = [callback for callback in callbacks if callback is not None]
    return lightning.Trainer(
        default_root_dir=folder.path,
        logger=TensorBoardLogger(folder.path, name="tensorboard", version=""),
        callbacks=used,
        plugins=[CheckpointFile()],
        max_epochs=-1,
        num_sanity_val_steps=0,
        log_every_n_steps=LOG_EVERY_STEPS,
        use_distributed_sampler=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


class _ValidationWindows(TorchDataset[PlacedBatch]):
    def __init__(self, dataset: Dataset) -> None:
        self.windows = list(validation_windows(dataset))

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> PlacedBatch:
        return self.windows[index]


@contextmanager
def _ready(module: TrainingModule) -> Iterator[None]:
    """Everything around learning that is put back afterwards: loaders draw from torch's global generator."""
    with keep_freed_memory(), quiet_lightning(), torch.random.fork_rng(devices=[]), all_cores(module):
        yield


def _fit(
    trainer: lightning.Trainer,
    module: TrainingModule,
    validation: DataLoader[PlacedBatch] | None,
    checkpoint: Path | None,
) -> None:
    loader = training_loader(module.batches, module.counter)
    try:
        trainer.fit(module, loader, validation, ckpt_path=checkpoint, weights_only=True)
    except SIGTERMException as stop:  # it would leave the process as if all had gone well
        raise KeyboardInterrupt from stop


def _start(run: _Run, module: TrainingModule, trainer: lightning.Trainer) -> RunStart:
    resumed_at = kept_numbers(run.folder)["steps"] if run.options.resume else 0
    return RunStart(
        folder=run.folder,
        settings=run.settings,
        n_parameters=module.instrument.n_parameters,
        steps_per_epoch=module.batches.steps_per_epoch,
        train_seconds=run.dataset.statistics.total_seconds,
        device=trainer.strategy.root_device.type,
        n_threads=torch.get_num_threads(),
        n_processes=module.batches.share.of,
        resumed_at=resumed_at,
    )


def _publish(run: _Run, output: Path) -> None:
    folder = run.folder.refit if run.settings.training.refit else run.folder
    with atomic_file(output, force=True) as temporary:
        temporary.write_bytes(folder.best.read_bytes())


def _result(output: Path, run: _Run, module: TrainingModule, callbacks: _Callbacks) -> RunResult:
    report = callbacks.reporter.last
    assert report is not None, "a run ends with a validation"
    has_no_patience = callbacks.patience is not None and callbacks.patience.stopped_epoch > 0
    is_early = has_no_patience and module.progress().budget_used < 1.0
    return RunResult(
        output=output,
        run_folder=run.folder.path,
        steps=module.counter.steps,
        seconds=module.seconds,
        scores=report.scores,
        best_score=report.best_score,
        stopped_because="validation no longer improves" if is_early else "the budget is used up",
        verdict=say_verdict(callbacks.reporter.verdict, is_over=True),
        skipped=module.skipped,
    )
