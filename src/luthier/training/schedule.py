"""The learning rate at any moment of a run: a function of how far it has come, so that resuming needs no memory."""

from __future__ import annotations

import math
from typing import NamedTuple

from luthier.training.config import TrainingConfig

LAST_PART = 0.01
"""Part of the learning rate that is left when the budget is used up."""


class Progress(NamedTuple):
    """How far a run has come.

    Attributes:
        step: steps done.
        epoch: epochs done, fractional.
        budget_used: part of the budget used, 0..1.
    """

    step: int
    epoch: float
    budget_used: float


def learning_rate(config: TrainingConfig, progress: Progress) -> float:
    """Adam's step size now."""
    warmup = min(1.0, (progress.step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    return config.learning_rate * warmup * _fall(config, progress)


def _fall(config: TrainingConfig, progress: Progress) -> float:
    if config.schedule == "step":
        return config.schedule_factor ** math.floor(progress.epoch / config.schedule_epochs)
    if config.schedule == "exponential":
        return config.schedule_factor ** (progress.step / config.schedule_steps)
    if config.schedule == "budget":
        half_wave = 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress.budget_used)))
        return LAST_PART + (1.0 - LAST_PART) * half_wave
    return 1.0
