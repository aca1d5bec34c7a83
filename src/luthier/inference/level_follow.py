"""Making an instrument as loud, note by note, as the melody asks.

An instrument answers a loudness as its player did: some notes of a saxophone are louder than others whatever one blows,
and a network has learned that, too, with errors of its own. Played by somebody else's melody, the contour is lost.

wanted loudness ───────────────────────► difference ─► smooth, limited ─► gain of all that is played
what the controls sound like ──────────►
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.dsp.signals import Controls, Features
from luthier.features.loudness import a_weighting_power
from luthier.inference.loudness_fit import GATE_RANGE_DB, is_note
from luthier.inference.rendering import BLOCK_FRAMES, EditControls, cut_frames
from luthier.model.instrument import Instrument
from luthier.units import db_to_amplitude, power_to_db

SMOOTH_SECONDS = 0.07
"""Gains change no faster than this: a note's own beginning and noise stay."""
LEAST_DB, MOST_DB = -GATE_RANGE_DB, 12.0
"""A note may be turned down as far as notes lie below the loudest: an instrument that plays all equally loud has soft
ones, too. Turned up by more than this, it is a note that the instrument does not have, and its noise comes up."""
UNIFORM_POWER = 1.0 / 3.0
"""Of white noise, uniform in [-1, 1]."""


class LevelFollow(NamedTuple):
    """By how much each frame is played louder.

    Attributes:
        gain_db: (1, n_frames, 1).
    """

    gain_db: Tensor

    def apply(self, controls: Controls, frames: slice) -> Controls:
        """Play some frames louder or softer; their timbre stays."""
        gain = db_to_amplitude(self.gain_db[:, frames])
        return controls._replace(amplitude=gain * controls.amplitude, noise_magnitudes=gain * controls.noise_magnitudes)


@torch.no_grad()
def follow_level(
    instrument: Instrument, features: Features, edit: EditControls, *, strength: float = 1.0
) -> LevelFollow:
    """Find out how loud an instrument would play a melody, and what is missing.

    Args:
        instrument: what plays.
        features: what it is to follow, (1, n_frames, 1) each.
        edit: what is done to its controls before they are heard.
        strength: 1 follows the melody, 0 leaves the instrument alone, between them a part.

    Returns:
        Gains whose median over the notes is 0 dB: how loud it plays on the whole stays its own.
    """
    if strength == 0.0:
        return LevelFollow(torch.zeros_like(features.loudness_db))
    # Written into one tensor: small pieces kept between large ones that are freed would pin the memory of all of them.
    played_db, state = torch.empty_like(features.loudness_db), instrument.start(1)
    for start in range(0, features.f0_hz.shape[1], BLOCK_FRAMES):
        frames = slice(start, start + BLOCK_FRAMES)
        controls, state = instrument.controls_block(cut_frames(features, frames), state)
        played_db[:, frames] = controls_loudness_db(edit(controls, frames), sample_rate=instrument.config.sample_rate)
    missing_db, notes = features.loudness_db - played_db, is_note(features)
    if not bool(notes.any()):
        return LevelFollow(torch.zeros_like(missing_db))
    missing_db = (missing_db - missing_db[notes].median()).clamp(LEAST_DB, MOST_DB)
    return LevelFollow(strength * _mean_around(missing_db, notes, instrument.config.features.frame_rate))


def controls_loudness_db(controls: Controls, *, sample_rate: int) -> Tensor:
    """A-weighted level of what controls sound like, without playing them.

    Args:
        controls: (batch, n_frames, ...) each.
        sample_rate: Hz.

    Returns:
        (batch, n_frames, 1), dB.
    """
    strengths = controls.amplitude * controls.harmonic_distribution
    numbers = torch.arange(1, strengths.shape[-1] + 1).to(strengths)
    tone = (strengths.square() / 2.0 * a_weighting_power(controls.f0_hz * numbers)).sum(dim=-1, keepdim=True)
    bands_hz = torch.linspace(0.0, sample_rate / 2, controls.noise_magnitudes.shape[-1]).to(strengths)
    noise = (controls.noise_magnitudes.square() * a_weighting_power(bands_hz)).mean(dim=-1, keepdim=True)
    return power_to_db(tone + UNIFORM_POWER * noise)


def _mean_around(values: Tensor, notes: Tensor, frame_rate: float) -> Tensor:
    """Mean over the frames of notes within `SMOOTH_SECONDS`; 0 where there are none."""
    width = 2 * round(SMOOTH_SECONDS * frame_rate / 2) + 1
    weights = notes.to(values)
    sums = [F.avg_pool1d(each.transpose(1, 2), width, 1, width // 2) for each in (values * weights, weights)]
    return (sums[0] / sums[1].clamp_min(0.5 / width)).transpose(1, 2)
