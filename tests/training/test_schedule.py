import pytest

from luthier.training.config import TrainingConfig
from luthier.training.schedule import Progress, learning_rate


def rate(step: int = 0, epoch: float = 0.0, used: float = 0.0, **settings: object) -> float:
    return learning_rate(TrainingConfig(learning_rate=1.0, **settings), Progress(step, epoch, used))


def test_a_budget_ends_annealed_not_cut_off() -> None:
    assert rate(used=0.0) == pytest.approx(1.0)
    assert rate(used=0.5) == pytest.approx(0.505)
    assert rate(used=1.0) == pytest.approx(0.01)
    assert rate(used=1.5) == pytest.approx(0.01)


def test_steps_fall_every_second_epoch_as_in_the_assignment() -> None:
    rates = [rate(epoch=epoch, schedule="step", schedule_epochs=2, schedule_factor=0.98) for epoch in (0, 1.9, 2, 4.5)]
    assert rates == pytest.approx([1.0, 1.0, 0.98, 0.98**2])


def test_exponential_decay_loses_one_factor_in_the_given_steps() -> None:
    assert rate(step=5000, schedule="exponential", schedule_steps=10000) == pytest.approx(0.98**0.5)


def test_a_warm_up_rises_from_zero() -> None:
    rates = [rate(step=step, schedule="constant", warmup_steps=4) for step in (0, 1, 3, 10)]
    assert rates == pytest.approx([0.25, 0.5, 1.0, 1.0])
