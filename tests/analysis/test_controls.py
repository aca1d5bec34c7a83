from __future__ import annotations

from pathlib import Path

import pytest
import torch

from analysis.known_controls import HOP, RATE, known_controls, render
from luthier.analysis.controls import analyse
from luthier.data.audio_files import load_audio
from luthier.dsp.signals import Controls
from luthier.dsp.spectral_distance import multi_scale_distance
from luthier.errors import RangeError, ShapeError
from luthier.features.pitch import track_pitch


def analysed(audio: torch.Tensor, f0_hz: torch.Tensor, n_harmonics: int = 20) -> Controls:
    return analyse(audio, f0_hz, sample_rate=RATE, hop_length=HOP, n_harmonics=n_harmonics, n_bands=65)


@pytest.mark.parametrize("hz", [50.0, 220.0, 880.0])
def test_known_controls_are_recovered(hz: float) -> None:
    controls = known_controls(hz)
    found = analysed(render(controls), controls.f0_hz)
    inner = slice(10, -10)
    level_db = 20 * torch.log10(found.amplitude / controls.amplitude)[:, inner]
    assert level_db.abs().median() < 0.5
    wanted = (controls.amplitude * controls.harmonic_distribution)[:, inner]
    measured = (found.amplitude * found.harmonic_distribution)[:, inner]
    strong = wanted > 0.02
    assert 20 * torch.log10(measured / wanted.clamp_min(1e-9))[strong].abs().median() < 0.5
    noise_db = 20 * torch.log10(found.noise_magnitudes / controls.noise_magnitudes)[:, inner, 2:]
    assert noise_db.mean().abs() < 1.0


def test_analysis_and_rendering_sound_like_two_noises_of_one_sound() -> None:
    controls = known_controls(300.0)
    audio = render(controls)
    floor = multi_scale_distance(render(controls, seed=1), audio)
    again = multi_scale_distance(render(analysed(audio, controls.f0_hz), seed=1), audio)
    assert again < floor + 0.5


def test_noise_alone_has_hardly_any_harmonics() -> None:
    audio = torch.rand(1, 32000) * 2 - 1
    found = analysed(audio, torch.full((1, 200, 1), 440.0))
    power = (found.amplitude * found.harmonic_distribution).square().sum(-1).mean() / 2
    assert power < 0.15 * audio.square().mean()


@pytest.mark.parametrize("hz", [50.0, 440.0, 7990.0, 9000.0])
@pytest.mark.parametrize("n_samples", [1, 50, 1600])
def test_short_clips_and_extreme_pitches_are_finite_and_bounded(n_samples: int, hz: float) -> None:
    f0_hz = torch.full((2, -(-n_samples // HOP), 1), hz)
    found = analysed(0.1 * torch.randn(2, n_samples), f0_hz, n_harmonics=100)
    assert all(torch.isfinite(values).all() for values in found)
    assert found.amplitude.max() < 3.0
    expected = 1.0 if hz < RATE / 2 else 0.0
    torch.testing.assert_close(found.harmonic_distribution.sum(-1), torch.full(f0_hz.shape[:2], expected))


def test_silence_gives_silent_controls() -> None:
    found = analysed(torch.zeros(1, 3200), torch.full((1, 20, 1), 440.0))
    assert (found.amplitude == 0).all()
    assert (found.noise_magnitudes < 1e-7).all()


def test_a_pitch_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected \(1, 10, 1\)"):
        analysed(torch.zeros(1, 1600), torch.full((1, 11, 1), 440.0))


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_pitch_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(RangeError, match="f0_hz"):
        analysed(torch.zeros(1, 160), torch.full((1, 1, 1), value))


@pytest.mark.slow
@pytest.mark.parametrize("movement", [6, 8])
def test_real_violin_comes_back_closer_than_any_trained_model(shared_audio: Path, movement: int) -> None:
    audio, _ = load_audio(shared_audio / "violin_garner" / f"john-garner_bwv1002_mov{movement}.flac", sample_rate=RATE)
    audio = audio[:, : audio.shape[1] // 64000 * 64000]
    pitch = track_pitch(audio, sample_rate=RATE, hop_length=HOP)
    controls = analysed(audio, pitch.f0_hz, n_harmonics=100)
    distance = multi_scale_distance(render(controls).view(-1, 64000), audio.view(-1, 64000))
    assert distance.mean() <= 4.7


def test_any_type_of_numbers_is_analysed_alike() -> None:
    controls = known_controls(330.0, 50)
    audio, rates = render(controls), {"sample_rate": RATE, "hop_length": HOP, "n_harmonics": 8, "n_bands": 65}
    floats = analyse(audio, controls.f0_hz, **rates)
    doubles = analyse(audio.double(), controls.f0_hz.double(), **rates)
    assert torch.allclose(doubles.amplitude, floats.amplitude, atol=1e-6)
    with pytest.raises(RangeError, match="sample_rate 0"):
        analyse(audio, controls.f0_hz, **(rates | {"sample_rate": 0}))
