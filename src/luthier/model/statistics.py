"""What an instrument knows of the recordings that it learned from: buffers, saved with the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from luthier.dsp.signals import Expression

N_QUANTILES = 101
"""0 %, 1 %, ... 100 %."""
SMALLEST_STD = 1e-3
"""A constant feature has no spread; dividing by this keeps it finite."""
UNTRAINED_EXPRESSION = ((0.0, 4.0), (-20.0, 0.0), (-20.0, 20.0), (-60.0, 0.0), (-1.0, 3.0))
"""Lowest and highest of each field of `Expression` before training, octaves or dB."""


class StatisticsValues(NamedTuple):
    """Statistics as plain numbers, as the dataset measures them on its training blocks.

    Attributes:
        f0_octaves_mean: mean of log2(f0 / 1 Hz) over pitched frames.
        f0_octaves_std: its standard deviation.
        loudness_db_mean: mean over all frames, dB.
        loudness_db_std: its standard deviation, dB.
        f0_octaves_quantiles: 101 quantiles over pitched frames.
        loudness_db_quantiles: 101 quantiles over pitched frames, dB.
        expression_quantiles: 101 quantiles over pitched frames of each field of `Expression`; means and deviations
            follow from them.
    """

    f0_octaves_mean: float
    f0_octaves_std: float
    loudness_db_mean: float
    loudness_db_std: float
    f0_octaves_quantiles: Sequence[float]
    loudness_db_quantiles: Sequence[float]
    expression_quantiles: Sequence[Sequence[float]]


class Statistics(nn.Module):
    """Statistics as buffers; fields as in `StatisticsValues`, before training those of a wide range."""

    f0_octaves_mean: Tensor
    f0_octaves_std: Tensor
    loudness_db_mean: Tensor
    loudness_db_std: Tensor
    f0_octaves_quantiles: Tensor
    loudness_db_quantiles: Tensor
    expression_quantiles: Tensor

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
        expression = [torch.linspace(low, high, N_QUANTILES) for low, high in UNTRAINED_EXPRESSION]
        self.register_buffer("expression_quantiles", torch.stack(expression))

    def set(self, values: StatisticsValues) -> None:
        """Take over what was measured on the training blocks."""
        for name, value in values._asdict().items():
            buffer = getattr(self, name)
            buffer.copy_(torch.as_tensor(value, dtype=buffer.dtype))
        self.f0_octaves_std.clamp_(min=SMALLEST_STD)
        self.loudness_db_std.clamp_(min=SMALLEST_STD)

    def quantiles_of(self, name: str) -> Tensor:
        """(101,), of a field of `Expression`."""
        return self.expression_quantiles[Expression._fields.index(name)]

    def standardised(self, name: str, values: Tensor) -> Tensor:
        """A field of `Expression` in standard deviations from the mean of the pitched training frames."""
        quantiles = self.quantiles_of(name)
        return (values - quantiles.mean()) / quantiles.std().clamp_min(SMALLEST_STD)

    def restored(self, name: str, scores: Tensor) -> Tensor:
        """The inverse of `standardised`: back to octaves or dB."""
        quantiles = self.quantiles_of(name)
        return scores * quantiles.std().clamp_min(SMALLEST_STD) + quantiles.mean()
