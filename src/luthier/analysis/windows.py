"""Windows around frames whose length follows the pitch: what both halves of the analysis cut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

FRAMES_AT_ONCE = 512
"""Frames transformed in one go: bounds the memory, whatever the length of the clip."""

STEPS_PER_OCTAVE = 2
"""Window lengths come in half octaves, so that many frames share one."""


class WindowRule(NamedTuple):
    """How long a window is.

    Attributes:
        periods: periods of the pitch that a window holds, where the limits allow it.
        shortest_seconds: lower limit.
        longest_seconds: upper limit.
    """

    periods: float
    shortest_seconds: float
    longest_seconds: float


def window_lengths(f0_hz: Tensor, rule: WindowRule, sample_rate: int) -> Tensor:
    """Samples of window for each pitch: even, and long enough for the rule's periods.

    Args:
        f0_hz: (n_frames,), Hz.
        rule: periods and limits.
        sample_rate: Hz.

    Returns:
        (n_frames,), whole numbers.
    """
    ratio = (rule.periods / f0_hz).clamp(rule.shortest_seconds, rule.longest_seconds) / rule.shortest_seconds
    octaves = torch.ceil(STEPS_PER_OCTAVE * torch.log2(ratio) - 1e-6) / STEPS_PER_OCTAVE
    return 2 * (rule.shortest_seconds * sample_rate * 2**octaves / 2).round().long()


def stretches(
    audio: Tensor, lengths: Tensor, hop_length: int, reach: int
) -> Iterator[tuple[Tensor, int, list[tuple[int, Tensor]]]]:
    """Walk through a clip, a bounded number of frames at a time, whatever its length.

    Args:
        audio: (n_samples,).
        lengths: (n_frames,), samples in the window of each frame.
        hop_length: samples from one frame to the next.
        reach: samples before the first frame of a stretch, and after the last, that it shall hold.

    Yields:
        The stretch, (n,), silent outside the clip; the sample of the clip with which it begins (negative before the
        clip); and its frames, as (length, (n,) frame numbers) for each length of window.
    """
    for frames in torch.arange(len(lengths), device=lengths.device).split(FRAMES_AT_ONCE):
        first, last = int(frames[0]) * hop_length - reach, int(frames[-1]) * hop_length + reach
        inside = audio[max(0, first) : last]
        stretch = F.pad(inside, (max(0, -first), last - max(0, first) - len(inside)))
        mine = lengths[frames]
        yield stretch, first, [(length, frames[mine == length]) for length in mine.unique().tolist()]


def cut_windows(audio: Tensor, centres: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Cut windows around samples of a clip.

    Args:
        audio: (n_samples,).
        centres: (n,), sample numbers inside the clip; each becomes sample length // 2 of its window.
        length: samples.

    Returns:
        The windows, (n, length), zero outside the clip; and where they are inside it, (n, length), 1 or 0.
    """
    windows = F.pad(audio, (length // 2, length)).unfold(0, length, 1)[centres]
    position = centres.unsqueeze(1) + torch.arange(length, device=audio.device) - length // 2
    return windows, ((position >= 0) & (position < len(audio))).to(audio.dtype)
