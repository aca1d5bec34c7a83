"""Who plays what is left after a note: the room, not the player.

A network that hears the loudness of a recording can play its reverberation as well as a room could, and in a spectral
distance it does so better: it need not guess how the room colours each tone. So the room learns where it is alone.

    level |----.   played         in frames in which nothing is played any more
          |     :-.               the player is muted, and the room compared with the recording;
          |     :  `--.._  rest   the player itself is told to be quiet
          +--------------------->
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.analysis.room_decay import find_free_decays
from luthier.data.windows import Batch
from luthier.dsp.convolution import fft_convolve
from luthier.dsp.signals import Controls
from luthier.dsp.spectra import stft_magnitude
from luthier.model.rooms import BAND_EDGES, DecayingRoom
from luthier.units import power_to_db, seconds_to_samples

EVERY_STEPS = 3
"""The room is taught in one of so many steps, and so many times as hard: as well, at a third of the cost."""
ROOM_WEIGHT = 0.1
"""Of a decibel of the room's error, against the spectral distance."""
TOO_LOUD = 2.0
"""A room louder than the recording is this many times worse than one that is softer: something may still be played,
nothing can be missing."""
PLAYER_WEIGHT = 0.05
"""Of a decibel that the player is too loud by."""
MARGIN_DB = 20.0
"""By how much the player must be softer than the recording where nothing is played."""
WINDOW_SECONDS = 0.064
LEVEL_FRAMES = 5
"""Frames over which the level of a recording is taken: an odd number."""
RELATIVE_EPSILON, SMALLEST_POWER = 1e-5, 1e-7
"""Power that counts as silence: part of the loudest of a band, and at least this (windows are not normalised)."""
UNIFORM_POWER = 1.0 / 3.0
"""Of white noise, uniform in [-1, 1]."""


def free_decays(batch: Batch, *, frame_rate: float, quiet_db: float) -> Tensor:
    """Find the frames of each window in which nothing is played: (batch, n_frames), bool."""
    features = batch.features
    rows = zip(features.loudness_db[..., 0], features.periodicity[..., 0], strict=True)
    found = [find_free_decays(*row, frame_rate=frame_rate, quiet_db=quiet_db) for row in rows]
    return torch.stack(found).to(batch.audio.device)


def room_error_db(room: DecayingRoom, dry: Tensor, audio: Tensor, is_free: Tensor) -> Tensor:
    """Compare the room alone with a recording, in bands.

    Args:
        room: its late part gets a gradient, nothing else.
        dry: (batch, n_samples), muted here where nothing is played.
        audio: (batch, n_samples), the recording.
        is_free: (batch, n_frames), bool.

    Returns:
        Mean difference over free frames and bands, dB, more for a room too loud than for one too soft: a scalar,
        0 without free frames.
    """
    rows = is_free.any(dim=1)
    if not bool(rows.any()):
        return dry.new_zeros(())
    frames = is_free[rows].to(dry.dtype)
    hop_length = dry.shape[-1] // is_free.shape[-1]
    played = F.interpolate(1.0 - frames.unsqueeze(1), size=dry.shape[-1], mode="linear").squeeze(1)
    alone = fft_convolve(dry[rows].detach() * played, room.early_response().detach() + room.late_response())
    wanted = _band_powers(audio[rows], room.sample_rate, hop_length)[:, : frames.shape[1]]
    found = _band_powers(alone, room.sample_rate, hop_length)[:, : frames.shape[1]]
    epsilon = wanted.amax(dim=1, keepdim=True) * RELATIVE_EPSILON + SMALLEST_POWER
    excess_db = power_to_db(found + epsilon) - power_to_db(wanted + epsilon)
    error_db = (TOO_LOUD * F.relu(excess_db) + F.relu(-excess_db)).mean(dim=-1) * 2.0 / (1.0 + TOO_LOUD)
    return (error_db * frames).sum() / frames.sum()


def player_excess_db(controls: Controls, audio: Tensor, is_free: Tensor) -> Tensor:
    """How much too loud the player is where nothing is played.

    Args:
        controls: (batch, n_frames, ...) each.
        audio: (batch, n_samples), the recording.
        is_free: (batch, n_frames), bool.

    Returns:
        Mean over free frames of what is above the recording less 20 dB, dB: a scalar, 0 without free frames.
    """
    hop_length = audio.shape[-1] // is_free.shape[-1]
    harmonics = (controls.amplitude * controls.harmonic_distribution).square().sum(dim=-1) / 2.0
    noise = UNIFORM_POWER * controls.noise_magnitudes.square().mean(dim=-1)
    padding = (LEVEL_FRAMES // 2) * hop_length
    recorded = F.avg_pool1d(audio.square().unsqueeze(1), LEVEL_FRAMES * hop_length, hop_length, padding).squeeze(1)
    excess_db = F.relu(power_to_db(harmonics + noise) - power_to_db(recorded) + MARGIN_DB)
    return (excess_db * is_free).sum() / is_free.sum().clamp_min(1)


def _band_powers(audio: Tensor, sample_rate: int, hop_length: int) -> Tensor:
    """(batch, n_frames, N_DECAY_BANDS), mean over the bins of a band; no band is empty."""
    n_fft = seconds_to_samples(WINDOW_SECONDS, sample_rate)
    power = stft_magnitude(audio, n_fft=n_fft, hop_length=hop_length).square()
    edges = [int(n_fft // 2 * edge) for edge in BAND_EDGES]
    return torch.stack([power[..., low + 1 : high + 1].mean(dim=-1) for low, high in pairwise(edges)], dim=-1)
