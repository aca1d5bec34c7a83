"""Keeping what a step has used for the next one, instead of handing it back to the system and asking anew.

Memory that comes from the system is zeroed page by page before it can be written: for large tensors, in every
step, that takes up to a fifth of its time.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX = -1, -4
"""Names in glibc's malloc.h: how much free memory is kept; how many blocks may come from the system one by one."""
KEPT_BYTES = 2**31 - 1
"""All that a step needs; more free memory than this goes back."""


def keep_freed_memory() -> bool:
    """Let the process keep memory that it frees, up to 2 GiB, until it ends.

    Returns:
        Whether the C library can do that: glibc can, others are left as they are.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return mallopt is not None and mallopt(TRIM_THRESHOLD, KEPT_BYTES) == 1 and mallopt(MMAP_MAX, 0) == 1
