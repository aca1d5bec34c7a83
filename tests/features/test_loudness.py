from __future__ import annotations

import importlib.resources
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from luthier.data.audio_files import load_audio
from luthier.dsp.resampling import resample
from luthier.features import loudness
from luthier.features.loudness import loudness_db, rms_power_db

VIOLIN = importlib.resources.files("luthier.apps") / "demo_audio" / "violin.flac"


def melody(seconds: float = 1.0) -> Tensor:
    """Band-limited below 3.5 kHz, moving in level and pitch, at 96 kHz."""
    time = torch.arange(round(96000 * seconds), dtype=torch.float64) / 96000
    level = 0.3 + 0.2 * torch.sin(2 * torch.pi * 3 * time)
    tones = torch.stack([torch.sin(2 * torch.pi * hz * time * (1 + 0.1 * time)) / hz**0.5 for hz in (220, 660, 2200)])
    return (level * tones.sum(0)).float().unsqueeze(0)


@pytest.mark.parametrize("n_fft", [512, 2048])
def test_it_is_the_reference_definition_at_16_khz(n_fft: int) -> None:
    audio = resample(melody(), 96000, 16000) + 0.01 * torch.randn(1, 16000)
    spectrum = torch.stft(audio, n_fft, 160, window=torch.hann_window(n_fft), return_complex=True).abs().square()
    frequency = np.fft.rfftfreq(n_fft, 1 / 16000)[1:]
    squared = frequency**2
    gain = 12194**2 * squared**2 / ((squared + 20.6**2) * (squared + 12194**2))
    gain_db = 20 * np.log10(gain / np.sqrt((squared + 107.7**2) * (squared + 737.9**2))) + 2.0
    weights = np.concatenate([[0.0], 10 ** (gain_db / 10)]).astype(np.float32)
    expected = 10 * torch.log10((spectrum * torch.from_numpy(weights)[:, None]).mean(1))[:, :100]
    measured = loudness_db(audio, sample_rate=16000, hop_length=160, n_fft=n_fft)[..., 0]
    assert measured.shape == expected.shape
    torch.testing.assert_close(measured, expected, atol=2e-3, rtol=0)  # float32 sums of 1025 bins


@pytest.mark.parametrize("measure", [loudness_db, rms_power_db])
@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_the_same_sound_is_equally_loud_at_every_rate(measure: Callable[..., Tensor], rate: int) -> None:
    audio = melody()
    expected = measure(resample(audio, 96000, 16000), sample_rate=16000, hop_length=320)
    found = measure(resample(audio, 96000, rate), sample_rate=rate, hop_length=rate // 50)
    assert (found - expected).abs().max() < 0.5


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 24000, 32000, 44100, 48000, 96000])
@pytest.mark.parametrize("frame_rate", [25, 50, 100])
def test_a_real_violin_is_equally_loud_at_every_rate_and_hop(rate: int, frame_rate: int) -> None:
    """Only what all rates can hold is compared; below 40 dB under the peak a decibel is no longer music."""
    with importlib.resources.as_file(VIOLIN) as path:
        audio = load_audio(path, 16000)[0][:, 16000 : 16000 * 5]
    audio = resample(resample(audio, 16000, 7000), 7000, 16000)
    expected = loudness_db(audio, sample_rate=16000, hop_length=160)
    found = loudness_db(resample(audio, 16000, rate), sample_rate=rate, hop_length=rate // frame_rate)
    seconds = np.arange(found.shape[1]) * (rate // frame_rate) / rate
    near = np.interp(seconds, np.arange(expected.shape[1]) / 100, expected.flatten().numpy())
    is_loud = near > near.max() - 40
    assert is_loud.mean() > 0.5
    assert np.abs(found.flatten().numpy() - near)[is_loud].max() < 0.5


def test_the_hop_changes_nothing_but_the_number_of_frames() -> None:
    audio = torch.randn(1, 8000)
    fine = loudness_db(audio, sample_rate=16000, hop_length=64)
    torch.testing.assert_close(loudness_db(audio, sample_rate=16000, hop_length=192), fine[:, ::3])


def test_rms_of_a_square_wave_is_zero_db_and_of_silence_the_floor() -> None:
    square = torch.ones(1, 4000)
    square[:, ::2] = -1
    torch.testing.assert_close(rms_power_db(square, sample_rate=16000, hop_length=100), torch.zeros(1, 40, 1))
    assert (rms_power_db(0 * square, sample_rate=16000, hop_length=100, floor_db=-90.0) == -90.0).all()


def test_long_clips_are_measured_in_pieces_without_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = torch.randn(2, 5000)
    whole = loudness_db(audio, sample_rate=16000, hop_length=50)
    monkeypatch.setattr(loudness, "FRAMES_AT_ONCE", 7)
    torch.testing.assert_close(loudness_db(audio, sample_rate=16000, hop_length=50), whole)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 100, 1600])
@pytest.mark.parametrize("measure", [loudness_db, rms_power_db])
def test_short_clips_and_dc_are_finite(measure: Callable[..., Tensor], n_samples: int) -> None:
    measured = measure(torch.ones(1, n_samples), sample_rate=16000, hop_length=160)
    assert measured.shape == (1, -(-n_samples // 160), 1)
    assert torch.isfinite(measured).all()
    assert (measured >= -80).all()
