"""Feeding a run: the batch of step s depends on the seed and on s alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import torch
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from luthier.data.dataset import Dataset
from luthier.data.split import Part
from luthier.data.windows import Batch, random_windows, regular_places, regular_windows
from luthier.training.config import TrainingConfig


class StepCounter:
    """How many steps a run has done: shared by what draws the batches and what learns from them."""

    def __init__(self) -> None:
        self.steps = 0


class Share(NamedTuple):
    """Which windows of every batch are this process's: those at `rank`, `rank + of`, `rank + 2 * of` and so on.

    Together the processes learn from exactly the batch that one would have.
    """

    rank: int
    of: int


class StepBatches(TorchDataset[Batch]):
    """The batch of each step, by its number.

    Attributes:
        share: what is drawn of each.
        part: of the dataset, that is drawn from.
        steps_per_epoch: until every window, or `windows_per_epoch` random ones, have been drawn once.
    """

    def __init__(
        self,
        dataset: Dataset,
        config: TrainingConfig,
        share: Share = Share(0, 1),  # noqa: B008  immutable
        part: Part = "train",
    ) -> None:
        self.dataset, self.config, self.share, self.part = dataset, config, share, part
        frame_rate = dataset.definition.frame_rate
        self.n_frames = max(1, round(config.window_seconds * frame_rate))
        self.every_frames = max(1, round(config.window_step_seconds * frame_rate))
        n_windows = config.windows_per_epoch
        if config.windows == "regular":
            places = regular_places(dataset, split=part, n_frames=self.n_frames, every_frames=self.every_frames)
            n_windows = len(places)
        self.steps_per_epoch = max(1, -(-n_windows // config.batch_size))

    def __getitem__(self, step: int) -> Batch:
        """Draw this process's share of the batch of a step."""
        return self._draw(step, slice(self.share.rank, None, self.share.of))

    def whole(self, step: int) -> Batch:
        """Draw the batch of a step, the shares of other processes included."""
        return self._draw(step, slice(None))

    def _draw(self, step: int, only: slice) -> Batch:
        is_regular = self.config.windows == "regular"
        draw = (
            partial(regular_windows, every_frames=self.every_frames)
            if is_regular
            else partial(random_windows, is_filled=self.config.fill_windows)
        )
        return draw(
            self.dataset,
            split=self.part,
            n_frames=self.n_frames,
            batch_size=self.config.batch_size,
            seed=self.config.seed,
            step=step,
            only=only,
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
