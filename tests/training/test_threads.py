import pytest
import torch

from luthier.data.process import n_threads
from luthier.training import threads
from luthier.training.threads import fastest_thread_count


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only the work itself moves on."""
    now = [0.0]
    monkeypatch.setattr(threads.time, "perf_counter", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("seconds_by_threads", "expected"),
    [({1: 4.0, 2: 2.1, 4: 1.2}, 4), ({1: 1.0, 2: 20.0, 4: 20.0}, 1), ({1: 1.0, 2: 0.95, 4: 0.95}, 1)],
)
def test_the_fastest_count_wins_and_of_near_equals_the_smallest(
    clock: list[float], seconds_by_threads: dict[int, float], expected: int
) -> None:
    def work() -> None:
        clock[0] += seconds_by_threads[torch.get_num_threads()]

    before = torch.get_num_threads()
    assert fastest_thread_count(work, 4) == expected
    assert torch.get_num_threads() == before


def test_with_one_core_there_is_nothing_to_measure() -> None:
    def work() -> None:
        raise AssertionError("measured")

    assert fastest_thread_count(work, 1) == 1


def test_the_number_of_threads_is_put_back_after_an_error() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="not today"):
        fail_with(before + 1)
    assert torch.get_num_threads() == before


def fail_with(count: int) -> None:
    with n_threads(count):
        assert torch.get_num_threads() == count
        raise ValueError("not today")
