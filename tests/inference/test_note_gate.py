from __future__ import annotations

import pytest
import torch

from luthier.dsp.signals import Controls, Features
from luthier.inference.note_gate import note_gate, rest_gain, voiced_gain
from luthier.units import amplitude_to_db


def features(periodicity: list[float], loudness_db: list[float] | None = None) -> Features:
    confidence = torch.tensor(periodicity).view(1, -1, 1)
    level = torch.tensor(loudness_db or [-20.0] * len(periodicity)).view(1, -1, 1)
    return Features(torch.full_like(level, 440.0), confidence, level)


def test_rests_fade_steeply_and_notes_do_not() -> None:
    level_db = [-20.0] * 90 + [-59.0, -60.0, -65.0, -80.0, -120.0]
    gain_db = amplitude_to_db(rest_gain(features([1.0] * 95, level_db))).flatten()
    assert gain_db[:90].tolist() == [0.0] * 90
    assert gain_db[90:].tolist() == pytest.approx([0.0, 0.0, -15.0, -60.0, -100.0], abs=1e-3)


def test_a_single_click_does_not_make_everything_else_a_rest() -> None:
    level_db = [-40.0] * 99 + [10.0]
    assert rest_gain(features([1.0] * 100, level_db)).min() == 1.0


def test_a_few_notes_in_a_long_silence_leave_it_a_rest() -> None:
    periodicity, level_db = [1.0] * 20 + [0.0] * 980, [-20.0] * 20 + [-90.0] * 980
    gain = rest_gain(features(periodicity, level_db)).flatten()
    assert gain[:20].tolist() == [1.0] * 20
    assert gain[20:].max() < 1e-3


def test_harmonics_sound_only_where_there_is_a_pitch() -> None:
    gain = voiced_gain(features([1.0] * 20 + [0.0] * 20 + [1.0] * 20), 100.0).flatten()
    assert gain[:18].tolist() == [1.0] * 18
    assert gain[22:38].tolist() == [0.0] * 16
    assert gain[42:].tolist() == [1.0] * 18
    assert ((gain[17:23] > 0) & (gain[17:23] < 1)).any()  # faded, not cut


def test_short_gaps_are_filled_and_short_stretches_dropped() -> None:
    hole, blip = [1.0] * 20, [0.0] * 20
    hole[10:12], blip[10:12] = [0.0, 0.0], [1.0, 1.0]
    assert voiced_gain(features(hole), 100.0).min() == 1.0
    assert voiced_gain(features(blip), 100.0).max() == 0.0


@pytest.mark.parametrize("frame_rate", [50.0, 62.5, 100.0, 250.0, 689.0])
@pytest.mark.parametrize("n_frames", [1, 2, 7])
def test_any_rate_and_length_keeps_its_frames(frame_rate: float, n_frames: int) -> None:
    gain = voiced_gain(features([1.0] * n_frames), frame_rate)
    assert gain.shape == (1, n_frames, 1)
    assert gain.min() == 1.0


def test_harmonics_are_gated_by_both_and_noise_by_rests_only() -> None:
    pitched, quiet = [1.0] * 30 + [0.0] * 30 + [1.0] * 60, [-20.0] * 90 + [-100.0] * 6 + [-20.0] * 24
    ones = torch.ones(1, 120, 1)
    gate = note_gate(features(pitched, quiet), 100.0)
    gated = gate.apply(Controls(440 * ones, ones, ones, ones), slice(0, 120))
    note, breath, rest = 10, 45, 92
    assert gated.amplitude[0, [note, breath, rest], 0].tolist() == pytest.approx([1.0, 0.0, 1e-5], rel=1e-3)
    assert gated.noise_magnitudes[0, [note, breath, rest], 0].tolist() == pytest.approx([1.0, 1.0, 1e-5], rel=1e-3)
    assert torch.equal(gated.harmonic_distribution, ones)
    later = gate.apply(Controls(*(value[:, 40:] for value in (440 * ones, ones, ones, ones))), slice(40, 120))
    assert torch.equal(later.noise_magnitudes, gated.noise_magnitudes[:, 40:])
    assert torch.equal(later.amplitude, gated.amplitude[:, 40:])
