"""Batches of aligned audio and features for training and evaluation.

The batch of a step follows from the dataset, the seed and the step alone: a resumed run meets the
same batches as one that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.data.split import Block, Part
from luthier.dsp.signals import MEASURED, Expression, Features
from luthier.errors import RangeError

GAP_SECONDS = (0.05, 0.6)
"""Silence between what follows each other in a filled window."""
HELD = ("f0_hz", *Expression._fields)
"""Features that keep their last value in the silence after a recording's end."""


class Origin(NamedTuple):
    """Where a window comes from, for people.

    Attributes:
        name: of the recording.
        start_seconds: where the window begins in it.
    """

    name: str
    start_seconds: float


class Batch(NamedTuple):
    """Windows of equal length.

    Attributes:
        audio: (batch, n_frames * hop_length), float32.
        features: (batch, n_frames, 1) each.
        origins: one per window; none where that is not known.
    """

    audio: Tensor
    features: Features
    origins: tuple[Origin, ...] = ()


class PlacedBatch(NamedTuple):
    """A batch and where each of its windows comes from.

    Attributes:
        batch: the windows, padded with silence to equal length.
        blocks: one per window; its `n_frames` says how many frames are no padding.
    """

    batch: Batch
    blocks: list[Block]


def random_windows(
    dataset: Dataset,
    *,
    split: Part = "train",
    n_frames: int,
    batch_size: int,
    seed: int,
    step: int,
    only: slice = slice(None),
    is_filled: bool = False,
) -> Batch:
    """Draw windows at random from one part of the split, each wholly inside a block.

    Every block is drawn in proportion to its length. Blocks shorter than a window are played once
    and followed by silence, or by others:

        |note of one recording  |gap|another, from its beginning |gap|a thi|

    Who only ever hears a note from the beginning of a window does not know how one begins after a rest.

    Args:
        dataset: where the windows come from.
        split: part of the split.
        n_frames: length of a window.
        batch_size: number of windows.
        seed: of the run, 0 or more.
        step: of the run, 0 or more.
        only: which windows of the batch are wanted.
        is_filled: whether others follow where a block is shorter than a window.

    Raises:
        RangeError: a number is out of range.
    """
    _check_positive(n_frames=n_frames, batch_size=batch_size)
    blocks = dataset.blocks(split)
    generator = _generator(seed, step)
    ends = dataset.block_ends(split)
    chosen = np.searchsorted(ends, generator.integers(ends[-1], size=batch_size), side="right")[only]
    offsets = generator.random(batch_size)[only]
    places = [_part_of(blocks[i], offset, n_frames) for i, offset in zip(chosen, offsets, strict=True)]
    if not is_filled:
        return _read(dataset, [[(0, place)] for place in places], n_frames)
    numbers = range(batch_size)[only]  # each window draws for itself: shares of a batch are the same as in the whole
    rows = [
        _filled(dataset, split, place, n_frames, _generator(seed, step, number))
        for place, number in zip(places, numbers, strict=True)
    ]
    return _read(dataset, rows, n_frames)


def regular_windows(
    dataset: Dataset,
    *,
    split: Part = "train",
    n_frames: int,
    every_frames: int,
    batch_size: int,
    seed: int,
    step: int,
    only: slice = slice(None),
) -> Batch:
    """Take windows at regular distances, every one once an epoch, in a new order each epoch.

    Args:
        dataset: where the windows come from.
        split: part of the split.
        n_frames: length of a window.
        every_frames: distance from the start of one window to the next.
        batch_size: number of windows.
        seed: of the run, 0 or more.
        step: of the run, 0 or more.
        only: which windows of the batch are wanted.

    Raises:
        RangeError: a number is out of range.
    """
    _check_positive(batch_size=batch_size)
    places = regular_places(dataset, split=split, n_frames=n_frames, every_frames=every_frames)
    if seed < 0 or step < 0:
        raise RangeError(f"seed {seed} and step {step}: expected 0 or more.")
    positions = range(step * batch_size, (step + 1) * batch_size)[only]
    chosen = [_epoch_order(len(places), seed, index // len(places))[index % len(places)] for index in positions]
    return _read(dataset, [[(0, places[i])] for i in chosen], n_frames)


def regular_places(dataset: Dataset, *, split: Part = "train", n_frames: int, every_frames: int) -> list[Block]:
    """All places of `regular_windows`, in order; their number is the length of an epoch.

    Raises:
        RangeError: a number is out of range.
    """
    _check_positive(n_frames=n_frames, every_frames=every_frames)
    return [
        Block(block.recording, block.start_frame + start, min(n_frames, block.n_frames))
        for block in dataset.blocks(split)
        for start in range(0, max(1, block.n_frames - n_frames + 1), every_frames)
    ]


def sequential_windows(
    dataset: Dataset, *, split: Part, n_frames: int, batch_size: int = 1, at_most: int | None = None
) -> Iterator[PlacedBatch]:
    """Cover all blocks of a part in order and without overlap, for validation and test.

    Args:
        dataset: where the windows come from.
        split: part of the split.
        n_frames: length of a window; the last one of a block is padded with silence.
        batch_size: number of windows in a batch; the last batch may be smaller.
        at_most: windows wanted; of more, an even choice is taken. None takes all.

    Raises:
        RangeError: a number is out of range.
    """
    _check_positive(n_frames=n_frames, batch_size=batch_size, at_most=1 if at_most is None else at_most)
    places = [
        Block(block.recording, block.start_frame + start, min(n_frames, block.n_frames - start))
        for block in dataset.blocks(split)
        for start in range(0, block.n_frames, n_frames)
    ]
    if at_most is not None:
        places = places[:: max(1, -(-len(places) // at_most))]
    for first in range(0, len(places), batch_size):
        chosen = places[first : first + batch_size]
        yield PlacedBatch(_read(dataset, [[(0, place)] for place in chosen], n_frames), chosen)


def _check_positive(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise RangeError(f"{name} {number}: expected 1 or more.")


def _generator(seed: int, step: int, *window: int) -> np.random.Generator:
    if seed < 0 or step < 0:
        raise RangeError(f"seed {seed} and step {step}: expected 0 or more.")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, step, *window])))


@lru_cache(maxsize=4)
def _epoch_order(n_places: int, seed: int, epoch: int) -> np.ndarray:
    return _generator(seed, epoch).permutation(n_places)


def _part_of(block: Block, offset: float, n_frames: int) -> Block:
    """The window at a relative position 0 <= offset < 1 of a block."""
    n_starts = max(1, block.n_frames - n_frames + 1)
    return Block(block.recording, block.start_frame + int(offset * n_starts), min(n_frames, block.n_frames))


_Row: TypeAlias = list[tuple[int, Block]]
"""What a window holds: first frame in the window, and where what begins there is read from."""


def _filled(dataset: Dataset, split: Part, first: Block, n_frames: int, generator: np.random.Generator) -> _Row:
    """A window that goes on, after gaps, with blocks from their beginnings, drawn as the first one was."""
    row, end = [(0, first)], first.n_frames
    blocks, ends, frame_rate = dataset.blocks(split), dataset.block_ends(split), dataset.definition.frame_rate
    while (begin := end + max(1, round(generator.uniform(*GAP_SECONDS) * frame_rate))) < n_frames:
        block = blocks[np.searchsorted(ends, generator.integers(ends[-1]), side="right")]
        end = begin + min(block.n_frames, n_frames - begin)
        row.append((begin, block._replace(n_frames=end - begin)))
    return row


def _read(dataset: Dataset, rows: Sequence[_Row], n_frames: int) -> Batch:
    """Copy windows straight from the mapped arrays into one batch; what is missing is silence."""
    hop_length = dataset.definition.hop_length
    audio = np.zeros((len(rows), n_frames * hop_length), dtype=np.float32)
    features = np.zeros((len(MEASURED), len(rows), n_frames), dtype=np.float32)
    features[MEASURED.index("loudness_db")] = dataset.definition.loudness_floor_db
    for number, row in enumerate(rows):
        for begin, place in row:
            targets = dict(zip(MEASURED, features[:, number, begin:], strict=True))
            _read_place(dataset, place, audio[number, begin * hop_length :], targets)
    origins = tuple(
        Origin(dataset.name_of(place.recording), place.start_frame / dataset.definition.frame_rate)
        for ((_, place), *_) in rows
    )
    return Batch(torch.from_numpy(audio), Features(*torch.from_numpy(features).unsqueeze(-1)), origins)


def _read_place(dataset: Dataset, place: Block, audio: np.ndarray, features: dict[str, np.ndarray]) -> None:
    arrays = dataset.arrays(place.recording)
    hop_length, n_read = dataset.definition.hop_length, place.n_frames
    end_frame = place.start_frame + n_read
    samples = arrays.audio.numpy()[place.start_frame * hop_length : end_frame * hop_length]
    audio[: len(samples)] = samples
    for name, target in features.items():
        target[:n_read] = getattr(arrays, name).numpy()[place.start_frame : end_frame]
        if n_read < len(target) and name in HELD:
            target[n_read:] = target[n_read - 1]
