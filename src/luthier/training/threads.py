"""How many threads a step should use: measured, because more are not always faster.

Small networks are made of many small operations, after each of which threads wait for each other. On a machine
that does something else besides, one thread that has to wait for the other's turn can cost ten times what it saves.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from luthier.data.process import n_threads

TRIALS = 3
WORTH_IT = 0.9
"""More threads are taken only if a step then lasts at most this part of its time with fewer."""


def fastest_thread_count(work: Callable[[], object], most: int) -> int:
    """Try 1, 2, 4, ... threads on a piece of work and say which is best.

    Args:
        work: what is to be done, many times later on.
        most: threads to try at most.
    """
    best, best_seconds = 1, float("inf")
    count = 1
    while count <= most:
        with n_threads(count):
            seconds = _median_seconds(work) if most > 1 else 0.0
        if seconds < WORTH_IT * best_seconds:
            best, best_seconds = count, seconds
        count *= 2
    return best


def _median_seconds(work: Callable[[], object]) -> float:
    work()  # the first time is slower: memory is taken, tables are made
    seconds = []
    for _ in range(TRIALS):
        before = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - before)
    return statistics.median(seconds)
