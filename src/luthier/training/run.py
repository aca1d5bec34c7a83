"""A whole training run: a dataset becomes an instrument file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from luthier.atomic import atomic_file, refuse_existing
from luthier.data.dataset import Dataset
from luthier.data.windows import PlacedBatch
from luthier.dsp.signals import Expression
from luthier.errors import OutputError, TrainingError
from luthier.model.instrument import Instrument
from luthier.model.presets import DEFAULT_PRESET, instrument_config, read_config_file
from luthier.model.statistics import StatisticsValues
from luthier.training.batches import Share, StepBatches, StepCounter, training_loader
from luthier.training.budget import budget_used, default_steps, say_used_up
from luthier.training.checkpoint_file import CheckpointFile
from luthier.training.companion import Companion, pays
from luthier.training.config import training_config
from luthier.training.listening import Example, Listener, get_example, validation_clip
from luthier.training.memory import keep_freed_memory
from luthier.training.module import LOG_EVERY_STEPS, TrainingModule
from luthier.training.quiet import quiet_lightning
from luthier.training.reports import EpochReport, Reporter
from luthier.training.room_start import settle_room, start_room
from luthier.training.run_folder import (
    RunFolder,
    check_same_dataset,
    default_run_folder,
    kept_numbers,
    open_run_folder,
    read_log,
)
from luthier.training.settings import (
    BUDGETS,
    Settings,
    check_same_instrument,
    resolve_settings,
    settings_tables,
    write_settings,
)
from luthier.training.start import start_network
from luthier.training.threads import fastest_thread_count, n_threads
from luthier.training.validation import MONITOR, validation_windows
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
    """

    run_folder: Path | None = None
    resume: bool = False
    force: bool = False
    examples: Sequence[Example] = ()
    on_start: Callable[[RunStart], None] | None = None
    on_epoch: Callable[[EpochReport], None] | None = None


class RunResult(NamedTuple):
    """What a run leaves behind.

    Attributes:
        output: the instrument file.
        run_folder: sounds, pictures, checkpoints, log.
        steps: done in all.
        seconds: spent in all.
        scores: of the last validation.
        best_score: lowest validation `mss_rel`; that of the instrument file.
        stopped_because: in words.
        verdict: whether more training would help, in words; empty after too few validations to say.
        skipped: steps skipped because something was not finite, a sentence each.
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
        What the run leaves behind; the file holds the instrument with the best validation.

    Raises:
        DatasetError, ConfigError, OutputError, AudioFileError: something given is not usable.
        TrainingError: three steps in a row were not finite, or the budget of a resumed run is used up.
    """
    output = Path(output)
    folder = RunFolder(options.run_folder) if options.run_folder else default_run_folder(output)
    refuse_existing(output, force=options.force or options.resume)
    if output.is_dir():
        raise OutputError(f"{output}: is a folder. Give the name of a file, ending in .safetensors.")
    opened = Dataset.open(dataset)
    tables = _with_budget(_tables(folder, preset, config_file, overrides, resume=options.resume), opened)
    run = _Run(opened, settle_room(resolve_settings(tables, opened.definition), opened), folder, options)
    if options.resume:
        check_same_instrument(instrument_config(read_config_file(folder.config)["instrument"]), run.settings.instrument)
        check_same_dataset(folder, opened)
        finished = _finished(run, output)
        if finished is not None:
            return finished
    # Everything that a user can get wrong has been read by now: only then is anything written.
    callbacks = _callbacks(run)
    open_run_folder(folder, resume=options.resume, force=options.force)
    write_settings(folder.config, run.settings)
    module, batches = build(opened, run.settings)
    keep_freed_memory()
    # Loaders draw from torch's global generator: it is put back afterwards.
    with quiet_lightning(), torch.random.fork_rng(devices=[]), _cores(run, module, batches):
        trainer = _trainer(folder, callbacks)
        if options.on_start is not None:
            options.on_start(_start(run, module, trainer))
        _fit(trainer, module, batches, run)
    _publish(folder, output)
    return _result(output, run, module, callbacks)


def build(dataset: Dataset, settings: Settings) -> tuple[TrainingModule, StepBatches]:
    """Make an untrained instrument for a dataset, and the batches it will learn from.

    The weights follow from the seed, and the start if there is one; torch's global generator is left as it was.
    """
    settings = settle_room(settings, dataset)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.training.seed)
        instrument = Instrument(settings.instrument)
        start = settings.training.start
        fits = bool(start) and start_network(instrument, start)
    instrument.statistics.set(statistics_values(dataset))
    counter, batches = StepCounter(), StepBatches(dataset, settings.training)
    module = TrainingModule(instrument, settings.training, counter, batches)
    module.started_from = start if fits else ""
    module.quiet_db = start_room(instrument.room, dataset)
    module.dataset_fingerprint = dataset.fingerprint
    return module, batches


def statistics_values(dataset: Dataset) -> StatisticsValues:
    """The statistics of the training blocks, as an instrument stores them."""
    found = dataset.statistics
    return StatisticsValues(
        f0_octaves_mean=found.f0_octaves.mean,
        f0_octaves_std=found.f0_octaves.std,
        loudness_db_mean=found.loudness_db.mean,
        loudness_db_std=found.loudness_db.std,
        f0_octaves_quantiles=found.f0_octaves.quantiles,
        loudness_db_quantiles=found.loudness_pitched_db.quantiles,
        expression_quantiles=[found.expression[name].quantiles for name in Expression._fields],
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
    if resume and not folder.config.is_file():
        raise TrainingError(f"{folder.path}: no run to resume (no {folder.config.name}). Leave out --resume.")
    return settings_tables(preset, config_file=folder.config if resume else config_file, overrides=overrides)


def _with_budget(tables: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Where nobody names a budget, as many steps as suit the material."""
    training = tables.get("training", {})
    if any(training.get(name) is not None for name in BUDGETS):
        return tables
    steps = default_steps(training_config(training), dataset.statistics.total_seconds)
    return tables | {"training": training | {"steps": steps}}


def _finished(run: _Run, output: Path) -> RunResult | None:
    """What a run left whose budget is used up; None where there is something to do.

    Raises:
        TrainingError: its instrument has been written, too: nothing is left to do.
    """
    folder, config = run.folder, run.settings.training
    if not folder.checkpoint.is_file():
        return None
    kept = kept_numbers(folder)
    steps, seconds = kept["steps"], kept["seconds"]
    steps_per_epoch = StepBatches(run.dataset, config).steps_per_epoch
    # With the validation that a budget reserves time for, as when it stopped.
    until_stop = seconds + kept.get("validation_seconds", 0.0)
    rows = read_log(folder)
    if budget_used(config, steps=steps, steps_per_epoch=steps_per_epoch, seconds=until_stop) < 1.0 or not rows:
        return None
    used_up = say_used_up(config, steps=steps, seconds=seconds)
    if output.is_file() and output.read_bytes() == folder.best.read_bytes():
        raise TrainingError(f"{folder.path}: {used_up}.")
    # Stopped between its last checkpoint and its end.
    _publish(folder, output)
    last = {name: rows[-1][name] for name in ("seconds", "scores", "best_score", "verdict")}
    return RunResult(output, folder.path, steps, stopped_because=used_up, skipped=kept["skipped"], **last)


class _Callbacks(NamedTuple):
    reporter: Reporter
    listener: Listener
    checkpoint: ModelCheckpoint
    stopping: EarlyStopping | None


def _callbacks(run: _Run) -> _Callbacks:
    dataset, settings, folder = run.dataset, run.settings.training, run.folder
    examples = [get_example(example, dataset.definition) for example in run.options.examples]
    listener = Listener(folder, [validation_clip(dataset), *examples], settings.listen_every_epochs)
    stopping = EarlyStopping(f"validation/{MONITOR}", patience=settings.patience, check_on_train_epoch_end=False)
    # The only checkpoint is the last one: the best instrument is kept as an instrument file.
    checkpoint = ModelCheckpoint(folder.path, filename=folder.checkpoint.stem, enable_version_counter=False)
    reporter = Reporter(folder, dataset, run.options.on_epoch)
    return _Callbacks(reporter, listener, checkpoint, stopping if settings.patience else None)


def _trainer(folder: RunFolder, callbacks: _Callbacks) -> lightning.Trainer:
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
def _cores(run: _Run, module: TrainingModule, batches: StepBatches) -> Iterator[None]:
    """Let a run use several cores: through a second process, or the number of threads with which a step is fastest."""
    if not pays(run.settings.training, n_cores=torch.get_num_threads(), steps_per_epoch=batches.steps_per_epoch):
        with n_threads(_thread_count(module, batches)):
            yield
        return
    helper = Companion(run.dataset.path, Share(1, 2))
    module.helper, batches.share = helper, Share(0, 2)
    try:
        with n_threads(1):
            yield
    finally:
        helper.close()


def _thread_count(module: TrainingModule, batches: StepBatches) -> int:
    """The number of threads with which this machine, as busy as it is now, does a step fastest."""
    batch = batches[0]
    work = partial(module.rehearse, batch)
    count = fastest_thread_count(work, torch.get_num_threads())
    module.zero_grad(set_to_none=True)
    return count


def _fit(trainer: lightning.Trainer, module: TrainingModule, batches: StepBatches, run: _Run) -> None:
    loader = training_loader(batches, module.counter)
    validation = DataLoader(_ValidationWindows(run.dataset), batch_size=None)
    checkpoint = run.folder.checkpoint if run.options.resume else None
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


def _publish(folder: RunFolder, output: Path) -> None:
    with atomic_file(output, force=True) as temporary:
        temporary.write_bytes(folder.best.read_bytes())


def _result(output: Path, run: _Run, module: TrainingModule, callbacks: _Callbacks) -> RunResult:
    report = callbacks.reporter.last
    assert report is not None, "a run ends with a validation"
    is_early = callbacks.stopping is not None and callbacks.stopping.stopped_epoch > 0
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
