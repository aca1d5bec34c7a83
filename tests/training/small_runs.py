"""Trainings of a few seconds."""

import json
from pathlib import Path

from luthier.training.run import RunOptions, RunResult, train

SMALL = {"gru_width": 16, "output_width": 16, "output_depth": 1, "input_width": 8, "room.kind": "none"}
QUICK = SMALL | {"batch_size": 2, "window_seconds": 0.5, "windows_per_epoch": 8, "listen_every_epochs": 0}


def run(dataset: Path, output: Path, options: RunOptions = RunOptions(), **overrides: object) -> RunResult:  # noqa: B008
    return train(dataset, output, options=options, **(QUICK | overrides))


def losses(result: RunResult) -> list[float]:
    return [json.loads(line)["train_loss"] for line in (result.run_folder / "log.jsonl").read_text().splitlines()]
