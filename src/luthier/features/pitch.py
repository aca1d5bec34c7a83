"""The pitch of a clip, frame by frame: one interface, several trackers, each made exact by refinement.

audio ─► 16 kHz ─► tracker (rough, at its own steps) ─► our frames, gaps filled ─► refinement ─► f0_hz, periodicity
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.framing import n_frames
from luthier.dsp.resampling import resample
from luthier.errors import ConfigError, RangeError
from luthier.features.audio_checks import check_audio
from luthier.features.cascade import track_cascade
from luthier.features.crepe import track_crepe_full, track_crepe_tiny
from luthier.features.high_range import Tracker, track_any_height
from luthier.features.refinement import refine
from luthier.features.swift import track_swift
from luthier.features.track import TRACKER_RATE, read_track

TRACKERS: dict[str, Tracker] = {
    "auto": track_cascade,
    "cascade": track_cascade,
    "swift": track_swift,
    "crepe-tiny": track_crepe_tiny,
    "crepe": track_crepe_full,
}
"""Name of a tracker -> function."""


class Pitch(NamedTuple):
    """The pitch of audio at frame rate.

    Attributes:
        f0_hz: (batch, n_frames, 1), Hz, positive; gaps are filled.
        periodicity: (batch, n_frames, 1), 0..1: confidence that there is a pitch; 0.5 and more is voiced.
    """

    f0_hz: Tensor
    periodicity: Tensor


def track_pitch(
    audio: Tensor,
    *,
    sample_rate: int,
    hop_length: int,
    tracker: str = "auto",
    f0_min_hz: float = 50.0,
    f0_max_hz: float = 2000.0,
) -> Pitch:
    """Measure the pitch around every multiple of `hop_length`.

    Across rests f0 moves in a straight line (in octaves), before the first note and after the last it is held,
    and from note to note it leaps; a clip without any pitch gets 220 Hz throughout and periodicity 0.

    Args:
        audio: (batch, n_samples), one voice.
        sample_rate: Hz.
        hop_length: samples from one frame to the next.
        tracker: one of `TRACKERS`.
        f0_min_hz: lowest pitch looked for, Hz.
        f0_max_hz: highest pitch looked for, Hz.

    Returns:
        f0 and periodicity, each (batch, n_frames, 1), on the device of the audio.

    Raises:
        ShapeError: audio is not (batch, n_samples) or has no samples.
        RangeError: a sample is NaN or infinite, or the range of pitches is empty.
        ConfigError: there is no tracker of that name.
        MissingExtraError: the tracker needs a package that is not installed.
    """
    check_audio(audio, sample_rate, hop_length)
    if tracker not in TRACKERS:
        raise ConfigError(f"tracker {tracker!r} does not exist; choose one of {', '.join(sorted(TRACKERS))}.")
    if not 0 < f0_min_hz < f0_max_hz:
        raise RangeError(f"f0_min_hz {f0_min_hz} and f0_max_hz {f0_max_hz}: expected 0 < f0_min_hz < f0_max_hz.")
    heard = resample(audio, sample_rate, TRACKER_RATE).detach().cpu()
    positions = _positions(n_frames(audio.shape[-1], hop_length), hop_length, sample_rate)
    pitches = [_track_clip(clip, positions, TRACKERS[tracker], (f0_min_hz, f0_max_hz)) for clip in heard]
    f0_hz, periodicity = (torch.stack(rows).unsqueeze(-1).to(audio.device) for rows in zip(*pitches, strict=True))
    return Pitch(f0_hz, periodicity)


def _positions(count: int, hop_length: int, sample_rate: int) -> Tensor:
    """(count,) places of our frames in samples at 16 kHz, float64: computed from whole numbers, never summed up."""
    return torch.arange(count, dtype=torch.float64) * hop_length * TRACKER_RATE / sample_rate


def _track_clip(
    clip: Tensor, positions: Tensor, tracker: Tracker, f0_range_hz: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """One clip (n_samples,) at 16 kHz to f0 and periodicity (n_frames,), refined and within the range."""
    f0_hz, periodicity = read_track(track_any_height(tracker, clip, *f0_range_hz), positions)
    centres = positions.round().long().clamp_max(len(clip) - 1)
    refined = refine(clip, f0_hz, periodicity, centres, sample_rate=TRACKER_RATE)
    return refined.clamp(*f0_range_hz), periodicity.clamp(0.0, 1.0)
