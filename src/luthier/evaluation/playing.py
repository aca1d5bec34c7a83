"""Letting instruments and controls sound, each with the noise that belongs to a seed."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.dsp.rendering import render_dry
from luthier.dsp.signals import Controls, Features
from luthier.model.instrument import Instrument, white_noise


def play_instrument(instrument: Instrument, features: Features, *, seed: int) -> Tensor:
    """Play features (batch, n_frames, 1) in the instrument's room: (batch, n_frames * hop_length), on the CPU."""
    features = _beside(instrument, features)
    return instrument(features, _noise(features.f0_hz, instrument.config.hop_length, seed)).cpu()


def play_without_room(instrument: Instrument, features: Features, *, seed: int) -> Tensor:
    """What `play_instrument` returns without the room, as loud."""
    features = _beside(instrument, features)
    noise = _noise(features.f0_hz, instrument.config.hop_length, seed)
    return (instrument.dry(instrument.controls(features), noise) * instrument.dry_gain()).cpu()


def play_controls(controls: Controls, *, sample_rate: int, hop_length: int, seed: int) -> Tensor:
    """Play controls (batch, n_frames, ...) on the bare synthesiser: (batch, n_frames * hop_length)."""
    noise = _noise(controls.f0_hz, hop_length, seed)
    dry = render_dry(controls, noise, sample_rate=sample_rate, hop_length=hop_length)
    return dry.harmonic + dry.noise


def _beside(instrument: Instrument, features: Features) -> Features:
    """The features on the instrument's device."""
    device = instrument.statistics.loudness_db_mean.device
    return features.map(lambda values: values.to(device))


def _noise(f0_hz: Tensor, hop_length: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return white_noise(f0_hz.shape[0], f0_hz.shape[1] * hop_length, generator, device=f0_hz.device)
