"""The stretches of a dataset that are played to an instrument in order to score it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from torch import Tensor

from luthier.data.dataset import Dataset
from luthier.data.split import Block, Part
from luthier.dsp.signals import Features
from luthier.errors import DatasetError
from luthier.evaluation.dynamics import COUNTED_RANGE_DB
from luthier.evaluation.scores import Passage
from luthier.units import samples_to_seconds

LONGEST_CLIP_SECONDS = 30
"""Longer blocks are scored in pieces: bounds the memory."""
SILENT_POWER = 1e-10
"""Mean power (-100 dB) below which a clip holds nothing to compare."""

LEAST_SHARE = 0.02
"""Of a clip must sound: 0.6 s of 30. The scores of one that is almost all rest say little of an instrument."""


class Clip(NamedTuple):
    """A stretch of a recording with its features.

    Attributes:
        name: the recording's file name.
        start_seconds: where in the recording it begins.
        audio: (1, n_frames * hop_length).
        features: (1, n_frames, 1) each.
        block: where in the dataset that is.
    """

    name: str
    start_seconds: float
    audio: Tensor
    features: Features
    block: Block


def silent_passages(dataset: Dataset, split: Part, scored: Iterable[Clip]) -> list[Passage]:
    """What `clips_with_sound` left out of a part: everything that is not among the scored clips."""
    kept = {clip.block for clip in scored}
    pieces = (piece for block in dataset.blocks(split) for piece in _pieces(block, _longest(dataset)))
    return [_passage(dataset, piece) for piece in pieces if piece not in kept]


def clips_with_sound(dataset: Dataset, split: Part) -> tuple[list[Clip], list[float]]:
    """One part of the split as it is scored: without clips that are rests all along.

    Returns:
        The clips, and the seconds in which each sounds: within 60 dB of the loudest moment of all.

    Raises:
        DatasetError: nothing sounds in that part.
    """
    found = clips(dataset, split)
    levels = [clip.features.loudness_db for clip in found]
    quietest_db = max(float(level_db.max()) for level_db in levels) - COUNTED_RANGE_DB
    shares = [float((level_db >= quietest_db).float().mean()) for level_db in levels]
    least = min(LEAST_SHARE, max(shares))
    kept = [(clip, share) for clip, share in zip(found, shares, strict=True) if share >= least]
    rate = dataset.definition.sample_rate
    return [clip for clip, _ in kept], [share * samples_to_seconds(clip.audio.shape[-1], rate) for clip, share in kept]


def clips(dataset: Dataset, split: Part, *, at_most_seconds: float = math.inf) -> list[Clip]:
    """One part of the split, in pieces of at most 30 s, without those that are silent.

    Args:
        dataset: where the clips come from.
        split: part of the split.
        at_most_seconds: stop, from the start of the part, once this much is reached.

    Raises:
        DatasetError: nothing sounds in that part.
    """
    chosen: list[Clip] = []
    n_samples_left = at_most_seconds * dataset.definition.sample_rate
    for clip in _sounding_clips(dataset, split):
        if n_samples_left <= 0:
            break
        chosen.append(clip)
        n_samples_left -= clip.audio.shape[-1]
    if not chosen:
        raise DatasetError(f"{dataset.path}: the {split} part is silent. Prepare it again with more recordings.")
    return chosen


def _sounding_clips(dataset: Dataset, split: Part) -> Iterator[Clip]:
    for block in dataset.blocks(split):
        for piece in _pieces(block, _longest(dataset)):
            clip = _read(dataset, piece)
            if float(clip.audio.square().mean()) > SILENT_POWER:
                yield clip


def _longest(dataset: Dataset) -> int:
    return int(LONGEST_CLIP_SECONDS * dataset.definition.frame_rate)


def _pieces(block: Block, longest: int) -> list[Block]:
    """Cut a block into equal pieces (to a frame) of at most `longest` frames."""
    count = -(-block.n_frames // longest)
    edges = [block.n_frames * index // count for index in range(count + 1)]
    return [Block(block.recording, block.start_frame + start, end - start) for start, end in itertools.pairwise(edges)]


def _passage(dataset: Dataset, block: Block) -> Passage:
    hop_length, rate = dataset.definition.hop_length, dataset.definition.sample_rate
    start, length = (samples_to_seconds(n * hop_length, rate) for n in (block.start_frame, block.n_frames))
    return Passage(recording=dataset.name_of(block.recording), start_seconds=start, seconds=length)


def _read(dataset: Dataset, block: Block) -> Clip:
    window, passage = dataset.window(*block), _passage(dataset, block)
    features = window.features.map(lambda values: values.unsqueeze(0))
    return Clip(passage.recording, passage.start_seconds, window.audio.unsqueeze(0), features, block)
