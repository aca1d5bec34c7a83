import pytest

from luthier.errors import ConfigError
from luthier.training.config import TrainingConfig, training_config


def test_a_run_without_a_budget_gets_ten_minutes() -> None:
    assert training_config({}).minutes == 10.0
    assert training_config({"steps": 5}).minutes is None


def test_two_budgets_are_refused() -> None:
    with pytest.raises(ConfigError, match="minutes and steps"):
        training_config({"minutes": 1, "steps": 5})


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"batch_sise": 4}, "batch_sise"),
        ({"batch_size": "many"}, "batch_size"),
        ({"loss": "l3"}, "loss"),
        ({"seed": 2**63}, "seed"),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        training_config(table)


def test_defaults_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        TrainingConfig().batch_size = 3  # type: ignore[misc]
