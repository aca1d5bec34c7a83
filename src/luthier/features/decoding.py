"""From ratings of many pitches to one pitch line: the likeliest path, with smooth motion and rare leaps.

    bins  ^    . . # . .            at every step the path may move by a few bins (a glide), each bin costing
          |    . # . . .            more than the one before, or leap anywhere at a fixed price (a new note)
          +------------> steps

The path is the exact Viterbi path of the whole clip, though it is found block by block: whatever all still
possible paths agree on is handed out and forgotten, so that memory does not grow with the clip.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

WIDEST_GLIDE_BINS = 10
"""Bins that one step may glide."""

LEAP_COST = 6.0
"""Price of a leap to any pitch, in nats; a glide costs at most as much."""


class RatedBlock(NamedTuple):
    """Consecutive steps of evidence.

    Attributes:
        likelihoods: (n_steps, n_bins), log likelihood of each pitch, up to a constant a step.
        ratings: (n_steps, n_bins), 0..1, handed back beside the path.
    """

    likelihoods: np.ndarray
    ratings: np.ndarray


class Pending(NamedTuple):
    """What decoding hands from one block to the next.

    Attributes:
        scores: (n_bins,), log probability of the best path ending in each bin, the best being 0.
        origins: (n_steps - 1, n_bins), for each step not yet handed out but the first, and each bin, the bin before it.
        ratings: (n_steps, n_bins), of the steps not yet handed out.
    """

    scores: np.ndarray
    origins: np.ndarray
    ratings: np.ndarray


def decode(blocks: Iterable[RatedBlock]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Find the likeliest path through all blocks together.

    Args:
        blocks: of the same number of bins; at least one step in all.

    Yields:
        Pieces of the path, (n_steps,) bins, each with the ratings of its steps.

    Source: Viterbi 1967; paths are handed out where they have merged (Forney 1973, section III).
    """
    pending = None
    for block in blocks:
        pending = _start(block) if pending is None else _extend(pending, block)
        paths = _trace(pending.origins, np.arange(len(pending.scores)))
        # Paths merge backwards, so the steps on which all agree come first. The newest step always stays.
        agreed = min(int((paths == paths[:, :1]).all(1).sum()), len(paths) - 1)
        yield paths[:agreed, 0], pending.ratings[:agreed]
        pending = Pending(pending.scores, pending.origins[agreed:], pending.ratings[agreed:])
    if pending is not None:
        yield _trace(pending.origins, np.array([pending.scores.argmax()]))[:, 0], pending.ratings


def _start(block: RatedBlock) -> Pending:
    """Begin with the first step of a block as likely as it is rated, and lengthen by the others."""
    n_bins = block.likelihoods.shape[1]
    first = Pending(block.likelihoods[0], np.empty((0, n_bins), dtype=np.int16), block.ratings[:1])
    return _extend(first, RatedBlock(block.likelihoods[1:], block.ratings[1:]))


def _extend(pending: Pending, block: RatedBlock) -> Pending:
    """Lengthen all paths by the steps of a block."""
    n_bins = len(pending.scores)
    reach = np.arange(-WIDEST_GLIDE_BINS, WIDEST_GLIDE_BINS + 1)
    glide_costs = (LEAP_COST / (WIDEST_GLIDE_BINS + 1) * np.abs(reach)).astype(np.float32)
    every_bin = np.arange(n_bins)
    neighbours = every_bin[:, None] + reach + WIDEST_GLIDE_BINS  # (n_bins, 2 * WIDEST_GLIDE_BINS + 1)
    padded = np.full(n_bins + 2 * WIDEST_GLIDE_BINS, -np.inf, dtype=np.float32)
    scores = pending.scores
    origins = np.empty(block.likelihoods.shape, dtype=np.int16)
    for step, likelihoods in enumerate(block.likelihoods):
        padded[WIDEST_GLIDE_BINS:-WIDEST_GLIDE_BINS] = scores
        glides = padded[neighbours] - glide_costs
        choice = glides.argmax(1)
        best = glides[every_bin, choice]
        leap_from = scores.argmax()
        leap = scores[leap_from] - np.float32(LEAP_COST)
        origins[step] = np.where(best >= leap, every_bin + reach[choice], leap_from)
        scores = np.maximum(best, leap) + likelihoods
        scores -= scores.max()
    ratings = np.concatenate([pending.ratings, block.ratings])
    return Pending(scores, np.concatenate([pending.origins, origins]), ratings)


def _trace(origins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Follow the origins backwards: (n_steps - 1, n_bins), (n_paths,) ends -> (n_steps, n_paths) bins."""
    paths = np.empty((len(origins) + 1, len(ends)), dtype=np.int64)
    paths[-1] = ends
    for step in range(len(origins) - 1, -1, -1):
        paths[step] = origins[step][paths[step + 1]]
    return paths
