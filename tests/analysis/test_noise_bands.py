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


def test_a_note_that_rings_on_under_the_next_is_read_as_without_it_moving() -> None:
    low, high = known_controls(330.0, cents=0.0), known_controls(370.0, cents=0.0)
    audio = torch.cat([render(low)[:, :16000], render(high)[:, :16000]], dim=1)
    audio[:, 16000:] += 0.1 * render(low)[:, 16000:]
    f0_hz = torch.cat([low.f0_hz[:, :100], high.f0_hz[:, :100]], dim=1)
    found = measure_noise_bands(audio, f0_hz, sample_rate=RATE, hop_length=HOP, n_bands=65)
    steady = measure_noise_bands(audio, torch.full_like(f0_hz, 370.0), sample_rate=RATE, hop_length=HOP, n_bands=65)
    after = slice(102, 106)
    assert (found[:, after].square().mean() <= 1.0001 * steady[:, after].square().mean()).all()


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
