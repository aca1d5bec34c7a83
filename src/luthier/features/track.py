"""What a pitch tracker hands over: a rough pitch at its own frames, and how to read it at ours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from luthier.dsp.signals import VOICED_PERIODICITY
from luthier.units import SEMITONES_PER_OCTAVE, hz_to_octaves, octaves_to_hz

TRACKER_RATE = 16000
"""Hz; every network here listens at this rate."""

BELIEVED_PERIODICITY = 0.3
"""From this periodicity on, a step's pitch is kept; below, the pitch comes from the steps around it."""

LEAP_SEMITONES = 1.0
LONGEST_LEAP_STEPS = 6
"""Believed steps this close in time but farther apart in pitch belong to two notes: nothing lies between them."""

FRAMES_AT_ONCE = 1 << 15
"""Frames read in one go: what is worked out in double precision then stays small, whatever the length of the clip."""

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


class JoinedTrack:
    """The tracks of consecutive parts of a clip, copied into one as they come.

    Kept as they are, these small pieces would lie between the large ones that a tracker works with and pin their
    memory: gigabytes in a few hours of sound.
    """

    def __init__(self, step_samples: int, n_samples: int) -> None:
        self._step_samples, self._n_steps = step_samples, 0
        self._values = torch.empty(2, n_samples // step_samples + 2)  # a step at either end may round up

    def append(self, piece: Track) -> None:
        """Add the track of the next part; all have the same step."""
        after = self._n_steps + len(piece.f0_hz)
        self._values[:, self._n_steps : after] = torch.stack([piece.f0_hz, piece.periodicity])
        self._n_steps = after

    def track(self) -> Track:
        """All of it."""
        f0_hz, periodicity = self._values[:, : self._n_steps]
        return Track(f0_hz, periodicity, self._step_samples)


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
    if not bool((track.periodicity >= VOICED_PERIODICITY).any()):
        return torch.full(positions.shape, DEFAULT_F0_HZ), torch.zeros(positions.shape)
    believed = np.flatnonzero((track.periodicity >= BELIEVED_PERIODICITY).numpy())
    octaves = hz_to_octaves(track.f0_hz.double().numpy()[believed])
    every_step, confidence = np.arange(len(track.periodicity)), track.periodicity.numpy()
    f0_hz, periodicity = (np.empty(len(positions), dtype=np.float32) for _ in range(2))
    for start in range(0, len(positions), FRAMES_AT_ONCE):
        frames = slice(start, start + FRAMES_AT_ONCE)
        steps = positions[frames].double().numpy() / track.step_samples
        f0_hz[frames] = octaves_to_hz(_between_believed(steps, believed, octaves))
        periodicity[frames] = np.interp(steps, every_step, confidence)
    return torch.from_numpy(f0_hz), torch.from_numpy(periodicity)


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
