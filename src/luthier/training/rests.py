"""Who plays what is left after a note: the room, not the player.

A network that hears the loudness of a recording can play its reverberation as well as a room could. So it is told to be
quiet in frames in which nothing is played any more; the room plays on.

    level |----.   played
          |     :-.
          |     :  `--.._  rest: the recording, and the room
          |     :
          |      `--.._    what the player may be at most
          +--------------------->
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.analysis.room_decay import PITCHED, find_free_decays
from luthier.data.windows import Batch
from luthier.dsp.controls_loudness import SINE_POWER, UNIFORM_POWER
from luthier.dsp.signals import Controls, Features
from luthier.units import power_to_db

EVERY_STEPS = 3
"""Rests are looked for in one of so many steps, and count so many times as much: as well, at a third of the cost."""
PLAYER_WEIGHT = 0.05
"""Of a decibel that the player is too loud by, against the spectral distance."""
MARGIN_DB = 20.0
"""By how much the player must be softer than the recording where nothing is played."""
LEVEL_FRAMES = 5
"""Frames over which the level of a recording is taken: an odd number."""


def free_decays(batch: Batch, *, frame_rate: float, quiet_db: float) -> Tensor:
    """Find the frames of each window in which surely nothing is played, no other pitch at all: (batch, n_frames), bool."""
    rows = zip(*(values[..., 0] for values in batch.features[:3]), strict=True)
    find = partial(find_free_decays, frame_rate=frame_rate, quiet_db=quiet_db, next_note_periodicity=PITCHED)
    found = [find(Features(*row)) for row in rows]
    return torch.stack(found).to(batch.audio.device)


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
    harmonics = (controls.amplitude * controls.harmonic_distribution).square().sum(dim=-1) * SINE_POWER
    noise = UNIFORM_POWER * controls.noise_magnitudes.square().mean(dim=-1)
    padding = (LEVEL_FRAMES // 2) * hop_length
    recorded = F.avg_pool1d(audio.square().unsqueeze(1), LEVEL_FRAMES * hop_length, hop_length, padding).squeeze(1)
    excess_db = F.relu(power_to_db(harmonics + noise) - power_to_db(recorded) + MARGIN_DB)
    return (excess_db * is_free).sum() / is_free.sum().clamp_min(1)
