"""Feeding a run: the batch of step s depends on the seed and on s alone."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from luthier.data.dataset import Dataset
from luthier.data.windows import Batch, random_windows, regular_places, regular_windows
from luthier.training.config import TrainingConfig


class StepCounter:
    """How many steps a run has done: shared by what draws the batches and what learns from them."""

    def __init__(self) -> None:
        self.steps = 0


class StepBatches(TorchDataset[Batch]):
    """The batch of each step, by its number."""

    def __init__(self, dataset: Dataset, config: TrainingConfig) -> None:
        self.dataset, self.config = dataset, config
        frame_rate = dataset.definition.frame_rate
        self.n_frames = max(1, round(config.window_seconds * frame_rate))
        self.every_frames = max(1, round(config.window_step_seconds * frame_rate))

    @property
    def steps_per_epoch(self) -> int:
        """Steps until every window, or `windows_per_epoch` random ones, have been drawn once."""
        n_windows = self.config.windows_per_epoch
        if self.config.windows == "regular":
            n_windows = len(regular_places(self.dataset, n_frames=self.n_frames, every_frames=self.every_frames))
        return max(1, -(-n_windows // self.config.batch_size))

    def __getitem__(self, step: int) -> Batch:
        """Draw the batch of a step."""
        if self.config.windows == "regular":
            return regular_windows(
                self.dataset,
                n_frames=self.n_frames,
                every_frames=self.every_frames,
                batch_size=self.config.batch_size,
                seed=self.config.seed,
                step=step,
            )
        return random_windows(
            self.dataset,
            n_frames=self.n_frames,
            batch_size=self.config.batch_size,
            seed=self.config.seed,
            step=step,
        )


class StepSampler(Sampler[int]):
    """The numbers of the next epoch's steps, from wherever the run stands."""

    def __init__(self, counter: StepCounter, steps_per_epoch: int) -> None:
        self.counter, self.steps_per_epoch = counter, steps_per_epoch

    def __len__(self) -> int:
        return self.steps_per_epoch

    def __iter__(self) -> Iterator[int]:
        yield from range(self.counter.steps, self.counter.steps + self.steps_per_epoch)


def training_loader(batches: StepBatches, counter: StepCounter) -> DataLoader[Batch]:
    """Batches in the order of their steps. One process: reading from memory maps never holds a step up.

    Where there is a GPU they lie in pinned memory, which it reads while the step before is still running.
    """
    sampler = StepSampler(counter, batches.steps_per_epoch)
    return DataLoader(batches, sampler=sampler, batch_size=None, pin_memory=torch.cuda.is_available())


def rank_share(batch: Batch, rank: int, world_size: int) -> Batch:
    """Every world_size-th window: together the processes learn from exactly the batch that one would have."""
    if world_size == 1:
        return batch
    mine = slice(rank, None, world_size)
    return Batch(batch.audio[mine], batch.features.map(lambda value: value[mine]), batch.origins[mine])
