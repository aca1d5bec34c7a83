from __future__ import annotations

import math
from pathlib import Path

import pytest
import soundfile
import torch
from torch import Tensor

from luthier.errors import RangeError, ShapeError
from luthier.evaluation.room import (
    decay_curve_db,
    decay_curve_error_db,
    direct_to_reverberant_db,
    octave_t60_seconds,
    room_scores,
    t60_seconds,
)

RATE = 16000


def decay(t60: float, *, seconds: float = 3.0, seed: int = 0) -> Tensor:
    """Noise that falls by 60 dB in `t60` seconds."""
    time = torch.arange(round(seconds * RATE)) / RATE
    return torch.randn(len(time), generator=torch.Generator().manual_seed(seed)) * 10 ** (-3 * time / t60)


@pytest.mark.parametrize("t60", [0.2, 0.6, 1.5])
def test_t60_of_an_exponential_decay(t60: float) -> None:
    smooth = 10 ** (-3 * torch.arange(3 * RATE) / RATE / t60)
    assert t60_seconds(smooth, RATE) == pytest.approx(t60, rel=0.002)
    assert t60_seconds(decay(t60), RATE) == pytest.approx(t60, rel=0.05)  # noise: the decay itself scatters


def test_t60_is_read_between_5_and_25_db() -> None:
    time = torch.arange(3 * RATE) / RATE
    # A quick first reflection above, a coupled hall below: neither is the room's own decay of half a second.
    response = 10 ** (-3 * time / 0.5) + 0.5 * 10 ** (-3 * time / 0.02) + 0.005 * 10 ** (-3 * time / 3)
    assert t60_seconds(response, RATE) == pytest.approx(0.5, rel=0.1)


def test_silence_before_the_direct_sound_does_not_matter() -> None:
    response = decay(0.5)
    response[0] = 5.0
    late = torch.cat([torch.zeros(800), response])
    assert room_scores(late, RATE) == pytest.approx(room_scores(response, RATE))
    assert decay_curve_error_db(late, response) == pytest.approx(0, abs=1e-9)


def test_a_room_without_tail_has_t60_zero_and_only_direct_sound() -> None:
    for response in (torch.ones(1), torch.eye(1, 1000)[0]):
        assert t60_seconds(response, RATE) == 0
        assert direct_to_reverberant_db(response, RATE) >= 200


def test_a_near_player_does_not_shorten_the_room() -> None:
    for direct in (3.0, 300.0):
        response = decay(0.5)
        response[0] = direct
        assert t60_seconds(response, RATE) == pytest.approx(0.5, rel=0.05)


def test_a_response_that_never_falls_by_25_db_has_no_t60() -> None:
    assert math.isnan(t60_seconds(torch.ones(300), RATE))
    assert math.isnan(t60_seconds(torch.ones(42), RATE))


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.4, 0.8])
def test_a_response_that_is_cut_off_has_no_t60(seconds: float) -> None:
    """It falls by 25 dB in 1.7 of its 4 seconds; where it is cut, the energy to come falls to nothing."""
    assert math.isnan(t60_seconds(decay(4.0, seconds=seconds), RATE))
    assert math.isnan(octave_t60_seconds(decay(4.0, seconds=seconds), RATE))
    assert t60_seconds(decay(4.0, seconds=3.0), RATE) == pytest.approx(4.0, rel=0.07)


@pytest.mark.parametrize("drr_db", [-5.0, 0.0, 12.0])
def test_direct_to_reverberant_ratio(drr_db: float) -> None:
    response = decay(0.5)
    response[:80] = 0  # the tail begins 5 ms after the direct sound
    response[0] = math.sqrt(float(response.square().sum())) * 10 ** (drr_db / 20)
    assert direct_to_reverberant_db(response, RATE) == pytest.approx(drr_db, abs=0.01)


def test_the_decay_curve_starts_at_zero_and_never_rises() -> None:
    curve = decay_curve_db(decay(0.5))
    assert curve[0] == 0
    assert (curve.diff() <= 1e-9).all()


def test_decay_curves_of_equal_rooms_are_equal_and_of_different_rooms_as_far_apart_as_they_decay() -> None:
    smooth = [10 ** (-3 * torch.arange(3 * RATE) / RATE / t60) for t60 in (0.5, 1.0)]
    assert decay_curve_error_db(smooth[0], smooth[0]) == 0
    # The reference falls to -40 dB in 1/3 s; the other has fallen by half of that there: 10 dB apart on the mean.
    assert decay_curve_error_db(smooth[1], smooth[0]) == pytest.approx(10, abs=0.1)
    assert decay_curve_error_db(torch.ones(1), smooth[0]) > 30


def test_level_does_not_matter_and_the_response_is_not_changed() -> None:
    response = decay(0.5)
    before = response.clone()
    assert room_scores(0.01 * response, RATE) == pytest.approx(room_scores(response, RATE), rel=1e-5)
    assert torch.equal(response, before)


@pytest.mark.parametrize("response", [torch.zeros(10), torch.full((10,), math.nan)])
def test_a_silent_or_damaged_response_is_refused(response: Tensor) -> None:
    with pytest.raises(RangeError):
        room_scores(response, RATE)


def test_a_batch_of_responses_is_refused() -> None:
    with pytest.raises(ShapeError):
        decay_curve_db(torch.ones(2, 10))


@pytest.mark.parametrize(
    ("name", "measured"),
    [
        ("seminar_room_clap", 0.64),
        ("openair_genesis_6_studio_live_room_ch0", 0.22),
        ("openair_jack_lyons_hall_university_of_york_ch0", 1.78),
    ],
)
def test_real_rooms_ring_as_long_as_was_measured_elsewhere(shared_audio: Path, name: str, measured: float) -> None:
    response, rate = soundfile.read(shared_audio / "ir" / f"{name}.flac", dtype="float32")
    assert t60_seconds(torch.from_numpy(response), rate) == pytest.approx(measured, rel=0.05)


def test_the_rumble_of_a_learned_room_is_not_its_reverberation() -> None:
    """Below the notes nothing made it die away."""
    response = decay(0.6)
    rumble = 0.02 * torch.sin(2 * torch.pi * 50.0 * torch.arange(len(response)) / RATE)
    assert octave_t60_seconds(response, RATE) == pytest.approx(0.6, rel=0.1)
    assert octave_t60_seconds(response + rumble, RATE) == pytest.approx(0.6, rel=0.1)
    assert not t60_seconds(response + rumble, RATE) < 0.7
    assert octave_t60_seconds(torch.eye(1, 100)[0], RATE) == 0.0
