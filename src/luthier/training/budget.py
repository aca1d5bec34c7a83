"""How much of a run's budget is used, and what to say when nothing is left of it."""

from __future__ import annotations

from luthier.training.config import TrainingConfig
from luthier.training.settings import BUDGETS


def budget_used(config: TrainingConfig, *, steps: int, steps_per_epoch: int, seconds: float) -> float:
    """The part of the budget that is used, 0..1 and a little beyond.

    Args:
        config: of the run; holds one budget.
        steps: done so far.
        steps_per_epoch: until the next validation.
        seconds: spent so far, and the validation that is still to come.
    """
    if config.minutes is not None:
        return seconds / (60.0 * config.minutes)
    return steps / (config.steps or (config.epochs or 1) * steps_per_epoch)


def say_used_up(config: TrainingConfig, *, steps: int, seconds: float) -> str:
    """What happened to the budget, and how to go on."""
    name, budget = next((name, getattr(config, name)) for name in BUDGETS if getattr(config, name) is not None)
    return (
        f"the budget of {budget:g} {name} is used up after {steps} steps in {seconds / 60:.1f} minutes. "
        f"To go on, give it a larger one: --resume --{name} {2 * budget:g}"
    )
