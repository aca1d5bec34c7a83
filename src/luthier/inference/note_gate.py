"""Keeping rests silent and consonants unpitched, whatever an instrument makes of features it never met."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.dsp.signals import VOICED_PERIODICITY, Controls, Features
from luthier.errors import RangeError
from luthier.units import db_to_amplitude

LOUD_QUANTILE = 0.95
"""The level of loud frames, which single clicks do not reach."""
REST_SLOPE = 3.0
"""dB of attenuation for each dB below the edge of a rest: a third of `quiet_db` further down nothing is left."""
FEWEST_PITCHED = 10
"""Frames with a pitch that are more than the tracker's mistakes."""
SHORTEST_SECONDS = 0.04
"""Pitched stretches and gaps shorter than this are the tracker's hesitation."""
FADE_SECONDS = 0.02


class GateSettings(NamedTuple):
    """What counts as a rest, and what is heard of it.

    Attributes:
        gate_db: frames this far below the loud ones are rests, dB.
        quiet_db: the most by which a rest is turned down, dB.
        voicing: whether harmonics are silent where the input has no pitch.
    """

    gate_db: float = 40.0
    quiet_db: float = 100.0
    voicing: bool = True


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


def note_gate(features: Features, frame_rate: float, settings: GateSettings = GateSettings()) -> NoteGate:  # noqa: B008  immutable
    """Listen to a whole input for where it has notes.

    Args:
        features: of the input, (1, n_frames, 1) each.
        frame_rate: frames per second.
        settings: what counts as a rest.

    Raises:
        RangeError: a setting is negative or no number.
    """
    if not (settings.gate_db >= 0 and settings.quiet_db >= 0):
        raise RangeError(f"gate_db {settings.gate_db}, quiet_db {settings.quiet_db}: expected dB of 0 or more.")
    sounding = rest_gain(features, settings)
    return NoteGate(sounding * voiced_gain(features, frame_rate) if settings.voicing else sounding, sounding)


def rest_gain(features: Features, settings: GateSettings = GateSettings()) -> Tensor:  # noqa: B008  immutable
    """Gain that falls steeply where the input is far quieter than its loud notes: (1, n_frames, 1), 0..1."""
    below_db = (features.loudness_db - (loud_level_db(features) - settings.gate_db)).clamp_max(0.0)
    return db_to_amplitude((REST_SLOPE * below_db).clamp_min(-settings.quiet_db))


def loud_level_db(features: Features) -> Tensor:
    """How loud the loud notes are, dB: what rests are measured against."""
    loud_db = features.loudness_db.quantile(LOUD_QUANTILE)
    pitched_db = features.loudness_db[features.periodicity >= VOICED_PERIODICITY]
    if len(pitched_db) >= FEWEST_PITCHED:  # in a clip that is nearly all silence, loud frames are few
        loud_db = torch.maximum(loud_db, pitched_db.quantile(LOUD_QUANTILE))
    return loud_db


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
