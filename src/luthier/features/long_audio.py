"""Audio of any length, read piece by piece, so that what is measured in it needs the same memory always.

    clip      |---------------|---------------|---------------|------|
    block 2            context ~~~~|===============|~~~~ context       kept: ===

Trackers hear each block with so much context that the kept part is what they say of the whole clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from torch import Tensor

from luthier.dsp.resampling import resample

BLOCK_SECONDS = 120
"""Audio described in one go. Even, as the context: two seconds are whole steps of every tracker at every rate."""

CONTEXT_SECONDS = 4
"""Heard beyond both ends of a block: decoding has forgotten the cut after a second or so."""


class LongAudio(NamedTuple):
    """A clip that need not be in memory.

    Attributes:
        read: (start, stop) sample numbers inside the clip -> (batch, stop - start).
        n_samples: its length.
    """

    read: Callable[[int, int], Tensor]
    n_samples: int


def as_long_audio(audio: Tensor | LongAudio) -> LongAudio:
    """A tensor (batch, n_samples) read piece by piece; what is long audio already stays as it is."""
    if isinstance(audio, LongAudio):
        return audio
    return LongAudio(lambda start, stop: audio[:, start:stop], audio.shape[-1])


class Block(NamedTuple):
    """A part of a clip at another rate, with context around what it is to describe.

    Attributes:
        audio: (batch, n_samples), with context.
        offset: where its first sample lies in the clip, in samples at that rate.
        start: first sample to describe.
        stop: the one after the last; the end of the clip in the last block.
    """

    audio: Tensor
    offset: int
    start: int
    stop: int


def blocks_at_rate(audio: LongAudio, from_rate: int, to_rate: int) -> Iterator[Block]:
    """Cut a clip into blocks with context, at another sample rate.

    Args:
        audio: any length.
        from_rate: Hz, of the clip.
        to_rate: Hz, of the blocks.

    Yields:
        Blocks that begin every `BLOCK_SECONDS` and follow one another without a gap.
    """
    n_out = -(-audio.n_samples * to_rate // from_rate)
    for second in range(0, -(-audio.n_samples // from_rate), BLOCK_SECONDS):
        first = max(0, second - CONTEXT_SECONDS)
        last = min((second + BLOCK_SECONDS + CONTEXT_SECONDS) * from_rate, audio.n_samples)
        heard = resample(audio.read(first * from_rate, last), from_rate, to_rate).detach().cpu()
        yield Block(heard, first * to_rate, second * to_rate, min((second + BLOCK_SECONDS) * to_rate, n_out))
