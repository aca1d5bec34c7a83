"""Making an instrument as loud, note by note, as the melody asks.

An instrument answers a loudness as its player did: some notes of a saxophone are louder than others whatever one blows,
and a network has learned that, too, with errors of its own. Played by somebody else's melody, the contour is lost. One
that obeys has corrections left, for its own room and recordings; gates, morphs and colours change the level of all.

wanted loudness ───────────────────────► difference ─► smooth, limited ─► gain of all that is played
what the controls sound like ──────────►

The wanted loudness was measured in windows. One that obeys is as loud as it says at every moment, so it is told what
the moments were; others have learned what a window hides.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from luthier.dsp.controls_loudness import controls_loudness_db
from luthier.dsp.momentary_level import momentary_level_db
from luthier.dsp.signals import Controls, Features
from luthier.inference.loudness_fit import GATE_RANGE_DB, is_note
from luthier.inference.rendering import BLOCK_FRAMES, EditControls, cut_frames
from luthier.model.instrument import Instrument
from luthier.units import db_to_amplitude

SMOOTH_SECONDS = 0.07
"""Gains change no faster than this: a note's own beginning and noise stay. See below for those that obey."""
LEAST_DB, MOST_DB = -GATE_RANGE_DB, 12.0
"""A note may be turned down as far as notes lie below the loudest: an instrument that plays all equally loud has soft
ones, too. Turned up by more than this, it is a note that the instrument does not have, and its noise comes up."""
MOST_OBEYED_DB = GATE_RANGE_DB
"""Of one that obeys: its level is what was asked for but for a correction, which means little for a melody unlike its
recordings: notes of a saxophone were 28 dB too soft by it. So it is made good at once, without smoothing; noise
is as far below the tone at any level."""


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
        Gains whose median over the notes is about 0 dB: how loud it plays on the whole stays its own.
    """
    if strength == 0.0:
        return LevelFollow(torch.zeros_like(features.loudness_db))
    # Written into one tensor: small pieces kept between large ones that are freed would pin the memory of all of them.
    played_db, state = torch.empty_like(features.loudness_db), instrument.start(1)
    for start in range(0, features.f0_hz.shape[1], BLOCK_FRAMES):
        frames = slice(start, start + BLOCK_FRAMES)
        controls, state = instrument.controls_block(cut_frames(features, frames), state)
        played_db[:, frames] = controls_loudness_db(edit(controls, frames), instrument.config.features)
    missing_db, notes = features.loudness_db - played_db, is_note(features)
    if not bool(notes.any()):
        return LevelFollow(torch.zeros_like(missing_db))
    obeys, definition = "loudness" in instrument.config.obeys, instrument.config.features
    missing_db = (missing_db - missing_db[notes].median()).clamp(LEAST_DB, MOST_OBEYED_DB if obeys else MOST_DB)
    gain_db = _mean_around(missing_db, notes, definition.frame_rate)
    if obeys:
        sharper_db = momentary_level_db(features.loudness_db, definition) - features.loudness_db
        gain_db = torch.where(notes, missing_db, gain_db) + sharper_db
    return LevelFollow(strength * gain_db)


def _mean_around(values: Tensor, notes: Tensor, frame_rate: float) -> Tensor:
    """Mean over the frames of notes within `SMOOTH_SECONDS`; 0 where there are none."""
    width = 2 * round(SMOOTH_SECONDS * frame_rate / 2) + 1
    weights = notes.to(values)
    sums = [F.avg_pool1d(each.transpose(1, 2), width, 1, width // 2) for each in (values * weights, weights)]
    return (sums[0] / sums[1].clamp_min(0.5 / width)).transpose(1, 2)
