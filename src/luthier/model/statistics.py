"""What an instrument knows of the recordings that it learned from: buffers, saved with the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

N_QUANTILES = 101
"""0 %, 1 %, ... 100 %."""
SMALLEST_STD = 1e-3
"""A constant feature has no spread; dividing by this keeps it finite."""


class StatisticsValues(NamedTuple):
    """Statistics as plain numbers, as the dataset measures them on its training blocks.

    Attributes:
        f0_octaves_mean: mean of log2(f0 / 1 Hz) over pitched frames.
        f0_octaves_std: its standard deviation.
        loudness_db_mean: mean over all frames, dB.
        loudness_db_std: its standard deviation, dB.
        f0_octaves_quantiles: 101 quantiles over pitched frames.
        loudness_db_quantiles: 101 quantiles over pitched frames, dB.
    """

    f0_octaves_mean: float
    f0_octaves_std: float
    loudness_db_mean: float
    loudness_db_std: float
    f0_octaves_quantiles: Sequence[float]
    loudness_db_quantiles: Sequence[float]


class Statistics(nn.Module):
    """Statistics as buffers; fields as in `StatisticsValues`, before training those of a wide range."""

    f0_octaves_mean: Tensor
    f0_octaves_std: Tensor
    loudness_db_mean: Tensor
    loudness_db_std: Tensor
    f0_octaves_quantiles: Tensor
    loudness_db_quantiles: Tensor

    def __init__(self) -> None:
        super().__init__()
        octaves = torch.linspace(5.5, 11.0, N_QUANTILES)
        levels = torch.linspace(-80.0, 0.0, N_QUANTILES)
        self.register_buffer("f0_octaves_mean", octaves.mean())
        self.register_buffer("f0_octaves_std", octaves.std())
        self.register_buffer("loudness_db_mean", levels.mean())
        self.register_buffer("loudness_db_std", levels.std())
        self.register_buffer("f0_octaves_quantiles", octaves)
        self.register_buffer("loudness_db_quantiles", levels)

    def set(self, values: StatisticsValues) -> None:
        """Take over what was measured on the training blocks."""
        for name, value in values._asdict().items():
            buffer = getattr(self, name)
            buffer.copy_(torch.as_tensor(value, dtype=buffer.dtype))
        self.f0_octaves_std.clamp_(min=SMALLEST_STD)
        self.loudness_db_std.clamp_(min=SMALLEST_STD)
