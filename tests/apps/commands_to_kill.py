"""Commands in processes of their own that are killed at any moment, as by a power cut or an impatient user."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from luthier.atomic import UNFINISHED

PRELOADED = [
    "luthier.training.run", "luthier.inference.player", "luthier.data.prepare", "luthier.apps.cli.main",
    "luthier.export.onnx_cell", "onnxscript.optimizer", "torch._dynamo", "torch.onnx._internal.exporter._core",
    "matplotlib.backends.backend_agg",
]  # fmt: skip
"""Imported once: what is killed is the work, not the imports."""
LONGEST_SECONDS = 300.0
GLANCE_SECONDS = 0.001
WRITING_SECONDS = 0.02
"""About how long a small file is written, synced and renamed."""


class Kills:
    """Kills of one command at random moments.

    A file is written in a moment that hardly any kill would hit: every second one waits until the next time that
    something is being written, and comes during it or shortly after.

    Attributes:
        place: where the command writes.
        counts: kills before anything was finished, while something was being written, later than that.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.counts = {"before": 0, "while": 0, "after": 0}
        self.random = random.Random(0)

    def __str__(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"{self.total} kills: {told} writing"

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def run_and_kill(self, arguments: Sequence[object], log: Path, after_seconds: float) -> bool:
        """Run a command and kill it (SIGKILL) after a while; whether it was still at work then."""
        left_by_others, old = unfinished(self.place), finished(self.place)
        child = start(arguments, log)
        child.join(after_seconds)
        if self.total % 2:
            wait_for(lambda: child.exitcode is not None or bool(unfinished(self.place) - left_by_others))
            child.join(WRITING_SECONDS * self.random.random() ** 3)  # mostly at once: a small file is soon done
        if child.exitcode is None:
            child.kill()
            child.join()
        assert child.exitcode in (0, -9), log.read_text()
        if child.exitcode == 0:
            return False
        is_writing = bool(unfinished(self.place) - left_by_others)
        self.counts["while" if is_writing else "before" if finished(self.place) == old else "after"] += 1
        return True


def unfinished(place: Path) -> set[Path]:
    """Everything that has a temporary name."""
    return {path for path in everything(place) if is_temporary(path)}


def finished(place: Path) -> set[tuple[Path, int]]:
    """Every file with its final name, and which one it is."""
    found = [path for path in everything(place) if not any(map(is_temporary, (path, *path.parents)))]
    return {(path, path.stat().st_ino) for path in found if path.is_file()}


def is_temporary(path: Path) -> bool:
    return UNFINISHED in path.name or path.name.endswith(".partial")


def everything(place: Path) -> list[Path]:
    """What is there; things may come and go meanwhile."""
    return [Path(folder, name) for folder, folders, files in os.walk(place) for name in (*folders, *files)]


def wait_for(is_so: Callable[[], bool]) -> None:
    limit = time.monotonic() + LONGEST_SECONDS
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(GLANCE_SECONDS)


def run_command(arguments: Sequence[str], log: Path) -> None:
    """In the child: the command line, its words in a file."""
    import torch

    from luthier.apps.cli.main import app

    torch.set_num_threads(1)
    with log.open("w", encoding="utf-8") as file:
        sys.stdout = sys.stderr = file
        app(list(arguments))


def start(arguments: Sequence[object], log: Path) -> multiprocessing.Process:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    child = context.Process(target=run_command, args=([str(argument) for argument in arguments], log), daemon=True)
    child.start()
    return child  # type: ignore[return-value]


def run_whole(arguments: Sequence[object], log: Path) -> float:
    """Run a command to its end; the answer is the seconds that it took."""
    began = time.monotonic()
    child = start(arguments, log)
    child.join(LONGEST_SECONDS)
    assert child.exitcode == 0, log.read_text()
    return time.monotonic() - began
