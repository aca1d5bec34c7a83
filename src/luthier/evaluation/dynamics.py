"""How far two clips are apart in loudness."""

from __future__ import annotations

from torch import Tensor

from luthier.evaluation.pairs import check_pair
from luthier.features.loudness import loudness_db

FRAMES_PER_SECOND = 250
N_FFT = 2048
"""Samples at 16 kHz, see `luthier.features.loudness.loudness_db`."""
COUNTED_RANGE_DB = 60.0
"""Frames further below the reference's loudest one are rests, where a difference in level is not heard."""


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
