"""Which part of the material is for training, validation and test.

Three ways, chosen by what the recordings are; all are fixed by content hashes, so that neither
names nor order of the files matter.

blocks  One recording or a few: 30 s blocks, every fifth for test and the one after it for
        validation. At every cut between parts the later block starts 2 s late, so that no
        reverberation and no phrase leaks across:

            |train |train |train |train |..test|..vali|..train|train |train |..test|

        Material too short for six such blocks is cut into tenths (twentieths, if its files fall
        badly), never below 1 s; the gap is then a quarter of a block.
files   Ten recordings or more, none longer than a fifth of the whole: every fifth file for test
        and the one after it for validation.
takes   Ten recordings or more, most of them one short note each: a fifth of the takes for test and
        a fifth for validation, never the last take of a pitch.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from luthier.errors import DatasetError

Part = Literal["train", "validation", "test", "trainval"]
"""`trainval` is training and validation together: what a refit learns from."""
SplitMethod = Literal["blocks", "files", "takes"]

BLOCK_SECONDS = 30
SHORTEST_BLOCK_SECONDS = 1
GAP_SECONDS = 2
EVERY = 5
"""Every fifth block or file is held out for test."""
MIN_BLOCKS = 6
"""The fifth block is for test, the sixth for validation."""
MANY_FILES = 10
NOTE_SHARE = 0.8
"""Share of single notes from which a set counts as a set of notes."""


class Take(NamedTuple):
    """One recording, as the split sees it.

    Attributes:
        recording: its id, made from its content.
        n_frames: its length.
        note: MIDI number where the whole recording is one short note, else None.
    """

    recording: str
    n_frames: int
    note: int | None


class Block(NamedTuple):
    """A stretch of one recording, all of it in the same part of the split.

    Attributes:
        recording: id of the recording.
        start_frame: its first frame.
        n_frames: its length.
    """

    recording: str
    start_frame: int
    n_frames: int


class Split(NamedTuple):
    """The split of a dataset: how it was made, and the blocks of each part."""

    method: SplitMethod
    train: tuple[Block, ...]
    validation: tuple[Block, ...]
    test: tuple[Block, ...]


def split_takes(takes: Sequence[Take], frame_rate: float) -> Split:
    """Divide recordings into training, validation and test.

    Args:
        takes: at least one; their order does not matter.
        frame_rate: frames per second.

    Raises:
        DatasetError: there is too little material for three parts.
    """
    takes = sorted(takes)
    if len(takes) >= MANY_FILES:
        if (split := _split_notes(takes)) is not None:
            return split
        if max(take.n_frames for take in takes) * EVERY <= sum(take.n_frames for take in takes):
            return _gather("files", [(_part(index), _whole(take)) for index, take in enumerate(takes)])
    return _split_blocks(takes, frame_rate)


def _part(index: int) -> Part:
    if index % EVERY == EVERY - 1:
        return "test"
    return "validation" if index % EVERY == 0 and index > 0 else "train"


def _whole(take: Take) -> Block:
    return Block(take.recording, 0, take.n_frames)


def _gather(method: SplitMethod, placed: Sequence[tuple[Part, Block]]) -> Split:
    def blocks(wanted: Part) -> tuple[Block, ...]:
        return tuple(sorted(block for part, block in placed if part == wanted))

    return Split(method, blocks("train"), blocks("validation"), blocks("test"))


def _split_notes(takes: Sequence[Take]) -> Split | None:
    """Hold out takes whose pitch has another take in training; None where that cannot be done."""
    if sum(take.note is not None for take in takes) < NOTE_SHARE * len(takes):
        return None
    left = Counter(take.note for take in takes if take.note is not None)
    quota = 2 * max(1, len(takes) // EVERY)
    held_out = itertools.cycle(("test", "validation"))
    parts: list[Part] = []
    for take in takes:
        if take.note is not None and left[take.note] > 1 and len(parts) - parts.count("train") < quota:
            left[take.note] -= 1
            parts.append("test" if next(held_out) == "test" else "validation")
        else:
            parts.append("train")
    if "validation" not in parts:
        return None
    return _gather("takes", list(zip(parts, map(_whole, takes), strict=True)))


def _split_blocks(takes: Sequence[Take], frame_rate: float) -> Split:
    block_frames = _block_frames(takes, frame_rate)
    gap_frames = min(round(GAP_SECONDS * frame_rate), block_frames // 4)
    counter = itertools.count()
    placed: list[tuple[Part, Block]] = []
    for take in takes:
        placed.extend(_joined(_cut(take, block_frames, counter), gap_frames))
    return _gather("blocks", placed)


def _block_frames(takes: Sequence[Take], frame_rate: float) -> int:
    """The longest block that leaves something for all three parts."""
    total = sum(take.n_frames for take in takes)
    shortest = max(1, round(SHORTEST_BLOCK_SECONDS * frame_rate))
    for length in (round(BLOCK_SECONDS * frame_rate), total // 10, total // 20, shortest):
        length = max(shortest, min(length, round(BLOCK_SECONDS * frame_rate)))
        if sum(_n_blocks(take, length) for take in takes) >= MIN_BLOCKS:
            return length
    raise DatasetError(
        f"only {total / frame_rate:.1f} s of sound: too little to train, validate and test. "
        f"Record at least {MIN_BLOCKS * SHORTEST_BLOCK_SECONDS} s; minutes are better."
    )


def _n_blocks(take: Take, block_frames: int) -> int:
    return max(1, take.n_frames // block_frames)


def _cut(take: Take, block_frames: int, counter: Iterator[int]) -> list[tuple[Part, Block]]:
    """Cut a recording into blocks; the last one takes what is left over."""
    n_blocks = _n_blocks(take, block_frames)
    starts = [index * block_frames for index in range(n_blocks)]
    ends = [*starts[1:], take.n_frames]
    return [
        (_part(next(counter)), Block(take.recording, start, end - start))
        for start, end in zip(starts, ends, strict=True)
    ]


def _joined(cut: list[tuple[Part, Block]], gap_frames: int) -> Iterator[tuple[Part, Block]]:
    """Join neighbours of the same part, and start late after each cut."""
    for part, group in itertools.groupby(cut, key=lambda placed: placed[0]):
        blocks = [block for _, block in group]
        start = blocks[0].start_frame
        end = blocks[-1].start_frame + blocks[-1].n_frames
        gap = gap_frames if start > 0 else 0
        yield part, Block(blocks[0].recording, start + gap, end - start - gap)
