"""Where a run keeps its things.

violin-run/
  config.toml          the full configuration; `--config` reads it
  log.jsonl            one line of numbers for each validation
  best.safetensors     the instrument with the best validation so far
  last.ckpt            what `--resume` continues from
  tensorboard/         `tensorboard --logdir violin-run`
  audio/epoch_0001/    WAVs and pictures of the validation clip and the examples
  published.txt        SHA-256 of the instrument that was there when the run began, by force, or last went on
  refit/               the same again for a refit, which has no validation; its best.safetensors is its last
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import torch

from luthier.atomic import atomic_file, is_unfinished
from luthier.data.dataset import Dataset
from luthier.errors import OutputError, TrainingError
from luthier.model.bundled import SUFFIX
from luthier.model.presets import read_config_file
from luthier.training.validation import MONITOR
from luthier.training.verdict import Moment


class RunFolder(NamedTuple):
    """The paths inside a run's folder.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The full configuration."""
        return self.path / "config.toml"

    @property
    def log(self) -> Path:
        """One JSON object a line, one line a validation."""
        return self.path / "log.jsonl"

    @property
    def best(self) -> Path:
        """The best instrument so far."""
        return self.path / "best.safetensors"

    @property
    def checkpoint(self) -> Path:
        """Everything that is needed to go on."""
        return self.path / "last.ckpt"

    @property
    def published(self) -> Path:
        """What tells the instrument that was written before the run went on from all others."""
        return self.path / "published.txt"

    @property
    def refit(self) -> RunFolder:
        """The refit's own."""
        return RunFolder(self.path / "refit")

    def audio(self, epoch: int) -> Path:
        """Sounds and pictures of an epoch."""
        return self.path / "audio" / f"epoch_{epoch:04d}"


def default_run_folder(output: Path) -> RunFolder:
    """The folder beside the instrument: violin.safetensors -> violin-run."""
    return RunFolder(output.with_name(f"{output.stem}-run"))


def own_run(instrument: Path) -> RunFolder | None:
    """The run beside an instrument that made it; None where there is none, or it is that of another instrument."""
    folder = default_run_folder(instrument)
    return folder if _is_outcome(folder, instrument) else None


OUR_NAMES = {
    "config.toml",
    "log.jsonl",
    "best.safetensors",
    "last.ckpt",
    "tensorboard",
    "audio",
    "published.txt",
    "refit",
}
"""All that a run writes into its folder: a folder that holds anything else is never removed."""


def open_run_folder(folder: RunFolder, *, resume: bool, force: bool) -> None:
    """Make the folder for a new run, or find that of an old one.

    What a run left that stopped before its first checkpoint is replaced without asking.

    Raises:
        OutputError: a run is there already and neither `resume` nor `force` is set, something else is there,
            or the folder cannot be made.
        TrainingError: `resume` is set and there is nothing to resume.
    """
    if resume:
        if not folder.checkpoint.is_file() or not folder.config.is_file():
            raise TrainingError(
                f"{folder.path}: no run to resume (no {folder.checkpoint.name}, which each validation writes). "
                "Leave out --resume."
            )
        return
    try:
        _clear(folder, force=force)
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder.path}: cannot be made ({error.strerror}). Choose another place.") from error


def _clear(folder: RunFolder, *, force: bool) -> None:
    if not folder.path.exists():
        return
    strange = sorted(
        path.name for path in folder.path.iterdir() if path.name not in OUR_NAMES and not is_unfinished(path)
    )
    if strange:
        raise OutputError(f"{folder.path}: holds {strange[0]!r}, which no run writes. Choose another --run-folder.")
    if folder.checkpoint.exists() and not force:
        raise OutputError(
            f"{folder.path}: a run is here already. Add --resume to continue it, or --force to replace it."
        )
    shutil.rmtree(folder.path)


def refuse_other_names(output: Path) -> None:
    """Stop before the work where an instrument would not be found again.

    Raises:
        OutputError: the name is that of a folder, or does not end in .safetensors.
    """
    if output.is_dir() or output.suffix != SUFFIX:
        kind = "is a folder" if output.is_dir() else f"ends in {output.suffix or 'nothing'}"
        raise OutputError(f"{output}: {kind}. Give the name of a file, ending in {SUFFIX}.")


def is_own_instrument(folder: RunFolder, output: Path) -> bool:
    """Whether a file is an instrument that this run made, or that it is to replace: see `keep_for_replacing`."""
    if _is_outcome(folder, output):
        return True
    is_known = output.is_file() and folder.published.is_file()
    return is_known and folder.published.read_text(encoding="utf-8") == _digest(output.read_bytes())


def _is_outcome(folder: RunFolder, output: Path) -> bool:
    """Whether a file is what a run has made so far: its best instrument, or its refit's."""
    made = [path.read_bytes() for path in (folder.best, folder.refit.best) if path.is_file()]
    return bool(made) and output.is_file() and output.read_bytes() in made


def keep_for_replacing(folder: RunFolder, output: Path) -> None:
    """Remember which instrument a run is to replace: when it goes on, that is none of its own any more, or never was."""
    with atomic_file(folder.published, force=True) as temporary:
        temporary.write_text(_digest(output.read_bytes()), encoding="utf-8")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def kept_numbers(folder: RunFolder) -> dict[str, Any]:
    """What the last checkpoint says of the run itself.

    Raises:
        TrainingError: it is damaged.
    """
    kept: dict[str, Any] = _checkpoint(folder, "luthier")
    return kept


def _checkpoint(folder: RunFolder, part: str) -> Any:
    try:
        return torch.load(folder.checkpoint, weights_only=True)[part]
    except Exception as error:  # torch raises whatever its reader stumbles over
        raise TrainingError(
            f"{folder.checkpoint}: no checkpoint of a run, or damaged. Begin anew: --force instead of --resume."
        ) from error


def has_stopped_early(folder: RunFolder, patience: int) -> bool:
    """Whether a run has lost its patience with its validation, and is not given more."""
    states = _checkpoint(folder, "callbacks")
    waited = [state["wait_count"] for name, state in states.items() if name.startswith("EarlyStopping")]
    return bool(patience) and any(count >= patience for count in waited)


def is_same_dataset(folder: RunFolder, dataset: Dataset) -> bool:
    """Whether the last checkpoint learned from this dataset; older versions kept less of what tells datasets apart."""
    kept = kept_numbers(folder)
    return all(kept.get(name, fingerprint) == fingerprint for name, fingerprint in dataset.fingerprints.items())


def check_same_dataset(folder: RunFolder, dataset: Dataset) -> None:
    """Scores of two datasets say nothing about each other: the best instrument would never be replaced.

    Raises:
        TrainingError: the run was begun on another dataset.
    """
    if folder.checkpoint.is_file() and not is_same_dataset(folder, dataset):
        raise TrainingError(
            f"{folder.path}: was begun on another dataset. Give that one, or begin anew: --force instead of --resume."
        )


def begun_preset(folder: RunFolder, default: str) -> str:
    """The preset of a run that was begun; the default where its settings name none.

    Raises:
        TrainingError: there is no run, or its settings are lost.
    """
    if not folder.config.is_file():
        raise TrainingError(f"{folder.path}: no run to resume (no {folder.config.name}). Leave out --resume.")
    tables = read_config_file(folder.config)
    if "instrument" not in tables:
        raise TrainingError(f"{folder.config}: holds no settings of a run. Train anew with --force.")
    return str(tables["instrument"].get("preset", default))


def append_log(folder: RunFolder, row: dict[str, Any]) -> None:
    """Add one line of numbers; the file is written anew, so that it never ends in half a line.

    A run that was killed may have validated after its last checkpoint: what is done again stands there once.
    """
    rows = [*rows_before(folder, row["step"]), row]
    lines = [json.dumps(_without_nan(each), allow_nan=False) + "\n" for each in rows]
    with atomic_file(folder.log, force=True) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def rows_before(folder: RunFolder, step: int) -> list[dict[str, Any]]:
    """The lines of numbers up to a step, without it, the oldest first."""
    return [row for row in read_log(folder) if row["step"] < step]


def _without_nan(value: Any) -> Any:
    """JSON has no NaN: what was not measured is null."""
    if isinstance(value, dict):
        return {name: _without_nan(entry) for name, entry in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {name: math.nan if value is None else value for name, value in row.items()}


def read_log(folder: RunFolder) -> list[dict[str, Any]]:
    """All lines of numbers, the oldest first; none before the first validation.

    Raises:
        TrainingError: the log is damaged.
    """
    if not folder.log.is_file():
        return []
    lines = folder.log.read_text(encoding="utf-8").splitlines()
    try:
        return [json.loads(line, object_hook=_with_nan) for line in lines if line.strip()]
    except json.JSONDecodeError as error:
        raise TrainingError(
            f"{folder.log}: damaged, expected a JSON object in each line. Delete those that are none, or train anew "
            "with --force."
        ) from error


def read_moments(folder: RunFolder) -> list[Moment]:
    """What `judge` needs of all validations so far, the oldest first."""
    return as_moments(read_log(folder))


def as_moments(rows: list[dict[str, Any]]) -> list[Moment]:
    """What `judge` needs of lines of the log."""
    return [as_moment(row["seconds"], row["train_loss"], row["scores"]) for row in rows]


def as_moment(seconds: float, train_loss: float, scores: dict[str, float]) -> Moment:
    """What `judge` needs of a validation with these scores."""
    return Moment(seconds, train_loss, scores[MONITOR], scores.get(f"{MONITOR}_oracle", math.nan))
