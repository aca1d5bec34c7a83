from __future__ import annotations

import numpy as np
import pytest
import torch

from luthier.analysis.room_decay import (
    Decays,
    bands_disagree,
    decay_times,
    find_decays,
    find_free_decays,
)
from luthier.data.synthetic import NOTE_SECONDS, decaying_room, synthetic_instrument
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.dsp.signals import Features
from luthier.errors import ShapeError

RATES = {"sample_rate": 16000, "hop_length": 160}
EDGES_HZ = [500.0, 1000.0, 2000.0, 4000.0, 8000.0]


def measure_decay_times(audio: torch.Tensor, features: Features) -> torch.Tensor | None:
    decays = find_decays(audio, features, edges_hz=EDGES_HZ, **RATES)
    return None if decays is None else decay_times(decays, EDGES_HZ)


def played_in(impulse_response: torch.Tensor) -> tuple[torch.Tensor, Features]:
    generator = torch.Generator().manual_seed(1)
    played = synthetic_instrument(FeatureDefinition(), impulse_response, generator, seconds=60.0)
    return played.audio[0], Features(*(values[0, :, 0] for values in played.features[:3]))


@pytest.mark.parametrize("t60_seconds", [0.4, 0.8, 1.5, 2.2])
def test_the_decay_time_of_a_known_room_is_found(t60_seconds: float) -> None:
    room = decaying_room(16000, torch.Generator().manual_seed(2), t60_seconds=t60_seconds, direct_to_reverberant_db=3.0)
    found = measure_decay_times(*played_in(room))
    assert found is not None
    assert float(found.median()) == pytest.approx(t60_seconds, rel=0.1)


def test_a_steady_tone_says_nothing_about_its_room() -> None:
    audio = torch.sin(torch.arange(32000) * 0.2)
    steady = Features(torch.full((200,), 509.0), torch.ones(200), torch.full((200,), -20.0))
    assert measure_decay_times(audio, steady) is None


def test_a_soft_note_after_a_loud_one_is_no_decay() -> None:
    loudness_db = torch.cat([torch.full((20,), -80.0), torch.full((100,), -20.0), torch.full((100,), -35.0)])
    is_free = find_free_decays(Features(torch.full((220,), 440.0), torch.ones(220), loudness_db), frame_rate=100.0)
    assert not bool(is_free[150:].any())


def test_the_next_note_is_no_decay_however_soft() -> None:
    """A loud note, then a soft one that dies away as slowly as in a church, at the same pitch or a third above."""
    loudness_db = torch.cat([torch.full((20,), -80.0), torch.full((100,), -20.0), -35.0 - 0.3 * torch.arange(100)])
    first, second = torch.full((120,), 440.0), torch.full((100,), 550.0)
    for f0_hz, free in ((first[:1].expand(220), True), (torch.cat([first, second]), False)):
        is_free = find_free_decays(Features(f0_hz, torch.ones(220), loudness_db), frame_rate=100.0)
        assert bool(is_free[140:165].any()) == free


def test_a_dry_room_does_not_ring_because_soft_notes_follow_loud_ones() -> None:
    room = decaying_room(16000, torch.Generator().manual_seed(2), t60_seconds=0.2, direct_to_reverberant_db=-6.0)
    found = measure_decay_times(*played_in(room))
    assert found is None or float(found.median()) < 0.5


def test_a_rest_begins_where_the_player_stops() -> None:
    room = decaying_room(16000, torch.Generator().manual_seed(2), t60_seconds=1.2, direct_to_reverberant_db=0.0)
    decays = find_decays(*played_in(room), edges_hz=EDGES_HZ, **RATES)
    assert decays is not None
    is_first = decays.is_rest & ~np.roll(decays.is_rest, 1)
    from_note_seconds = np.flatnonzero(is_first) / decays.frame_rate / NOTE_SECONDS % 1.0 * NOTE_SECONDS
    late_seconds = (from_note_seconds + NOTE_SECONDS / 2) % NOTE_SECONDS - NOTE_SECONDS / 2
    assert abs(float(np.median(late_seconds))) < 0.04


def test_what_does_not_fall_says_nothing_about_the_room() -> None:
    rising = np.exp(0.01 * np.arange(50.0))[:, None].repeat(2, axis=1)
    free = np.ones(50, bool)
    assert (
        decay_times(Decays(rising, free, free, free[:, None].repeat(2, axis=1), 100.0), [500.0, 1000.0, 2000.0]) is None
    )


def test_features_of_another_clip_are_refused() -> None:
    features = Features(*(torch.ones(7) for _ in range(3)))
    with pytest.raises(ShapeError, match="one frame for each hop"):
        measure_decay_times(torch.zeros(16000), features)


def test_highs_do_not_ring_longer_than_mids() -> None:
    room = decaying_room(16000, torch.Generator().manual_seed(2), t60_seconds=0.6, direct_to_reverberant_db=3.0)
    audio, features = played_in(room)
    hiss = 1e-3 * torch.randn(audio.shape, generator=torch.Generator().manual_seed(3))
    found = measure_decay_times(audio + hiss, features)
    assert found is not None
    assert bool((found[2:].diff() <= 0).all())


@pytest.mark.parametrize(
    ("t60_seconds", "expected"),
    [
        ((0.8, 6.0, 6.0, 9.0), True),
        ((0.8, 6.0, 0.5, 0.4), False),
        ((6.0, 6.0, 6.0, 3.5), False),
        ((0.8, 0.9, 1.5, 2.5), False),
    ],
)
def test_octaves_of_one_room_do_not_ring_several_times_as_long_as_others(
    t60_seconds: tuple[float, ...], expected: bool
) -> None:
    """As voices do, whose held notes are taken for the decay of some octaves."""
    time = np.arange(300)[:, None] / 100.0 % 1.0  # three decays of a second, 100 frames a second
    energy = 10 ** (-6.0 * time / np.array(t60_seconds))
    heard = np.ones_like(energy, dtype=bool)
    heard[[99, 199]] = False
    assert bands_disagree(Decays(energy, heard[:, 0], heard[:, 0], heard, 100.0)) == expected
