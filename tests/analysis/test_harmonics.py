from __future__ import annotations

import pytest
import torch

from analysis.known_controls import HOP, RATE, known_controls, render
from luthier.analysis.harmonics import measure_harmonics


@pytest.mark.parametrize("hz", [50.0, 110.0, 440.0, 1800.0])
def test_amplitudes_of_a_vibrato_tone_are_exact(hz: float) -> None:
    controls = known_controls(hz, noise_gain=0.0)
    wanted = controls.amplitude * controls.harmonic_distribution
    found = measure_harmonics(render(controls), controls.f0_hz, sample_rate=RATE, hop_length=HOP, n_harmonics=20)
    audible = wanted > 1e-3
    error_db = 20 * torch.log10(found.amplitudes / wanted.clamp_min(1e-9))[audible].abs()
    assert error_db.quantile(0.95) < 0.3
    assert error_db[:1].max() < 1.0  # the first frame, half of whose window lies before the clip


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
