"""Rendering a whole clip: the block functions called once, aligned with the frames."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from luthier.dsp.harmonic import HarmonicState, harmonic_synthesis
from luthier.dsp.interpolation import following_frames
from luthier.dsp.noise import NoiseState, filtered_noise, noise_around_start
from luthier.dsp.signals import Controls


class Dry(NamedTuple):
    """The two parts of a sound before the room; their sum is the dry audio.

    Attributes:
        harmonic: (batch, n_samples).
        noise: (batch, n_samples).
    """

    harmonic: Tensor
    noise: Tensor


def render_harmonic(controls: Controls, *, sample_rate: int, hop_length: int) -> Tensor:
    """Play the harmonic part of a whole clip; sample t * hop_length sounds exactly as frame t says.

    Returns:
        (batch, n_frames * hop_length).
    """
    state = HarmonicState.start(controls, sample_rate=sample_rate)
    following = Controls(*map(following_frames, controls))
    return harmonic_synthesis(following, state, sample_rate=sample_rate, hop_length=hop_length)[0]


def render_noise(noise_magnitudes: Tensor, noise: Tensor, *, hop_length: int) -> Tensor:
    """Play the noise part of a whole clip, aligned with the frames.

    Args:
        noise_magnitudes: (batch, n_frames, n_bands), linear gains.
        noise: (batch, n_frames * hop_length), white, uniform in [-1, 1].
        hop_length: samples from one frame to the next.

    Returns:
        (batch, n_frames * hop_length).
    """
    state = NoiseState.start(noise_magnitudes[:, :1], noise_around_start(noise, hop_length=hop_length))
    return filtered_noise(following_frames(noise_magnitudes), noise, state, hop_length=hop_length)[0]


def render_dry(controls: Controls, noise: Tensor, *, sample_rate: int, hop_length: int) -> Dry:
    """Play a whole clip without a room.

    Args:
        controls: (batch, n_frames, ...) each.
        noise: (batch, n_frames * hop_length), white, uniform in [-1, 1].
        sample_rate: Hz.
        hop_length: samples from one frame to the next.

    Returns:
        Harmonic and noise part, each (batch, n_frames * hop_length).
    """
    harmonic = render_harmonic(controls, sample_rate=sample_rate, hop_length=hop_length)
    return Dry(harmonic, render_noise(controls.noise_magnitudes, noise, hop_length=hop_length))
