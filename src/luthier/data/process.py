"""What a process asks of torch and of the C library for a piece of work: threads, and what becomes of freed memory."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
"""Names in glibc's malloc.h: how much free memory is kept; the size from which blocks come from the system one by one,
and go back one by one; how many such blocks there may be."""
LARGE_BYTES = 4 * 1024 * 1024
"""Smaller blocks would cost more time than they save memory."""
KEPT_BYTES = 2**31 - 1
"""All that a training step needs; more free memory than this goes back."""
USUAL_MMAP_MAX, GROWN_BYTES = 65536, 32 * 1024 * 1024
"""What glibc begins with, and the size that it comes to by itself where large blocks are freed."""


@contextmanager
def n_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads for as long as this lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def give_freed_memory_back() -> bool:
    """Let large blocks that the process frees go back to the system at once, so that hours of sound need no more memory.

    By itself glibc raises the size from which it does so with every block that is freed; then what stays lies between
    what goes, and the process grows with the length of a recording.

    Returns:
        Whether the C library can do that: glibc can, others are left as they are.

    Source: mallopt(3).
    """
    return _set({MMAP_THRESHOLD: LARGE_BYTES})


@contextmanager
def keep_freed_memory() -> Iterator[bool]:
    """Let the process keep memory that it frees, up to 2 GiB, for as long as this lasts.

    Memory that comes from the system is zeroed page by page before it can be written: for large tensors, in every
    training step, that takes up to a fifth of its time.

    Yields:
        Whether the C library can do that: glibc can, others are left as they are.

    Source: mallopt(3), malloc_trim(3).
    """
    can = _set({TRIM_THRESHOLD: KEPT_BYTES, MMAP_MAX: 0})
    try:
        yield can
    finally:
        if can:
            _set({TRIM_THRESHOLD: 2 * GROWN_BYTES, MMAP_MAX: USUAL_MMAP_MAX, MMAP_THRESHOLD: GROWN_BYTES})
            ctypes.CDLL(None).malloc_trim(0)


def _set(values: dict[int, int]) -> bool:
    mallopt: Callable[[int, int], int] | None = None
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in values.items())
