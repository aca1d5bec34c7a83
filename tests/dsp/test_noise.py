from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dsp.blocks import BLOCK_FRAMES, play_in_blocks
from luthier.dsp.interpolation import following_frames
from luthier.dsp.noise import NoiseState, bands_to_bins, filtered_noise, mel_bands_to_bands
from luthier.dsp.rendering import render_noise
from luthier.errors import ShapeError
from reference import cross_faded_noise, difference_db, separate_noise

HOP, BANDS = 160, 65


def white(n_frames: int, batch: int = 1, hop_length: int = HOP) -> Tensor:
    return torch.rand(batch, n_frames * hop_length) * 2 - 1


def step_ratio(audio: object) -> float:
    """Mean step from sample to sample across frame borders, against that inside frames."""
    steps = np.abs(np.diff(np.asarray(audio, dtype=np.float64)))
    at_border = np.arange(1, len(steps) + 1) % HOP == 0
    return float(steps[at_border].mean() / steps[~at_border].mean())


def swelling(n_frames: int) -> Tensor:
    """Magnitudes that glide up and down at 3 Hz, each band at its own time; dark on average."""
    time = torch.arange(n_frames).view(1, -1, 1) / 100
    bands = torch.arange(BANDS).view(1, 1, -1)
    return torch.exp(-bands / 20) * (1 + 0.9 * torch.sin(2 * math.pi * (3 * time + bands / 30)))


@pytest.mark.parametrize("hop_length", [1, 2, 50, 160])
def test_a_constant_filter_plays_its_noise_one_hop_later(hop_length: int) -> None:
    noise, magnitudes = white(9, 2, hop_length), torch.full((2, 9, 4), 0.37)
    before = white(2, 2, hop_length)
    audio, _ = filtered_noise(magnitudes, noise, NoiseState.start(magnitudes[:, :1], before), hop_length=hop_length)
    expected = 0.37 * torch.cat([before[:, hop_length:], noise[:, :-hop_length]], dim=1)
    assert (audio - expected).abs().max() < 1e-6


def test_a_whole_clip_starts_with_its_own_noise_backwards() -> None:
    noise = white(9)
    expected = 0.5 * torch.cat([noise[:, :HOP].flip(1), noise[:, :-HOP]], dim=1)
    assert (render_noise(torch.full((1, 9, BANDS), 0.5), noise, hop_length=HOP) - expected).abs().max() < 1e-6


@pytest.mark.parametrize("bands", [2, 33, 65, 161, 300])
def test_equals_the_slow_reference(bands: int) -> None:
    magnitudes, stretch = torch.rand(1, 8, bands), white(9)
    state = NoiseState.start(magnitudes[:, :1], stretch[:, : 2 * HOP])
    audio, _ = filtered_noise(magnitudes[:, 1:], stretch[:, 2 * HOP :], state, hop_length=HOP)
    expected = cross_faded_noise(magnitudes[0].double().numpy(), stretch[0].double().numpy(), HOP)
    assert difference_db(audio[0], expected) < -110


def test_a_single_open_band_passes_only_its_frequencies() -> None:
    magnitudes = torch.zeros(1, 200, BANDS)
    magnitudes[..., 32] = 1.0  # 4 kHz of 0 to 8 kHz
    audio = render_noise(magnitudes, white(200), hop_length=HOP)[0].numpy()
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    frequency_hz = np.fft.rfftfreq(len(audio), 1 / 16000)
    assert power[np.abs(frequency_hz - 4000) < 250].sum() / power.sum() > 0.99


class TestFrameBorders:
    def test_changing_filters_leave_no_steps(self) -> None:
        torch.manual_seed(1)
        magnitudes, noise = swelling(6000), white(6000)
        assert step_ratio(render_noise(magnitudes, noise, hop_length=HOP)[0]) == pytest.approx(1, abs=0.05)

    def test_the_measure_sees_frames_without_overlap(self) -> None:
        magnitudes, noise = swelling(1000)[0].double().numpy(), white(1000)[0].double().numpy()
        assert step_ratio(separate_noise(magnitudes, noise, HOP)) > 1.5

    def test_a_constant_filter_is_equally_loud_all_along_the_hop(self) -> None:
        torch.manual_seed(1)
        magnitudes = swelling(1).expand(1, 12000, -1)
        audio = render_noise(magnitudes, white(12000), hop_length=HOP)[0]
        power = audio.view(-1, 10, HOP // 10).square().mean(dim=(0, 2))  # ten places along the hop
        assert (power.max() / power.min()) < 1.05  # 12000 frames: a standard deviation of 0.5 %


@pytest.mark.parametrize("block", BLOCK_FRAMES)
def test_blocks_equal_the_whole(block: int) -> None:
    magnitudes, noise = torch.rand(2, 130, BANDS), white(130, 2)
    following, before = following_frames(magnitudes), noise[:, : 2 * HOP].flip(1)
    blocks = play_in_blocks(
        lambda place, state: filtered_noise(
            following[:, place], noise[:, place.start * HOP : place.stop * HOP], state, hop_length=HOP
        ),
        NoiseState.start(magnitudes[:, :1], before),
        130,
        block,
    )
    assert (blocks - render_noise(magnitudes, noise, hop_length=HOP)).abs().max() < 1e-5


def test_gradient_is_the_derivative() -> None:
    magnitudes = torch.rand(2, 3, 5, dtype=torch.float64, requires_grad=True)
    noise, state = white(3, 2, 4).double(), NoiseState(torch.rand(2, 1, 5).double(), white(2, 2, 4).double())
    assert torch.autograd.gradcheck(lambda m: filtered_noise(m, noise, state, hop_length=4)[0], (magnitudes,))


def test_what_was_played_under_inference_mode_can_be_trained_afterwards() -> None:
    magnitudes, noise = torch.rand(1, 4, 11), white(4, hop_length=37)  # sizes that no other test uses
    with torch.inference_mode():
        render_noise(magnitudes, noise, hop_length=37)
    leaf = magnitudes.clone().requires_grad_()
    render_noise(leaf, noise, hop_length=37).square().sum().backward()
    assert leaf.grad.abs().sum() > 0


def test_silence_stays_silent() -> None:
    assert render_noise(torch.zeros(1, 4, BANDS), white(4), hop_length=HOP).abs().max() == 0


def test_noise_of_another_length_is_refused() -> None:
    magnitudes = torch.rand(1, 4, BANDS)
    with pytest.raises(ShapeError, match="4 frames of 160"):
        filtered_noise(magnitudes, white(3), NoiseState.start(magnitudes[:, :1], white(2)), hop_length=HOP)


@pytest.mark.parametrize(("bands", "bins"), [(3, 5), (5, 3), (7, 7), (65, 161), (65, 2)])
def test_bands_are_read_on_straight_lines(bands: int, bins: int) -> None:
    gains = torch.rand(bands, dtype=torch.float64)
    expected = np.interp(np.linspace(0, 1, bins), np.linspace(0, 1, bands), gains.numpy())
    assert bands_to_bins(gains, n_bins=bins).numpy() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("n_mel_bands", "n_bands", "rate"), [(8, 33, 16000), (65, 257, 44100), (2, 5, 48000)])
def test_mel_bands_lie_as_far_apart_as_the_ear_hears_them(n_mel_bands: int, n_bands: int, rate: int) -> None:
    gains = torch.rand(n_mel_bands, dtype=torch.float64)
    mel = 2595 * np.log10(1 + np.linspace(0, rate / 2, n_bands) / 700)
    expected = np.interp(mel, np.linspace(0, mel[-1], n_mel_bands), gains.numpy())
    np.testing.assert_allclose(mel_bands_to_bands(gains, n_bands=n_bands, sample_rate=rate).numpy(), expected)
