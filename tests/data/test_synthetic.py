from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from luthier.data.audio_files import load_audio
from luthier.data.prepare import prepare
from luthier.data.synthetic import decaying_room, plucked_string, synthetic_instrument, write_plucked_strings
from luthier.dsp.feature_definition import FeatureDefinition
from luthier.features.pitch import track_pitch
from luthier.units import ratio_to_cents

DEFINITION = FeatureDefinition()


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_plucked_string_is_the_formula() -> None:
    note = plucked_string(-12, 16000, 0.5)
    t = np.arange(8000) / 16000
    carrier = 2 * np.pi * 220 * t
    expected = np.exp(-3 * t) * np.cos(carrier + 8 * np.exp(-3 * t) * np.cos(carrier))
    np.testing.assert_allclose(note[0].numpy(), expected, atol=1e-6)


def test_plucked_strings_make_a_folder_that_can_be_prepared(tmp_path: Path) -> None:
    files = write_plucked_strings(tmp_path / "pluck", seconds=1.0)
    assert len(files) == 24
    assert all(load_audio(path)[0].shape == (1, 16000) for path in files)
    report = prepare([tmp_path / "pluck"], tmp_path / "dataset", FeatureDefinition(tracker="swift"), n_jobs=1)
    assert (report.n_recordings, report.skipped) == (24, [])


def test_the_performance_is_what_the_tracker_hears() -> None:
    sound = synthetic_instrument(DEFINITION, torch.ones(1), seeded(), seconds=8.0)
    assert sound.audio.shape == (1, 128000)
    assert sound.features.f0_hz.shape == (1, 800, 1)
    heard = track_pitch(sound.audio, sample_rate=16000, hop_length=160)
    cents = ratio_to_cents(heard.f0_hz / sound.features.f0_hz).abs()
    is_sounding = (sound.controls.amplitude > 0.02) & (heard.periodicity > 0.5)
    assert is_sounding.float().mean() > 0.4
    assert cents[is_sounding].median() < 5


def test_rests_are_silent_and_have_no_pitch() -> None:
    sound = synthetic_instrument(DEFINITION, torch.ones(1), seeded(), seconds=4.0)
    rest = slice(325, 395)  # the fifth note of 0.8 s
    assert not sound.controls.amplitude[:, rest].any()
    assert not sound.features.periodicity[:, rest].any()
    assert not sound.dry[:, 330 * 160 : 390 * 160].any()
    assert sound.features.periodicity.mean() > 0.7


def test_louder_notes_are_brighter() -> None:
    sound = synthetic_instrument(DEFINITION, torch.ones(1), seeded(), seconds=20.0)
    first_harmonic = sound.controls.harmonic_distribution[..., 0]
    amplitude = sound.controls.amplitude[..., 0]
    chosen = amplitude > 0
    correlation = torch.corrcoef(torch.stack([first_harmonic[chosen], amplitude[chosen].log()]))[0, 1]
    assert correlation < -0.5


def test_the_room_is_what_the_performance_is_convolved_with() -> None:
    room = decaying_room(16000, seeded(), t60_seconds=0.3)
    sound = synthetic_instrument(DEFINITION, room, seeded(), seconds=1.0)
    expected = np.convolve(sound.dry[0].double().numpy(), room.double().numpy())[:16000]
    np.testing.assert_allclose(sound.audio[0].numpy(), expected, atol=1e-5)
    assert sound.features.loudness_db.shape == (1, 100, 1)


@pytest.mark.parametrize(("t60_seconds", "ratio_db"), [(0.3, 0.0), (1.2, 9.0)])
def test_the_room_has_the_decay_and_the_ratio_asked_for(t60_seconds: float, ratio_db: float) -> None:
    room = decaying_room(16000, seeded(), t60_seconds=t60_seconds, direct_to_reverberant_db=ratio_db).double()
    assert room[0] == 1
    assert not room[1:80].any()
    energy = room[1:].square()
    assert -10 * energy.sum().log10() == pytest.approx(ratio_db, abs=1e-4)
    decay_db = 10 * torch.log10(energy.flip(0).cumsum(0).flip(0) / energy.sum())
    seconds = [(decay_db < level).nonzero()[0].item() / 16000 for level in (-5, -25)]
    assert 3 * (seconds[1] - seconds[0]) == pytest.approx(t60_seconds, rel=0.1)  # T20, as in evaluation


def test_the_generator_decides_everything() -> None:
    sounds = [synthetic_instrument(DEFINITION, torch.ones(1), seeded(seed), seconds=1.0) for seed in (1, 1, 2)]
    assert torch.equal(sounds[0].audio, sounds[1].audio)
    assert not torch.equal(sounds[0].audio, sounds[2].audio)


def test_higher_rates_work() -> None:
    definition = FeatureDefinition(sample_rate=44100, hop_length=441)
    sound = synthetic_instrument(definition, torch.ones(1), seeded(), seconds=1.001, n_harmonics=60)
    assert sound.audio.shape == (1, 44144)
    assert sound.features.f0_hz.shape == (1, 101, 1)
    assert torch.isfinite(sound.audio).all()
