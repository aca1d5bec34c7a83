"""A second process that learns from its share of every batch, so that two cores train one instrument.

    trainer ---- step number --->  companion        weights, trainer to companion, and gradients, back,
            <------- done --------                  lie in one file that both have mapped into memory

Threads would share every operation, and wait for each other after each of thousands a step: see
docs/project/decisions/two-processes.md. Where there are GPUs or several machines, Lightning's own processes do this.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.data.process import keep_freed_memory
from luthier.model.config import InstrumentConfig
from luthier.model.instrument import Instrument
from luthier.training.batches import Share, StepBatches, StepCounter
from luthier.training.config import TrainingConfig
from luthier.training.module import TrainingModule
from luthier.training.weight_row import WeightRow

logger = logging.getLogger(__name__)
READY, DONE = b"ready\n", b"done\n"
SHORTEST_STEPS, SHORTEST_MINUTES = 200, 0.5
"""Shorter runs are over before a second process has been worth its start."""


def pays(config: TrainingConfig, *, n_cores: int, steps_per_epoch: int) -> bool:
    """Whether a run should have a companion.

    Args:
        config: of the run.
        n_cores: that it may use.
        steps_per_epoch: of the run.
    """
    if config.processes == 1 or n_cores == 1 or config.batch_size == 1 or torch.cuda.is_available():
        return False
    if config.minutes is not None:
        return config.minutes >= SHORTEST_MINUTES
    steps = config.steps if config.steps is not None else (config.epochs or 0) * steps_per_epoch
    return steps >= SHORTEST_STEPS


def map_row(file: Path, n_weights: int) -> WeightRow:
    """What both processes see: a mapped file, made if it is not there.

    The trainer writes weights before a step, the companion gradients in it.
    """
    mode: Literal["r+", "w+"] = "r+" if file.exists() else "w+"
    flat = torch.from_numpy(np.memmap(file, dtype=np.float32, mode=mode, shape=(2, n_weights)))
    return WeightRow(*flat)


class _LostError(Exception):
    """The companion ended before its work was done."""


class Companion:
    """The trainer's end.

    The process starts at once, since importing torch takes a while; `begin` waits for it only in the first step.

    Args:
        dataset: folder of the dataset.
        share: the companion's.
    """

    def __init__(self, dataset: Path, share: Share) -> None:
        self.dataset, self.share = dataset, share
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "luthier.training.companion"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env=environment,
        )
        self.folder: Path | None = None
        self.shared: WeightRow | None = None
        self.begun = -1

    def begin(self, module: TrainingModule) -> bool:
        """Let the companion do its share of the step that the module does next; False, and said why, if it is lost."""
        if self.begun == module.counter.steps:
            return True
        try:
            if self.shared is None:
                self.shared = self._introduce(module)
            self.shared.weights.copy_(module.row.weights)
            self._tell(f"{module.counter.steps}\n")
            self.begun = module.counter.steps
        except _LostError:
            return self._say_lost()
        return True

    def add_gradients(self, module: TrainingModule) -> bool:
        """Wait for the companion, and make the gradients of the module's parameters the mean of both shares'."""
        try:
            self._expect(DONE)
        except _LostError:
            return self._say_lost()
        assert self.shared is not None
        module.row.gradients.add_(self.shared.gradients).mul_(1.0 / self.share.of)
        return True

    def close(self) -> None:
        """End the companion."""
        self.process.kill()
        self.process.communicate()
        self.errors.close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _introduce(self, module: TrainingModule) -> WeightRow:
        self.folder = Path(tempfile.mkdtemp(prefix="luthier-"))
        shared = map_row(self.folder / "shared", len(module.row.weights))
        save_file(module.instrument.state_dict(), self.folder / "state")
        job = {
            "folder": str(self.folder),
            "dataset": str(self.dataset),
            "share": self.share,
            "part": module.batches.part,
            "instrument": module.instrument.config.model_dump(mode="json"),
            "training": module.config.model_dump(mode="json"),
            "quiet_db": module.quiet_db,
        }
        self._tell(json.dumps(job) + "\n")
        self._expect(READY)
        shutil.rmtree(self.folder, ignore_errors=True)  # where a mapped file can be removed; else when all is over
        return shared

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except OSError as error:
            raise _LostError from error

    def _expect(self, answer: bytes) -> None:
        assert self.process.stdout is not None
        if self.process.stdout.readline() != answer:
            raise _LostError

    def _say_lost(self) -> bool:
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip().splitlines() or ["it did not say why"]
        logger.warning(f"the second training process ended ({said[-1]}): training goes on in one")
        return False


@keep_freed_memory()
def main() -> None:
    """The companion's end: answer every step number with gradients, until the trainer is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the trainer
    torch.set_num_threads(1)
    job = json.loads(sys.stdin.readline() or "null")
    if job is None:
        return
    folder = Path(job["folder"])
    module, batches = _module(job, load_file(folder / "state"))
    weights = module.weights()
    shared = map_row(folder / "shared", sum(weight.numel() for weight in weights))
    shared.hold(weights)
    answer = sys.stdout.buffer
    answer.write(READY)
    answer.flush()
    ahead, next_batch = -1, None
    for line in sys.stdin:
        step = module.counter.steps = int(line)
        batch = next_batch if next_batch is not None and step == ahead else batches[step]
        shared.gradients.zero_()
        played = module.play_share(batch)
        (played.loss + played.other_error).backward()
        answer.write(DONE)
        answer.flush()
        ahead, next_batch = step + 1, batches[step + 1]  # while the trainer learns
    shutil.rmtree(folder, ignore_errors=True)  # the trainer may have been killed


def _module(job: dict[str, Any], state: dict[str, Tensor]) -> tuple[TrainingModule, StepBatches]:
    training = TrainingConfig.model_validate(job["training"])
    instrument = Instrument(InstrumentConfig.model_validate(job["instrument"]))
    instrument.load_state_dict(state)
    batches = StepBatches(Dataset.open(job["dataset"]), training, Share(*job["share"]), job["part"])
    module = TrainingModule(instrument, training, StepCounter(), batches)
    module.quiet_db = job["quiet_db"]
    return module, batches


if __name__ == "__main__":
    main()
