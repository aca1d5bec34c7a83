"""Commands in processes of their own that are killed at any moment, as by a power cut or an impatient user."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PRELOADED = ["luthier.training.run", "luthier.inference.player", "luthier.data.prepare", "luthier.apps.cli.main"]
"""Imported once: what is killed is the work, not the imports."""
LONGEST_SECONDS = 300.0


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


def run_and_kill(arguments: Sequence[object], log: Path, after_seconds: float) -> bool:
    """Run a command and kill it (SIGKILL) after a while; whether it was still at work then."""
    child = start(arguments, log)
    child.join(after_seconds)
    if child.exitcode is None:
        child.kill()
        child.join()
    assert child.exitcode in (0, -9), log.read_text()
    return child.exitcode == -9
