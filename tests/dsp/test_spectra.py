from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import stft as scipy_stft

from luthier.dsp.spectra import hann_window, stft, stft_magnitude, weighted_power


@pytest.mark.parametrize("n_samples", [64000, 16001, 3000, 1025])
@pytest.mark.parametrize(("n_fft", "hop_length"), [(64, 16), (2048, 512), (384, 96), (512, 160)])
def test_equals_torch(n_samples: int, n_fft: int, hop_length: int) -> None:
    audio = torch.rand(2, n_samples, dtype=torch.float64) - 0.5
    window = torch.hann_window(n_fft, dtype=torch.float64)
    expected = torch.stft(audio, n_fft, hop_length, window=window, return_complex=True).transpose(1, 2)
    assert (stft(audio, n_fft=n_fft, hop_length=hop_length) - expected).abs().max() < 1e-10


def test_magnitudes_equal_scipy_inside_the_clip() -> None:
    audio = np.random.default_rng(0).standard_normal(4096)
    _, _, expected = scipy_stft(audio, nperseg=256, noverlap=192, boundary=None, padded=False)
    magnitude = stft_magnitude(torch.from_numpy(audio).unsqueeze(0), n_fft=256, hop_length=64)[0].numpy()
    # scipy divides by the window's sum (128) and starts its first window at sample 0, which is our third.
    assert pytest.approx(np.abs(expected), abs=1e-12) == magnitude[2 : 2 + expected.shape[1]].T / 128


@pytest.mark.parametrize("frequency_hz", [250, 1000, 6000])
def test_a_sine_peaks_in_its_bin(frequency_hz: int) -> None:
    audio = torch.sin(2 * torch.pi * frequency_hz * torch.arange(8000) / 16000).unsqueeze(0)
    magnitude = stft_magnitude(audio, n_fft=512, hop_length=128)[0, 10]
    assert int(magnitude.argmax()) * 16000 / 512 == frequency_hz
    assert float(magnitude.max()) == pytest.approx(128.0, rel=1e-3)  # half the window's sum


@pytest.mark.parametrize("n_samples", [1, 2, 100, 1024])
def test_clips_too_short_to_reflect_count_as_followed_by_silence(n_samples: int) -> None:
    audio = torch.rand(1, n_samples, dtype=torch.float64)
    filled = torch.nn.functional.pad(audio, (0, 1025 - n_samples))
    assert torch.equal(stft(audio, n_fft=2048, hop_length=512), stft(filled, n_fft=2048, hop_length=512))


def test_gradient_is_the_derivative() -> None:
    audio = torch.rand(1, 20, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: stft_magnitude(values, n_fft=8, hop_length=2), (audio,))


@pytest.mark.parametrize(("frame_length", "n_fft"), [(16, 16), (13, 16), (5, 18)])
def test_weighted_power_and_its_gradient(frame_length: int, n_fft: int) -> None:
    frames = torch.rand(2, 3, frame_length, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(n_fft // 2 + 1, dtype=torch.float64)
    expected = torch.fft.rfft(frames, n=n_fft).abs().square() @ weights
    assert torch.allclose(weighted_power(frames, weights), expected, rtol=1e-12)
    assert torch.autograd.gradcheck(lambda values: weighted_power(values, weights), (frames,))


def test_what_was_measured_under_inference_mode_can_be_trained_afterwards() -> None:
    audio = torch.rand(1, 100)
    with torch.inference_mode():
        stft(audio, n_fft=44, hop_length=11)  # a size that no other test uses
    leaf = audio.clone().requires_grad_()
    stft_magnitude(leaf, n_fft=44, hop_length=11).sum().backward()
    assert leaf.grad.abs().sum() > 0


def test_windows_are_made_once() -> None:
    arguments = (96, torch.float32, torch.device("cpu"))
    assert hann_window(*arguments) is hann_window(*arguments)
    assert torch.equal(hann_window(*arguments), torch.hann_window(96))
