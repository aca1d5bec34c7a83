from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from luthier.evaluation.pitch_path import LEAP_COST, cheapest_path


def price(path: np.ndarray, octaves: np.ndarray, cost: np.ndarray) -> float:
    frames = np.arange(len(path))
    leaps = np.abs(np.diff(octaves[frames, path]))
    return float(cost[frames, path].sum() + LEAP_COST * np.minimum(leaps, 1.0).sum())


@pytest.mark.parametrize("seed", range(5))
def test_no_path_is_cheaper(seed: int) -> None:
    random = np.random.default_rng(seed)
    octaves, cost = random.uniform(6, 10, (6, 3)), random.uniform(0, 1, (6, 3))
    every = [price(np.array(path), octaves, cost) for path in product(range(3), repeat=6)]
    assert price(cheapest_path(octaves, cost), octaves, cost) == pytest.approx(min(every))


@pytest.mark.parametrize(("n_frames", "leaps"), [(2, False), (40, True)])
def test_a_moment_in_another_octave_is_settled_by_its_neighbours_and_a_note_is_not(n_frames: int, leaps: bool) -> None:
    octaves = np.tile([8.0, 9.0], (100, 1))
    cost = np.tile([0.0, 0.3], (100, 1))
    cost[30 : 30 + n_frames] = [0.1, 0.0]
    assert bool(cheapest_path(octaves, cost).any()) == leaps


def test_a_clip_without_frames_has_no_path() -> None:
    assert cheapest_path(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0,)
