from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dsp.blocks import BLOCK_FRAMES, cut
from luthier.dsp.harmonic import HarmonicState, harmonic_amplitudes, harmonic_synthesis
from luthier.dsp.interpolation import following_frames
from luthier.dsp.rendering import render_harmonic
from luthier.dsp.signals import Controls
from luthier.errors import ShapeError
from reference import (
    difference_db,
    draw_lines,
    draw_steps,
    harmonic_tone,
    off_harmonic_db,
    running_phase,
    sum_of_sines,
)

RATE, HOP = 16000, 160
RATES = {"sample_rate": RATE, "hop_length": HOP}


def tone(f0_hz: object, amplitudes: object) -> Controls:
    """Controls of one clip from f0 (n_frames,) and the amplitude of each harmonic (n_frames, n_harmonics)."""
    f0 = torch.as_tensor(f0_hz).float().view(1, -1, 1)
    peaks = torch.as_tensor(amplitudes).float().view(1, f0.shape[1], -1)
    return Controls(f0, torch.ones_like(f0), peaks, torch.zeros(1, f0.shape[1], 2))


def steady(f0_hz: float, n_harmonics: int = 1, n_frames: int = 20) -> Controls:
    return tone(np.full(n_frames, f0_hz), np.full((n_frames, n_harmonics), 1.0))


def wild(n_frames: int = 130, n_harmonics: int = 30) -> Controls:
    """Glides over the whole range, silence and harmonics that cross Nyquist included."""
    f0 = 40 + 3000 * torch.rand(n_frames) ** 3
    f0[::17] = 0.0
    return tone(f0, torch.rand(n_frames, n_harmonics) / n_harmonics)


@pytest.mark.parametrize("f0_hz", [100.0, 440.0, 1000.0, 3999.0, 7990.0])
def test_a_tone_peaks_at_its_frequency(f0_hz: float) -> None:
    audio = render_harmonic(steady(f0_hz, n_frames=100), **RATES)[0]
    spectrum = np.abs(np.fft.rfft(audio.numpy() * np.hanning(len(audio))))
    assert np.argmax(spectrum) * RATE / len(audio) == pytest.approx(f0_hz, abs=1.0)
    assert audio.abs().max() == pytest.approx(1.0, abs=2e-3)


def test_harmonics_stand_at_multiples_with_their_amplitudes() -> None:
    peaks = np.array([0.5, 0.0, 0.3, 0.1])
    audio = render_harmonic(tone(np.full(100, 500.0), np.tile(peaks, (100, 1))), **RATES)[0]
    spectrum = 2 * np.abs(np.fft.rfft(audio.numpy())) / len(audio)  # one second: bins are Hz
    assert spectrum[[500, 1000, 1500, 2000]] == pytest.approx(peaks, abs=1e-4)


@pytest.mark.parametrize("f0_hz", [8000.0, 8001.0, 20000.0, 0.0, -100.0])
def test_no_sound_at_or_above_nyquist_or_without_pitch(f0_hz: float) -> None:
    assert torch.equal(render_harmonic(steady(f0_hz, 5), **RATES), torch.zeros(1, 20 * HOP))


def test_harmonics_above_nyquist_are_silent() -> None:
    assert (
        difference_db(render_harmonic(steady(3000.0, 10), **RATES), render_harmonic(steady(3000.0, 2), **RATES)) < -110
    )
    assert harmonic_amplitudes(steady(2000.0, 6, 1), sample_rate=RATE).flatten().tolist() == [1, 1, 1, 0, 0, 0]


def test_equals_the_slow_reference_on_wild_controls() -> None:
    controls = wild()
    expected = harmonic_tone(
        controls.f0_hz[0, :, 0].double().numpy(), controls.harmonic_distribution[0].double().numpy(), RATE, HOP
    )
    assert difference_db(render_harmonic(controls, **RATES)[0], expected) < -100


class TestSmoothControls:
    """Linear controls against the same controls held: the issue's numbers, and proof that the measure can fail."""

    frame_seconds = np.arange(400) * HOP / RATE

    def played(self, f0_hz: np.ndarray, amplitude: np.ndarray) -> tuple[float, float]:
        """Off-harmonic energy of ours and of nearest-neighbour controls, dB."""
        ours = render_harmonic(tone(f0_hz, amplitude), **RATES)[0]
        held = sum_of_sines(running_phase(draw_steps(f0_hz, HOP), RATE), draw_steps(amplitude, HOP)[:, None])
        return off_harmonic_db(ours, 440.0, RATE), off_harmonic_db(held, 440.0, RATE)

    def test_vibrato_stays_clean(self) -> None:
        vibrato = np.sin(2 * math.pi * 6 * self.frame_seconds)
        ours, held = self.played(440.0 * 2 ** (50 / 1200 * vibrato), np.ones(400))
        assert ours <= -60  # measured: -66.5
        assert held == pytest.approx(-41, abs=2)

    def test_tremolo_stays_clean(self) -> None:
        tremolo = np.sin(2 * math.pi * 6 * self.frame_seconds)
        ours, held = self.played(np.full(400, 440.0), 0.5 * (1 + 0.6 * tremolo))
        assert ours <= -50  # measured: -53.6
        assert held == pytest.approx(-27, abs=2)

    def test_a_tone_of_smooth_controls_would_be_clean(self) -> None:
        seconds = np.arange(400 * HOP) / RATE
        vibrato = 440.0 * 2 ** (50 / 1200 * np.sin(2 * math.pi * 6 * seconds))
        audio = sum_of_sines(running_phase(vibrato, RATE), np.ones((len(seconds), 1)))
        assert off_harmonic_db(audio, 440.0, RATE) < -100


def test_harmonic_20_has_no_phase_error_after_180_seconds_at_48_khz() -> None:
    rate, hop, seconds = 48000, 480, 180
    n_frames = seconds * rate // hop
    only_20 = torch.zeros(n_frames, 20)
    only_20[:, 19] = 1.0
    f0 = np.float32(440.0 + 0.123 * np.sin(np.arange(n_frames) / 40.0))
    audio = render_harmonic(tone(f0, only_20), sample_rate=rate, hop_length=hop)[0]
    cycles = running_phase(draw_lines(f0.astype(np.float64), hop), rate)
    last_second = slice(-rate, None)
    expected = np.sin(2 * math.pi * ((20 * cycles[last_second]) % 1.0))
    assert difference_db(audio[last_second], expected) <= -80  # measured: -126; a float32 running sum: +3


@pytest.mark.parametrize("block", BLOCK_FRAMES)
def test_blocks_equal_the_whole(block: int) -> None:
    controls = wild()
    whole = render_harmonic(controls, **RATES)
    following = Controls(*map(following_frames, controls))
    state, parts = HarmonicState.start(controls, sample_rate=RATE), []
    for place in cut(130, block):
        audio, state = harmonic_synthesis(Controls(*(value[:, place] for value in following)), state, **RATES)
        parts.append(audio)
    assert (torch.cat(parts, dim=1) - whole).abs().max() < 1e-5


def test_clips_of_a_batch_do_not_hear_each_other() -> None:
    one, other = wild(20), wild(20)
    both = render_harmonic(Controls(*map(torch.cat, zip(one, other, strict=True))), **RATES)
    alone = torch.cat([render_harmonic(clip, **RATES) for clip in (one, other)])
    assert (both - alone).abs().max() < 1e-5


def test_twice_the_amplitude_is_twice_the_sound() -> None:
    controls = wild(20)
    loud = render_harmonic(controls._replace(amplitude=2 * controls.amplitude), **RATES)
    assert torch.allclose(loud, 2 * render_harmonic(controls, **RATES))


def slow_differentiable(controls: Controls) -> Tensor:
    """The same tone by autograd through every sine, float64."""
    f0 = controls.f0_hz[0, :, 0].detach().numpy()
    cycles = torch.from_numpy(running_phase(draw_lines(f0, HOP), RATE))
    peaks = harmonic_amplitudes(controls, sample_rate=RATE)[0]  # (n_frames, n_harmonics)
    right = torch.cat([peaks[1:], peaks[-1:]])
    ramp = (torch.arange(HOP).double() / HOP).view(1, -1, 1)
    lines = (peaks.unsqueeze(1) * (1 - ramp) + right.unsqueeze(1) * ramp).flatten(0, 1)
    numbers = torch.arange(1, peaks.shape[1] + 1)
    return (lines * torch.sin(2 * math.pi * cycles.unsqueeze(1) * numbers)).sum(dim=1)


def test_gradients_are_right_where_f0_crosses_nyquist() -> None:
    f0 = torch.tensor([300.0, 900.0, 2500.0, 9000.0, 2500.0, 0.0, 700.0]).double().view(1, -1, 1)
    leaves = [torch.rand(1, 7, 1).double(), torch.rand(1, 7, 12).double()]
    weights = torch.rand(7 * HOP).double()

    def gradients(play: object) -> list[Tensor]:
        amplitude, distribution = (leaf.clone().requires_grad_() for leaf in leaves)
        audio = play(Controls(f0, amplitude, distribution, torch.zeros(1, 7, 2).double()))
        return torch.autograd.grad((audio.flatten() * weights).sum(), (amplitude, distribution))

    for ours, slow in zip(
        gradients(lambda controls: render_harmonic(controls, **RATES)), gradients(slow_differentiable), strict=True
    ):
        assert difference_db(ours, slow) < -180  # float64 throughout
        assert slow.abs().max() > 0


def test_no_gradient_flows_to_f0() -> None:
    controls = wild(10)
    f0, amplitude = controls.f0_hz.requires_grad_(), controls.amplitude.requires_grad_()
    render_harmonic(controls._replace(f0_hz=f0, amplitude=amplitude), **RATES).square().sum().backward()
    assert f0.grad is None
    assert amplitude.grad.abs().sum() > 0


def test_frames_that_do_not_fit_are_refused() -> None:
    controls = steady(440.0)
    state = HarmonicState.start(controls, sample_rate=RATE)
    with pytest.raises(ShapeError, match="expected the same"):
        harmonic_synthesis(controls._replace(f0_hz=controls.f0_hz[:, :3]), state, **RATES)
