"""The pitch of a clip, frame by frame: one interface, several trackers, each made exact by refinement.

audio ─► 16 kHz ─► tracker (rough, at its own steps) ─► our frames, gaps filled ─► refinement ─► f0_hz, periodicity
         block by block                               whole clip             block by block
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from luthier.dsp.framing import n_frames
from luthier.errors import ConfigError, RangeError
from luthier.features.audio_checks import check_audio
from luthier.features.cascade import track_cascade
from luthier.features.crepe import track_crepe_full, track_crepe_tiny
from luthier.features.high_range import Tracker, track_any_height
from luthier.features.long_audio import BLOCK_SECONDS, Block, LongAudio, blocks_at_rate
from luthier.features.refinement import refine
from luthier.features.swift import release_network, track_swift
from luthier.features.track import TRACKER_RATE, JoinedTrack, Track, read_track

TRACKERS: dict[str, Tracker] = {
    "auto": track_cascade,
    "cascade": track_cascade,
    "swift": track_swift,
    "crepe-tiny": track_crepe_tiny,
    "crepe": track_crepe_full,
}
"""Name of a tracker -> function."""

SOFT_PEAK, MOST_GAIN = 0.1, 100.0
"""Trackers know silence by its level: of a voice that peaks at -60 dB they lose a fifth of the notes. What peaks below
-20 dB is heard as if it did there, but for what is raised by more than 40 dB, which is silence."""


class Pitch(NamedTuple):
    """The pitch of audio at frame rate.

    Attributes:
        f0_hz: (batch, n_frames, 1), Hz, positive; gaps are filled.
        periodicity: (batch, n_frames, 1), 0..1: confidence that there is a pitch; 0.5 and more is voiced.
    """

    f0_hz: Tensor
    periodicity: Tensor


def track_pitch(
    audio: Tensor | LongAudio,
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
        audio: (batch, n_samples), one voice, or long audio.
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
    clip = check_audio(audio, sample_rate, hop_length)
    check_tracking(tracker, f0_min_hz, f0_max_hz)
    tracks = _track_blocks(TRACKERS[tracker], clip, sample_rate, (f0_min_hz, f0_max_hz))
    positions = _positions(n_frames(clip.n_samples, hop_length), hop_length, sample_rate)
    rough = [torch.stack(rows) for rows in zip(*(read_track(track, positions) for track in tracks), strict=True)]
    f0_hz = _refine_blocks(clip, sample_rate, rough[0], rough[1], positions).clamp(f0_min_hz, f0_max_hz)
    device = clip.read(0, 0).device
    return Pitch(f0_hz.unsqueeze(-1).to(device), rough[1].clamp(0.0, 1.0).unsqueeze(-1).to(device))


def check_tracking(tracker: str, f0_min_hz: float, f0_max_hz: float) -> None:
    """Refuse what `track_pitch` cannot do, before anything is read.

    Raises:
        ConfigError: there is no tracker of that name.
        RangeError: the range of pitches is empty.
    """
    if tracker not in TRACKERS:
        raise ConfigError(f"tracker {tracker!r} does not exist; choose one of {', '.join(sorted(TRACKERS))}.")
    if not 0 < f0_min_hz < f0_max_hz:
        raise RangeError(f"f0_min_hz {f0_min_hz} and f0_max_hz {f0_max_hz}: expected 0 < f0_min_hz < f0_max_hz.")


def _positions(count: int, hop_length: int, sample_rate: int) -> Tensor:
    """(count,) places of our frames in samples at 16 kHz, float64: computed from whole numbers, never summed up."""
    return torch.arange(count, dtype=torch.float64) * hop_length * TRACKER_RATE / sample_rate


def _track_blocks(tracker: Tracker, clip: LongAudio, sample_rate: int, f0_range_hz: tuple[float, float]) -> list[Track]:
    """A rough track of each clip of the batch, joined from those of its blocks."""
    joined: list[JoinedTrack] = []
    gains = _gains(clip, sample_rate)
    for block in blocks_at_rate(clip, sample_rate, TRACKER_RATE):
        pieces = [_described(block, track_any_height(tracker, audio, *f0_range_hz)) for audio in block.audio * gains]
        n_samples = -(-clip.n_samples * TRACKER_RATE // sample_rate)
        joined = joined or [JoinedTrack(piece.step_samples, n_samples) for piece in pieces]
        for whole, piece in zip(joined, pieces, strict=True):
            whole.append(piece)
    if clip.n_samples > BLOCK_SECONDS * sample_rate:
        release_network()  # what follows grows with the clip: the two are never held together
    return [whole.track() for whole in joined]


def _gains(clip: LongAudio, sample_rate: int) -> Tensor:
    """(batch, 1) factors that bring soft clips to a level at which trackers hear as well as ever."""
    seconds = range(0, clip.n_samples, BLOCK_SECONDS * sample_rate)
    peaks = [clip.read(start, min(start + seconds.step, clip.n_samples)).abs().amax(dim=1) for start in seconds]
    peak = torch.stack(peaks).amax(dim=0).detach().cpu()
    return (SOFT_PEAK / peak.clamp_min(SOFT_PEAK / MOST_GAIN)).clamp_min(1.0).unsqueeze(1)


def _described(block: Block, track: Track) -> Track:
    """The steps of a block's track that do not belong to its context."""
    first, last = ((end - block.offset) / track.step_samples for end in (block.start, block.stop))
    steps = slice(round(first), math.ceil(last))
    return Track(track.f0_hz[steps], track.periodicity[steps], track.step_samples)


def _refine_blocks(clip: LongAudio, sample_rate: int, f0_hz: Tensor, periodicity: Tensor, positions: Tensor) -> Tensor:
    """Refine rough pitches (batch, n_frames) at positions (n_frames,) in samples at 16 kHz."""
    refined = torch.empty_like(f0_hz)  # written into: see `loudness._level_db`
    for block in blocks_at_rate(clip, sample_rate, TRACKER_RATE):
        inside = slice(*torch.searchsorted(positions, torch.tensor([block.start, block.stop]).double()).tolist())
        centres = (positions[inside].round().long() - block.offset).clamp_max(block.audio.shape[-1] - 1)
        for row, audio in enumerate(block.audio):
            rough = f0_hz[row, inside], periodicity[row, inside]
            refined[row, inside] = refine(audio, *rough, centres, sample_rate=TRACKER_RATE)
    return refined
