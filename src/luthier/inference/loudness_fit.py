"""Fitting another sound's loudness to what an instrument was trained on."""

from __future__ import annotations

import torch
from torch import Tensor

from luthier.dsp.signals import Features
from luthier.errors import RangeError

VOICED_PERIODICITY = 0.5
GATE_RANGE_DB = 40.0
"""Pitched frames further below the loudest one are tails and breaths, not notes."""


def is_note(features: Features) -> Tensor:
    """Say in which frames a note sounds: pitched, and not far below the loudest.

    Returns:
        (batch, n_frames, 1), bool.
    """
    loudest = features.loudness_db.amax(dim=1, keepdim=True)
    return (features.periodicity >= VOICED_PERIODICITY) & (features.loudness_db > loudest - GATE_RANGE_DB)


def loudness_shift_db(features: Features, instrument_quantiles_db: Tensor) -> float:
    """How many dB bring the median of the notes to the median of the instrument's notes.

    Args:
        features: of the input, (1, n_frames, 1) each.
        instrument_quantiles_db: (101,), quantiles of the instrument's loudness on pitched frames.

    Returns:
        dB to add; 0 where the input has no notes.
    """
    notes = features.loudness_db[is_note(features)]
    if len(notes) == 0:
        return 0.0
    return float(instrument_quantiles_db[len(instrument_quantiles_db) // 2] - notes.median())


def fit_loudness(features: Features, shift_db: float) -> Features:
    """Make all frames louder by so many dB.

    Raises:
        RangeError: the shift is not a finite number.
    """
    if not torch.isfinite(torch.tensor(shift_db)):
        raise RangeError(f"loudness shift {shift_db} dB: expected a finite number.")
    return features._replace(loudness_db=features.loudness_db + shift_db)


def standardise_loudness(features: Features, mean_db: float, std_db: float) -> Features:
    """Give the loudness of all frames the mean and the spread of the training recording.

    Source: the assignment's `get_example`, where a clip is normalised like the training recording.
    """
    level_db = features.loudness_db
    spread_db = level_db.std(correction=0).clamp_min(1e-3)  # a constant level has no spread to stretch
    return features._replace(loudness_db=(level_db - level_db.mean()) / spread_db * std_db + mean_db)
