from __future__ import annotations

import pytest
import torch

from analysis.known_controls import HOP, RATE, known_controls, render
from luthier.analysis.noise_bands import measure_noise_bands


@pytest.mark.parametrize("hz", [60.0, 200.0, 440.0, 9000.0])
def test_the_level_of_each_band_is_found_beside_strong_harmonics(hz: float) -> None:
    controls = known_controls(hz)
    found = measure_noise_bands(render(controls), controls.f0_hz, sample_rate=RATE, hop_length=HOP, n_bands=65)
    error_db = 20 * torch.log10(found / controls.noise_magnitudes).mean(1)
    assert error_db[..., 2:].mean().abs() < 1.0
    # Long windows at low pitch smear the vibrato of high harmonics into the valleys.
    assert error_db[..., 2:].abs().max() < (6.0 if hz < 100 else 2.0)


@pytest.mark.parametrize("n_bands", [129, 257])
@pytest.mark.parametrize("hz", [200.0, 440.0])
def test_bands_that_lie_in_the_skirt_of_a_harmonic_are_no_louder_than_their_neighbours(hz: float, n_bands: int) -> None:
    controls = known_controls(hz, cents=0.0, noise_gain=0.003)
    audio, rates = render(controls), {"sample_rate": RATE, "hop_length": HOP}
    wide, narrow = (
        measure_noise_bands(audio, controls.f0_hz, **rates, n_bands=n)[:, 20:-20].square().mean() for n in (65, n_bands)
    )
    assert float(10 * torch.log10(narrow / wide)) == pytest.approx(0.0, abs=1.0)


@pytest.mark.parametrize("hz", [110.0, 440.0])
@pytest.mark.parametrize("noise_gain", [0.0, 0.003])
def test_vibrato_is_no_noise(hz: float, noise_gain: float) -> None:
    controls = known_controls(hz, cents=100.0, noise_gain=noise_gain)
    found = measure_noise_bands(render(controls), controls.f0_hz, sample_rate=RATE, hop_length=HOP, n_bands=65)
    power = found[:, 20:-20].square().mean() / 3
    tone = 0.5 * (controls.amplitude * controls.harmonic_distribution).square().sum(-1).mean()
    noise = controls.noise_magnitudes.square().mean() / 3
    if noise_gain:
        assert float(10 * torch.log10(power / noise)) == pytest.approx(0.0, abs=1.0)
    else:
        assert float(10 * torch.log10(power / tone)) < -42  # in the windows as they are: -16 and -22


def test_pitch_that_is_misheard_beside_a_frame_makes_no_noise_in_it() -> None:
    controls = known_controls(330.0, cents=0.0, noise_gain=0.0)
    f0_hz = controls.f0_hz.clone()
    f0_hz[:, ::7] *= 1.06
    found = measure_noise_bands(render(controls), f0_hz, sample_rate=RATE, hop_length=HOP, n_bands=65)[:, 3::7]
    tone = 0.5 * (controls.amplitude * controls.harmonic_distribution).square().sum(-1).mean()
    assert float(10 * torch.log10(found.square().mean() / 3 / tone)) < -50  # along the pitch as it was heard: -40


def test_an_offset_is_no_noise() -> None:
    controls = known_controls(440.0)
    audio, rates = render(controls), {"sample_rate": RATE, "hop_length": HOP, "n_bands": 65}
    found, off = (measure_noise_bands(each, controls.f0_hz, **rates) for each in (audio, audio + 0.05))
    assert float(10 * torch.log10(off.square().mean() / found.square().mean())) == pytest.approx(0.0, abs=0.1)


def test_silence_is_silent() -> None:
    found = measure_noise_bands(
        torch.zeros(1, 1600), torch.full((1, 10, 1), 440.0), sample_rate=RATE, hop_length=HOP, n_bands=65
    )
    assert (found < 1e-7).all()


@pytest.mark.parametrize("n_bands", [2, 65, 513])
def test_any_number_of_bands_is_filled(n_bands: int) -> None:
    found = measure_noise_bands(
        torch.rand(1, 16000) * 2 - 1, torch.full((1, 100, 1), 300.0), sample_rate=RATE, hop_length=HOP, n_bands=n_bands
    )
    assert found.shape == (1, 100, n_bands)
    assert 0.8 < found.median() < 1.1


@pytest.mark.parametrize("edge", ["beginning", "end"])
def test_a_clip_that_is_cut_in_a_note_has_no_noise_of_the_cut(edge: str) -> None:
    controls = known_controls(330.0, 100)
    audio = render(controls)
    whole = measure_noise_bands(audio, controls.f0_hz, sample_rate=RATE, hop_length=HOP, n_bands=65)
    middle = slice(20, 80)
    cut = measure_noise_bands(
        audio[:, 20 * HOP : 80 * HOP], controls.f0_hz[:, middle], sample_rate=RATE, hop_length=HOP, n_bands=65
    )
    frames = slice(0, 3) if edge == "beginning" else slice(-3, None)
    power = [found[:, frames].square().mean() for found in (cut, whole[:, middle])]
    assert float(10 * torch.log10(power[0] / power[1])) == pytest.approx(0.0, abs=2.0)


def test_a_pitch_too_low_to_have_valleys_leaves_the_level() -> None:
    noise = torch.rand(1, 16000, generator=torch.Generator().manual_seed(0)) * 2 - 1
    rates = {"sample_rate": RATE, "hop_length": HOP, "n_bands": 65}
    found = measure_noise_bands(noise, torch.full((1, 100, 1), 0.125), **rates)
    assert float(20 * torch.log10(found).mean()) == pytest.approx(0.0, abs=1.0)
