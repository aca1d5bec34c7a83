from __future__ import annotations

import pytest
import torch

from analysis.known_controls import HOP, RATE, known_controls, render
from luthier.analysis.harmonics import EDGE_HZ, measure_harmonics


@pytest.mark.parametrize("hz", [50.0, 110.0, 440.0, 1800.0])
@pytest.mark.parametrize("cents", [20.0, 100.0])
def test_amplitudes_of_a_vibrato_tone_are_exact(hz: float, cents: float) -> None:
    controls = known_controls(hz, noise_gain=0.0, cents=cents)
    wanted = controls.amplitude * controls.harmonic_distribution
    found = measure_harmonics(render(controls), controls.f0_hz, sample_rate=RATE, hop_length=HOP, n_harmonics=20)
    error_db = 20 * torch.log10(found.amplitudes / wanted.clamp_min(1e-9)).abs().masked_fill(wanted < 1e-3, 1.0)
    assert error_db[wanted > 1e-3].abs().quantile(0.95) < 0.2
    # The first frame, half of whose window lies before the clip; its highest harmonic is cut off in the render.
    assert error_db[0, 0, : min(15, int(7000 / hz))].abs().max() < 0.5


@pytest.mark.parametrize("sample_rate", [44100, 48000])
@pytest.mark.parametrize("hz", [41.0, 62.0, 233.0, 987.0])
def test_all_harmonics_up_to_nyquist_are_found_at_any_rate(sample_rate: int, hz: float) -> None:
    count = int((sample_rate / 2 - 2 * EDGE_HZ) / hz)
    time = torch.arange(sample_rate // 2, dtype=torch.float64) / sample_rate
    audio = sum(torch.sin(2 * torch.pi * k * hz * time + k * k) for k in range(1, count + 1)).float().unsqueeze(0)
    hop_length = sample_rate // 100
    f0_hz = torch.full((1, -(-audio.shape[1] // hop_length), 1), hz)
    found = measure_harmonics(audio, f0_hz, sample_rate=sample_rate, hop_length=hop_length, n_harmonics=count + 5)
    error_db = 20 * torch.log10(found.amplitudes[0, 5:-5, :count])
    assert error_db.abs().max() < 1.0
    assert error_db[:, : int(0.8 * count)].abs().max() < 0.03
    assert (found.amplitudes[..., count + 1 :] == 0).all()


def test_noise_adds_as_much_as_is_said() -> None:
    audio, f0_hz = torch.randn(1, 64000), torch.full((1, 400, 1), 500.0)
    found = measure_harmonics(audio, f0_hz, sample_rate=RATE, hop_length=HOP, n_harmonics=12)
    ratio = found.amplitudes[..., 1:].square().mean() / found.noise_power.mean()
    assert 0.85 < ratio < 1.15


def test_harmonics_above_nyquist_are_silent() -> None:
    found = measure_harmonics(
        torch.randn(1, 1600), torch.full((1, 10, 1), 3000.0), sample_rate=RATE, hop_length=HOP, n_harmonics=5
    )
    assert (found.amplitudes[..., :2] > 0).all()
    assert (found.amplitudes[..., 2:] == 0).all()


def test_a_few_samples_of_a_long_period_do_not_explode() -> None:
    found = measure_harmonics(
        0.1 * torch.randn(1, 50), torch.full((1, 1, 1), 50.0), sample_rate=RATE, hop_length=HOP, n_harmonics=100
    )
    assert found.amplitudes.max() < 0.3
