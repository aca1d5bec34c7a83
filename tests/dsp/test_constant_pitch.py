from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from luthier.dsp.constant_pitch import (
    OVERSAMPLING,
    WIDEST,
    at_constant_pitch,
    interpolation_gain,
    oversample,
    pitch_around,
    samples_around,
)

RATE, HOP, LENGTH = 16000, 160, 1024
N_FRAMES = 60
MIDDLES = torch.arange(20, 40) * HOP


def played(audio: Tensor, frame_hz: Tensor, goal_hz: Tensor) -> tuple[Tensor, Tensor]:
    around = pitch_around(frame_hz.unsqueeze(0), length=LENGTH, hop_length=HOP)[0, 20:40]
    rates = {"length": LENGTH, "hop_length": HOP}
    return at_constant_pitch(oversample(audio.unsqueeze(0))[0], MIDDLES, around, goal_hz, **rates)


def vibrato_cycles(hz: float, cents: float) -> tuple[Tensor, Tensor]:
    """(n_samples,) cycles in double precision, and the pitch of the frames."""
    time = torch.arange(N_FRAMES * HOP, dtype=torch.float64) / RATE
    f0_hz = hz * 2 ** (cents / 1200 * torch.sin(2 * torch.pi * 5.5 * time))
    return (f0_hz.cumsum(0) - f0_hz[0]) / RATE, f0_hz[::HOP].float()


@pytest.mark.parametrize("number", [1, 5, 9])
@pytest.mark.parametrize("cents", [30.0, 100.0])
def test_a_harmonic_of_a_vibrato_becomes_a_steady_sine(number: int, cents: float) -> None:
    cycles, frame_hz = vibrato_cycles(440.0, cents)
    goal_hz = frame_hz[20:40, None]
    windows, _ = played(torch.sin(2 * math.pi * number * cycles).float(), frame_hz, goal_hz)
    offset = (torch.arange(LENGTH) - LENGTH // 2) / RATE
    steady = torch.sin(2 * math.pi * number * (cycles[MIDDLES].unsqueeze(1) + goal_hz * offset))
    middle = slice(LENGTH // 8, -LENGTH // 8)
    error = (windows - steady)[:, middle].square().mean() / steady[:, middle].square().mean()
    assert 10 * math.log10(error) < -15 - 20 * math.log10(number / 9)  # the pitch between frames is a guess


def test_a_steady_pitch_leaves_the_audio_as_it_is() -> None:
    audio = torch.rand(N_FRAMES * HOP) * 2 - 1
    windows, offsets = played(audio, torch.full((N_FRAMES,), 300.0), torch.full((20, 1), 300.0))
    torch.testing.assert_close(windows, audio.unfold(0, LENGTH, 1)[MIDDLES - LENGTH // 2], atol=5e-3, rtol=0)
    torch.testing.assert_close(offsets, (torch.arange(LENGTH) - LENGTH / 2).expand(20, -1), atol=1e-3, rtol=0)


def test_audio_is_played_slower_for_a_lower_pitch() -> None:
    cycles, frame_hz = vibrato_cycles(440.0, 0.0)
    windows, _ = played(torch.sin(2 * math.pi * cycles).float(), frame_hz, torch.full((20, 1), 150.0))
    spectrum = torch.fft.rfft(windows * torch.hann_window(LENGTH), n=16 * LENGTH).abs().mean(0)
    assert float(spectrum.argmax()) * RATE / (16 * LENGTH) == pytest.approx(150.0, abs=1.0)


def test_values_between_samples_are_exact_but_near_nyquist_where_they_are_what_it_says() -> None:
    time = torch.arange(8000, dtype=torch.float64) / OVERSAMPLING
    for frequency in (0.01, 0.25, 0.47, 0.49):
        sine = torch.exp(2j * math.pi * frequency * time)
        fine = oversample(sine.real[::OVERSAMPLING].float().unsqueeze(0))[0, 2000:-2000]
        left = 2 * (fine * sine[2000:-2000].conj()).mean().abs()
        assert float(left) == pytest.approx(float(interpolation_gain(torch.tensor(frequency))), abs=0.01)
        if frequency < 0.475:
            torch.testing.assert_close(fine, sine.real[2000:-2000].float(), atol=1e-5, rtol=0)


def test_a_loud_sound_does_not_ring_in_the_silence_after_it() -> None:
    audio = torch.zeros(1, 4000)
    audio[:, :1000] = 1.0
    after = oversample(audio)[0, 1500 * OVERSAMPLING :]
    assert after.abs().max() < 1e-6


@pytest.mark.parametrize("leap", [0.1, 10.0])
def test_a_leap_is_followed_by_two_semitones_only(leap: float) -> None:
    pitch = torch.full((N_FRAMES,), 300.0)
    pitch[30:] *= leap
    windows, offsets = played(torch.rand(N_FRAMES * HOP), pitch, pitch[20:40, None])
    assert windows.isfinite().all()
    assert offsets.diff(dim=1).min() > 0.999 / WIDEST
    assert offsets.diff(dim=1).max() < 1.001 * WIDEST
    assert offsets.abs().max() <= samples_around(LENGTH) - 2
