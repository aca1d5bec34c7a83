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
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from luthier.data.dataset import Dataset
from luthier.model.config import InstrumentConfig
from luthier.model.instrument import Instrument
from luthier.training.batches import StepBatches, StepCounter
from luthier.training.config import TrainingConfig
from luthier.training.memory import keep_freed_memory
from luthier.training.module import Share, TrainingModule

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


class Shared(NamedTuple):
    """What both processes see; views of one mapped file, in the order of the instrument's parameters.

    Attributes:
        weights: written by the trainer before a step.
        gradients: written by the companion in a step.
    """

    weights: list[Tensor]
    gradients: list[Tensor]

    @classmethod
    def map(cls, file: Path, parameters: list[nn.Parameter]) -> Shared:
        """Map a file, made if it is not there, for parameters of these shapes."""
        size = 2 * sum(parameter.numel() for parameter in parameters)
        mode: Literal["r+", "w+"] = "r+" if file.exists() else "w+"
        flat = torch.from_numpy(np.memmap(file, dtype=np.float32, mode=mode, shape=(size,)))
        parts = flat.split([parameter.numel() for parameter in parameters] * 2)
        views = [part.view(parameter.shape) for part, parameter in zip(parts, parameters * 2, strict=True)]
        return cls(views[: len(parameters)], views[len(parameters) :])


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
        self.shared: Shared | None = None

    def begin(self, module: TrainingModule) -> bool:
        """Let the companion do its share of the step that the module is about to do; False, and said why, if it is lost."""
        parameters = list(module.instrument.parameters())
        try:
            if self.shared is None:
                self.shared = self._introduce(module, parameters)
            with torch.no_grad():
                torch._foreach_copy_(self.shared.weights, list[Tensor](parameters))
            self._tell(f"{module.counter.steps}\n")
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
        pairs = zip(module.instrument.parameters(), self.shared.gradients, strict=True)
        mine, others = zip(*((one.grad, other) for one, other in pairs if one.grad is not None), strict=True)
        torch._foreach_add_(mine, others)
        torch._foreach_mul_(mine, 1.0 / self.share.of)
        return True

    def close(self) -> None:
        """End the companion."""
        self.process.kill()
        self.process.communicate()
        self.errors.close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _introduce(self, module: TrainingModule, parameters: list[nn.Parameter]) -> Shared:
        self.folder = Path(tempfile.mkdtemp(prefix="luthier-"))
        shared = Shared.map(self.folder / "shared", parameters)
        save_file(module.instrument.state_dict(), self.folder / "state")
        job = {
            "folder": str(self.folder),
            "dataset": str(self.dataset),
            "share": self.share,
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


def main() -> None:
    """The companion's end: answer every step number with gradients, until the trainer is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the trainer
    torch.set_num_threads(1)
    keep_freed_memory()
    job = json.loads(sys.stdin.readline() or "null")
    if job is None:
        return
    folder = Path(job["folder"])
    module, batches = _module(job, load_file(folder / "state"))
    parameters = list(module.instrument.parameters())
    shared = Shared.map(folder / "shared", parameters)
    for parameter, weight, gradient in zip(parameters, *shared, strict=True):
        parameter.data, parameter.grad = weight, gradient
    answer = sys.stdout.buffer
    answer.write(READY)
    answer.flush()
    ahead, next_batch = -1, None
    for line in sys.stdin:
        step = module.counter.steps = int(line)
        batch = next_batch if next_batch is not None and step == ahead else batches[step]
        torch._foreach_zero_(shared.gradients)
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
    batches = StepBatches(Dataset.open(job["dataset"]), training)
    module = TrainingModule(instrument, training, StepCounter(), batches.steps_per_epoch)
    module.own_share, module.quiet_db = Share(*job["share"]), job["quiet_db"]
    return module, batches


if __name__ == "__main__":
    main()
