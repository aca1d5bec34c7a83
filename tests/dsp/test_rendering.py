"""The chain of all: harmonic, noise and room, at once, in blocks, and as it was when last listened to."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from dsp.blocks import BLOCK_FRAMES, cut
from luthier.dsp.convolution import ConvolutionState, convolve_block, fft_convolve
from luthier.dsp.harmonic import HarmonicState, harmonic_synthesis
from luthier.dsp.interpolation import following_frames
from luthier.dsp.noise import NoiseState, filtered_noise
from luthier.dsp.rendering import render_dry, render_harmonic, render_noise
from luthier.dsp.signals import Controls

RATES = {"sample_rate": 16000, "hop_length": 160}
HOP = 160


def phrase(n_frames: int) -> Controls:
    """A tone that glides and swells, with breath: formulas only, no random numbers."""
    time = torch.linspace(0, 1, n_frames).view(1, -1, 1)
    harmonics, bands = torch.arange(1, 21).view(1, 1, -1), torch.arange(33).view(1, 1, -1)
    strengths = torch.exp(-harmonics * (0.1 + 0.3 * time))
    return Controls(
        f0_hz=300 + 500 * time**2,
        amplitude=0.5 * torch.sin(math.pi * time),
        harmonic_distribution=strengths / strengths.sum(-1, keepdim=True),
        noise_magnitudes=0.05 * torch.exp(-bands / 10) * (1 + torch.sin(9 * time)),
    )


def hiss(n_samples: int) -> Tensor:
    """Something like noise, from a formula that gives the same on every machine."""
    chaos = torch.sin(torch.arange(1, n_samples + 1, dtype=torch.float64) * 12.9898) * 43758.5453
    return (2 * (chaos - chaos.floor()) - 1).float().unsqueeze(0)


def hall() -> Tensor:
    time = torch.arange(2000)
    return torch.exp(-time / 300) * torch.where(time == 0, 1.0, 0.05 * hiss(2000)[0])


def test_both_parts_are_those_of_the_single_synthesisers() -> None:
    controls, noise = phrase(30), hiss(30 * HOP)
    dry = render_dry(controls, noise, **RATES)
    assert torch.equal(dry.harmonic, render_harmonic(controls, **RATES))
    assert torch.equal(dry.noise, render_noise(controls.noise_magnitudes, noise, hop_length=HOP))
    assert dry.harmonic.abs().max() > 0.1
    assert dry.noise.abs().max() > 0.01


@pytest.mark.parametrize("block", BLOCK_FRAMES)
def test_the_chain_in_blocks_equals_the_chain_at_once(block: int) -> None:
    n_frames = 130
    controls, noise, room = phrase(n_frames), hiss(n_frames * HOP), hall()
    whole = fft_convolve(sum(render_dry(controls, noise, **RATES)), room)
    following = Controls(*map(following_frames, controls))
    harmonic = HarmonicState.start(controls, sample_rate=16000)
    breath = NoiseState.start(controls.noise_magnitudes[:, :1], noise[:, : 2 * HOP].flip(-1))
    sounding, parts = ConvolutionState.start(1, room), []
    for place in cut(n_frames, block):
        frames = Controls(*(value[:, place] for value in following))
        tone, harmonic = harmonic_synthesis(frames, harmonic, **RATES)
        samples = noise[:, place.start * HOP : place.stop * HOP]
        air, breath = filtered_noise(frames.noise_magnitudes, samples, breath, hop_length=HOP)
        wet, sounding = convolve_block(tone + air, room, sounding)
        parts.append(wet)
    assert (torch.cat(parts, dim=1) - whole).abs().max() < 1e-5


def test_one_frame_can_be_played() -> None:
    dry = render_dry(phrase(3)._replace(**{k: v[:, 1:2] for k, v in phrase(3)._asdict().items()}), hiss(HOP), **RATES)
    assert dry.harmonic.shape == dry.noise.shape == (1, HOP)
    assert dry.harmonic.abs().max() > 0.1


def test_sounds_as_when_last_listened_to(golden: Callable[..., None]) -> None:
    dry = render_dry(phrase(12), hiss(12 * HOP), **RATES)
    wet = fft_convolve(dry.harmonic + dry.noise, hall())
    # float32 sums of 20 harmonics and FFTs of other libraries: 1e-5.
    golden("dsp_chain", {"harmonic": dry.harmonic, "noise": dry.noise, "wet": wet}, atol=1e-5)
