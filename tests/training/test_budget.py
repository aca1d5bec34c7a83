import pytest

from luthier.training.budget import FEWEST_STEPS, MOST_SECONDS, default_steps
from luthier.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("seconds", "expected"), [(186.0, 2325), (10.0, FEWEST_STEPS), (0.0, FEWEST_STEPS), (36000.0, MOST_SECONDS / 16)]
)
def test_a_run_without_a_budget_hears_its_material_two_hundred_times_within_reason(
    seconds: float, expected: int
) -> None:
    assert default_steps(TrainingConfig(batch_size=8, window_seconds=2.0), seconds) == expected


def test_larger_batches_need_fewer_steps() -> None:
    assert default_steps(TrainingConfig(batch_size=16, window_seconds=4.0), 640.0) == 2000
