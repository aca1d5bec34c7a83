"""A second process learns from its share of every batch."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.training import companion as companion_module
from luthier.training.batches import StepBatches
from luthier.training.companion import Companion, pays
from luthier.training.config import TrainingConfig, training_config
from luthier.training.module import Share, TrainingModule
from luthier.training.run import RunOptions, RunResult, RunStart, train
from luthier.training.settings import resolve_settings, settings_tables
from luthier.training.untrained import build

SMALL = {"gru_width": 16, "output_width": 16, "batch_size": 4, "window_seconds": 0.5, "rest_weight": 1.0, "steps": 9}


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.fixture
def two_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def learning(dataset: Dataset) -> tuple[TrainingModule, StepBatches]:
    settings = resolve_settings(settings_tables("fast", overrides=SMALL), dataset.definition)
    return build(dataset, settings, "trainval")  # the companion is told which part


def gradients(module: TrainingModule, batches: StepBatches, share: Share, step: int) -> list[Tensor]:
    batches.share, module.counter.steps = share, step
    module.zero_grad(set_to_none=False)
    played = module.play_share(batches[step])
    (played.loss + played.other_error).backward()
    return [parameter.grad.clone() for parameter in module.instrument.parameters()]


def test_the_gradients_are_the_mean_of_both_shares_with_the_weights_of_the_moment(
    dataset_path: Path, learning: tuple[TrainingModule, StepBatches]
) -> None:
    module, batches = learning
    module.configure_optimizers()
    companion = Companion(dataset_path, Share(1, 2))
    try:
        for step in (3, 5):
            module.counter.steps = step
            with torch.no_grad():
                module.instrument.decoder.head.bias.add_(0.1)
            assert companion.begin(module)
            theirs = gradients(module, batches, Share(1, 2), step)
            mine = gradients(module, batches, Share(0, 2), step)
            assert companion.add_gradients(module)
            for parameter, own, other in zip(module.instrument.parameters(), mine, theirs, strict=True):
                scale = float(other.abs().max()) + 1e-6
                torch.testing.assert_close(parameter.grad, (own + other) / 2, atol=1e-4 * scale, rtol=1e-4)
            assert not torch.equal(mine[-1], theirs[-1])
        assert companion.folder is not None
        assert sys.platform == "win32" or not companion.folder.exists()  # nothing is left if both are killed
    finally:
        companion.close()
    assert companion.process.poll() is not None


def run(dataset: Path, output: Path, on_start: Callable[[RunStart], None]) -> RunResult:
    options = RunOptions(on_start=on_start)
    wishes = SMALL | {"steps": 30, "windows_per_epoch": 60, "listen_every_epochs": 0, "room.kind": "none"}
    return train(dataset, output, options=options, **wishes)


@pytest.mark.usefixtures("two_cores")
def test_a_run_goes_on_alone_when_its_companion_is_lost(
    dataset_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    companions, helped = [], []

    class Mortal(Companion):
        def __init__(self, dataset: Path, share: Share) -> None:
            super().__init__(dataset, share)
            companions.append(self)

        def add_gradients(self, module: TrainingModule) -> bool:
            helped.append(module.counter.steps)
            if module.counter.steps == 5:
                self.process.kill()
                self.process.wait()
            return super().add_gradients(module)

    monkeypatch.setattr(companion_module, "SHORTEST_STEPS", 30)
    monkeypatch.setattr("luthier.training.cores.Companion", Mortal)
    starts: list[RunStart] = []
    with caplog.at_level(logging.WARNING, logger=companion_module.__name__):
        result = run(dataset_path, tmp_path / "a.safetensors", starts.append)
    assert (starts[0].n_processes, starts[0].n_threads) == (2, 1)
    assert helped in (list(range(6)), list(range(7)))  # its last answer may have been under way
    assert "training goes on in one" in caplog.text
    assert result.steps == 30
    assert math.isfinite(result.best_score)
    assert companions[0].process.poll() is not None


@pytest.mark.parametrize(
    ("wishes", "n_cores", "expected"),
    [
        ({"minutes": 10.0}, 2, True),
        ({"minutes": 10.0}, 1, False),
        ({"minutes": 0.1}, 2, False),
        ({"steps": 1000}, 2, True),
        ({"steps": 20}, 2, False),
        ({"epochs": 30}, 2, True),
        ({"epochs": 1}, 2, False),
        ({"steps": 1000, "batch_size": 1}, 2, False),
        ({"steps": 1000, "processes": 1}, 2, False),
    ],
)
def test_short_runs_and_single_cores_have_none(wishes: dict[str, object], n_cores: int, expected: bool) -> None:
    config = training_config({"processes": 2} | wishes)
    assert isinstance(config, TrainingConfig)
    assert pays(config, n_cores=n_cores, steps_per_epoch=10) is expected
