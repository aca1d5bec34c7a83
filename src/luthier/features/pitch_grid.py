"""The pitches between which decoding chooses: CREPE's 360 bins of 20 cents, 31.7 Hz to 2005.5 Hz."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from luthier.features.decoding import RatedBlock, decode
from luthier.units import cents_to_ratio, ratio_to_cents

N_BINS = 360
CENTS_PER_BIN = 20.0

FIRST_BIN_CENTS = 1997.3794084376191
"""Cents above 10 Hz of bin 0, as the published networks were trained."""

CENTS_ZERO_HZ = 10.0

NEIGHBOURS = 4
"""Bins on either side of a decoded bin over which a pitch is averaged, as in the paper."""

SMALLEST_WEIGHT = 1e-9
"""Weight of the decoded bin itself, so that the average exists where nothing was rated."""


def hz_to_bins(frequency_hz: np.ndarray) -> np.ndarray:
    """Hz (> 0) to fractional bins."""
    return (ratio_to_cents(frequency_hz / CENTS_ZERO_HZ) - FIRST_BIN_CENTS) / CENTS_PER_BIN


def bins_to_hz(bins: np.ndarray) -> np.ndarray:
    """Fractional bins to Hz."""
    return CENTS_ZERO_HZ * cents_to_ratio(FIRST_BIN_CENTS + CENTS_PER_BIN * bins)


def bin_range(f0_min_hz: float, f0_max_hz: float) -> tuple[int, int]:
    """First bin, and the one after the last, inside a range of pitches; at least one bin."""
    low, high = hz_to_bins(np.array([f0_min_hz, f0_max_hz]))
    first = int(np.clip(np.ceil(low), 0, N_BINS - 1))
    return first, int(np.clip(np.floor(high) + 1, first + 1, N_BINS))


def read_blocks(blocks: Iterable[RatedBlock], first_bin: int) -> tuple[Tensor, Tensor]:
    """Decode blocks of evidence and read pitch and periodicity off the path.

    Args:
        blocks: of the same clip, in order.
        first_bin: which bin column 0 of the blocks is.

    Returns:
        f0_hz and periodicity, each (n_steps of all blocks,).
    """
    parts = [read_path(ratings, path, first_bin) for path, ratings in decode(blocks)]
    f0_hz, periodicity = (torch.from_numpy(np.concatenate(part)) for part in zip(*parts, strict=True))
    return f0_hz, periodicity


def read_path(rated: np.ndarray, path: np.ndarray, first_bin: int) -> tuple[np.ndarray, np.ndarray]:
    """Read pitch and periodicity off a decoded path.

    Args:
        rated: (n_steps, n_bins), 0..1, how well each pitch fits each step.
        path: (n_steps,), the decoded column of each step.
        first_bin: which bin column 0 is.

    Returns:
        f0_hz, the weighted mean of the pitches around the path, and periodicity, the largest rating there;
        both (n_steps,), float32.

    Source: Kim et al. 2018, equation 2, around the path instead of the largest activation.
    """
    columns = path[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
    inside = (columns >= 0) & (columns < rated.shape[1])
    near = np.take_along_axis(rated, columns.clip(0, rated.shape[1] - 1), 1) * inside
    weights = near + SMALLEST_WEIGHT * (columns == path[:, None])
    bins = (weights * columns).sum(1) / weights.sum(1) + first_bin
    return bins_to_hz(bins).astype(np.float32), near.max(1).astype(np.float32)
