"""What the training part of a dataset sounds like, in a few numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator

from luthier.data.split import Block
from luthier.dsp.signals import VOICED_PERIODICITY, Expression
from luthier.units import hz_to_octaves

QUANTILES = np.linspace(0.0, 1.0, 101)
"""Percentiles kept of every feature: enough to match one distribution to another at transfer."""

MOST_FRAMES = 1 << 19
"""Of longer material every second frame counts in the statistics, or every third and so on: an hour and a half at 100
frames a second says as much of a distribution as a thousand hours, and fits into memory."""


class Spread(BaseModel):
    """How one feature is distributed over the training frames."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mean: float
    std: float = Field(ge=0)
    minimum: float
    maximum: float
    quantiles: Annotated[tuple[float, ...], FailFast()] = Field(
        min_length=len(QUANTILES), max_length=len(QUANTILES), description="0, 1, .. 100 %"
    )


class Statistics(BaseModel):
    """Distribution of the features over the training blocks."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    loudness_db: Spread = Field(description="all frames, dB")
    loudness_pitched_db: Spread = Field(description="pitched frames only, dB")
    f0_octaves: Spread = Field(description="pitched frames only, octaves above 1 Hz")
    periodicity: Spread = Field(description="all frames, 0..1")
    expression: dict[str, Spread] = Field(description="by the names of `Expression`, pitched frames only")
    pitched_seconds: float = Field(ge=0, description="training time with periodicity of 0.5 or more")
    total_seconds: float = Field(ge=0, description="training time")

    @model_validator(mode="after")
    def _every_expression_once(self) -> Statistics:
        if tuple(self.expression) != Expression._fields:
            raise ValueError(f"expression has {', '.join(self.expression)}: expected {', '.join(Expression._fields)}")
        return self


class FrameArrays(NamedTuple):
    """Features of some frames as flat arrays.

    Attributes:
        f0_hz: (n_frames,), Hz.
        periodicity: (n_frames,), 0..1.
        loudness_db: (n_frames,), dB.
        brightness_octaves, warmth_db, hollowness_db, noisiness_db, air_octaves: (n_frames,) each.
    """

    f0_hz: np.ndarray
    periodicity: np.ndarray
    loudness_db: np.ndarray
    brightness_octaves: np.ndarray
    warmth_db: np.ndarray
    hollowness_db: np.ndarray
    noisiness_db: np.ndarray
    air_octaves: np.ndarray


def measure_statistics(blocks: Iterable[FrameArrays], frame_rate: float, *, every: int = 1) -> Statistics:
    """Sum up the features of training blocks; only the frames that are looked at are held in memory.

    Where no frame is pitched, the statistics of pitched frames are those of all frames and
    `pitched_seconds` is 0.

    Args:
        blocks: at least one, with at least one frame in all.
        frame_rate: frames per second.
        every: look at every second frame, or every third and so on, for distributions; times count all frames.
    """
    found, n_frames, n_pitched = _thinned(blocks, every)
    is_pitched = found.periodicity >= VOICED_PERIODICITY
    chosen = is_pitched if is_pitched.any() else np.ones_like(is_pitched)
    return Statistics(
        loudness_db=_spread(found.loudness_db),
        loudness_pitched_db=_spread(found.loudness_db[chosen]),
        f0_octaves=_spread(hz_to_octaves(found.f0_hz[chosen])),
        periodicity=_spread(found.periodicity),
        expression={name: _spread(getattr(found, name)[chosen]) for name in Expression._fields},
        pitched_seconds=n_pitched / frame_rate,
        total_seconds=n_frames / frame_rate,
    )


def frame_step(blocks: Iterable[Block]) -> int:
    """Which frames of blocks to look at: every one, or every second and so on of long material."""
    return -(-sum(block.n_frames for block in blocks) // MOST_FRAMES)


def _thinned(blocks: Iterable[FrameArrays], every: int) -> tuple[FrameArrays, int, int]:
    """Every so many frames of all blocks in a row, and the numbers of all frames and of pitched ones."""
    kept: list[list[np.ndarray]] = [[] for _ in FrameArrays._fields]
    n_seen = n_pitched = 0
    for block in blocks:
        for pieces, values in zip(kept, block, strict=True):
            pieces.append(values[-n_seen % every :: every].copy())
        n_seen += len(block.periodicity)
        n_pitched += int((block.periodicity >= VOICED_PERIODICITY).sum())
    # Joined one by one and the pieces let go: both together are never held.
    return FrameArrays(*[np.concatenate(kept.pop(0)) for _ in FrameArrays._fields]), n_seen, n_pitched


def _spread(values: np.ndarray) -> Spread:
    values = values.astype(np.float64)
    return Spread(
        mean=values.mean(),
        std=values.std(),
        minimum=values.min(),
        maximum=values.max(),
        quantiles=tuple(float(value) for value in np.quantile(values, QUANTILES)),
    )
