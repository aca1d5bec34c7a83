from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from features.tones import RATE, steady, tone, vibrato
from luthier.dsp.framing import n_frames
from luthier.dsp.resampling import resample
from luthier.dsp.signals import Expression
from luthier.errors import ShapeError
from luthier.features.expression import measure_expression
from luthier.features.long_audio import LongAudio

HOP = 160


def constant(hz: float, audio: Tensor, hop_length: int = HOP) -> Tensor:
    return torch.full((1, n_frames(audio.shape[-1], hop_length), 1), hz)


def measured(audio: Tensor, hz: float, sample_rate: int = RATE, hop_length: int = HOP) -> Expression:
    """(n_frames,) each, away from the ends."""
    found = measure_expression(audio, constant(hz, audio, hop_length), sample_rate=sample_rate, hop_length=hop_length)
    edge = round(0.1 * sample_rate / hop_length)
    return Expression(*(values[0, edge:-edge, 0] for values in found))


def with_noise(audio: Tensor, noise_db: float) -> Tensor:
    """Add white noise so many dB above the tone's power."""
    level = audio.square().mean().sqrt() * 10 ** (noise_db / 20)
    return audio + level * torch.randn(audio.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("hz", [60.0, 220.0, 880.0])
@pytest.mark.parametrize("n_harmonics", [1, 2, 6])
def test_brightness_is_the_centroid_of_the_harmonics_above_the_fundamental(hz: float, n_harmonics: int) -> None:
    brightness = measured(tone(steady(hz), n_harmonics=n_harmonics), hz).brightness_octaves
    centroid = n_harmonics / sum(1 / k for k in range(1, n_harmonics + 1))  # amplitudes fall as 1 / k
    torch.testing.assert_close(brightness, torch.full_like(brightness, math.log2(centroid)), atol=0.02, rtol=0)


@pytest.mark.parametrize("hz", [95.0, 110.0, 165.0, 440.0])
@pytest.mark.parametrize("noise_db", [-45.0, -30.0, -10.0])
def test_noisiness_is_noise_power_against_harmonic_power(hz: float, noise_db: float) -> None:
    noisiness = measured(with_noise(tone(steady(hz, 2.0)), noise_db), hz).noisiness_db
    assert float(noisiness.mean()) == pytest.approx(noise_db, abs=1.5)  # a mean of logarithms lies below


@pytest.mark.parametrize("hz", [110.0, 440.0])
def test_vibrato_is_neither_noise_nor_dark(hz: float) -> None:
    pitch = vibrato(hz, cents=100.0)
    frame_hz = torch.from_numpy(pitch[::HOP]).float().view(1, -1, 1)
    moving = measure_expression(with_noise(tone(pitch), -30.0), frame_hz, sample_rate=RATE, hop_length=HOP)
    still = measured(with_noise(tone(steady(hz, 2.0)), -30.0), hz)
    for name, tolerance in (("noisiness_db", 1.5), ("brightness_octaves", 0.04), ("air_octaves", 0.2)):
        mean = float(getattr(moving, name)[0, 10:-10].mean())
        assert mean == pytest.approx(float(getattr(still, name).mean()), abs=tolerance)


@pytest.mark.parametrize("hz", [80.0, 330.0])
def test_warmth_and_hollowness_are_ratios_of_harmonic_powers(hz: float) -> None:
    found = measured(tone(steady(hz), n_harmonics=4), hz)
    powers = [1 / k**2 for k in range(1, 5)]
    warmth = 10 * math.log10(powers[0] / sum(powers))
    hollowness = 10 * math.log10((powers[0] + powers[2]) / (powers[1] + powers[3]))
    assert float(found.warmth_db.mean()) == pytest.approx(warmth, abs=0.1)
    assert float(found.hollowness_db.mean()) == pytest.approx(hollowness, abs=0.1)


def test_air_is_where_the_noise_lies() -> None:
    hiss = torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))
    low = resample(resample(hiss, RATE, 4000), 4000, RATE)  # nothing above 2 kHz: centred on 1 kHz
    for noise, octaves in ((low, 0.0), (hiss, 2.0)):
        assert float(measured(0.1 * noise, 440.0).air_octaves.mean()) == pytest.approx(octaves, abs=0.15)


def test_any_type_of_numbers_is_measured_alike() -> None:
    audio = with_noise(tone(steady(220.0)), -30.0)
    floats, doubles = measured(audio, 220.0), measured(audio.double(), 220.0)
    torch.testing.assert_close(doubles.noisiness_db, floats.noisiness_db, atol=1e-3, rtol=0)


def test_none_depends_on_the_level() -> None:
    audio = with_noise(tone(steady(330.0)), -20.0)
    for loud, quiet in zip(measured(audio, 330.0), measured(0.1 * audio, 330.0), strict=True):
        torch.testing.assert_close(loud, quiet, atol=0.05, rtol=0)  # the silence that is added to ratios


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
def test_the_same_sound_is_as_bright_and_as_noisy_at_every_rate(rate: int) -> None:
    audio = with_noise(tone(steady(250.0)), -20.0)
    narrow = resample(resample(audio, RATE, 8000), 8000, RATE)  # nothing above 4 kHz, which all rates can hold
    expected = [float(values.mean()) for values in measured(narrow, 250.0)]
    found = [float(values.mean()) for values in measured(resample(narrow, RATE, rate), 250.0, rate, rate // 100)]
    assert found == pytest.approx(expected, abs=0.5)


def test_long_audio_is_measured_as_audio_in_memory() -> None:
    audio = with_noise(tone(steady(200.0, 1.3)), -15.0)
    f0_hz = constant(200.0, audio)
    long = LongAudio(lambda start, stop: audio[:, start:stop], audio.shape[-1])
    for one, other in zip(
        measure_expression(audio, f0_hz, sample_rate=RATE, hop_length=HOP),
        measure_expression(long, f0_hz, sample_rate=RATE, hop_length=HOP),
        strict=True,
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("audio", [torch.zeros(1, 4000), torch.zeros(1, 1), 1e-6 * torch.randn(2, 3000)])
def test_silence_is_finite(audio: Tensor) -> None:
    f0_hz = torch.full((len(audio), n_frames(audio.shape[-1], HOP), 1), 440.0)
    for values in measure_expression(audio, f0_hz, sample_rate=RATE, hop_length=HOP):
        assert values.shape == f0_hz.shape
        assert torch.isfinite(values).all()


def test_a_pitch_with_other_frames_is_refused() -> None:
    with pytest.raises(ShapeError, match="one frame for each hop"):
        measure_expression(torch.zeros(1, 1600), torch.full((1, 9, 1), 440.0), sample_rate=RATE, hop_length=HOP)


def test_a_pitch_that_moves_is_followed() -> None:
    hz = 200.0 * 2 ** np.linspace(0, 1, 2 * RATE)
    audio = tone(hz, n_harmonics=4)
    f0_hz = torch.from_numpy(hz[::HOP].astype(np.float32)).view(1, -1, 1)
    brightness = measure_expression(audio, f0_hz, sample_rate=RATE, hop_length=HOP).brightness_octaves[0, 10:-10, 0]
    expected = math.log2(4 / sum(1 / k for k in range(1, 5)))
    assert float((brightness - expected).abs().max()) < 0.1
