from __future__ import annotations

import numpy as np
import pytest

from luthier.features.decoding import LEAP_COST, WIDEST_GLIDE_BINS, RatedBlock, decode


def slow_path(likelihoods: np.ndarray) -> np.ndarray:
    """Viterbi with every transition written out."""
    n_bins = likelihoods.shape[1]
    distance = np.abs(np.arange(n_bins)[:, None] - np.arange(n_bins))
    cost = np.where(distance <= WIDEST_GLIDE_BINS, LEAP_COST * distance / (WIDEST_GLIDE_BINS + 1), LEAP_COST)
    scores, origins = likelihoods[0].astype(np.float64), []
    for row in likelihoods[1:]:
        total = scores[None] - cost
        origins.append(total.argmax(1))
        scores = total.max(1) + row
    path = [int(scores.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return np.array(path[::-1])


def rated(likelihoods: np.ndarray, n_block: int) -> list[RatedBlock]:
    pieces = range(0, len(likelihoods), n_block)
    return [RatedBlock(likelihoods[i : i + n_block], np.exp(likelihoods[i : i + n_block])) for i in pieces]


@pytest.fixture
def likelihoods() -> np.ndarray:
    return (3 * np.random.default_rng(3).standard_normal((120, 60))).astype(np.float32)


@pytest.mark.parametrize("n_block", [1, 3, 7, 64, 1000])
def test_any_blocks_give_the_exact_path_of_the_whole(likelihoods: np.ndarray, n_block: int) -> None:
    path, ratings = (np.concatenate(part) for part in zip(*decode(rated(likelihoods, n_block)), strict=True))
    np.testing.assert_array_equal(path, slow_path(likelihoods))
    np.testing.assert_array_equal(ratings, np.exp(likelihoods))


def test_settled_steps_are_handed_out_early(likelihoods: np.ndarray) -> None:
    first, _ = next(iter(decode(rated(likelihoods, 60))))
    assert len(first) > 30


def test_a_short_wrong_rating_is_bridged_and_a_new_note_followed() -> None:
    likelihoods = np.full((60, 100), -4.0, dtype=np.float32)
    likelihoods[:30, 20] = likelihoods[30:, 70] = 0.0
    likelihoods[10, 20], likelihoods[10, 80] = -4.0, 0.0
    path = np.concatenate([piece for piece, _ in decode(rated(likelihoods, 16))])
    assert (path[:30] == 20).all()
    assert (path[30:] == 70).all()


def test_it_leaves_the_top_bin_again() -> None:
    likelihoods = np.full((40, 50), -5.0, dtype=np.float32)
    likelihoods[:5, 49] = likelihoods[5:, 3] = 0.0
    path = np.concatenate([piece for piece, _ in decode(rated(likelihoods, 8))])
    assert (path[5:] == 3).all()
