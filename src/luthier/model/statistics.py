"""What an instrument knows of the recordings that it learned from: buffers, saved with the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
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
        # By numpy: on the meta device, where files are checked, a mean makes torch import its compiler.
        for name, bounds in (("f0_octaves", (5.5, 11.0)), ("loudness_db", (-80.0, 0.0))):
            quantiles = np.linspace(*bounds, N_QUANTILES, dtype=np.float32)
            self.register_buffer(f"{name}_mean", torch.tensor(float(quantiles.mean())))
            self.register_buffer(f"{name}_std", torch.tensor(float(quantiles.std(ddof=1))))
            self.register_buffer(f"{name}_quantiles", torch.tensor(quantiles.tolist()))
        expression = [np.linspace(*bounds, N_QUANTILES).tolist() for bounds in UNTRAINED_EXPRESSION]
        self.register_buffer("expression_quantiles", torch.tensor(expression))

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

    def expression_mean(self) -> Tensor:
        """Mean of each field of `Expression` over the pitched training frames: (n_fields,), octaves or dB."""
        return self.expression_quantiles.mean(dim=-1)

    def expression_std(self) -> Tensor:
        """Standard deviation of each field of `Expression` over the pitched training frames: (n_fields,), octaves or dB."""
        return self.expression_quantiles.std(dim=-1).clamp_min(SMALLEST_STD)

    def standardised(self, names: Sequence[str], values: Tensor) -> Tensor:
        """Fields of `Expression`, (..., n_names), in standard deviations from the mean of the pitched training frames."""
        indices = [Expression._fields.index(name) for name in names]
        return (values - self.expression_mean()[indices]) / self.expression_std()[indices]
