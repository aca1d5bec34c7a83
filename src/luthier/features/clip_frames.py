"""Frames around every hop of a clip that is read piece by piece, continued beyond its ends by its mirror image."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.dsp.feature_definition import WINDOWS_RATE
from luthier.features.long_audio import LongAudio

FRAMES_AT_ONCE = 512
"""Frames transformed in one go: bounds the memory, whatever the length of the clip."""


def frame_length_at(n_fft: int, sample_rate: int) -> int:
    """The even number of samples nearest to n_fft / 16 kHz: 2048 at 16 kHz, 5644 at 44.1 kHz."""
    return max(2, 2 * round(n_fft * sample_rate / WINDOWS_RATE / 2))


def clip_frames(clip: LongAudio, start: int, stop: int, *, frame_length: int, hop_length: int) -> Tensor:
    """Frames start..stop, frame t centred on sample t * hop_length, of a clip that goes on as `clip_stretch` says.

    Args:
        clip: any length.
        start: first frame.
        stop: the one after the last.
        frame_length: samples in a frame.
        hop_length: samples from one frame to the next.

    Returns:
        (batch, stop - start, frame_length).
    """
    first = start * hop_length - frame_length // 2
    last = (stop - 1) * hop_length - frame_length // 2 + frame_length
    return clip_stretch(clip, first, last).unfold(-1, frame_length, hop_length)


def clip_stretch(clip: LongAudio, first: int, last: int) -> Tensor:
    """Samples first..last, which may lie outside the clip.

    At the edges the clip is continued by its own mirror image (without repeating the end sample, as
    `torch.stft` does), several times if the clip is shorter than half a window; a clip of one sample is
    continued by that sample.

    Args:
        clip: any length.
        first: first sample.
        last: the one after the last.

    Returns:
        (batch, last - first).
    """
    if first >= 0 and last <= clip.n_samples:
        return clip.read(first, last)
    inside = _mirrored(torch.arange(first, last), clip.n_samples)
    nearest = int(inside.min())
    audio = clip.read(nearest, int(inside.max()) + 1)
    return audio[:, (inside - nearest).to(audio.device)]


def _mirrored(positions: Tensor, n_samples: int) -> Tensor:
    """Fold positions outside the clip back into it:  2 1 |0 1 2 3| 2 1 0 ..."""
    period = max(1, 2 * (n_samples - 1))
    folded = positions % period
    return torch.minimum(folded, period - folded).clamp_max(n_samples - 1)
