"""Where compiled loops are at hand, and how they share the cores.

A module of kernels imports numba, which takes as long as a short transfer; so it is imported when a training step asks
for it. Where numba is not installed, the tensor operations that the kernels are tested against do the work.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from threading import Thread
from typing import Any

import torch
from torch import Tensor


@cache
def kernels(module: str) -> Any:
    """Import a module of kernels by its name; None where numba is missing or cannot work.

    numba raises RuntimeError where it may write neither beside the module nor in the user's cache folder.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, RuntimeError):
        return None


def in_parts(kernel: Callable[..., None], n_rows: int, *arrays: Tensor) -> None:
    """Run `kernel(first, last, *arrays)` over all rows, as many parts at a time as torch may use threads.

    Args:
        kernel: compiled, and without the interpreter's lock.
        n_rows: rows to be shared out.
        arrays: on the CPU; the kernel gets their memory.
    """
    views = [array.detach().numpy() for array in arrays]
    n_parts = max(1, min(torch.get_num_threads(), n_rows))
    shares = pairwise(part * n_rows // n_parts for part in range(n_parts + 1))
    mine = next(shares)
    others = [Thread(target=kernel, args=(*share, *views)) for share in shares]
    for thread in others:
        thread.start()
    kernel(*mine, *views)
    for thread in others:
        thread.join()
