"""Counting and cutting frames in whole samples: no time is ever accumulated in floating point."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from luthier.errors import RangeError


def n_frames(n_samples: int, hop_length: int) -> int:
    """How many frames describe a clip: one at every multiple of `hop_length` inside it.

    Raises:
        RangeError: `hop_length` is not positive or `n_samples` is negative.
    """
    if hop_length < 1 or n_samples < 0:
        raise RangeError(
            f"hop_length {hop_length} and n_samples {n_samples}: expected a positive hop and a length of 0 or more."
        )
    return -(-n_samples // hop_length)


def centred_frames(audio: Tensor, *, frame_length: int, hop_length: int) -> Tensor:
    """Cut audio into windows whose middle (sample frame_length // 2) lies on sample t * hop_length.

        audio     |0 1 2 3 4 5 6 7 ...
        frame 0  --|--              zeros outside the clip
        frame 1      --|--

    Args:
        audio: (batch, n_samples).
        frame_length: samples in a window.
        hop_length: samples from one window to the next.

    Returns:
        (batch, n_frames(n_samples, hop_length), frame_length), a view where torch allows it.
    """
    count = n_frames(audio.shape[-1], hop_length)
    before = frame_length // 2
    after = max(0, (count - 1) * hop_length + frame_length - before - audio.shape[-1])
    return F.pad(audio, (before, after)).unfold(-1, frame_length, hop_length)[:, :count]
