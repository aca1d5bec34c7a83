"""Handing memory back as soon as it is freed, so that hours of sound need no more of it than minutes."""

from __future__ import annotations

import ctypes
import sys

MMAP_THRESHOLD = -3
"""Name in glibc's malloc.h: blocks from this size on come from the system one by one, and go back one by one."""
LARGE_BYTES = 4 * 1024 * 1024
"""Smaller ones would cost more time than they save memory."""


def give_freed_memory_back() -> bool:
    """Let large blocks that the process frees go back to the system at once, instead of leaving gaps.

    By itself glibc raises the size from which it does so with every block that is freed; then what stays lies between
    what goes, and the process grows with the length of a recording.

    Returns:
        Whether the C library can do that: glibc can, others are left as they are.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and mallopt(MMAP_THRESHOLD, LARGE_BYTES) == 1
