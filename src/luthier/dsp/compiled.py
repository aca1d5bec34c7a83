"""How kernels are compiled: when first called, by numba, into code that is kept beside their file for the next time."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

REORDERED = {"contract", "reassoc", "nsz", "arcp"}
"""What the compiler may do to sums and products; it may not assume that all numbers are finite."""
Floats = NDArray[np.float32]
compiled = njit(cache=True, nogil=True, fastmath=REORDERED, error_model="numpy")
inlined = njit(inline="always", fastmath=REORDERED, error_model="numpy")
