"""Keeping rests silent and consonants unpitched, whatever an instrument makes of features it never met."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.dsp.signals import Controls, Features
from luthier.units import db_to_amplitude

VOICED_PERIODICITY = 0.5
LOUD_QUANTILE = 0.95
"""The level of loud frames, which single clicks do not reach."""
REST_BELOW_DB = 40.0
"""Frames further below the loud ones are rests."""
REST_SLOPE = 3.0
"""dB of attenuation for each dB below the edge of a rest: 27 dB further down nothing is left."""
DEEPEST_DB = -100.0
SHORTEST_SECONDS = 0.04
"""Pitched stretches and gaps shorter than this are the tracker's hesitation."""
FADE_SECONDS = 0.02


class NoteGate(NamedTuple):
    """Gains for each frame, (1, n_frames, 1) each, 0..1.

    Attributes:
        harmonic: zero where the input has no pitch or rests.
        noise: zero where the input rests.
    """

    harmonic: Tensor
    noise: Tensor

    def apply(self, controls: Controls, frames: slice) -> Controls:
        """Silence some frames' harmonics where the input has no pitch, and everything where it rests.

        Args:
            controls: what the instrument wants to play in these frames, (1, n_frames, ...).
            frames: which frames of the clip they are.
        """
        return controls._replace(
            amplitude=controls.amplitude * self.harmonic[:, frames],
            noise_magnitudes=controls.noise_magnitudes * self.noise[:, frames],
        )


def note_gate(features: Features, frame_rate: float) -> NoteGate:
    """Listen to a whole input for where it has notes.

    Args:
        features: of the input, (1, n_frames, 1) each.
        frame_rate: frames per second.
    """
    sounding = rest_gain(features)
    return NoteGate(sounding * voiced_gain(features, frame_rate), sounding)


def rest_gain(features: Features) -> Tensor:
    """Gain that falls steeply where the input is far quieter than its loud notes: (1, n_frames, 1), 0..1."""
    loud_db = features.loudness_db.quantile(LOUD_QUANTILE)
    below_db = (features.loudness_db - (loud_db - REST_BELOW_DB)).clamp_max(0.0)
    return db_to_amplitude((REST_SLOPE * below_db).clamp_min(DEEPEST_DB))


def voiced_gain(features: Features, frame_rate: float) -> Tensor:
    """Gain that is one where there is a pitch, with short fades: (1, n_frames, 1), 0..1."""
    voiced = (features.periodicity >= VOICED_PERIODICITY).to(features.periodicity.dtype).transpose(1, 2)
    shortest = _odd_frames(SHORTEST_SECONDS, frame_rate)
    closed = -_widened(-_widened(voiced, shortest), shortest)  # short gaps filled
    opened = _widened(-_widened(-closed, shortest), shortest)  # short stretches dropped
    fade = _odd_frames(FADE_SECONDS, frame_rate)
    faded = F.avg_pool1d(F.pad(opened, (fade // 2, fade // 2), mode="replicate"), fade, stride=1)
    return faded.transpose(1, 2)


def _odd_frames(seconds: float, frame_rate: float) -> int:
    return 2 * round(seconds * frame_rate / 2) + 1


def _widened(values: Tensor, n_frames: int) -> Tensor:
    """The maximum over a window of frames around each."""
    return torch.max_pool1d(F.pad(values, (n_frames // 2, n_frames // 2), mode="replicate"), n_frames, stride=1)
