"""What a pitch tracker hands over: a rough pitch at its own frames, and how to read it at ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from luthier.units import SEMITONES_PER_OCTAVE, hz_to_octaves, octaves_to_hz

TRACKER_RATE = 16000
"""Hz; every network here listens at this rate."""

VOICED_PERIODICITY = 0.5
"""From this periodicity on, a frame is voiced."""

BELIEVED_PERIODICITY = 0.3
"""From this periodicity on, a step's pitch is kept; below, the pitch comes from the steps around it."""

LEAP_SEMITONES = 1.0
LONGEST_LEAP_STEPS = 6
"""Believed steps this close in time but farther apart in pitch belong to two notes: nothing lies between them."""

DEFAULT_F0_HZ = 220.0
"""What a clip without any pitch gets: legal and audible as nothing, since its periodicity is 0."""


class Track(NamedTuple):
    """A rough pitch of one clip.

    Attributes:
        f0_hz: (n_steps,), Hz, positive. Step i describes the audio around sample i * step_samples at 16 kHz.
        periodicity: (n_steps,), 0..1.
        step_samples: samples at 16 kHz from one step to the next.
    """

    f0_hz: Tensor
    periodicity: Tensor
    step_samples: int


def join_tracks(pieces: Sequence[Track]) -> Track:
    """Join tracks of consecutive parts of a clip; all have the same step."""
    f0_hz = torch.cat([piece.f0_hz for piece in pieces])
    return Track(f0_hz, torch.cat([piece.periodicity for piece in pieces]), pieces[0].step_samples)


def read_track(track: Track, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Read a track at any positions: f0 in octaves between believed steps, held at the ends.

    From note to note the pitch leaps; across rests and doubtful stretches it moves in a straight line.

    Args:
        track: with at least one step.
        positions: (n_frames,), samples at 16 kHz, fractions allowed.

    Returns:
        f0_hz and periodicity, each (n_frames,). Where no step is voiced at all, f0 is `DEFAULT_F0_HZ`
        and the periodicity 0.
    """
    steps = (positions.double() / track.step_samples).numpy()
    if not bool((track.periodicity >= VOICED_PERIODICITY).any()):
        return torch.full(positions.shape, DEFAULT_F0_HZ), torch.zeros(positions.shape)
    believed = np.flatnonzero((track.periodicity >= BELIEVED_PERIODICITY).numpy())
    octaves = hz_to_octaves(track.f0_hz.double().numpy()[believed])
    f0_hz = octaves_to_hz(_between_believed(steps, believed, octaves))
    periodicity = np.interp(steps, np.arange(len(track.periodicity)), track.periodicity.numpy())
    return torch.from_numpy(f0_hz).float(), torch.from_numpy(periodicity).float()


def _between_believed(steps: np.ndarray, believed: np.ndarray, octaves: np.ndarray) -> np.ndarray:
    """Pitch at fractional steps: a straight line, but the nearer note where one note follows another."""
    line = np.interp(steps, believed, octaves)
    right = np.searchsorted(believed, steps).clip(0, len(believed) - 1)
    left = (right - 1).clip(0)
    leap_semitones = SEMITONES_PER_OCTAVE * np.abs(octaves[right] - octaves[left])
    is_new_note = (leap_semitones > LEAP_SEMITONES) & (believed[right] - believed[left] <= LONGEST_LEAP_STEPS)
    is_left_nearer = steps - believed[left] < believed[right] - steps
    inside = (steps > believed[0]) & (steps < believed[-1])
    return np.where(is_new_note & inside, np.where(is_left_nearer, octaves[left], octaves[right]), line)
