"""One melody through the pitches that each frame allows: what a frame leaves open, its neighbours settle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAP_COST = 0.7
"""What an octave from a frame to the next costs, in normalised difference; less for less, no more for more. A note of
two frames in another octave has to be clearer than its neighbours' by that, one of twenty hardly."""


def cheapest_path(octaves: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Choose one pitch in each frame so that what they cost and how far they leap is least in all.

    Args:
        octaves: (n_frames, n_choices), pitches, octaves above any.
        cost: the same shape, what each choice costs.

    Returns:
        (n_frames,), which choice is taken.

    Source: Viterbi 1967; what octaves and leaps cost after Boersma 1993, with YIN's normalised difference in place of
        the autocorrelation.
    """
    n_frames = len(cost)
    origins = np.zeros(cost.shape, dtype=np.int64)
    total = np.zeros(cost.shape[1])
    for frame in range(n_frames):
        before = octaves[max(0, frame - 1)]
        leaps = np.minimum(np.abs(octaves[frame] - before[:, None]), 1.0)  # (from, to)
        reached = total[:, None] + LEAP_COST * leaps
        origins[frame] = reached.argmin(axis=0)
        total = reached.min(axis=0) + cost[frame]
    path = np.zeros(n_frames, dtype=np.int64)
    choice = int(total.argmin())
    for frame in range(n_frames - 1, -1, -1):
        path[frame] = choice
        choice = int(origins[frame, choice])
    return path
