"""How far two clips are apart in loudness, and how quiet one is where the other rests."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.evaluation.pairs import check_pair
from luthier.features.loudness import loudness_db
from luthier.units import power_to_db

FRAMES_PER_SECOND = 250
N_FFT = 2048
"""Samples at 16 kHz, see `luthier.features.loudness.loudness_db`."""
COUNTED_RANGE_DB = 60.0
"""Frames further below the reference's loudest one are rests, where a difference in level is not heard."""
LEVELS_PER_SECOND = 100
REST_FRAMES = 11
"""A rest lasts 0.1 s and more; what is between two breaths of a bow is none."""


def loudness_db_l1(output: Tensor, reference: Tensor, *, sample_rate: int) -> Tensor:
    """Mean absolute difference of loudness at 250 frames a second, where the reference sounds.

    Args:
        output: (batch, n_samples).
        reference: (batch, n_samples).
        sample_rate: Hz.

    Returns:
        (batch,), dB.

    Raises:
        ShapeError: the shapes differ or are not (batch, n_samples).
        RangeError: a sample is not a finite number.
    """
    check_pair(output, reference)
    hop_length = max(1, round(sample_rate / FRAMES_PER_SECOND))
    levels, wanted = (
        loudness_db(audio.detach(), sample_rate=sample_rate, hop_length=hop_length, n_fft=N_FFT)[..., 0]
        for audio in (output, reference)
    )
    is_counted = wanted >= wanted.amax(dim=1, keepdim=True) - COUNTED_RANGE_DB
    return ((levels - wanted).abs() * is_counted).sum(1) / is_counted.sum(1)


def rests_db(output: Tensor, reference: Tensor, *, sample_rate: int) -> Tensor:
    """The output's loudest level in the reference's rests, against its loudest of all.

    Args:
        output: (batch, n_samples).
        reference: (batch, n_samples).
        sample_rate: Hz.

    Returns:
        (batch,), dB, 0 at most; NaN for a clip without a rest, and for an output that is silent all along.

    Raises:
        ShapeError: the shapes differ or are not (batch, n_samples).
        RangeError: a sample is not a finite number.
    """
    check_pair(output, reference)
    hop_length = sample_rate // LEVELS_PER_SECOND
    levels, wanted = (_levels_db(audio, hop_length) for audio in (output, reference))
    is_quiet = (wanted < wanted.amax(dim=1, keepdim=True) - COUNTED_RANGE_DB).float()
    around = REST_FRAMES // 2
    bounded = F.pad(is_quiet, (around, around))  # what lies beyond the ends is not known to be quiet
    is_rest = -torch.max_pool1d(-bounded, REST_FRAMES, stride=1) > 0.5
    loudest, loudest_of_all = levels.masked_fill(~is_rest, -math.inf).amax(dim=1), levels.amax(dim=1)
    is_known = is_rest.any(1) & output.any(1)
    return torch.where(is_known, loudest - loudest_of_all, torch.nan)


def _levels_db(audio: Tensor, hop_length: int) -> Tensor:
    """Levels of pieces of 10 ms, (batch, n_pieces)."""
    n_pieces = max(1, audio.shape[1] // hop_length)
    return power_to_db(audio[:, : n_pieces * hop_length].unflatten(1, (n_pieces, -1)).square().mean(-1))
