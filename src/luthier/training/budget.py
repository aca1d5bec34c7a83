"""How much of a run's budget is used, and what to say when nothing is left of it."""

from __future__ import annotations

import math

from luthier.training.config import TrainingConfig
from luthier.training.settings import BUDGETS

PASSES = 200
"""How often a run that names no budget hears its material: three minutes of it are best learned after about 1,500
steps of `fast`, and by heart after twice as many (docs/project/ablations.md)."""
SHARE_BEFORE_REFIT = 0.4
"""Part of a budget of minutes that is used before a refit, which hears up to two thirds more but validates nothing."""
FEWEST_STEPS, MOST_SECONDS = 1000, 336_000.0
"""Less is no instrument; to hear more takes `fast` longer than ten minutes on two cores."""


def default_steps(config: TrainingConfig, material_seconds: float) -> int:
    """The budget of a run that names none: so many steps for so much training material."""
    steps = min(PASSES * material_seconds, MOST_SECONDS) / (config.batch_size * config.window_seconds)
    return round(max(steps, FEWEST_STEPS))


def budget_used(config: TrainingConfig, *, steps: int, steps_per_epoch: int, seconds: float) -> float:
    """The part of the budget that is used, 0..1 and a little beyond.

    Args:
        config: of the run; holds one budget.
        steps: done so far.
        steps_per_epoch: until the next validation.
        seconds: spent so far, and the validation that is still to come.
    """
    if config.minutes is not None:
        return seconds / (60.0 * config.minutes * (SHARE_BEFORE_REFIT if config.refit else 1.0))
    return steps / (config.steps or (config.epochs or 1) * steps_per_epoch)


def say_used_up(config: TrainingConfig, *, steps: int, seconds: float) -> str:
    """What happened to the budget, and how to go on."""
    name, budget = next((name, getattr(config, name)) for name in BUDGETS if getattr(config, name) is not None)
    share = SHARE_BEFORE_REFIT if config.refit else 1.0
    done = {"minutes": math.ceil(seconds / 60.0 / share), "steps": steps}.get(name, 0)
    rest = ", and the rest is its refit's" if config.refit and name == "minutes" else ""
    return (
        f"the budget of {budget:g} {name} is used up after {steps} steps in {seconds / 60:.1f} minutes{rest}. "
        f"To go on, give it a larger one: --resume --{name} {2 * max(budget, done):g}"
    )


def say_stopped_early(patience: int) -> str:
    """Why a run without patience is over, and how to go on."""
    return f"validation has not improved for {patience} epochs. To go on all the same: --resume --set patience=0"
