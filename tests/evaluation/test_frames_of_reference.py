from __future__ import annotations

import pytest
import torch

from evaluation.sounds import RATE, tone
from luthier.data.dataset import Dataset
from luthier.dsp.signals import Features
from luthier.errors import DatasetError
from luthier.evaluation.frames_of_reference import (
    MeanTimbre,
    Synthesiser,
    base_controls,
    mean_timbre,
    oracle_controls,
)
from luthier.evaluation.material import clips
from luthier.evaluation.playing import play_controls
from luthier.evaluation.spectral import mel_db

SYNTHESISER = Synthesiser(RATE, 160, 40, 65)


def steady_features(f0_hz: float, loudness_db: float, *, n_frames: int = 100, periodicity: float = 1.0) -> Features:
    return Features(*(torch.full((1, n_frames, 1), value) for value in (f0_hz, periodicity, loudness_db)))


def test_the_oracle_plays_the_recording_back_and_the_base_is_further_away(dataset: Dataset) -> None:
    timbre = mean_timbre(((clip.audio, clip.features) for clip in clips(dataset, "train")), SYNTHESISER)
    (clip,) = clips(dataset, "test")
    oracle = oracle_controls(clip.audio, clip.features, SYNTHESISER)
    base = base_controls(clip.features, timbre, SYNTHESISER)
    played = [play_controls(controls, sample_rate=RATE, hop_length=160, seed=0) for controls in (oracle, base)]
    distances = [float(mel_db(audio, clip.audio, sample_rate=RATE)) for audio in played]
    silent = float(mel_db(torch.zeros_like(clip.audio), clip.audio, sample_rate=RATE))
    assert distances[0] < 0.7 * distances[1]
    assert distances[1] < 0.5 * silent


def test_the_mean_timbre_of_a_tone_is_its_timbre() -> None:
    audio = tone(440, n_harmonics=3)
    timbre = mean_timbre([(audio, steady_features(440.0, 0.0))], SYNTHESISER)
    expected = torch.tensor([6.0, 3.0, 2.0]) / 11
    torch.testing.assert_close(timbre.harmonics[:3], expected, atol=0.02, rtol=0)  # the clip's ends are analysed too
    assert timbre.harmonics.sum().item() == pytest.approx(1, abs=0.001)
    assert timbre.noise.mean() < 0.01
    # 0.1 + 0.05 + 0.033: -14.7 dB, at a loudness of 0 dB
    assert timbre.amplitude_over_loudness_db == pytest.approx(-14.7, abs=0.5)


def test_rests_and_unpitched_frames_do_not_enter_the_mean() -> None:
    audio = torch.cat([tone(440, n_harmonics=1), tone(440, n_harmonics=8)], dim=-1)
    periodicity = torch.cat([torch.ones(1, 100, 1), torch.zeros(1, 100, 1)], dim=1)
    features = steady_features(440.0, 0.0, n_frames=200)._replace(periodicity=periodicity)
    assert mean_timbre([(audio, features)], SYNTHESISER).harmonics[0] > 0.95
    quiet = steady_features(440.0, 0.0, n_frames=200)
    quiet.loudness_db[:, 100:] = -70
    assert mean_timbre([(audio, quiet)], SYNTHESISER).harmonics[0] > 0.95


def test_material_without_pitch_has_no_timbre() -> None:
    with pytest.raises(DatasetError, match="no pitched sound"):
        mean_timbre([(tone(440), steady_features(440.0, 0.0, periodicity=0.0))], SYNTHESISER)


def test_the_base_follows_loudness_and_pitch_and_stays_below_nyquist() -> None:
    timbre = MeanTimbre(torch.full((40,), 1 / 40), torch.full((65,), 0.01), -10.0)
    controls = base_controls(steady_features(1000.0, -20.0), timbre, SYNTHESISER)
    assert controls.amplitude[0, 0].item() == pytest.approx(10 ** (-30 / 20))
    assert controls.noise_magnitudes[0, 0, 0].item() == pytest.approx(0.01 * 10 ** (-30 / 20))
    distribution = controls.harmonic_distribution[0, 0]
    torch.testing.assert_close(distribution[:7], torch.full((7,), 1 / 7))
    assert distribution[7:].abs().max() == 0
