"""Recordings with one fault planted in each: what the check-up must find."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from luthier.dsp.convolution import fft_convolve
from luthier.dsp.resampling import resample

Damage = Callable[[Tensor, int], Tensor]


def untouched(audio: Tensor, sample_rate: int) -> Tensor:
    return audio


def clipped(audio: Tensor, sample_rate: int) -> Tensor:
    """Cut at -8 dB below the peak, then turned down: the flat tops are not at full scale."""
    limit = float(audio.abs().max()) * 10 ** (-8 / 20)
    return 0.7 * audio.clamp(-limit, limit)


def with_hum(audio: Tensor, sample_rate: int) -> Tensor:
    """A sine of 50 Hz with an amplitude of -40 dB."""
    return audio + 0.01 * torch.sin(2 * math.pi * 50 * torch.arange(audio.shape[-1]) / sample_rate)


def with_noise(audio: Tensor, sample_rate: int) -> Tensor:
    """White noise 10 dB below the sound."""
    return audio + audio.square().mean().sqrt() * 10 ** (-10 / 20) * torch.randn(audio.shape)


def upsampled(audio: Tensor, sample_rate: int) -> Tensor:
    """Once stored at 8 kHz."""
    return resample(resample(audio, sample_rate, 8000), 8000, sample_rate)


def compressed(audio: Tensor, sample_rate: int) -> Tensor:
    """Nothing above 11 kHz, as an encoder at a low bit rate leaves it; a microphone's noise below."""
    noisy = audio + 10 ** (-70 / 20) * torch.randn(audio.shape)
    return resample(resample(noisy, sample_rate, 22050), 22050, sample_rate)


def detuned(audio: Tensor, sample_rate: int) -> Tensor:
    """30 cents higher, and shorter by as much."""
    return resample(audio, round(sample_rate * 2 ** (30 / 1200)), sample_rate)


def in_a_cathedral(audio: Tensor, sample_rate: int) -> Tensor:
    """A room that rings for four seconds, heard in a rest of three seconds after every five."""
    phrases = audio[:, : audio.shape[-1] // (5 * sample_rate) * 5 * sample_rate].reshape(-1, 5 * sample_rate)
    rested = torch.nn.functional.pad(phrases, (0, 3 * sample_rate)).reshape(1, -1)
    return _levelled(fft_convolve(rested, room_response(4.0, -6.0, sample_rate)), audio)


def room_response(t60_seconds: float, tail_db: float, sample_rate: int) -> Tensor:
    """The direct sound, and noise that dies away with this energy against it."""
    time = torch.arange(round(t60_seconds * sample_rate)) / sample_rate
    tail = torch.randn(len(time)) * torch.exp(-math.log(1000) / t60_seconds * time)
    response = tail / tail.square().sum().sqrt() * 10 ** (tail_db / 20)
    response[0] = 1.0
    return response


def with_company(audio: Tensor, sample_rate: int) -> Tensor:
    """A second player, nearly a major sixth lower, slower by as much, and elsewhere in the piece."""
    other = resample(audio, round(sample_rate * 2 ** (-8.7 / 12)), sample_rate)[:, : audio.shape[-1]]
    return _levelled(audio + other.roll(-3 * sample_rate, -1), audio)


def silent(audio: Tensor, sample_rate: int) -> Tensor:
    return torch.zeros_like(audio)


def _levelled(audio: Tensor, like: Tensor) -> Tensor:
    return audio * (like.abs().max() / audio.abs().max())


PLANTED: dict[str, tuple[Damage, set[str]]] = {
    "nothing": (untouched, set()),
    "clipping 8 dB below the peak": (clipped, {"level"}),
    "50 Hz hum at -40 dB": (with_hum, {"hum"}),
    "white noise at -10 dB": (with_noise, {"noise"}),
    "a stop at 8 kHz sample rate": (upsampled, {"bandwidth"}),
    "30 cents": (detuned, {"tuning"}),
    "a room of 4 s": (in_a_cathedral, {"room"}),
    "a second player": (with_company, {"voices"}),
    "silence": (silent, {"pitch", "level"}),
}
"""What was planted -> how, and the aspects that are found."""
